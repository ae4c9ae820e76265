"""Grouping NONE: each file of a dataset goes to places of its own, a million of them in a few seconds.

Files lie on the ring between the points of storages; all between two points get the same answer, which is worked out
once. Where a storage has a limit, what it takes is counted on the way, and once it is full it is passed over.

What was worked out is remembered: where the files stand as they were told to, only what has changed is looked at.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from reconciler.kinds.datasetrule.ring import MASK, MOST, Ring, places_of, start_of
from reconciler.kinds.datasetrule.room import Room
from reconciler.ports import Files
from reconciler.ports.catalogue import Part

Names = tuple[str, ...]


@dataclass(frozen=True)
class Scattered:
    """Which files go where."""

    parts: Mapping[str, Files]
    """Storage -> its files."""
    homeless: int = 0
    """Files for which there are not enough places."""
    full: Names = ()
    """Storages that took all they could."""
    next: str = ""
    """Who would take most files if one more copy were wanted."""
    kept: int = 0
    """Copies that stay where they are."""


@dataclass
class Remembered:
    """What the last answer for the same rule and files was worked out from: the next one is cheaper by it."""

    digest: str = ""
    files: Files | None = None
    places: Sequence[int] = ()
    """Where the files are on the ring, in order, with their rows."""
    sizes: Sequence[int] = ()
    """Bytes, in the order of the ring."""
    where: list[int] = field(default_factory=list)
    """For each place on the ring the number of the storages that its file was given, -1 for a file that has come since;
    empty when not known."""
    kinds: list[Names] = field(default_factory=list)
    """What the numbers mean."""
    parts: dict[str, Part] = field(default_factory=dict)


class Scatter:
    """One rule's files on their way to places."""

    def __init__(
        self,
        key: str,
        files: Files,
        copies: int,
        ring: Ring,
        room: Room,
        limited: frozenset[str],
        memory: Remembered,
    ) -> None:
        """``key`` names the rule and the dataset; ``limited`` are the storages whose room must be counted."""
        if len(files) > MOST:
            message = f"{len(files)} files are more than one dataset can place file by file; the most are {MOST}"
            raise ValueError(message)
        self._files, self._copies, self._ring, self._room = files, copies, ring, room
        self._limited, self._memory = limited, memory
        if memory.digest != files.digest and not _grow(memory, key, files):
            _learn(memory, key, files)
        self._full: set[str] = set()
        self._added: dict[str, list[Sequence[int]]] = defaultdict(list)
        self._dropped: dict[str, list[Sequence[int]]] = defaultdict(list)
        self._number: dict[Names, int] = {}
        self._homeless = self._kept = 0
        self._next: Counter[str] = Counter()

    def run(self, standing: Mapping[str, Files]) -> Scattered:
        """Give every file its places: what stands at a storage stays there, the rest goes where the ring says."""
        as_told = self._as_told(standing)
        where, kinds = (self._memory.where, self._memory.kinds) if as_told else self._where(standing)
        open_ = [tuple(name for name in names if name in standing) for names in kinds]
        now = [0] * len(self._memory.places)
        for n, low, high in self._arcs():
            before = where[low:high] if where else []
            if not where or before.count(before[0]) == len(before):
                kind = before[0] if where else -1
                now[low:high] = [self._place(n, kinds, open_, kind, range(low, high))] * (high - low)
                continue
            apart: dict[int, list[int]] = defaultdict(list)
            for at, kind in enumerate(before, start=low):
                apart[kind].append(at)
            for kind, those in apart.items():
                number = self._place(n, kinds, open_, kind, those)
                for at in those:
                    now[at] = number
        return self._scattered(now)

    def _arcs(self) -> Iterator[tuple[int, int, int]]:
        """(number of the point that ends it, the files in it) for every arc of the ring that has files."""
        places, low = self._memory.places, 0
        for n, point in enumerate(self._ring.points):
            high = bisect_left(places, start_of(point), low)
            if low < high:
                yield n, low, high
            low = high
        if low < len(places):
            yield 0, low, len(places)

    # -- the places of one arc -------------------------------------------------------------------------------------

    def _place(self, n: int, kinds: list[Names], open_: list[Names], kind: int, those: Sequence[int]) -> int:
        """Places for files that are all in one arc and stand at the same storages; the number of what they got."""
        before, standing = (kinds[kind], open_[kind]) if kind >= 0 else ((), ())
        kept = self._ring.kept(n, standing, self._copies) if standing else ()
        self._kept += len(kept) * len(those)
        for name in kept:
            if name in self._limited:
                self._room.charge((name,), self._weight(those), 0)
        missing = self._copies - len(kept)
        new = self._new(n, kept, those, missing) if missing else ()
        got = (*kept, *new)
        for name in new:
            self._added[name].append(those)
        for name in before:
            if name not in got:
                self._dropped[name].append(those)
        return self._number.setdefault(got, len(self._number))

    def _new(self, n: int, kept: Names, those: Sequence[int], missing: int) -> Names:
        found = self._ring.following(n, missing + 1, self._full, kept)
        names = found[:missing]
        if len(names) < missing:
            self._homeless += len(those)
            return ()
        tight = [name for name in names if name in self._limited]
        weight = self._weight(those) if tight else 0
        if any(self._room.left(name) < weight for name in tight):
            return self._one_by_one(n, kept, those, missing)
        self._next[found[missing] if len(found) > missing else ""] += len(those)
        self._room.charge(tight, weight, weight)
        return names

    def _one_by_one(self, n: int, kept: Names, those: Sequence[int], missing: int) -> Names:
        """The same where some storage gets full on the way: it is passed over from the first file on that it lacks.

        What the files got is written down here, one by one; the answer is for none of them.
        """
        for at in those:
            size = self._memory.sizes[at]
            while True:
                names = self._ring.following(n, missing, self._full, kept)
                lacking = [name for name in names if name in self._limited and self._room.left(name) < size]
                if not lacking:
                    break
                self._full.update(lacking)
            if len(names) < missing:
                self._homeless += 1
                continue
            for name in names:
                self._added[name].append((at,))
                if name in self._limited:
                    self._room.charge((name,), size, size)
        self._memory.digest = ""  # the number of such an arc says less than what its files got: learn anew
        return ()

    def _weight(self, those: Sequence[int]) -> int:
        if isinstance(those, range):
            return sum(self._memory.sizes[those.start : those.stop])
        return sum(self._memory.sizes[at] for at in those)

    # -- what stands -----------------------------------------------------------------------------------------------

    def _as_told(self, standing: Mapping[str, Files]) -> bool:
        """Whether everything stands as it was told to last, but for storages that do not count any more."""
        memory = self._memory
        if not memory.where or memory.digest != self._files.digest:
            return False
        told = {name: files.digest for name, files in memory.parts.items() if name in self._ring.names and len(files)}
        return told == {name: files.digest for name, files in standing.items() if len(files)}

    def _where(self, standing: Mapping[str, Files]) -> tuple[list[int], list[Names]]:
        """For each place on the ring the number of what stands there, and what the numbers mean."""
        self._memory.parts = {}
        if not any(map(len, standing.values())):
            return [], []
        bits = [0] * len(self._files)
        names = sorted(standing)
        row_of = dict(zip(self._files.paths, range(len(self._files)), strict=True))
        for n, name in enumerate(names):
            bit = 1 << n
            for path in standing[name].paths:
                row = row_of.get(path)
                if row is not None:
                    bits[row] |= bit
            held = [row for path in standing[name].paths if (row := row_of.get(path)) is not None]
            self._memory.parts[name] = self._files.only(held)
        known: dict[int, int] = {}
        where = [known.setdefault(bits[place & MASK], len(known)) for place in self._memory.places]
        return where, [tuple(name for n, name in enumerate(names) if mask >> n & 1) for mask in known]

    # -- the answer ------------------------------------------------------------------------------------------------

    def _scattered(self, now: list[int]) -> Scattered:
        memory = self._memory
        for name in sorted({*self._added, *self._dropped}):
            self._change(name)
        memory.where, memory.kinds = now, list(self._number)
        parts = {name: memory.parts[name] for name in sorted(memory.parts) if len(memory.parts[name])}
        most = self._next.most_common()
        runner_up = min((name for name, count in most if count == most[0][1]), default="")
        return Scattered(parts, self._homeless, tuple(sorted(self._full)), runner_up, self._kept)

    def _change(self, name: str) -> None:
        """Bring one storage's rows and files up to date with what it got and what it lost."""
        memory = self._memory
        part = memory.parts.get(name)
        rows: Sequence[int] = part.rows if part is not None else ()
        if self._dropped[name]:
            gone = set(self._rows(self._dropped[name]))
            rows, part = [row for row in rows if row not in gone], None
        added = sorted(self._rows(self._added[name]))
        if isinstance(part, Part) and len(added) < len(rows):
            memory.parts[name] = part.grown(added)
        else:
            memory.parts[name] = self._files.only(sorted([*rows, *added]))

    def _rows(self, taken: Iterable[Sequence[int]]) -> list[int]:
        places = self._memory.places
        found: list[int] = []
        for those in taken:
            part = places[those.start : those.stop] if isinstance(those, range) else [places[at] for at in those]
            found.extend([place & MASK for place in part])
        return found


