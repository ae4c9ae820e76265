"""What a storage said of each file, kept so that it is asked for once: listings show neither marks nor checksums.

A row holds while the file's version in the listing is the same: its ETag, size, time of the last change. The file that
they are kept in may be deleted at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.drivers.remembered import remembered

_SCHEMA = "CREATE TABLE IF NOT EXISTS head (path TEXT PRIMARY KEY, version TEXT, uid TEXT, checksums TEXT)"
_CURE = "; it may be deleted"


@dataclass(frozen=True, slots=True)
class Head:
    """The mark and the checksums of one file."""

    uid: str = ""
    checksums: frozenset[str] = frozenset()


class Heads:
    """The heads of one storage; without a file they are kept in memory."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._memory: dict[str, tuple[str, Head]] = {}

    def read(self) -> Mapping[str, tuple[str, Head]]:
        """Path -> (version, head)."""
        if self._file is None:
            return dict(self._memory)
        if not self._file.exists():
            return {}
        with remembered(self._file, _SCHEMA, _CURE) as connection:
            rows = connection.execute("SELECT path, version, uid, checksums FROM head").fetchall()
        return {path: (version, Head(uid, frozenset(sums.split()))) for path, version, uid, sums in rows}

    def keep(self, heads: Mapping[str, tuple[str, Head]]) -> None:
        """Remember these."""
        self._memory.update(heads if self._file is None else {})
        if self._file is None or not heads:
            return
        rows = [(path, version, h.uid, " ".join(sorted(h.checksums))) for path, (version, h) in heads.items()]
        with remembered(self._file, _SCHEMA, _CURE) as connection:
            connection.executemany("INSERT OR REPLACE INTO head VALUES (?, ?, ?, ?)", rows)

    def forget(self, paths: Iterable[str]) -> None:
        """Drop these: we are about to change them."""
        gone = [(path,) for path in paths]
        for (path,) in gone:
            self._memory.pop(path, None)
        if self._file is None or not self._file.exists() or not gone:
            return
        with remembered(self._file, _SCHEMA, _CURE) as connection:
            connection.executemany("DELETE FROM head WHERE path = ?", gone)
