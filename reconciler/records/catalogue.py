"""The catalogue of files: what each digest stands for, what scans have found, what must not be tried now.

What planning finds is only remembered; it is written down when somebody begins to act on it. A fileset is kept as
blocks of some thousand files. A block ends where the hash of a path says so, so that a file more changes one block.
"""

from __future__ import annotations

import threading
import zlib
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import chain
from typing import Any

import orjson
from sqlalchemy import Connection, delete, select

from reconciler.ports import DataPolicy, Files, Scan, Standstill, Trouble
from reconciler.records.database import Database, chunks
from reconciler.records.tables import BlockRow, DarkRow, DataRuleRow, FilesetRow, LockRow, LockState, ReplicaRow, table

_FILESETS, _BLOCKS, _DARK = table(FilesetRow), table(BlockRow), table(DarkRow)
_RULES, _REPLICAS, _LOCKS = table(DataRuleRow), table(ReplicaRow), table(LockRow)
_MEAN = 4096
"""Files in a block, on the average."""
_AT_HAND = 3_000_000
"""Files that are held in memory at most, of filesets that can be read back."""


class Remembered:
    """Fills ``ports.Catalogue`` for one process, and forgets all with it."""

    def __init__(self, policy: DataPolicy | None = None) -> None:
        self.policy = policy or DataPolicy()
        self._lock = threading.Lock()
        self._files: OrderedDict[str, Files] = OrderedDict()
        self._held = 0
        """Files of all filesets in memory."""
        self.scans: dict[str, Scan] = {}
        """Full listings since the last run was written down, by target."""
        self.reads: set[tuple[str, str]] = set()
        """Likewise, (dataset, ``site/storage``) of copies that were read."""
        self.troubles: dict[str, tuple[str, dict[str, Trouble]]] = {}
        """Likewise, what could not be brought in: uid of a replica -> (digest of what was wanted, path -> trouble)."""

    def files(self, digest: str) -> Files | None:
        """The files that a digest stands for; None when nobody has said so here."""
        with self._lock:
            found = self._files.get(digest)
            if found is not None:
                self._files.move_to_end(digest)
            return found

    def remember(self, files: Files) -> str:
        """Let this process know what a digest stands for, and return it."""
        digest = files.digest
        with self._lock:
            known = self._files.get(digest)
            self._files[digest] = files if files.urls or known is None else known
            self._files.move_to_end(digest)
            self._held += len(files) if known is None else 0
        return digest

    def keep(self, digest: str) -> None:
        """Nothing outlives this process."""

    def elsewhere(self, dataset: str, storage: str) -> Sequence[str]:  # noqa: ARG002
        """Nothing is known of other storages."""
        return ()

    def scanned(self, scan: Scan) -> frozenset[str]:
        """Nothing is known of earlier scans: nothing may be taken away."""
        with self._lock:
            self.scans[scan.target] = scan
        return frozenset()

    def troubled(self, uid: str, digest: str, troubles: Iterable[Trouble]) -> None:
        """Which files of a replica could not be brought in, besides those told before; none: a try begins."""
        found = {trouble.path: trouble for trouble in troubles}
        with self._lock:
            before, known = self.troubles.get(uid, ("", {}))
            if not found or before != digest:
                known = {}
            self.troubles[uid] = (digest, known)
            known.update(found)

    def used(self, dataset: str, storage: str) -> None:
        """A copy was read at a storage."""
        with self._lock:
            self.reads.add((dataset, storage))

    def last_read(self, storage: str) -> Mapping[str, datetime]:  # noqa: ARG002
        """Nothing is known of earlier reads."""
        return {}

    def restless(self, target: str) -> bool:  # noqa: ARG002
        """Nothing is known of earlier scans."""
        return False

    def standstill(self, uid: str, rules: Iterable[str], spec: str) -> Standstill:  # noqa: ARG002
        """Nothing is known of earlier tries."""
        return Standstill()


