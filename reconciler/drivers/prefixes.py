"""Path prefixes, as listings are asked for: every storage driver sorts its files by them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable


class Prefixes:
    """Path prefixes, told apart by bisection: as quick with ten thousand as with one."""

    def __init__(self, prefixes: Iterable[str]) -> None:
        shortest: list[str] = []
        for prefix in sorted(set(prefixes)):
            if not shortest or not prefix.startswith(shortest[-1]):
                shortest.append(prefix)
        self._prefixes = shortest

    def few(self, most: int) -> list[str]:
        """At most ``most`` prefixes that take in all of them: themselves, or what they have in common."""
        if len(self._prefixes) <= most:
            return self._prefixes
        first, last = self._prefixes[0], self._prefixes[-1]  # in order, so that these two differ the most
        same = next(
            (i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last))
        )
        return [first[:same]]

    def cover(self, path: str) -> bool:
        """True when ``path`` begins with one of them."""
        i = bisect_right(self._prefixes, path)
        return i > 0 and path.startswith(self._prefixes[i - 1])

    def lead_into(self, folder: str) -> bool:
        """True when something covered may lie in ``folder`` (given with its closing slash)."""
        i = bisect_left(self._prefixes, folder)
        return self.cover(folder) or (i < len(self._prefixes) and self._prefixes[i].startswith(folder))
