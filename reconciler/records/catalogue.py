"""The catalogue of files: what each digest stands for."""

from __future__ import annotations

import threading

from reconciler.ports import Files


class Remembered:
    """Fills ``ports.Catalogue`` for one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[str, Files] = {}

    def files(self, digest: str) -> Files | None:
        """The files that a digest stands for; None when nobody has said so here."""
        with self._lock:
            return self._files.get(digest)

    def remember(self, files: Files) -> str:
        """Let this process know what a digest stands for, and return it."""
        with self._lock:
            self._files[files.digest] = files
        return files.digest

    def keep(self, digest: str) -> None:
        """Nothing outlives this process."""
