"""How a replica behaves: one listing shows all of a storage's, and copying never holds a worker.

Complete files alone count: a copy appears under its name when its bytes are verified. Files that carry no mark of
ours, or another resource's, are neither overwritten nor taken away.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from reconciler.errors import DriverError
from reconciler.kinds.base import Federation, Kind, Repair, Rule
from reconciler.kinds.failing import failed
from reconciler.kinds.replica.bringing import put_files, remove_files
from reconciler.kinds.replica.byhand import shed
from reconciler.kinds.replica.change import Visit, put_one, remove_one, spec_of
from reconciler.kinds.replica.connect import Closed, closed, connect, described, target_id
from reconciler.kinds.replica.ground import Grounds, Known
from reconciler.kinds.replica.keeping import claimed, kept_as_caches, last_copies, still_needed
from reconciler.kinds.replica.looking import Look, look_at_all
from reconciler.kinds.replica.observed import Folders, look, prefixes
from reconciler.kinds.replica.owning import Owners, places
from reconciler.kinds.replica.rules import RULES, Quarrel, quarrels
from reconciler.kinds.replica.seen import Seen
from reconciler.kinds.replica.spec import ReplicaFile, ReplicaSpec, StorageSource
from reconciler.kinds.replica.taken import taken
from reconciler.kinds.replica.transfer import Transfers
from reconciler.kinds.world import World
from reconciler.model import (
    Answer,
    Change,
    Done,
    Edge,
    Failed,
    Observation,
    Present,
    Reading,
    Reason,
    Ref,
    Resource,
    Started,
    Stray,
    Target,
    Unknown,
    Wanted,
)
from reconciler.model.taken import Taken
from reconciler.ports import Drivers, Listing


class ReplicaKind(Kind[ReplicaSpec]):
    """Files at a storage."""

    name = "Replica"
    plural = "replicas"
    Spec = ReplicaSpec
    immutable: ClassVar[frozenset[str]] = frozenset({"spec.path", "spec.dataset"})
    beside: ClassVar[frozenset[str]] = frozenset({"sources", "rules", "priority", "activity", "purge", "whole"})
    batch: ClassVar[int] = 50
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def __init__(
        self, transfers: Transfers | None = None, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """``clock`` tells the time in UTC: a storage may be closed until a time."""
        self._transfers = transfers or Transfers()
        self._clock = clock
        self._seen = Seen()

    def canonical(self, spec: ReplicaSpec) -> ReplicaSpec:
        """Files in the order of their paths, checksums in lower case."""
        files = tuple(sorted((_lower(file) for file in spec.files), key=lambda file: file.path))
        checksum = spec.checksum.lower() if spec.checksum else None
        if files == spec.files and checksum == spec.checksum:
            return spec
        return spec.model_copy(update={"files": files, "checksum": checksum})

    def references(self, ref: Ref, spec: ReplicaSpec) -> Iterable[Edge]:
        yield Edge(Ref.of("Site", spec.storage.site), "exists", "spec.storage.site")
        for site in sorted({place.partition("/")[0] for place in spec.sources} - {spec.storage.site}):
            yield Edge(Ref.of("Site", site), "exists", "spec.sources")
        if isinstance(spec.source, StorageSource):
            if spec.source.site != spec.storage.site:
                yield Edge(Ref.of("Site", spec.source.site), "exists", "spec.source.site")
            if spec.source.replica is not None:
                namespace, _, name = spec.source.replica.rpartition("/")
                yield Edge(Ref.of("Replica", name, namespace or ref.namespace), "ready", "spec.source.replica")

    def quarrels(self, resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterable[Quarrel]:
        return quarrels(resources, changed)

    def target(self, ref: Ref, spec: ReplicaSpec) -> str:  # noqa: ARG002
        return target_id(spec.storage.site, spec.storage.name)

    def connect(self, target_id: str, federation: Federation, drivers: Drivers) -> Target:
        return connect(target_id, federation, drivers)

    def described(self, target_id: str, federation: Federation) -> bool:
        return described(target_id, federation)

    def takes(self, spec: ReplicaSpec, federation: Federation, world: World) -> Iterable[Taken]:  # noqa: ARG002
        return taken(spec, federation)

    def holders(self, spec: ReplicaSpec) -> Iterable[Ref]:
        return map(Ref, spec.rules)

    def parting(self, spec: ReplicaSpec) -> str:
        return "its files stay where they are, and are counted no more" if spec.origin else ""

    def sheds(self, before: ReplicaSpec, wanted: ReplicaSpec) -> ReplicaSpec | None:
        return shed(before, wanted)

    def precious(self, going: Mapping[Ref, ReplicaSpec], staying: Mapping[Ref, ReplicaSpec]) -> Mapping[Ref, str]:
        return last_copies(going, staying, self._seen)

    def lingers(
        self, going: Mapping[Ref, ReplicaSpec], there: Mapping[Ref, ReplicaSpec], wanted: Mapping[Ref, ReplicaSpec]
    ) -> Mapping[Ref, tuple[Reason, str]]:
        waiting = still_needed(going, there, wanted) | claimed(going, wanted, self._seen)
        rest = {ref: spec for ref, spec in going.items() if ref not in waiting}
        return {**waiting, **kept_as_caches(rest, there, wanted, self._seen)}

    def repair(self, before: ReplicaSpec, wanted: ReplicaSpec) -> Repair | None:
        why = self._seen.guards.get(str(wanted.storage))
        return Repair(why, 1, 0, 1000) if why and before.fileset != wanted.fileset else None

    def observe(self, target: Target, wanted: Sequence[Wanted], drivers: Drivers, token: str = "") -> Reading:
        specs = [spec for w in wanted for spec in (w.spec, w.applied) if isinstance(spec, ReplicaSpec)]
        token = "" if token and drivers.catalogue.restless(target.id) else token
        listing = drivers.storage(target).listing({"", *prefixes(specs, drivers.catalogue.files)}, token)
        if listing.unchanged:
            return Reading({}, token=listing.token, unchanged=True)
        folders = Folders(listing.files)
        many = [w for w in wanted if isinstance(w.spec, ReplicaSpec) and w.spec.fileset is not None]
        apart = {w.ref for w in many}
        results = {w.ref: look(w, listing, folders) for w in wanted if w.ref not in apart}
        owned = {**self._seen.owned.get(target.id, {}), **{w.uid: places(w) for w in wanted}}
        self._seen.owned[target.id] = owned
        seeing = Look(target, drivers, listing, folders, self._transfers, self._seen, Owners.of(owned))
        results |= look_at_all(seeing, many) | _of_others(wanted, drivers.catalogue.files)
        held = {w.uid for w in wanted}
        ill = any(isinstance(seen, Present) and seen.healthy is False for seen in results.values())
        token = "" if ill else listing.token  # what is not whole must be looked at each time
        return Reading(results, _strays(target, listing, held), token, complete=listing.complete)

    def put(self, target: Target, changes: Sequence[Change], drivers: Drivers) -> Mapping[Ref, Answer]:
        shut = closed(target, "write", self._clock())
        if shut is None:
            return self._each(target, changes, drivers, self._put)
        said = {change.ref: _closed(target, "written", shut) for change in changes}
        return {**said, **self._each(target, [c for c in changes if _lies(c)], drivers, self._put)}

    def remove(self, target: Target, changes: Sequence[Change], drivers: Drivers) -> Mapping[Ref, Answer]:
        shut = closed(target, "delete", self._clock())
        if shut is None:
            return self._each(target, changes, drivers, self._remove)
        said = {change.ref: _closed(target, "deleted from", shut) for change in changes}
        return {**said, **self._each(target, [c for c in changes if _lies(c)], drivers, self._remove)}

    def _put(self, visit: Visit, change: Change) -> Answer:
        return put_files(visit, self._seen, change) if spec_of(change).fileset else put_one(visit, change)

    def _remove(self, visit: Visit, change: Change) -> Answer:
        answer = remove_files(visit, change) if spec_of(change).fileset else remove_one(visit, change)
        if isinstance(answer, Done):
            self._seen.owned.get(visit.target.id, {}).pop(change.uid, None)
        return answer

    def _each(
        self, target: Target, changes: Sequence[Change], drivers: Drivers, do: Callable[[Visit, Change], Answer]
    ) -> dict[Ref, Answer]:
        """Answer for what is under way without looking; look once at the storage for all the rest."""
        answers: dict[Ref, Answer] = {}
        for change in changes:
            answer = self._under_way(change)
            if answer is not None:
                answers[change.ref] = answer
        rest = [change for change in changes if change.ref not in answers]
        if not rest:
            return answers
        specs = [change.spec for change in rest if isinstance(change.spec, ReplicaSpec)]
        listing = drivers.storage(target).listing(prefixes(specs, drivers.catalogue.files))
        visit = Visit(target, drivers, listing, Folders(listing.files), self._transfers, self._clock())
        for change in rest:
            try:
                answers[change.ref] = do(visit, change)
            except DriverError as error:
                answers[change.ref] = failed(error)
        return answers

    def _under_way(self, change: Change) -> Answer | None:
        job = self._transfers.find(change.handle) if change.handle else None
        if job is None or job.state == "done":
            return None
        if job.state == "running":
            come = job.progress()
            return Started(job.handle, look_again_in(job.total - job.moved), message=job.said(), progress=come)
        if job.error is not None:
            return failed(job.error)
        return None


def _lies(change: Change) -> bool:
    """Whether its files lie where nothing is written, and so nothing is closed to it."""
    return spec_of(change).lies is not None


def look_again_in(left: int) -> float:
    """Seconds until a transfer with ``left`` bytes to go is worth another look."""
    return min(2.0, max(0.2, left / 200e6))


def _lower(file: ReplicaFile) -> ReplicaFile:
    if file.checksum is None or file.checksum == file.checksum.lower():
        return file
    return file.model_copy(update={"checksum": file.checksum.lower()})


def _of_others(wanted: Sequence[Wanted], files: Known) -> dict[Ref, Observation]:
    """Replicas whose files another one counts in place, as not its own to write or take away."""
    specs = {w.ref: w.spec for w in wanted if isinstance(w.spec, ReplicaSpec)}
    in_place = {ref: spec for ref, spec in specs.items() if spec.lies is not None}
    grounds = Grounds(in_place, files)
    found: dict[Ref, Observation] = {}
    for ref, spec in specs.items() if in_place else ():
        first = grounds.first(ref, spec) if ref not in in_place else None
        if first is not None:
            said = (
                f"{first[1]} belongs to {first[0]}, whose Dataset counts it where it lies (copies): name another place"
            )
            found[ref] = Unknown(said, Reason.ADOPTION_CONFLICT)
    return found


def _closed(target: Target, way: str, shut: Closed) -> Failed:
    until = f" until {shut.until:%Y-%m-%d %H:%M} UTC" if shut.until else ""
    said = f"{target.name} may not be {way}{until}: {shut.reason}"
    return Failed("terminal", said, reason=Reason.SITE_IN_DOWNTIME)


def _strays(target: Target, listing: Listing, held: set[str]) -> tuple[Stray, ...]:
    """One stray for each mark that nobody wants, named after its first file."""
    first: dict[str, str] = {}
    for path in sorted(listing.files):
        uid = listing.files[path].uid
        if uid and uid not in held:
            first.setdefault(uid, path)
    return tuple(Stray(target.id, uid, path, "Replica") for uid, path in sorted(first.items()))
