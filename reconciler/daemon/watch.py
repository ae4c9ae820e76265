"""Watches a repository: a moved branch, or a changed file of a working tree, rings the bell."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog
from watchfiles import Change, watch

_log = structlog.get_logger()
_REFS = ("HEAD", "packed-refs")
_SETTLE_MS = 200
"""Changes that come closer together than this ring once."""


@contextmanager
def watching(repository: Path, folders: Sequence[str], moved: Callable[[], None]) -> Iterator[None]:
    """Call ``moved`` whenever a branch moves while the block runs; with ``folders``, whenever a file in them does."""
    stop = threading.Event()
    places = [(folder, True) for folder in _existing(repository, folders)]
    found = git_folder(repository)
    if found is not None:
        places += [(found / "refs", True), (found, False)]
    threads = [
        threading.Thread(target=_watch, args=(place, deep, moved, stop), name=f"watch {place.name}", daemon=True)
        for place, deep in places
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def git_folder(repository: Path) -> Path | None:
    """Where the branches of a repository are: bare, with a working tree, or one of several working trees."""
    for folder in (repository, *repository.absolute().parents):
        if (folder / "refs").is_dir() and (folder / "HEAD").is_file():
            return folder
        inner = folder / ".git"
        if inner.is_dir():
            return inner
        if inner.is_file():
            own = (folder / inner.read_text(encoding="utf-8").removeprefix("gitdir:").strip()).resolve()
            common = own / "commondir"
            return (own / common.read_text(encoding="utf-8").strip()).resolve() if common.is_file() else own
    return None


def _existing(repository: Path, folders: Sequence[str]) -> list[Path]:
    return [repository / folder for folder in folders if (repository / folder).is_dir()]


def _watch(place: Path, deep: bool, moved: Callable[[], None], stop: threading.Event) -> None:
    def counts(_change: Change, path: str) -> bool:
        return not path.endswith(".lock") and (deep or Path(path).name in _REFS)

    try:
        for _ in watch(
            place, watch_filter=counts, debounce=_SETTLE_MS, step=50, stop_event=stop, recursive=deep, rust_timeout=500
        ):
            moved()
    except (OSError, RuntimeError) as error:
        _log.warning("cannot watch: only the interval counts now", place=str(place), why=str(error))
