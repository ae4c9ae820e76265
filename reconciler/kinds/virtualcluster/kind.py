"""How a virtual cluster behaves.

What cannot change in place, and why: ``vo``, ``site`` and ``cloud`` name the project, so another one means other
machines; the front end's make (cpus, ramMiB, diskGiB, gpus, image, flavour) because the machine that holds the
cluster's state would have to be made anew; ``network.networks`` and ``network.ports`` because machines get them when
they are made. Workers hold no state: another make replaces them, a quarter of the group at a time.

Found again by: the uid in each node's metadata, and names that are the same after every crash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar

from reconciler.errors import DriverError
from reconciler.kinds.base import Federation, Kind, Occasion, OpenChoice, Repair, Rule
from reconciler.kinds.failing import failed
from reconciler.kinds.virtualcluster import asking, beside, drain, elastic, marks, room
from reconciler.kinds.virtualcluster.affording import afforded
from reconciler.kinds.virtualcluster.candidates import open_choices
from reconciler.kinds.virtualcluster.cloud import Cloud
from reconciler.kinds.virtualcluster.connect import connect_all, target_id
from reconciler.kinds.virtualcluster.life import Life
from reconciler.kinds.virtualcluster.near import rule_ref
from reconciler.kinds.virtualcluster.nodes import Roster, roster
from reconciler.kinds.virtualcluster.observed import present
from reconciler.kinds.virtualcluster.places import picked_place
from reconciler.kinds.virtualcluster.rules import RULES
from reconciler.kinds.virtualcluster.spec import AUTO, FRONTEND, Replacement, VirtualClusterSpec
from reconciler.kinds.virtualcluster.taken import taken
from reconciler.kinds.when import Lifetime
from reconciler.kinds.world import Demand, Offer, Question, World
from reconciler.model import (
    Absent,
    Answer,
    Change,
    Done,
    Edge,
    Failed,
    Observation,
    Reading,
    Ref,
    Started,
    Stray,
    Target,
    Unknown,
    Wanted,
)
from reconciler.model.taken import Taken
from reconciler.ports import Drivers, Holding, Queue

_PARTIAL = "the cloud listed only a part of its nodes"


class VirtualClusterKind(Kind[VirtualClusterSpec]):
    """A front end and workers in a site's cloud."""

    name = "VirtualCluster"
    plural = "virtualclusters"
    Spec = VirtualClusterSpec
    immutable: ClassVar[frozenset[str]] = frozenset(
        {"spec.vo", "spec.site", "spec.cloud", "spec.network.networks", "spec.network.ports"}
        | {f"spec.frontend.{field}" for field in ("cpus", "ramMiB", "diskGiB", "gpus", "image", "flavour")}
    )
    batch: ClassVar[int] = 50
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def references(self, ref: Ref, spec: VirtualClusterSpec) -> Iterable[Edge]:
        yield Edge(Ref.of("VO", spec.vo), "exists", "spec.vo")
        if spec.site != AUTO:
            yield Edge(Ref.of("Site", spec.site), "exists", "spec.site")
        for n, group in enumerate(spec.workers):
            if group.site is not None:
                yield Edge(Ref.of("Site", group.site), "exists", f"spec.workers[{n}].site")
        for n, need in enumerate(spec.data):
            yield Edge(rule_ref(ref, need.datasetRule), need.gate, f"spec.data[{n}].datasetRule")
        if spec.requirements and spec.requirements.near:
            yield Edge(rule_ref(ref, spec.requirements.near), "exists", "spec.requirements.near")

    def target(self, ref: Ref, spec: VirtualClusterSpec) -> str:  # noqa: ARG002
        if spec.site == AUTO or spec.cloud is None:
            return ""
        return target_id(spec.site, spec.cloud, spec.vo)

    def lifetime(self, spec: VirtualClusterSpec) -> Lifetime | None:
        return spec.lifetime

    def leaves_open(self, spec: VirtualClusterSpec) -> bool:
        return bool(spec.elastic)

    def connect(self, target_id: str, federation: Federation, drivers: Drivers) -> Target:
        return connect_all(target_id, federation, drivers)

    def asks(self, ref: Ref, spec: VirtualClusterSpec, occasion: Occasion) -> Iterable[Question]:
        yield from asking.questions(ref, spec, occasion)
        yield from elastic.questions(ref, spec, occasion)

    def answer(self, question: Question, drivers: Drivers, earlier: Offer | None) -> Offer | Queue:
        if question.topic == "queue":
            return drivers.batch(question.target).queue()
        return asking.offer(question, drivers, earlier)

    def choices(self, ref: Ref, spec: VirtualClusterSpec, federation: Federation, world: World) -> Sequence[OpenChoice]:
        workers = afforded(ref, spec, elastic.choices(ref, spec, world), elastic.FIELD, world)
        return (*open_choices(ref, spec, federation, world), *workers)

    def chosen(self, spec: VirtualClusterSpec, picks: Mapping[str, tuple[str, ...]]) -> VirtualClusterSpec:
        spec = elastic.with_nodes(spec, picks)
        if "site" in picks:
            site, _, cloud = picks["site"][0].partition("/")
            return spec.model_copy(update={"site": site, "cloud": cloud})
        return spec.model_copy(update={"cloud": picks["cloud"][0]}) if "cloud" in picks else spec

    def takes(self, spec: VirtualClusterSpec, federation: Federation, world: World) -> Iterable[Taken]:  # noqa: ARG002
        return taken(spec, world)

    def picked(self, spec: VirtualClusterSpec) -> Mapping[str, tuple[str, ...]]:
        return {"site": (picked_place(spec),), "cloud": (spec.cloud or "",)}

    def demand(self, ref: Ref, spec: VirtualClusterSpec, world: World) -> Demand:
        target, there = self.target(ref, spec), world.stands(ref)
        offer = world.offer(target)
        held = there if isinstance(there, VirtualClusterSpec) and self.target(ref, there) == target else None
        own = room.demand(spec, target, offer if isinstance(offer, Offer) else None, held)
        return room.together(own, room.demand_elsewhere(spec, world.offer, held))

    def repair(self, before: VirtualClusterSpec, wanted: VirtualClusterSpec) -> Repair | None:
        policy, (lost, whole) = wanted.replacement or Replacement(), room.lost(wanted, before)
        said = f"{lost} of {whole} machines are missing or do not serve"
        return Repair(said, lost, policy.atOnce, policy.repairsPerHour) if lost else None

    def observe(self, target: Target, wanted: Sequence[Wanted], drivers: Drivers, token: str = "") -> Reading:
        compute, elsewhere = drivers.compute(target), beside.spans(wanted, target)
        listing = compute.nodes("" if elsewhere.spans else token)
        if listing.unchanged:
            return Reading({}, token=listing.token, unchanged=True)
        there, holdings = roster(listing.nodes), {held.owner: held for held in compute.holdings()}
        elsewhere = beside.looked_at(beside.remembered(elsewhere, wanted, there, target), target, drivers)
        whole = roster((*listing.nodes, *elsewhere.nodes)) if elsewhere.nodes else there
        results = {
            w.ref: Unknown(why)
            if (why := elsewhere.why_unseen(w.ref))
            else self._look(w, whole, holdings, complete=listing.complete)
            for w in wanted
        }
        nobodys = sorted({*there.by_uid, *holdings} - {w.uid for w in wanted})
        strays = (
            self._stray(target, uid, there) if uid in there.by_uid else self._rest(target, holdings[uid])
            for uid in nobodys
        )
        here = tuple(stray for stray in strays if stray is not None)
        return Reading(results, here, listing.token, complete=listing.complete)

    def _look(self, wanted: Wanted, there: Roster, holdings: Mapping[str, Holding], *, complete: bool) -> Observation:
        """What there is of one cluster; it is there as long as the cloud keeps anything for it."""
        if not complete:
            return Unknown(_PARTIAL)
        members = there.members(wanted.uid)
        if not members and wanted.uid not in holdings:
            return Absent()
        spec, applied = wanted.spec, wanted.applied
        assert isinstance(spec, VirtualClusterSpec)  # noqa: S101
        return present(wanted.uid, spec, applied if isinstance(applied, VirtualClusterSpec) else None, members)

    def _stray(self, target: Target, uid: str, there: Roster) -> Stray | None:
        """A cluster nobody wants; nodes that another target of the same project made are none."""
        metadata = there.by_uid[uid][0].metadata
        if metadata.get(marks.TARGET, target.id) != target.id:
            return None
        return Stray(target.id, uid, metadata.get(marks.REF, there.by_uid[uid][0].name), self.name)

    def _rest(self, target: Target, held: Holding) -> Stray | None:
        """What a cluster that nobody wants has left besides machines."""
        at, ref = marks.noted(held.note)
        return Stray(target.id, held.owner, ref or held.owner, self.name) if at in ("", target.id) else None

    def put(self, target: Target, changes: Sequence[Change], drivers: Drivers) -> Mapping[Ref, Answer]:
        return _everywhere(target, changes, drivers, self._put)

    def _put(self, cloud: Cloud, changes: Sequence[Change]) -> Mapping[Ref, Answer]:
        listing = cloud.compute.nodes()
        if not listing.complete:
            return {change.ref: _partly_seen(change) for change in changes}
        there = roster(listing.nodes)
        return {change.ref: _step(change, cloud, there) for change in changes}

    def remove(self, target: Target, changes: Sequence[Change], drivers: Drivers) -> Mapping[Ref, Answer]:
        return _everywhere(target, changes, drivers, self._remove)

    def _remove(self, cloud: Cloud, changes: Sequence[Change]) -> Mapping[Ref, Answer]:
        listing = cloud.compute.nodes()
        if not listing.complete:
            return {change.ref: _partly_seen(change) for change in changes}
        there = roster(listing.nodes)
        going = {n.metadata.get(marks.UID) for n in listing.nodes if n.state == "deleting"}
        return {change.ref: _take_away(change, cloud, there, change.uid in going) for change in changes}


