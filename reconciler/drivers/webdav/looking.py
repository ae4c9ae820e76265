"""Looking at a WebDAV storage: two trees, of data and of marks, and a closer look only at what may have changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import chain

from reconciler.drivers.fetch import Tally
from reconciler.drivers.heads import Head, Heads
from reconciler.drivers.prefixes import Prefixes
from reconciler.drivers.webdav.client import Client
from reconciler.drivers.webdav.marks import MARKS, OWN, Mark, Marks, by_key, folder, key, renewed, stamp
from reconciler.drivers.webdav.multistatus import Entry
from reconciler.drivers.webdav.options import Options
from reconciler.errors import DriverError, Transient
from reconciler.ports import Listing, StoredFile

ALGORITHMS = ("adler32", "md5")
_FEW = 20
"""Prefixes that are looked for one by one; of more than these the common part is listed."""
_DAY = 86400.0
_SMALL = 64 * 1024
"""Bytes up to which a file is read and its checksum not asked for: servers remember an old one for a second, and some
sum only a few files at a time."""
_READ_INSTEAD = 64 << 20
"""Bytes up to which a file is read when the server is too busy to sum it."""
_MOST_SWEPT = 200
_MOMENT = 60.0
_SETTLED = 60.0
"""Seconds after which a file's time would show another change, even where clocks differ."""