def _learn(memory: Remembered, key: str, files: Files) -> None:
    """Where the files are on the ring."""
    memory.digest, memory.files, memory.places = files.digest, files, places_of(_keyed(key), files.paths)
    memory.sizes = [max(0, files.sizes[place & MASK]) for place in memory.places]
    memory.where, memory.kinds, memory.parts = [], [], {}


def _grow(memory: Remembered, key: str, files: Files) -> bool:
    """Whether the files are those remembered and some more: then only these are put on the ring."""
    old = memory.files
    if old is None or not memory.digest or not memory.where or len(files) <= len(old):
        return False
    known = frozenset(old.paths)
    come = [row for row, path in enumerate(files.paths) if path not in known]
    if len(come) + len(old) != len(files):
        return False
    stayed = [row for row, path in enumerate(files.paths) if path in known]
    if any(files.marks[row] != mark for row, mark in zip(stayed, old.marks, strict=True)):
        return False
    new = places_of(_keyed(key), [files.paths[row] for row in come])
    kind_of = [-1] * len(files)
    for place, kind in zip(memory.places, memory.where, strict=True):
        kind_of[stayed[place & MASK]] = kind
    moved = [place - (place & MASK) + stayed[place & MASK] for place in memory.places]
    memory.places = sorted([*moved, *(place - (place & MASK) + come[place & MASK] for place in new)])
    memory.where = [kind_of[place & MASK] for place in memory.places]
    memory.sizes = [max(0, files.sizes[place & MASK]) for place in memory.places]
    memory.parts = {name: part.within(files, stayed) for name, part in memory.parts.items()}
    memory.digest, memory.files = files.digest, files
    return True


def _keyed(key: str) -> bytes:
    return blake2b(key.encode(), digest_size=32).digest()
