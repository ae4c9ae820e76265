"""Grouping NONE: each file of a dataset goes to places of its own, a million of them in a few seconds.

Files lie on the ring between the points of storages; all between two points get the same answer, which is worked out
once. Where a storage has a limit, what it takes is counted on the way, and once it is full it is passed over.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from reconciler.kinds.datasetrule.ring import MASK, MOST, Ring, places_of, start_of
from reconciler.kinds.datasetrule.room import Room
from reconciler.ports import Files


@dataclass(frozen=True)
class Scattered:
    """Which files go where."""

    parts: Mapping[str, Files]
    """Storage -> its files."""
    homeless: int = 0
    """Files for which there are not enough places."""
    full: tuple[str, ...] = ()
    """Storages that took all they could."""
    next: str = ""
    """Who would take most files if one more copy were wanted."""
    kept: int = 0
    """Copies that stay where they are."""


@dataclass
class Remembered:
    """What the last answer for the same rule and files was worked out from: the next one is cheaper by it."""

    digest: str = ""
    places: Sequence[int] = ()
    sizes: Sequence[int] = ()
    parts: dict[str, Files] = field(default_factory=dict)
    rows: dict[str, list[int]] = field(default_factory=dict)


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
        self._memory = memory
        if memory.digest != files.digest:
            places = places_of(blake2b(key.encode(), digest_size=32).digest(), files.paths)
            sizes = [max(0, files.sizes[place & MASK]) for place in places]
            memory.digest, memory.places, memory.sizes = files.digest, places, sizes
            memory.parts, memory.rows = {}, {}
        self._full: set[str] = set()
        self._limited = limited
        self._taken: dict[str, list[int]] = defaultdict(list)
        self._homeless = self._kept = 0
        self._next: Counter[str] = Counter()

    def run(self, standing: Mapping[str, Files]) -> Scattered:
        """Give every file its places: what stands at a storage stays there, the rest goes where the ring says."""
        where, kinds = self._where(standing)
        places = self._memory.places
        for n, (low, high) in self._arcs():
            if low == high:
                continue
            before = where[low:high] if where else []
            if not where or before.count(before[0]) == len(before):
                self._place(n, kinds[before[0]] if where else (), range(low, high))
                continue
            apart: dict[int, list[int]] = defaultdict(list)
            for at, kind in enumerate(before, start=low):
                apart[kind].append(at)
            for kind, those in apart.items():
                self._place(n, kinds[kind], those)
        rows = {name: sorted([places[at] & MASK for at in taken]) for name, taken in self._taken.items()}
        return self._scattered(rows)

    def _arcs(self) -> Iterator[tuple[int, tuple[int, int]]]:
        """(number of the point that ends it, the files in it) for every arc of the ring."""
        places, low = self._memory.places, 0
        if not len(self._ring):
            yield 0, (0, len(places))
            return
        for n, point in enumerate(self._ring.points):
            high = bisect_left(places, start_of(point), low)
            yield n, (low, high)
            low = high
        yield 0, (low, len(places))

    def _place(self, n: int, standing: tuple[str, ...], those: Sequence[int]) -> None:
        """Places for files that are all in one arc and stand at the same storages."""
        kept = self._ring.kept(n, standing, self._copies) if standing else ()
        self._kept += len(kept) * len(those)
        for name in kept:
            self._taken[name].extend(those)
            if name in self._limited:
                self._room.charge((name,), self._weight(those), 0)
        missing = self._copies - len(kept)
        if missing:
            self._new(n, kept, those, missing)

    def _new(self, n: int, kept: tuple[str, ...], those: Sequence[int], missing: int) -> None:
        found = self._ring.following(n, missing + 1, self._full, kept)
        names = found[:missing]
        if len(names) < missing:
            self._homeless += len(those)
            return
        tight = [name for name in names if name in self._limited]
        weight = self._weight(those) if tight else 0
        if any(self._room.left(name) < weight for name in tight):
            self._one_by_one(n, kept, those, missing)
            return
        self._next[found[missing] if len(found) > missing else ""] += len(those)
        for name in names:
            self._taken[name].extend(those)
        self._room.charge(tight, weight, weight)

    def _one_by_one(self, n: int, kept: tuple[str, ...], those: Sequence[int], missing: int) -> None:
        """The same where some storage gets full on the way: it is passed over from the first file on that it lacks."""
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
                self._taken[name].append(at)
                if name in self._limited:
                    self._room.charge((name,), size, size)

    def _weight(self, those: Sequence[int]) -> int:
        if isinstance(those, range):
            return sum(self._memory.sizes[those.start : those.stop])
        return sum(self._memory.sizes[at] for at in those)

    def _where(self, standing: Mapping[str, Files]) -> tuple[list[int], list[tuple[str, ...]]]:
        """For each place on the ring the number of what stands there, and what the numbers mean."""
        if not any(map(len, standing.values())):
            return [], []
        bits = [0] * len(self._files)
        names = sorted(standing)
        row_of: dict[str, int] = {}
        for n, name in enumerate(names):
            bit = 1 << n
            for row in self._rows(name, standing[name], row_of):
                bits[row] |= bit
        known: dict[int, int] = {}
        where = [known.setdefault(bits[place & MASK], len(known)) for place in self._memory.places]
        return where, [tuple(name for n, name in enumerate(names) if mask >> n & 1) for mask in known]

    def _rows(self, name: str, files: Files, row_of: dict[str, int]) -> Sequence[int]:
        """Row numbers of files that stand at a storage; without another look where they are the last answer."""
        before = self._memory.parts.get(name)
        if before is not None and before.digest == files.digest:
            return self._memory.rows[name]
        if not row_of:
            row_of.update(zip(self._files.paths, range(len(self._files)), strict=True))
        return [row_of[path] for path in files.paths if path in row_of]

    def _scattered(self, rows: dict[str, list[int]]) -> Scattered:
        memory, parts = self._memory, {}
        for name in sorted(rows):
            if rows[name]:
                same = memory.rows.get(name) == rows[name]
                parts[name] = memory.parts[name] if same else self._files.only(rows[name])
        memory.rows, memory.parts = rows, parts
        most = self._next.most_common()
        runner_up = min((name for name, count in most if count == most[0][1]), default="")
        return Scattered(parts, self._homeless, tuple(sorted(self._full)), runner_up, self._kept)