class Kept(Remembered):
    """Fills ``ports.Catalogue`` from a database."""

    def __init__(self, database: Database, policy: DataPolicy | None = None) -> None:
        super().__init__(policy)
        self._database = database
        self._kept: set[str] = set()
        self.at_once = False
        """Whether what is stuck is tried now, whatever its schedule says."""

    def files(self, digest: str) -> Files | None:
        """The files that a digest stands for, from memory or from the database."""
        found = super().files(digest)
        if found is not None:
            return found
        with self._database.reading() as connection:
            read = _read(connection, digest)
        if read is not None:
            self.remember(read)
            self._kept.add(digest)
        return read

    def remember(self, files: Files) -> str:
        """Let this process know what a digest stands for. What can be read back makes room for it."""
        if files.urls and files.digest in self._kept:
            known = super().files(files.digest)
            if known is None or known.urls != files.urls:
                self._kept.discard(files.digest)  # other places of its files are written down anew
        digest = super().remember(files)
        with self._lock:
            for other in list(self._files) if self._held > _AT_HAND else ():
                if self._held <= _AT_HAND:
                    break
                if other in self._kept and other != digest:
                    self._held -= len(self._files.pop(other))
        return digest

    def keep(self, digest: str) -> None:
        """Write down what a digest stands for. Safe to repeat."""
        if digest in self._kept:
            return
        files = super().files(digest)
        if files is None:
            return
        with self._database.writing() as connection:
            _write(self._database, connection, files)
        self._kept.add(digest)

    def elsewhere(self, dataset: str, storage: str) -> Sequence[str]:
        """Digests of what other storages held of a dataset when the last run that saw them ended."""
        others = (_REPLICAS.c.dataset == dataset) & (_REPLICAS.c.storage != storage) & (_REPLICAS.c.seen != "")
        with self._database.reading() as connection:
            return tuple(
                connection.scalars(select(_REPLICAS.c.seen).where(others).distinct().order_by(_REPLICAS.c.seen))
            )

    def scanned(self, scan: Scan) -> frozenset[str]:
        """What may go of what is dark: seen for long enough, while not much is dark nor missing."""
        super().scanned(scan)
        policy = self.policy
        if policy.dark != "delete" or not scan.dark or scan.doubtful(policy) or scan.dark_percent > policy.dark_percent:
            return frozenset()
        return self._seen_long_ago(scan.target) & {dark.path for dark in scan.dark}

    def restless(self, target: str) -> bool:
        """Whether dark files have waited long enough: then a storage is looked at although nothing has moved."""
        return self.policy.dark == "delete" and bool(self._seen_long_ago(target))

    def _seen_long_ago(self, target: str) -> frozenset[str]:
        since = self._database.now() - timedelta(days=self.policy.dark_days)
        statement = select(_DARK.c.path).where(_DARK.c.target == target, _DARK.c.first_seen <= since)
        with self._database.reading() as connection:
            return frozenset(connection.scalars(statement))

    def last_read(self, storage: str) -> Mapping[str, datetime]:
        """Mark of each replica at a storage -> when it was read last, by us or as its storage said."""
        known = (_REPLICAS.c.storage == storage) & _REPLICAS.c.accessed.is_not(None)
        with self._database.reading() as connection:
            rows = connection.execute(select(_REPLICAS.c.uid, _REPLICAS.c.accessed).where(known))
            return {row.uid: row.accessed for row in rows}

    def standstill(self, uid: str, rules: Iterable[str], spec: str) -> Standstill:
        """What waits for its next try, and what is suspended."""
        named = [str(rule) for rule in rules]
        with self._database.reading() as connection:
            states = connection.execute(select(_RULES.c.state, _RULES.c.message).where(_RULES.c.ref.in_(named))).all()
            if named and len(states) == len(named) and all(state == "SUSPENDED" for state, _ in states):
                return Standstill(suspended=f"{', '.join(named)}: {states[0][1]}")
            own: Any = connection.execute(select(_REPLICAS).where(_REPLICAS.c.uid == uid)).first()
            if own is None or own.tried != spec or self.at_once:
                return Standstill()
            late = (_LOCKS.c.replica == own.id) & (_LOCKS.c.state == LockState.STUCK)
            waiting = select(_LOCKS.c.path, _LOCKS.c.next_try, _LOCKS.c.error).where(late)
            later = waiting.where(_LOCKS.c.next_try > self._database.now()).order_by(_LOCKS.c.path)
            found = [tuple(row) for row in connection.execute(later)]
        if not found:
            return Standstill()
        return Standstill(frozenset(path for path, _, _ in found), min(at for _, at, _ in found), found[0][2])

    def told(self) -> tuple[list[Scan], dict[str, tuple[str, dict[str, Trouble]]], set[tuple[str, str]]]:
        """What this process was told since it was asked last: scans, what could not be brought in, what was read."""
        with self._lock:
            scans, self.scans = list(self.scans.values()), {}
            troubles, self.troubles = self.troubles, {}
            reads, self.reads = self.reads, set()
        return scans, troubles, reads

    def sweep(self, connection: Connection, needed: Iterable[str]) -> int:
        """Drop what nothing refers to any more; how many filesets went."""
        there = set(connection.scalars(select(_FILESETS.c.digest)))
        gone = there - set(needed)
        if not gone:
            return 0
        for some in chunks(sorted(gone)):
            connection.execute(delete(_FILESETS).where(_FILESETS.c.digest.in_(some)))
        self._kept -= gone
        used = set(chain.from_iterable(connection.scalars(select(_FILESETS.c.blocks))))
        loose = set(connection.scalars(select(_BLOCKS.c.digest))) - used
        for some in chunks(sorted(loose)):
            connection.execute(delete(_BLOCKS).where(_BLOCKS.c.digest.in_(some)))
        return len(gone)