class Looking:
    """What lies at one storage. Safe between threads."""

    def __init__(
        self, client: Client, options: Options, marks: Marks, heads: Heads, clock: Callable[[], float]
    ) -> None:
        """``heads`` keeps the checksums of others' files; ``clock`` tells seconds since the epoch."""
        self._client, self._options, self._marks = client, options, marks
        self._heads, self._clock = heads, clock
        self._total: tuple[float, int] | None = None
        """When everything was listed last, and its bytes."""

    def listing(self, asked: tuple[str, ...]) -> Listing:
        """Every file under any of the prefixes, with its mark."""
        wanted, close = Prefixes(asked), Prefixes(p for p in asked if p)
        starts = _starts(wanted.few(_FEW))
        missed: list[str] = []
        files = {e.path: e for e in self._walk(starts, "", wanted, missed) if wanted.cover(e.path)}
        marks = self._marked(starts, wanted, missed)
        lost = Prefixes(f"{path}/" for path in missed)
        files = {path: entry for path, entry in files.items() if not lost.cover(folder(path) + "/")}
        found = {path: self._known_as(entry, marks) for path, entry in files.items()}
        self._remembered(found, {path: files[path] for path in files if close.cover(path)})
        due = [path for path, file in found.items() if file is None or (close.cover(path) and not file.checksums)]
        with ThreadPoolExecutor(self._options.atOnce, thread_name_prefix="digest") as pool:
            looked = dict(zip(due, pool.map(lambda path: self._looked_at(path, marks), due), strict=True))
        self._remember(looked)
        whole = {path: file for path, file in {**found, **looked}.items() if file is not None}
        if not missed and "" in asked:
            self._total = (time.monotonic(), sum(entry.size for entry in files.values()))
            self._sweep_marks(marks, files)
        return Listing(dict(sorted(whole.items())), complete=not missed)

    def used(self) -> int:
        """Bytes of all files, as of a moment ago."""
        if self._total is None or time.monotonic() - self._total[0] > _MOMENT:
            self.listing(("",))
        if self._total is None:
            raise Transient(f"{self._client.name}: not all of it can be listed, so that nobody knows how full it is")
        return self._total[1]

    def changed(self) -> None:
        """Something has come or gone: what it holds in all must be counted anew."""
        self._total = None

    def _walk(self, starts: Iterable[str], tree: str, wanted: Prefixes, missed: list[str]) -> Iterator[Entry]:
        """Yield every file of a tree that ``wanted`` may cover, folders of one level at the same time."""
        level = [f"{tree}/{start}".strip("/") for start in starts]
        with ThreadPoolExecutor(self._options.atOnce, thread_name_prefix="listing") as pool:
            while level:
                following: list[str] = []
                for entry in chain.from_iterable(pool.map(lambda path: self._members(path, tree, missed), level)):
                    below = entry.path[len(tree) + 1 :] if tree else entry.path
                    if not entry.folder:
                        yield entry
                    elif below != OWN and wanted.lead_into(below + "/"):
                        following.append(entry.path)
                level = following

    def _members(self, path: str, tree: str, missed: list[str]) -> list[Entry]:
        try:
            found = self._client.entries(path, reads=(OWN,) if tree else ("",))
        except DriverError:
            if not path:
                raise
            missed.append(f"{MARKS}/{path}" if not tree else path)
            return []
        if found is None and not path:
            raise Transient(f"{self._client.name}: {self._options.url} is not there; is its disk mounted?")
        return found or []

    def _marked(self, starts: Iterable[str], wanted: Prefixes, missed: list[str]) -> dict[str, dict[str, list[Mark]]]:
        """Folder of marks -> key -> its marks, newest first."""
        by_folder: dict[str, list[Entry]] = {}
        for entry in self._walk(starts, MARKS, wanted, missed):
            by_folder.setdefault(entry.path.rpartition("/")[0], []).append(entry)
        found = {where: by_key(entries) for where, entries in by_folder.items()}
        for where, marks in found.items():
            self._marks.noted(where, marks)
        return found

    def _known_as(self, entry: Entry, marks: Mapping[str, Mapping[str, list[Mark]]]) -> StoredFile | None:
        """What the marks say of a file; None when it must be looked at."""
        own = marks.get(folder(entry.path), {}).get(key(entry.path), [])
        if not own:
            return StoredFile(entry.path, entry.size, frozenset(), "", entry.modified)
        fitting = next((mark for mark in own if mark.fits(entry)), None)
        if fitting is None or not fitting.proves(entry):
            return None
        return StoredFile(entry.path, entry.size, fitting.checksums, fitting.uid, entry.modified)

    def _looked_at(self, path: str, marks: Mapping[str, Mapping[str, list[Mark]]]) -> StoredFile | None:
        """A file as it is now, its mark made anew; None when it has gone meanwhile."""
        entry, checksums = self.sums(path)
        if entry is None:  # it has gone, or is one of the names that XRootD lists and cannot open
            members = self._client.entries(path.rpartition("/")[0], reads=("",)) or []
            entry = next((one for one in members if one.path == path and not one.folder), None)
        if entry is None:
            return None
        own = marks.get(folder(path), {}).get(key(path), [])
        mark = next((mark for mark in own if mark.fits(entry)), next(iter(own), None))
        if mark is not None and checksums and self._clock() - stamp(entry) > 1:
            with suppress(DriverError):  # who may only read learns the same each time
                self._marks.put(path, renewed(mark, checksums, entry, time.time_ns()))
        return StoredFile(path, entry.size, checksums, mark.uid if mark else "", entry.modified)

    def _remembered(self, found: dict[str, StoredFile | None], close: Mapping[str, Entry]) -> None:
        """Fill in the checksums of others' files that have not changed since they were looked at."""
        known = self._heads.read() if close else {}
        for path, entry in close.items():
            file, (version, head) = found[path], known.get(path, ("", Head()))
            if file is not None and not file.uid and version == _version(entry.size, entry.modified):
                found[path] = replace(file, checksums=head.checksums)

    def _remember(self, looked: Mapping[str, StoredFile | None]) -> None:
        """Keep the checksums of others' files; not of one that may change again without its time showing it."""
        limit = self._clock() - _SETTLED
        own = (file for file in looked.values() if file is not None and not file.uid and file.checksums)
        settled = [file for file in own if file.modified and file.modified.timestamp() < limit]
        self._heads.keep({f.path: (_version(f.size, f.modified), Head("", f.checksums)) for f in settled})

    def sums(self, path: str) -> tuple[Entry | None, frozenset[str]]:
        """A file and its checksums; none while somebody is writing it."""
        before = self._client.entry(path, reads=("",))
        if before is None or before.folder:
            return None, frozenset()
        sums = self.summed(path, before.size)
        after = self._client.entry(path, reads=("",))
        return after, sums if after == before else frozenset()

    def summed(self, path: str, size: int) -> frozenset[str]:
        """The checksums that the server gives, or those of what we read; none when it is not ``size`` bytes."""
        if size > _SMALL:
            reads = _allowed(path)
            try:
                digests = [self._client.digest(path, algorithm, size, reads) for algorithm in ALGORITHMS]
            except Transient:
                if size > _READ_INSTEAD:
                    raise
                digests = []
            if any(digests):
                return frozenset(filter(None, digests))
        return self.read_back(path, size)

    def read_back(self, path: str, size: int) -> frozenset[str]:
        tally = Tally()
        with self._client.reading(path, _allowed(path)) as pieces:
            for piece in pieces:
                tally.add(piece)
        return tally.checksums if tally.size == size else frozenset()

    def _sweep_marks(self, marks: Mapping[str, Mapping[str, list[Mark]]], files: Mapping[str, Entry]) -> None:
        """Take away marks that speak of no file since a day."""
        keys = {(folder(path), key(path)) for path in files}
        limit = self._clock() - _DAY
        old = [
            (where, mark)
            for where, by_name in marks.items()
            for own, several in by_name.items()
            for n, mark in enumerate(several)
            if mark.written is not None and mark.written.timestamp() < limit and (n or (where, own) not in keys)
        ]
        for where, mark in old[:_MOST_SWEPT]:
            with suppress(DriverError):
                self._marks.drop(f"{where[len(MARKS) + 1 :]}/_".lstrip("/"), mark)


def _version(size: int, modified: datetime | None) -> str:
    return f"{size} {modified.timestamp():.0f}" if modified else "unknown"


def _starts(prefixes: Iterable[str]) -> list[str]:
    """The folders to begin at, none inside another."""
    found: list[str] = []
    for start in sorted({prefix.rpartition("/")[0] for prefix in prefixes}):
        if not any(start == other or not other or start.startswith(f"{other}/") for other in found):
            found.append(start)
    return found


def _allowed(path: str) -> str:
    """What a token for reading ``path`` is good for, when we read: all of Hanse's own, or all that is listed."""
    return OWN if path.startswith(f"{OWN}/") else ""
