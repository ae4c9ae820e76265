"""Watches a repository: a moved branch, or a changed file of a working tree, rings the bell.

A watch takes a moment to be in place, on a busy machine a long one: what moved meanwhile is found by looking.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog
from watchfiles import Change, watch

_log = structlog.get_logger()
_REFS = ("HEAD", "packed-refs")
_SETTLE_MS = 200
"""Changes that come closer together than this ring once."""
_QUIET_MS = 500
"""After so long without a change the watch is surely in place."""
_Seen = dict[Path, tuple[int, int]]


@contextmanager
def watching(repository: Path, folders: Sequence[str], moved: Callable[[], None]) -> Iterator[None]:
    """Call ``moved`` whenever a branch moves while the block runs; with ``folders``, whenever a file in them does."""
    stop = threading.Event()
    places = [(folder, True) for folder in _existing(repository, folders)]
    found = git_folder(repository)
    if found is not None:
        places += [(found / "refs", True), (found, False)]
    threads = [
        threading.Thread(
            target=_watch, args=(place, deep, _seen(place, deep), moved, stop), name=f"watch {place.name}", daemon=True
        )
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


def _counts(path: Path, *, deep: bool) -> bool:
    return not path.name.endswith(".lock") and (deep or path.name in _REFS)


def _seen(place: Path, deep: bool) -> _Seen:
    """When each file that counts was changed, and which file it is."""
    found = {}
    for folder, _, names in os.walk(place):
        for name in names:
            path = Path(folder, name)
            if _counts(path, deep=deep):
                with suppress(OSError):
                    there = path.stat()
                    found[path] = (there.st_mtime_ns, there.st_ino)
        if not deep:
            break
    return found


def _watch(place: Path, deep: bool, before: _Seen, moved: Callable[[], None], stop: threading.Event) -> None:
    def counts(_change: Change, path: str) -> bool:
        return _counts(Path(path), deep=deep)

    in_place = False
    try:
        for changes in watch(
            place,
            watch_filter=counts,
            debounce=_SETTLE_MS,
            step=50,
            stop_event=stop,
            recursive=deep,
            rust_timeout=_QUIET_MS,
            yield_on_timeout=True,
        ):
            if changes or (not in_place and _seen(place, deep) != before):
                moved()
            in_place = True
    except (OSError, RuntimeError) as error:
        _log.warning("cannot watch: only the interval counts now", place=str(place), why=str(error))
