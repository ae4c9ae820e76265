"""Marks: who brought a file in, and its checksums. WebDAV keeps no metadata: a mark is an empty file of its own.

Its name says it all, so that two listings tell everything without a look at each file. It lies in a tree beside the
data, ``.hanse/marks/FOLDER OF THE FILE/``. A mark is made before its file appears and taken away after it has gone:
whenever a process is killed, a file has its mark, or a mark waits for a file that never came and is swept a day later.
A mark that was made in the second of the file's last change does not prove that the file has not changed since.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.drivers.webdav.client import Client
from reconciler.drivers.webdav.multistatus import Entry

OWN = ".hanse"
"""The folder under a root that is Hanse's own; never listed."""
MARKS = f"{OWN}/marks"
_FRESH = 60.0
"""Seconds for which a folder of marks need not be read again to know what is to be taken away."""
_PARTS = 7


@dataclass(frozen=True, slots=True)
class Mark:
    """What is known of one file at the time of ``made`` (nanoseconds, to tell which of two is newer)."""

    key: str
    uid: str
    checksums: frozenset[str]
    size: int
    stamp: int
    """The file's last change, whole seconds since the epoch."""
    made: int
    written: datetime | None = field(default=None, compare=False)
    """When the server says the mark was written."""

    @property
    def name(self) -> str:
        """The name of the file that is the mark."""
        sums = dict(one.split(":", 1) for one in self.checksums)
        return (
            f"{self.key}.{self.uid}.{sums.get('adler32', '-')}.{sums.get('md5', '-')}"
            f".{self.size:x}.{self.stamp:x}.{self.made:x}"
        )

    def fits(self, entry: Entry) -> bool:
        """True when it speaks of a file of this size and last change."""
        return entry.modified is not None and (self.size, self.stamp) == (entry.size, stamp(entry))

    def proves(self, entry: Entry) -> bool:
        """True when the file cannot have changed since without its last change showing it."""
        return self.fits(entry) and self.written is not None and int(self.written.timestamp()) > self.stamp


def stamp(entry: Entry) -> int:
    """The last change of a file in whole seconds; 0 when the server does not tell."""
    return int(entry.modified.timestamp()) if entry.modified else 0


def key(path: str) -> str:
    """What a file's marks begin with."""
    return hashlib.sha256(path.rpartition("/")[2].encode()).hexdigest()[:24]


def folder(path: str) -> str:
    """Where the marks of a file lie."""
    above = path.rpartition("/")[0]
    return f"{MARKS}/{above}" if above else MARKS


def parsed(entry: Entry) -> Mark | None:
    """The mark that a file of the marks' tree is; None when it is none."""
    parts = entry.path.rpartition("/")[2].split(".")
    if entry.folder or len(parts) != _PARTS:
        return None
    own, uid, adler32, md5, *numbers = parts
    sums = frozenset(f"{name}:{s}" for name, s in (("adler32", adler32), ("md5", md5)) if s != "-")
    try:
        size, last, made = (int(number, 16) for number in numbers)
    except ValueError:
        return None
    return Mark(own, uid, sums, size, last, made, entry.modified)


class Marks:
    """The marks of one storage. Safe between threads."""

    def __init__(self, client: Client, make: Callable[[str], None]) -> None:
        """``make`` makes a folder of Hanse's own, with those above it."""
        self._client, self._make = client, make
        self._lock = threading.Lock()
        self._read: dict[str, tuple[float, dict[str, dict[str, Mark]]]] = {}
        """Folder -> when it was read, and its marks by key and name."""

    def put(self, path: str, mark: Mark) -> None:
        """Write a mark; it is the newest of its path."""
        where = folder(path)
        headers = {"Content-Length": "0"}
        url = f"{where}/{mark.name}"
        answer = self._client.send("PUT", url, writes=(OWN,), right=(404, 409), headers=headers)
        if not answer.ok:
            self._make(where)
            self._client.send("PUT", url, writes=(OWN,), headers=headers)
        with self._lock:
            if where in self._read:
                self._read[where][1].setdefault(mark.key, {})[mark.name] = mark

    def forget(self, path: str, but: Mark | None = None) -> None:
        """Take away the marks of ``path``, except ``but`` and what is newer."""
        for mark in self._of(path):
            if but is None or (mark.made < but.made and mark.name != but.name):
                self.drop(path, mark)

    def drop(self, path: str, mark: Mark) -> None:
        """Take away one mark."""
        where = folder(path)
        self._client.send("DELETE", f"{where}/{mark.name}", writes=(OWN,), right=(404,))
        with self._lock:
            if where in self._read:
                self._read[where][1].get(mark.key, {}).pop(mark.name, None)

    def _of(self, path: str) -> list[Mark]:
        where = folder(path)
        with self._lock:
            known = self._read.get(where)
        if known is None or time.monotonic() - known[0] > _FRESH:
            found = self._client.entries(where, reads=(OWN,)) or []
            self.noted(where, by_key(found))
        with self._lock:
            return list(self._read[where][1].get(key(path), {}).values())

    def noted(self, where: str, marks: Mapping[str, Iterable[Mark]]) -> None:
        """Keep what a folder of marks has been seen to hold."""
        with self._lock:
            if len(self._read) > 1000:  # noqa: PLR2004
                self._read.clear()
            kept = {own: {mark.name: mark for mark in several} for own, several in marks.items()}
            self._read[where] = (time.monotonic(), kept)


def by_key(entries: Iterable[Entry]) -> dict[str, list[Mark]]:
    """Marks by their key, newest first."""
    found: dict[str, list[Mark]] = defaultdict(list)
    for entry in entries:
        mark = parsed(entry)
        if mark is not None:
            found[mark.key].append(mark)
    return {own: sorted(several, key=lambda mark: mark.made, reverse=True) for own, several in found.items()}


def renewed(mark: Mark, checksums: frozenset[str], entry: Entry, made: int) -> Mark:
    """The mark for what the file is now; the same mark when it is as it was."""
    if mark.fits(entry) and mark.checksums == checksums:
        return mark
    return replace(mark, checksums=checksums, size=entry.size, stamp=stamp(entry), made=made)
