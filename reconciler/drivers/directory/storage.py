"""Directory: fills the storage port with a directory.

A copy is written under a hidden name, verified, synced, entered in the index and only then renamed into place. Killed
at any moment it leaves either the complete, marked file or nothing that is listed.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from reconciler.drivers.directory.errors import translated
from reconciler.drivers.directory.files import (
    checked,
    first_written,
    removed_empty,
    renamed,
    sync_folder,
    synced,
    tallied,
)
from reconciler.drivers.directory.incoming import arriving, forget_landings, inodes, sweep, taken
from reconciler.drivers.directory.index import Index, Row
from reconciler.drivers.directory.scan import OWN, escaped, is_text, walk
from reconciler.drivers.fetch import Tally, out_of_space, pieces, shown
from reconciler.drivers.prefixes import Prefixes
from reconciler.errors import Conflict, Terminal, Transient
from reconciler.ports import Copy, Listing, Source, Space, StoredFile

_log = logging.getLogger(__name__)
_SWEEP_EVERY = 3600.0
_RACY_NS = 2_000_000_000
"""A file changed this shortly before it was read may change again without its time stamp showing it."""
_TICK_NS = 50_000_000
"""How coarse the kernel's own clock of changes is, at most."""


class Directory:
    """A directory as a storage. Safe between threads and between processes."""

    def __init__(  # noqa: PLR0913 (all but two are keywords)
        self,
        name: str,
        root: Path,
        *,
        capacity: int | None = None,
        min_free: int = 0,
        known: Path | None = None,
        sums: Path | None = None,
        make_root: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``known`` is a file that remembers which directory this was; ``clock`` tells seconds since the epoch.

        ``sums`` is a file that remembers checksums for as long as nothing of ours is in the directory.
        """
        self._name, self._root, self._own = name, root, root / OWN
        self._capacity, self._min_free = capacity, min_free
        self._known, self._make_root, self._clock = known, make_root, clock
        self._index = Index(self._own / "index.sqlite")
        self._sums = Index(sums) if sums is not None else None
        self._swept = 0.0

    # -- reading ---------------------------------------------------------------------------------------------------

    def listing(self, prefixes: Iterable[str] = ("",), token: str = "") -> Listing:  # noqa: ARG002
        """List files under any of the prefixes in one pass. There is no sound token for a directory: always "".

        A file that changed since its checksums were taken is read again. Files without our mark are read only when
        a prefix other than "" asks for them.
        """
        asked = tuple(prefixes)
        if not self._attached():
            return Listing({})
        missed: list[str] = []
        odd: list[str] = []
        with translated(f"{self._name}: {self._root}"):
            found = list(walk(self._root, Prefixes(asked), lambda path, _error: missed.append(path), odd.append))
        if odd:
            _left_out(self._name, self._root, min(odd), len(odd))
        known, close = self._rows(), Prefixes(p for p in asked if p)
        files: dict[str, StoredFile] = {}
        fresh: list[Row] = []
        for path, stat in found:
            try:
                row = self._described(path, stat, known.get(path, ()), wanted=close.cover(path), fresh=fresh)
            except FileNotFoundError:
                continue
            except OSError:
                missed.append(path)
                continue
            modified, accessed = (datetime.fromtimestamp(t, UTC) for t in (row.mtime_ns / 1e9, stat.st_atime))
            files[path] = StoredFile(path, row.size, row.checksums, row.uid, modified, accessed)
        self._remember(fresh)
        return Listing(files, complete=not missed)

    def source(self, path: str) -> Source:
        """The ``file://`` URL of ``path``."""
        return Source(self._file(path).absolute().as_uri())

    def space(self) -> Space:
        """What the federation has put there, and what the disk and the capacity leave for more."""
        if not self._attached() or not self._root.is_dir():
            return Space(0, self._capacity)
        with translated(f"{self._name}: {self._root}"):
            free = max(0, shutil.disk_usage(self._root).free - self._min_free)
        used = self._index.used()
        return Space(used, free if self._capacity is None else max(0, min(free, self._capacity - used)))

    def _rows(self) -> Mapping[str, tuple[Row, ...]]:
        return {**self._sums.rows(), **self._index.rows()} if self._sums is not None else self._index.rows()

    def _remember(self, fresh: list[Row]) -> None:
        """Keep what was read: beside the data, or else by ourselves, for looking must not write there."""
        if self._sums is None or self._own.is_dir():
            self._index.remember(fresh)
        elif fresh:
            with suppress(OSError):
                self._sums.file.parent.mkdir(parents=True, exist_ok=True)
            self._sums.remember(fresh)

    def _described(
        self, path: str, stat: os.stat_result, rows: tuple[Row, ...], *, wanted: bool, fresh: list[Row]
    ) -> Row:
        """The row that holds for the file as it is now; rows worth keeping are added to ``fresh``."""
        same = next((row for row in rows if row.inode == stat.st_ino), None)
        if same is not None and same.describes(stat) and (same.checksums or not wanted):
            if same.ctime_ns is None and self._settled(stat):
                fresh.append(replace(same, ctime_ns=stat.st_ctime_ns))
            return same
        unread = Row(path, stat.st_ino, stat.st_size, stat.st_mtime_ns, frozenset(), same.uid if same else "")
        if not rows and not wanted:
            return unread
        stat, checksums = checked(self._root / path)
        uid = same.uid if same else _restored(rows, checksums)
        row = Row(path, stat.st_ino, stat.st_size, stat.st_mtime_ns, checksums, uid, stat.st_ctime_ns)
        if checksums and self._settled(stat):
            fresh.append(row)
        return row

    def _settled(self, stat: os.stat_result) -> bool:
        """Whether its times would tell another write from the last one."""
        now = self._clock() * 1e9
        return stat.st_mtime_ns < now - _RACY_NS and stat.st_ctime_ns < now - _TICK_NS

    def _attached(self) -> bool:
        """False for an embedded storage that was never written; raises when the directory is not the one it was."""
        known = self._known.read_text(encoding="ascii") if self._known and self._known.exists() else ""
        with translated(f"{self._name}: {self._root}"):
            if not self._root.is_dir():
                if self._make_root and not known:
                    return False
                raise Transient(f"{self._name}: {self._root} is not there; is it mounted?")
            found = self._identity()
        if known and found != known:
            cure = f"if its data is really gone, delete {self._known}"
            raise Transient(f"{self._name}: {self._root} is not the directory used before; is it mounted? {cure}")
        return True

    def _identity(self) -> str:
        with suppress(FileNotFoundError):
            return (self._own / "id").read_text(encoding="ascii")
        return ""

    # -- writing ---------------------------------------------------------------------------------------------------

    def copy_in(self, copy: Copy) -> StoredFile:
        """Copy one file in. It replaces what stands under its path, atomically; on failure that stays."""
        goal = self._file(copy.path)
        self._prepare()
        self._room(copy.path, copy.size or 0, copy.size or 0)
        tally = Tally()
        with translated(f"{self._name}: {copy.path}"), arriving(self._own / "incoming") as (part, stream):
            with pieces(copy.source) as source:
                for piece in source:
                    tally.add(piece)
                    stream.write(piece)
                    self._arrived(copy, tally, len(piece))
            tally.verify(copy.source.url, copy.size, copy.checksum)
            row = synced(copy, stream, tally, self._clock())
            self._show(part, goal, row)
        return StoredFile(copy.path, tally.size, tally.checksums, copy.uid)

    def landing(self, path: str, uid: str) -> Source:
        """Where another may write what is to be ``path``: beside the files, always under the same name."""
        self._file(path)
        self._prepare()
        return Source(self._landing(path, uid).absolute().as_uri())

    def land(self, copy: Copy) -> StoredFile:
        """Verify what was written at the landing, and show it under its name with our mark."""
        goal, landing = self._file(copy.path), self._landing(copy.path, copy.uid)
        self._prepare()
        if not landing.exists():
            raise Conflict(f"{self._name}: nothing was written for {copy.path}")
        with translated(f"{self._name}: {copy.path}"), taken(landing, self._own / "incoming") as (part, stream):
            tally = tallied(stream)
            tally.verify(copy.source.url, copy.size, copy.checksum)
            row = synced(copy, stream, tally, self._clock())
            self._show(part, goal, row)
        return StoredFile(copy.path, tally.size, tally.checksums, copy.uid)

    def _landing(self, path: str, uid: str) -> Path:
        return self._own / "landing" / hashlib.sha256(f"{uid}/{path}".encode()).hexdigest()[:40]

    def mark(self, path: str, uid: str) -> None:
        """Put our mark on a file that is there."""
        file = self._file(path)
        self._prepare()
        with translated(f"{self._name}: {path}"):
            try:
                stat, checksums = checked(file)
            except FileNotFoundError as error:
                raise Conflict(f"{self._name}: {path} is gone") from error
        self._index.reserve(Row(path, stat.st_ino, stat.st_size, stat.st_mtime_ns, checksums, uid), None)

    def remove(self, path: str) -> None:
        """Take a file away, and the folders that it leaves empty."""
        file = self._file(path)
        if not self._attached():
            return
        with translated(f"{self._name}: {path}"):
            self._inside(file)
            file.unlink(missing_ok=True)
            sync_folder(file.parent)
            self._forget_replaced(file, path)
            for folder in file.relative_to(self._root).parents:
                if folder != Path() and not removed_empty(self._root / folder):
                    break

    def _file(self, path: str) -> Path:
        parts = path.split("/")
        if any(part in ("", ".", "..") or "\0" in part for part in parts) or parts[0] == OWN or not is_text(path):
            raise Terminal(f"{self._name}: {path!r} is not a path under a storage's root")
        return self._root.joinpath(*parts)

    def _inside(self, file: Path) -> None:
        """Refuse a path that a symbolic link leads out of the root."""
        root, folder = self._root.resolve(), file.parent.resolve()
        if folder != root and root not in folder.parents:
            raise Terminal(f"{self._name}: {file.relative_to(self._root)} leads out of the storage, to {folder}")

    def _prepare(self) -> None:
        """Make what a write needs, and clean up behind writers that were killed."""
        self._attached()
        with translated(f"{self._name}: {self._root}"):
            if self._make_root:
                self._root.mkdir(parents=True, exist_ok=True)
            for folder in ("incoming", "landing"):
                (self._own / folder).mkdir(parents=True, exist_ok=True)
            if self._known is not None and not self._known.exists():
                self._introduce(self._known)
            sweep(self._own / "incoming", self._clock(), self._index.forget_inode)
            if self._clock() - self._swept > _SWEEP_EVERY:
                self._swept = self._clock()
                forget_landings(self._own / "landing", self._clock())

    def _introduce(self, known: Path) -> None:
        """Write down, here and there, that this directory is the storage."""
        first_written(self._own / "id", secrets.token_hex(16))
        known.parent.mkdir(parents=True, exist_ok=True)
        first_written(known, self._identity())

    def _room(self, path: str, more: int, size: int) -> None:
        """Raise when ``more`` bytes cannot be written, or a file of ``size`` bytes can never fit."""
        with translated(f"{self._name}: {self._root}"):
            free = shutil.disk_usage(self._root).free - self._min_free
        if more > free:
            raise out_of_space(f"{self._name}: {path} needs {more} bytes and {max(free, 0)} are free")
        if free < 0:
            raise out_of_space(f"{self._name}: {self._min_free} bytes must stay free, {free + self._min_free} are")
        if self._capacity is not None and size > self._capacity:
            raise out_of_space(f"{self._name}: {path} has {size} bytes, the whole storage takes {self._capacity}")

    def _arrived(self, copy: Copy, tally: Tally, count: int) -> None:
        if copy.progress is not None:
            copy.progress(count)
        if copy.size is not None and tally.size > copy.size:
            raise Terminal(f"{shown(copy.source.url)} has more than the {copy.size} bytes expected")
        self._room(copy.path, 0, tally.size)

    def _show(self, part: Path, goal: Path, row: Row) -> None:
        if not self._index.reserve(row, self._capacity):
            used, said = self._index.used(), f"{self._name}: {row.path} needs {row.size} bytes"
            raise out_of_space(f"{said}; {used} of {self._capacity} are used")
        try:
            renamed(part, goal, self._inside)
        except BaseException:
            self._index.forget_inode(row.inode)
            raise
        self._forget_replaced(goal, row.path)

    def _forget_replaced(self, goal: Path, path: str) -> None:
        """Drop the rows of files that stood here before.

        The order matters, as others may copy to the same path: every row up to the latest had its file under
        ``incoming`` when it was written, so that one which is neither there nor here has been replaced.
        """
        if not (self._own / "incoming").is_dir():
            return
        latest = self._index.latest(path)
        alive = inodes(self._own / "incoming")
        with suppress(FileNotFoundError):
            alive.add(goal.lstat().st_ino)
        self._index.settle(path, latest, alive)


@lru_cache(maxsize=1024)
def _left_out(name: str, root: Path, first: str, count: int) -> None:
    """Say what is left out of a listing: once, and again when that is something else."""
    _log.warning(
        "%s: %d names under %s are no text or too long and are left out, first %s", name, count, root, escaped(first)
    )


def _restored(rows: tuple[Row, ...], checksums: frozenset[str]) -> str:
    """The mark of a file that was put back under its path with the content we knew; "" for another's file."""
    return next((row.uid for row in rows if checksums and row.checksums == checksums), "")
