"""A ring on which storages and files lie by hashes: a file goes to the next storages clockwise.

Another storage takes only what falls to it, and one that goes leaves only what it had. A storage has points in
proportion to its weight, so many that all get nearly what is due to them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import blake2b

POINTS = 256
"""Points of the heaviest storages; between half of it and all of it, as weights are compared with a power of two."""
BITS = 40
"""Of a place on the ring."""
_ROW = 24
MASK = (1 << _ROW) - 1
MOST = 1 << _ROW
"""Files that one ring takes."""


def places_of(key: bytes, paths: Sequence[str]) -> list[int]:
    """Where files lie on the ring, in order: the place, then the row number in the last 24 bits."""
    keyed = blake2b(digest_size=BITS // 8, key=key)
    found = []
    for row, path in enumerate(paths):
        hashed = keyed.copy()
        hashed.update(path.encode())
        found.append(int.from_bytes(hashed.digest(), "big") << _ROW | row)
    found.sort()
    return found


def start_of(point: int) -> int:
    """What is compared with ``places_of``."""
    return point << _ROW


class Ring:
    """The points of storages in order."""

    def __init__(self, key: bytes, weights: Mapping[str, float], apart: Mapping[str, str]) -> None:
        """``apart`` says of each storage where it is: no two of one answer are in the same place ("": anywhere)."""
        heaviest = max(weights.values(), default=1.0)
        unit = POINTS / 2 ** math.ceil(math.log2(heaviest)) if heaviest > 0 else 0.0
        points = []
        for name, weight in weights.items():
            for n in range(max(1, round(weight * unit)) if weight > 0 else 0):
                hashed = blake2b(f"{name}\0{n}".encode(), digest_size=BITS // 8, key=key).digest()
                points.append((int.from_bytes(hashed, "big"), name))
        points.sort()
        self.names = weights.keys()
        self.points = [point for point, _ in points]
        self._names = [name for _, name in points]
        self._apart = apart
        self._weights = weights

    def __len__(self) -> int:
        return len(self.points)

    def following(self, n: int, count: int, full: Collection[str] = (), beside: Sequence[str] = ()) -> tuple[str, ...]:
        """The first ``count`` storages from the ``n``-th point on that are not full; fewer where there are no more.

        None of them is in ``beside``, nor in the same place as one of those.
        """
        found: list[str] = []
        groups = {self._apart[name] for name in beside} - {""}
        refused = {*full, *beside}
        for step in range(len(self._names)):
            if len(found) == count:
                break
            name = self._names[(n + step) % len(self._names)]
            if name in refused:
                continue
            refused.add(name)
            group = self._apart[name]
            if not group or group not in groups:
                found.append(name)
                groups.add(group)
        return tuple(found)

    def kept(self, n: int, standing: Sequence[str], count: int) -> tuple[str, ...]:
        """Which ``count`` of the storages that have a file already keep it: the first from the ``n``-th point on."""
        groups = [self._apart[name] for name in standing]
        if len(standing) <= count and len(set(groups)) == len(groups) - max(0, groups.count("") - 1):
            return tuple(standing)
        others = self._weights.keys() - set(standing)
        found = self.following(n, count, others)
        return (*found, *self._unweighted(standing, found))[:count]

    def _unweighted(self, standing: Sequence[str], found: Sequence[str]) -> Iterator[str]:
        """Those of ``standing`` that nothing new goes to: they keep what the others cannot."""
        groups = {self._apart[name] for name in found} - {""}
        for name in standing:
            if not self._weights.get(name) and self._apart[name] not in groups:
                groups.update({self._apart[name]} - {""})
                yield name