def _everywhere(
    target: Target,
    changes: Sequence[Change],
    drivers: Drivers,
    do: Callable[[Cloud, Sequence[Change]], Mapping[Ref, Answer]],
) -> Mapping[Ref, Answer]:
    """Do it for clusters of one cloud together, and for those that span the same places."""
    answers: dict[Ref, Answer] = {}
    plain = [change for change in changes if not beside.may_span(change)]
    if plain:
        answers |= do(Cloud(target, drivers), plain)
    for change in changes:
        if change.ref in answers:
            continue
        try:
            places = beside.places_of((change.spec, change.before), target)
            answers |= do(Cloud(target, drivers, places), [change])
        except DriverError as error:
            answers[change.ref] = failed(error, lost="transient")
    return answers


def _partly_seen(change: Change) -> Answer:
    if change.handle:
        return Started(change.handle, 2.0, message=_PARTIAL)
    return Failed("transient", _PARTIAL, retry_after=2.0)


def _step(change: Change, cloud: Cloud, there: Roster) -> Answer:
    spec = change.spec
    assert isinstance(spec, VirtualClusterSpec)  # noqa: S101
    try:
        return Life(change, spec, cloud, there).step()
    except DriverError as error:
        return failed(error, lost="transient")


def _take_away(change: Change, cloud: Cloud, there: Roster, going: bool) -> Answer:
    """Destroy every node that carries the cluster's mark, the front end last, then all that they shared.

    What is made anew in the same place keeps that: an address that names lead to is not given away in between.
    """
    members = [member for member in there.members(change.uid) if member.marked]
    if not members and going:
        return Started("going", 0.5, message="its nodes are being deleted")
    try:
        if not members and change.again and not cloud.places:
            return Done()
        if not members:
            gone = cloud.compute.release(change.uid)
            return Done() if gone else Started("going", 0.5, message="what its nodes shared is still in use")
        waits = drain.emptied(change, cloud.target, members, cloud.drivers)
        if waits is not None:
            return waits
        for member in sorted(members, key=lambda m: (m.group == FRONTEND, m.group, -m.ordinal)):
            cloud.compute.destroy(member.node.id)
    except DriverError as error:
        return failed(error, lost="transient")
    return Started("going", 0.1, message=f"{len(members)} nodes are being deleted")
