"""A folder of a WebDAV server as a storage.

A file arrives under a random name in ``.hanse/incoming``, is verified there, marked, and moved to its name in one
step: whatever is killed or cut, what stands under a name is whole. ``.hanse/incoming`` is swept of what has not grown
for a day: a server may go on copying after we have hung up or were killed.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.drivers.fetch import Tally, out_of_space, shown
from reconciler.drivers.heads import Heads
from reconciler.drivers.webdav.client import Client
from reconciler.drivers.webdav.looking import ALGORITHMS, Looking
from reconciler.drivers.webdav.marks import OWN, Mark, Marks, key, stamp
from reconciler.drivers.webdav.moving import INCOMING, Moves
from reconciler.drivers.webdav.multistatus import Entry
from reconciler.drivers.webdav.options import Options
from reconciler.drivers.webdav.thirdparty import NotThisWay, ThirdParty
from reconciler.drivers.webdav.tokens import scope
from reconciler.drivers.webdav.upload import uploaded
from reconciler.errors import Conflict, DriverError, Terminal, Transient
from reconciler.ports import Copy, Listing, Source, Space, StoredFile

_DAY = 86400.0
_SHORT = 5.0
"""Seconds in which a server must answer when we only clean up."""
_SWEEP_EVERY = 3600.0
_ATTACHED = 30.0
"""Seconds for which a folder that was there is taken to be there still by what writes."""


class WebDAV:
    """A WebDAV folder as a storage. Safe between threads and between processes."""

    def __init__(
        self,
        name: str,
        options: Options,
        client: Client,
        *,
        known: Path | None = None,
        heads: Heads | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``known`` is a file that remembers which folder this was, ``heads`` the checksums of others' files.

        ``clock`` tells seconds since the epoch.
        """
        self._name, self._options, self._client = name, options, client
        self._known, self._clock = known, clock
        self._marks = Marks(client, self._make_own)
        self._looking = Looking(client, options, self._marks, heads or Heads(None), clock)
        self._moves = Moves(client)
        self._third = ThirdParty(client)
        self._made: set[str] = set()
        self._making = threading.RLock()
        self._swept = self._checked_at = 0.0

    # -- reading ---------------------------------------------------------------------------------------------------

    def listing(self, prefixes: Iterable[str] = ("",), token: str = "") -> Listing:  # noqa: ARG002
        """List files under any of the prefixes. WebDAV has no sound token for a folder: always "".

        A file that may have changed since its mark was made is looked at again, and keeps its mark. A folder that
        cannot be read makes the listing not complete; the root must be there.
        """
        self._attached()
        return self._looking.listing(tuple(prefixes))

    def source(self, path: str) -> Source:
        """The file's URL, and a token that is good for it alone."""
        self._checked(path)
        stage = (f"storage.stage:{path}",) if self._options.stage else ()
        token = self._client.tokens.bearer((f"storage.read:{path}", *stage))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return Source(self._client.url(path), headers, ca=self._options.ca)

    def space(self) -> Space:
        """The server's quota (RFC 4331); with a capacity, what is listed and what that leaves for more."""
        used, free = self._client.quota()
        if self._options.capacity is not None:
            self._attached()
            used = self._looking.used()
            left = max(0, self._options.capacity - used)
            free = left if free is None else min(free, left)
        if free is not None and self._options.minFreeBytes:
            free = max(0, free - self._options.minFreeBytes)
        return Space(used, free)

    def _attached(self) -> None:
        """Raise unless the root is there and is the folder that it was."""
        if self._client.entry("") is None:
            raise Transient(f"{self._name}: {self._options.url} is not there; is its disk mounted?")
        known = self._known.read_text(encoding="ascii") if self._known and self._known.exists() else ""
        if known and known not in self._ids():
            cure = f"if its data is really gone, delete {self._known}"
            raise Transient(f"{self._name}: {self._options.url} is not the folder used before; is it mounted? {cure}")
        self._checked_at = self._clock()

    def _ids(self) -> list[str]:
        entries = self._client.entries(OWN, reads=(OWN,)) or []
        names = [entry.path.rpartition("/")[2] for entry in entries]
        return [name.removeprefix("id-") for name in names if name.startswith("id-")]

    # -- writing ---------------------------------------------------------------------------------------------------

    def copy_in(self, copy: Copy) -> StoredFile:
        """Copy one file in. It replaces what stands under its path, atomically; on failure that stays."""
        self._checked(copy.path)
        _verifiable(copy.checksum)
        self._prepare()
        self._room(copy)
        return self._taken_in(copy, f"{INCOMING}/{copy.uid[:8]}-{secrets.token_hex(12)}", self._brought)

    def landing(self, path: str, uid: str) -> Source:
        """Where another may write what is to be ``path``, with a token that is good for it alone."""
        self._checked(path)
        self._prepare()
        landing = _landing(path, uid)
        token = self._client.tokens.bearer(scope(writes=(landing,)))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return Source(self._client.url(landing), headers, ca=self._options.ca)

    def land(self, copy: Copy) -> StoredFile:
        """Verify what was written at the landing, and show it under its name with our mark."""
        self._checked(copy.path)
        _verifiable(copy.checksum)
        self._prepare()
        landing = _landing(copy.path, copy.uid)
        there = self._client.entry(landing, reads=(OWN,))
        if there is None:
            raise Conflict(f"{self._name}: nothing was written for {copy.path}")
        return self._taken_in(copy, landing, lambda _copy, _landing: there.size)

    def _taken_in(self, copy: Copy, temporary: str, bring: Callable[[Copy, str], Tally | int]) -> StoredFile:
        """Bring the bytes to ``temporary``, verify and mark them, and move them to their name."""
        try:
            entry, checksums = self._verified(copy, temporary, bring(copy, temporary))
            mark = Mark(key(copy.path), copy.uid, checksums, entry.size, stamp(entry), time.time_ns())
            self._marks.put(copy.path, mark)
            self._shown(temporary, copy.path)
        except BaseException:
            with suppress(DriverError):  # who cannot be reached now is swept later
                self._client.send("DELETE", temporary, writes=(OWN,), right=(404,), timeout=_SHORT)
            raise
        self._looking.changed()
        self._marks.forget(copy.path, but=mark)
        return StoredFile(copy.path, entry.size, checksums, copy.uid, entry.modified)

    def mark(self, path: str, uid: str) -> None:
        """Put our mark on a file that is there."""
        self._checked(path)
        self._prepare()
        entry, checksums = self._looking.sums(path)
        if entry is None:
            raise Conflict(f"{self._name}: {path} is gone")
        mark = Mark(key(path), uid, checksums, entry.size, stamp(entry), time.time_ns())
        self._marks.put(path, mark)
        self._marks.forget(path, but=mark)

    def remove(self, path: str) -> None:
        """Take a file away, then its marks. Folders stay: to delete one may take away what has just come into it."""
        self._checked(path)
        self._prepare()
        entry = self._client.entry(path, reads=("",))
        if entry is not None and entry.folder:
            raise Conflict(f"{self._name}: {path} is a folder")
        if entry is not None:
            self._looking.changed()
            self._client.send("DELETE", path, writes=(path.rpartition("/")[0] or path,), right=(404,))
        self._marks.forget(path)

    def _brought(self, copy: Copy, temporary: str) -> Tally | int:
        """Bring the bytes to ``temporary``: what they were where they came through here, else how many were told of."""
        ways = {"pull": (self._third.pull, self._third.push), "push": (self._third.push, self._third.pull), "off": ()}
        if urlsplit(copy.source.url).scheme in ("http", "https"):
            for way in ways[self._options.tpc]:
                if way == self._third.push and not copy.source.headers:
                    continue  # who needs no token is no storage that we could have send anything
                with suppress(NotThisWay):
                    return way(copy, temporary)
        return uploaded(self._client, copy, temporary)

    def _verified(self, copy: Copy, temporary: str, known: Tally | int) -> tuple[Entry, frozenset[str]]:
        """The file that has arrived and its checksums. Raises Terminal when it is not what was expected."""
        entry = self._client.entry(temporary, reads=(OWN,))
        if entry is None:
            raise Transient(f"{self._name}: {copy.path} was copied and is not there")
        if not isinstance(known, Tally) and copy.progress is not None:
            copy.progress(max(0, entry.size - known))
        checksums = self._looking.summed(temporary, entry.size)
        if not isinstance(known, Tally):
            return entry, self._as_expected(copy, temporary, entry, checksums)
        if known.size != entry.size or not checksums or not checksums <= known.checksums:
            raise Transient(f"{self._name}: {copy.path} did not arrive as it was sent")
        return entry, known.checksums

    def _as_expected(self, copy: Copy, temporary: str, entry: Entry, checksums: frozenset[str]) -> frozenset[str]:
        where, wanted = shown(copy.source.url), copy.checksum.lower()
        if copy.size is not None and copy.size != entry.size:
            raise Terminal(f"{where} has {entry.size} bytes, not the {copy.size} expected")
        kind = wanted.partition(":")[0]
        if wanted and not any(one.startswith(f"{kind}:") for one in checksums):
            checksums |= self._looking.read_back(temporary, entry.size)
        if wanted and wanted not in checksums:
            found = ", ".join(sorted(one for one in checksums if one.startswith(f"{kind}:")))
            raise Terminal(f"{where} has {found}, not the {wanted} expected")
        return checksums

    def _shown(self, temporary: str, path: str) -> None:
        """Move a file to its name, in one step."""
        above = path.rpartition("/")[0]
        if above:
            self._make(above)
        self._moves.move(temporary, path, (INCOMING, above or path))

    def _checked(self, path: str) -> None:
        parts = path.split("/")
        odd = any(part in ("", ".", "..") or any(ord(c) < ord(" ") for c in part) for part in parts)
        if odd or parts[0] == OWN:
            raise Terminal(f"{self._name}: {path!r} is not a path under a storage's root")

    def _room(self, copy: Copy) -> None:
        if self._options.capacity is not None and (copy.size or 0) > self._options.capacity:
            said = f"{copy.path} has {copy.size} bytes, the whole storage takes {self._options.capacity}"
            raise out_of_space(f"{self._name}: {said}")

    def _prepare(self) -> None:
        """Make what a write needs, and clean up behind copies that were given up."""
        with self._making:
            if self._clock() - self._swept >= _SWEEP_EVERY:
                self._prepared()
            elif self._clock() - self._checked_at >= _ATTACHED:
                self._attached()

    def _prepared(self) -> None:
        self._attached()
        self._make_own(INCOMING)
        if self._known is not None and not self._known.exists():
            self._introduce(self._known)
        self._swept = self._clock()
        with suppress(DriverError):
            self._sweep()

    def _introduce(self, known: Path) -> None:
        """Write down, here and there, that this folder is the storage."""
        ids = self._ids()
        if not ids:
            ids = [secrets.token_hex(16)]
            self._client.send("PUT", f"{OWN}/id-{ids[0]}", writes=(OWN,), headers={"Content-Length": "0"})
        known.parent.mkdir(parents=True, exist_ok=True)
        part = known.with_name(f".{known.name}.{secrets.token_hex(4)}")
        part.write_text(min(ids), encoding="ascii")
        part.replace(known)

    def _sweep(self) -> None:
        """Take away what arrived under a temporary name and has not grown for a day."""
        for entry in self._client.entries(INCOMING, reads=(OWN,)) or []:
            if not entry.folder and entry.modified and entry.modified.timestamp() < self._clock() - _DAY:
                self._client.send("DELETE", entry.path, writes=(OWN,), right=(404,))

    def _make_own(self, path: str) -> None:
        self._make(path, (OWN,))

    def _make(self, path: str, writes: tuple[str, ...] = ()) -> None:
        """Make a folder and those above it, unless they are there."""
        if path in self._made:
            return
        with self._making:
            self._make_all(path, writes or (path,))

    def _make_all(self, path: str, writes: tuple[str, ...]) -> None:
        try:
            answer = self._client.send("MKCOL", path, writes=writes, right=(404, 405, 409))
        except Transient:  # some stumble when two make the same folder
            found = self._client.entry(path, reads=writes)
            if found is None or not found.folder:
                raise
        else:
            if answer.status_code in (404, 409) and "/" in path:
                above = path.rpartition("/")[0]
                self._make_all(above, writes if writes == (OWN,) else (above,))
                self._client.send("MKCOL", path, writes=writes, right=(405,))
        self._made.add(path)


def _landing(path: str, uid: str) -> str:
    """Where others write what is to be ``path``: always the same place."""
    return f"{INCOMING}/{uid[:8]}-{hashlib.sha256(path.encode()).hexdigest()[:24]}"


def _verifiable(checksum: str) -> None:
    if checksum and checksum.partition(":")[0].lower() not in ALGORITHMS:
        raise Terminal(f"{checksum!r} is not a checksum that can be verified; use adler32: or md5:")