def _write(database: Database, connection: Connection, files: Files) -> None:
    packed = {sha256(block).hexdigest(): block for block in _packed(files)}
    there = set[str]()
    for some in chunks(packed):
        there.update(connection.scalars(select(_BLOCKS.c.digest).where(_BLOCKS.c.digest.in_(some))))
    fresh = [{"digest": key, "content": zlib.compress(block, 1)} for key, block in packed.items() if key not in there]
    if fresh:
        connection.execute(database.upsert(_BLOCKS), fresh)
    row = {
        "digest": files.digest,
        "files": len(files),
        "bytes": files.bytes,
        "blocks": list(packed),
        "urls": zlib.compress(orjson.dumps(dict(files.urls)), 1) if files.urls else None,
    }
    connection.execute(database.upsert(_FILESETS), row)


def _packed(files: Files) -> Iterator[bytes]:
    """The files in blocks, each as JSON of three columns. Equal blocks give equal bytes."""
    start = 0
    for end in _ends(files.paths):
        part = slice(start, end)
        yield orjson.dumps([list(files.paths[part]), list(files.sizes[part]), list(files.checksums[part])])
        start = end


def _ends(paths: Sequence[str]) -> Iterator[int]:
    for number, path in enumerate(paths, 1):
        if zlib.crc32(path.encode()) % _MEAN == 0:
            yield number
    if not paths or zlib.crc32(paths[-1].encode()) % _MEAN:
        yield len(paths)


def _read(connection: Connection, digest: str) -> Files | None:
    row: Any = connection.execute(select(_FILESETS).where(_FILESETS.c.digest == digest)).first()
    if row is None:
        return None
    content: dict[str, bytes] = {}
    for some in chunks(row.blocks):
        found = connection.execute(select(_BLOCKS.c.digest, _BLOCKS.c.content).where(_BLOCKS.c.digest.in_(some)))
        content.update((key, block) for key, block in found)
    paths, sizes, checksums = [], array("q"), []
    for key in row.blocks:
        some_paths, some_sizes, some_sums = orjson.loads(zlib.decompress(content[key]))
        paths += some_paths
        sizes.extend(some_sizes)
        checksums += some_sums
    urls: Mapping[str, str] = orjson.loads(zlib.decompress(row.urls)) if row.urls else {}
    return Files(tuple(paths), sizes, tuple(checksums), urls)
