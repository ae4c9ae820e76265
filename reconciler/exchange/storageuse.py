"""Who uses storage: by the locks of rules (logical), by what lies there (physical), and how far the two are apart.

Logical use counts a file as often as rules hold it, for those rules' VOs and owners. Physical use counts what replicas
take on each storage, beside what the storage says itself; the difference is what Hanse does not know of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.model.data import HoldRecord, ReplicaRecord, ScanRecord
from reconciler.model.ref import Ref
from reconciler.ports import Space


@dataclass(frozen=True, slots=True)
class LogicalUse:
    """What the rules of one VO and owner hold."""

    vo: str
    owner: str
    rules: int
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class PhysicalUse:
    """What lies on one storage. Bytes; None where the storage does not say."""

    storage: str
    replicas: int
    files: int
    bytes: int
    """Of replicas."""
    logical: int
    """Held by rules there, each file as often as rules hold it."""
    unheld: int
    """Of replicas that no rule holds: caches, and what waits to be taken away."""
    dark: int
    """In folders of ours, and wanted by nothing."""
    used: int | None
    """As the storage says."""
    free: int | None
    difference: int | None
    """``used`` without ``bytes``: what Hanse does not know of."""
    unknown: str = ""
    """Why the storage does not say."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one VO uses of one storage."""

    storage: str
    vo: str
    files: int
    bytes: int
    """Its part of what lies there: a replica that rules of several VOs hold is shared out among them."""
    logical: int
    """What its rules hold there, each file once."""


def logical(holds: Iterable[HoldRecord]) -> tuple[LogicalUse, ...]:
    """Logical use by VO and owner."""
    found: dict[tuple[str, str], list[HoldRecord]] = defaultdict(list)
    for hold in holds:
        found[hold.vo, hold.owner].append(hold)
    return tuple(
        LogicalUse(vo, owner, len({one.rule for one in some}), sum(o.files for o in some), sum(o.bytes for o in some))
        for (vo, owner), some in sorted(found.items())
    )


def physical(
    replicas: Sequence[ReplicaRecord],
    holds: Iterable[HoldRecord],
    scans: Iterable[ScanRecord],
    spaces: Mapping[str, Space | str],
) -> tuple[PhysicalUse, ...]:
    """Physical use by storage. ``spaces`` says how full each is, or why that is not known."""
    there: dict[str, list[ReplicaRecord]] = defaultdict(list)
    for replica in replicas:
        there[replica.storage].append(replica)
    held: dict[str, int] = defaultdict(int)
    for hold in holds:
        held[hold.storage] += hold.bytes
    dark = {scan.storage: scan.dark_bytes for scan in scans}
    return tuple(
        _physical(name, there[name], held[name], dark.get(name, 0), spaces.get(name, "not asked"))
        for name in sorted({*there, *dark})
    )


def _physical(name: str, replicas: Sequence[ReplicaRecord], held: int, dark: int, said: Space | str) -> PhysicalUse:
    total = sum(one.bytes for one in replicas)
    space = said if isinstance(said, Space) else Space()
    return PhysicalUse(
        storage=name,
        replicas=len(replicas),
        files=sum(one.files for one in replicas),
        bytes=total,
        logical=held,
        unheld=sum(one.bytes for one in replicas if one.tombstone is not None),
        dark=dark,
        used=space.used,
        free=space.free,
        difference=space.used - total if space.used is not None else None,
        unknown=said if isinstance(said, str) else "",
    )


def shares(replicas: Iterable[ReplicaRecord], holds: Iterable[HoldRecord]) -> tuple[Share, ...]:
    """What each VO uses of each storage. What no rule holds is counted for the VO of its dataset."""
    held: dict[Ref, dict[str, int]] = defaultdict(dict)
    for hold in holds:
        by_vo = held[hold.replica]
        by_vo[hold.vo] = max(by_vo.get(hold.vo, 0), hold.bytes)
    found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in replicas:
        by_vo = held.get(one.ref) or {one.vo: 0}
        for n, vo in enumerate(sorted(by_vo)):
            parts = found[one.storage, vo]
            for at, whole in ((0, one.files), (1, one.bytes)):
                parts[at] += whole // len(by_vo) + (n < whole % len(by_vo))
            parts[2] += by_vo[vo]
    return tuple(Share(storage, vo, *numbers) for (storage, vo), numbers in sorted(found.items()))
