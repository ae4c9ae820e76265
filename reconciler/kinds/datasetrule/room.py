"""What storages have left for one VO's data, charged as a rule goes along.

Quotas of one storage and of several, what the federation may use of one, and what must stay free there. A number may
be reached and not passed, in every one of them. Of a storage whose quotas name VOs, one that is not named may hold
nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from reconciler.kinds.datasetrule.places import Places
from reconciler.kinds.replica.connect import target_id
from reconciler.kinds.vo.group import vo_name
from reconciler.kinds.world import World
from reconciler.model import Unknown
from reconciler.model.amounts import size


class Room:
    """What is left, less what is charged."""

    def __init__(self, places: Places, world: World, vo: str) -> None:
        """``vo`` is whose quotas count; "": nobody's."""
        self._places, self._world, self._vo = places, world, vo_name(vo)
        self._owed: Counter[str] = Counter()
        self._used: Counter[str] = Counter()
        self._shares = places.shares.get(self._vo, ())
        owed = world.locked.owed
        self._shared = [
            sum(count for (storage, of), count in owed.items() if of == self._vo and storage in share.storages)
            for share in self._shares
        ]

    def limited(self, storage: str) -> bool:
        """Whether anything limits what a storage takes."""
        held = self._places.by_name[storage].storage
        limits = held.limits.maxBytes is not None or held.limits.minFreeBytes is not None
        return limits or bool(held.quotas) or any(storage in share.storages for share in self._shares)

    def lacks(self, storage: str, bytes: int, new: int) -> str:
        """Why a storage cannot hold ``bytes`` for the VO, of which ``new`` have to come; "" when it can."""
        held = self._places.by_name[storage].storage
        said = []
        owed = self._owes(storage)
        if held.quotas and owed + bytes > (limit := self._quota(storage)):
            said.append(f"the quota of {self._vo or 'no VO'} is {size(limit)}, {size(owed)} of it taken")
        for n, share in enumerate(self._shares):
            if storage in share.storages and self._shared[n] + bytes > share.limit:
                taken = size(self._shared[n])
                said.append(
                    f"the quota of {share.vo} for {share.locations} is {size(share.limit)}, {taken} of it taken"
                )
        most, used = held.limits.maxBytes, self._uses(storage)
        if most is not None and new and used + new > most:
            said.append(f"takes {size(most)}, {size(used)} of it used")
        least, free = held.limits.minFreeBytes, self._free(storage)
        if least is not None and free is not None and new and free - new < least:
            said.append(f"{size(free)} are free, of which {size(least)} must stay so")
        return f"{'; '.join(said)}; {size(bytes)} are needed" if said else ""

    def left(self, storage: str) -> float:
        """Bytes that it can still take, all of them new."""
        held = self._places.by_name[storage].storage
        found = [math.inf]
        if held.quotas:
            found.append(self._quota(storage) - self._owes(storage))
        found += [s.limit - self._shared[n] for n, s in enumerate(self._shares) if storage in s.storages]
        if held.limits.maxBytes is not None:
            found.append(held.limits.maxBytes - self._uses(storage))
        free = self._free(storage)
        if held.limits.minFreeBytes is not None and free is not None:
            found.append(free - held.limits.minFreeBytes)
        return min(found)

    def charge(self, storages: Iterable[str], bytes: int, new: int) -> None:
        """Count what was chosen."""
        for storage in storages:
            self._owed[storage] += bytes
            self._used[storage] += new
            for n, share in enumerate(self._shares):
                if storage in share.storages:
                    self._shared[n] += bytes

    def _quota(self, storage: str) -> float:
        for quota in self._places.by_name[storage].storage.quotas:
            if vo_name(quota.vo) == self._vo:
                return math.inf if quota.maxBytes is None else quota.maxBytes
        return 0

    def _owes(self, storage: str) -> int:
        return self._world.locked.owed.get((storage, self._vo), 0) + self._owed[storage]

    def _uses(self, storage: str) -> int:
        return self._world.locked.used.get(storage, 0) + self._places.by_hand.get(storage, 0) + self._used[storage]

    def _free(self, storage: str) -> int | None:
        """What is free now, less what comes by this plan; None when the storage does not say."""
        space = self._world.space(target_id(*storage.split("/")))
        if isinstance(space, Unknown) or space.free is None:
            return None
        return space.free - self._world.locked.coming.get(storage, 0) - self._used[storage]
