"""What this process has seen of storages in its last look, for what is decided or done right after it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.kinds.replica.transfer import Job
from reconciler.model import Ref
from reconciler.ports import Files, Space


@dataclass(frozen=True, slots=True)
class Cache:
    """A storage on which copies that no rule holds may stay, until it is fuller than the high mark."""

    high: float
    """Percent."""
    low: float
    """Percent: they are taken away until no more than this is used."""
    space: Space
    read: Mapping[Ref, datetime]
    """When each replica was read or written last, as far as that is known."""

    @property
    def percent(self) -> float | None:
        """How full it is; None where it does not say."""
        if self.space.used is None or self.space.free is None or not self.space.used + self.space.free:
            return None
        return 100.0 * self.space.used / (self.space.used + self.space.free)


@dataclass
class Seen:
    """Kept by the kind, renewed by each full look at a storage. Storages go by their target ids."""

    due: dict[str, frozenset[str]] = field(default_factory=dict)
    """Storage -> paths of dark files that may be taken away."""
    guards: dict[str, str] = field(default_factory=dict)
    """``site/storage`` -> why nothing is concluded from what is missing there."""
    whole: dict[str, frozenset[str]] = field(default_factory=dict)
    """Storage -> datasets of which everything wanted is there and right."""
    good: dict[tuple[str, str], str] = field(default_factory=dict)
    """(dataset, ``site/storage``) -> digest of the files that are there and right, where that is not all."""
    dark: dict[tuple[str, str], int] = field(default_factory=dict)
    """(dataset, ``site/storage``) -> how many of the files that are shown there are dark and no copy of anything."""
    owned: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)
    """Storage -> mark -> folders and files of that replica. A look at few knows of the others from a look at all."""
    filling: dict[tuple[str, str], Job] = field(default_factory=dict)
    """(dataset, storage) -> the transfer that brings it there."""

    caches: dict[str, Cache] = field(default_factory=dict)
    """``site/storage`` -> how full it is, of storages that are caches."""
    files: Callable[[str], Files | None] = lambda _digest: None
    """What a digest stands for."""

    turn: threading.Lock = field(default_factory=threading.Lock)
    """Held by whoever looks at ``filling`` to begin a transfer."""

    def right(self, dataset: str, target: str, files: Files) -> Files | None:
        """Those of ``files`` that the last look found right at a storage, or more; None when nobody has looked."""
        if dataset in self.whole.get(target, ()):
            return files
        digest = self.good.get((dataset, target.partition(":")[2]))
        return self.files(digest) if digest is not None else None

    def fills(self, dataset: str, storages: Iterable[str]) -> Job | None:
        """The transfer under way to the first of ``storages``, nearest first, that a copy is worth waiting for.

        None when a nearer one has the whole dataset already.
        """
        for storage in storages:
            if dataset in self.whole.get(storage, ()):
                return None
            job = self.filling.get((dataset, storage))
            if job is not None and job.state == "running":
                return job
        return None
