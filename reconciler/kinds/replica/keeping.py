"""Which replicas may not go, or not yet: the last copy of data, what others are copied from, and caches. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from reconciler.kinds.replica.byhand import ByHand
from reconciler.kinds.replica.ground import Ground, Grounds, Known
from reconciler.kinds.replica.seen import Cache, Seen
from reconciler.kinds.replica.spec import ReplicaSpec
from reconciler.model import Reason, Ref
from reconciler.ports import Files

_NEVER = datetime.min.replace(tzinfo=UTC)


def last_copies(going: Mapping[Ref, ReplicaSpec], staying: Mapping[Ref, ReplicaSpec], seen: Seen) -> dict[Ref, str]:
    """Replicas with files of which no good copy stays, and what would be lost. Of copies that all go, one is kept."""
    leaving = {ref: spec for ref, spec in going.items() if not spec.origin}
    every = {**staying, **leaving}
    copies: dict[str, list[Ref]] = defaultdict(list)
    for ref, spec in every.items():
        if spec.fileset is not None:
            copies[spec.dataset or ""].append(ref)
    by_hand = ByHand(every) if any(spec.fileset is None for spec in leaving.values()) else None
    found: dict[Ref, str] = {}
    left = set(every)
    for ref, spec in sorted(leaving.items()):
        left.remove(ref)
        if spec.fileset is None:
            elsewhere = _elsewhere(spec, (every[n] for names in copies.values() for n in names if n in left), seen)
            said = by_hand.lost(ref, left, _good_files(elsewhere, seen)) if by_hand else ""
        else:
            elsewhere = _elsewhere(spec, (every[n] for n in copies[spec.dataset or ""] if n in left), seen)
            said = _lost(spec, elsewhere, seen)
        if said:
            found[ref] = said
            left.add(ref)
    return found


def _elsewhere(spec: ReplicaSpec, others: Iterable[ReplicaSpec], seen: Seen) -> list[ReplicaSpec]:
    """Those that do not stand on the same files: they go with them."""
    ground = Ground.of(spec, seen.files)
    return [other for other in others if not ground.shared(Ground.of(other, seen.files))]


def _good_files(replicas: Iterable[ReplicaSpec], seen: Seen) -> Iterator[Files]:
    """What replicas of datasets hold, as far as that is known."""
    digests = {_good(spec, seen) for spec in replicas}
    yield from filter(None, map(seen.files, sorted(digests)))


def _lost(spec: ReplicaSpec, others: Iterable[ReplicaSpec], seen: Seen) -> str:
    """What would be lost without a replica; "" when nothing."""
    assert spec.fileset is not None  # noqa: S101 (of the others ByHand tells)
    total = spec.fileset.count - seen.dark.get((spec.dataset or "", str(spec.storage)), 0)
    if total <= 0:
        return ""
    own, digests = _good(spec, seen), {_good(other, seen) for other in others}
    if own in digests:
        return ""
    left = _only_here(own, digests, seen.files)
    if left is None:
        return f"perhaps the last copy of {total:,} files of {spec.dataset}, not known one by one"
    if not left:
        return ""
    if total == 1:
        return f"the last good copy of {left[0]}, all that {spec.dataset} has"
    count = f"all {len(left):,}" if len(left) == total else f"{len(left):,} of {total:,}"
    return f"the last good copy of {count} files of {spec.dataset}, first {left[0]}"


def _good(spec: ReplicaSpec, seen: Seen) -> str:
    """Digest of the files of a replica that count as a copy."""
    whole = spec.fileset.digest if spec.fileset else ""
    return seen.good.get((spec.dataset or "", str(spec.storage)), whole)


def _only_here(digest: str, digests: Iterable[str], files: Known) -> list[str] | None:
    """Paths of which no other has the same content; None when that cannot be told."""
    own = files(digest)
    if own is None:
        return None
    left = {(file.path, file.size, file.checksum) for file in own}
    for other in sorted(digests):
        found = files(other)
        left -= {(file.path, file.size, file.checksum) for file in found} if found is not None else set()
    return sorted(path for path, _, _ in left)


def claimed(
    going: Mapping[Ref, ReplicaSpec], wanted: Mapping[Ref, ReplicaSpec], seen: Seen
) -> dict[Ref, tuple[Reason, str]]:
    """Replicas whose files another one that git wants stands on too: it would lose them."""
    grounds = Grounds(wanted, seen.files)
    found = {}
    for ref, spec in going.items():
        first = grounds.first(ref, spec) if not spec.origin else None
        if first is not None:
            said = f"stays: {first[0]} wants its files, first {first[1]} (to rename it give lifecycle.moved there)"
            found[ref] = (Reason.DEPENDENCY_NOT_READY, said)
    return found


def still_needed(
    going: Mapping[Ref, ReplicaSpec], there: Mapping[Ref, ReplicaSpec], wanted: Mapping[Ref, ReplicaSpec]
) -> dict[Ref, tuple[Reason, str]]:
    """Replicas that stay until the other copies of their dataset that git wants are whole."""
    unfinished: dict[str, Ref] = {}
    for ref, spec in sorted(wanted.items(), reverse=True):
        found = there.get(ref)
        if spec.dataset and spec.fileset and (found is None or found.fileset != spec.fileset):
            unfinished[spec.dataset] = ref
    return {
        ref: (Reason.DEPENDENCY_NOT_READY, f"stays until {unfinished[spec.dataset]} is whole")
        for ref, spec in going.items()
        if spec.fileset is not None and spec.dataset in unfinished
    }


def kept_as_caches(
    going: Mapping[Ref, ReplicaSpec], there: Mapping[Ref, ReplicaSpec], wanted: Mapping[Ref, ReplicaSpec], seen: Seen
) -> dict[Ref, tuple[Reason, str]]:
    """Replicas that no rule holds and that stay on a cache while there is room, those read longest ago going first."""
    by_storage: dict[str, list[Ref]] = defaultdict(list)
    for ref, spec in going.items():
        if str(spec.storage) in seen.caches and spec.fileset is not None and not spec.purge:
            by_storage[str(spec.storage)].append(ref)
    coming = _coming(there, wanted) if by_storage else {}
    found = {}
    for name, refs in by_storage.items():
        cache = seen.caches[name]
        leave = _pressed_out(cache, {ref: going[ref] for ref in refs}, there, coming.get(name, 0), seen)
        for ref in refs:
            if ref not in leave:
                found[ref] = (Reason.RETAINED, _kept(cache))
    return found


def _coming(there: Mapping[Ref, ReplicaSpec], wanted: Mapping[Ref, ReplicaSpec]) -> dict[str, int]:
    """Bytes that are still to be brought to each storage."""
    found: dict[str, int] = defaultdict(int)
    for ref, spec in wanted.items():
        if spec.fileset is not None:
            here = there[ref].fileset if ref in there else None
            found[str(spec.storage)] += max(0, spec.fileset.bytes - (here.bytes if here else 0))
    return found


def _pressed_out(
    cache: Cache, held: Mapping[Ref, ReplicaSpec], there: Mapping[Ref, ReplicaSpec], coming: int, seen: Seen
) -> set[Ref]:
    """Which have to go so that no more than the low mark is used. Only copies that others have too."""
    used, free = cache.space.used, cache.space.free
    if used is None or free is None or used + coming <= cache.high / 100 * (used + free):
        return set()
    too_much = used + coming - cache.low / 100 * (used + free)
    last = last_copies(held, there, seen)
    gone: set[Ref] = set()
    for ref in sorted(held, key=lambda ref: (cache.read.get(ref, _NEVER), ref)):
        fileset = held[ref].fileset
        if too_much <= 0:
            break
        if ref not in last and fileset is not None:
            gone.add(ref)
            too_much -= fileset.bytes
    return gone


def _kept(cache: Cache) -> str:
    full = f"{cache.percent:.0f} % full" if cache.percent is not None else "of which nobody says how full it is"
    return f"kept as a cache: no rule holds it, and its storage is {full} (they go above {cache.high:g} %)"
