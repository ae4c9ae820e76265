"""Groups at other sites: the clouds beside a cluster's own, and all of them seen as one.

A cluster lives on the target of its own cloud, whatever groups it has elsewhere. Which other clouds may join it the
Site says, in the options of its cloud (``joins``): that outlives clusters, so that machines are still found, and taken
away, when the group that they were made for stands in no manifest any more.

The identifier of a machine elsewhere begins with its place, ``SITE-B/cloud|``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.errors import DriverError, Terminal
from reconciler.kinds.virtualcluster import marks
from reconciler.kinds.virtualcluster.connect import BESIDE, JOINS, PREFIX, target_id
from reconciler.kinds.virtualcluster.nodes import Roster
from reconciler.kinds.virtualcluster.spec import Machine, VirtualClusterSpec, WorkerGroup
from reconciler.model import Change, Ref, Spec, Target, Wanted
from reconciler.ports import Compute, Drivers, Holding, Image, Node, NodeListing, NodeRequest, Quota, Size, Traffic

_AT = "|"


def place_of(machine: Machine | None, home: Target) -> str:
    """Where the machines of a group are: ``SITE-B/cloud``, "" for the cluster's own cloud.

    Raises Terminal where that cloud does not join, or is one of several.
    """
    if not isinstance(machine, WorkerGroup) or machine.site is None:
        return ""
    ways: Mapping[str, Any] = home.options.get(BESIDE, {})
    wanted = f"{machine.site}/{machine.cloud or ''}"
    found = [name for name in ways if name == wanted or (machine.cloud is None and name.startswith(wanted))]
    own = home.id.removeprefix(PREFIX)
    if own.startswith(f"{wanted}/") or (machine.cloud is None and own.startswith(wanted)):
        return ""
    if len(found) == 1:
        return found[0]
    named = ", ".join(sorted(ways)) or "none"
    cure = f"name it in the Site's cloud: options: {{{JOINS}: [{machine.site}/CLOUD]}}"
    why = "names several of the clouds that join" if found else "is none of the clouds that join"
    raise Terminal(f"the group {machine.name}: {wanted.rstrip('/')} {why} {home.id} ({named}): {cure}")


def reached(spec: VirtualClusterSpec) -> Iterator[str]:
    """Where its groups have machines elsewhere, by the manifest alone: targets.

    How the name of one begins, ending in ``/``, where a group leaves the cloud of its site out.
    """
    for group in spec.workers:
        if group.site is not None and group.cloud is not None:
            yield target_id(group.site, group.cloud, spec.vo)
        elif group.site not in (None, spec.site):
            yield f"{PREFIX}{group.site}/"


def places_of(specs: Iterable[Spec | None], home: Target) -> Sequence[str]:
    """Every place besides the cluster's own cloud that one of the specs names. Raises Terminal."""
    groups = [group for spec in specs if isinstance(spec, VirtualClusterSpec) for group in spec.workers]
    return sorted({place for group in groups if (place := place_of(group, home))})


def target_at(home: Target, place: str) -> Target:
    """The project behind a place. Machines there carry the mark of the cluster's own target."""
    if not place:
        return home
    way = home.options[BESIDE][place]
    site, _, cloud = place.partition("/")
    return Target(target_id(site, cloud, home.id.rpartition("/")[2]), way["driver"], way["options"])


def place_in(node_id: str) -> str:
    """Where a machine is, by its identifier; "" for the cluster's own cloud."""
    place, mark, _ = node_id.partition(_AT)
    return place if mark else ""


def may_span(change: Change) -> bool:
    """Whether a cluster has, or had, groups at other sites."""
    specs = (change.spec, change.before)
    return any(g.site is not None for spec in specs if isinstance(spec, VirtualClusterSpec) for g in spec.workers)


@dataclass(frozen=True)
class Elsewhere:
    """What was seen of the clouds beside one: their nodes, and why what could not be seen could not."""

    nodes: tuple[Node, ...] = ()
    spans: Mapping[Ref, tuple[str, ...]] = field(default_factory=dict)
    unseen: Mapping[str, str] = field(default_factory=dict)
    """Place, or cluster -> why."""

    def why_unseen(self, ref: Ref) -> str:
        """Why a cluster cannot be seen whole; "" when it can."""
        said = [self.unseen.get(ref, ""), *(self.unseen.get(place, "") for place in self.spans.get(ref, ()))]
        return "; ".join(filter(None, said))


def noted_places(node: Node) -> list[str]:
    """Where machines were ever asked for, as a front end's mark says."""
    return [place for place in node.metadata.get(marks.PLACES, "").split(",") if place]


def spans(wanted: Iterable[Wanted], home: Target) -> Elsewhere:
    """Which places have to be looked at, for which clusters, as their specs say."""
    found: dict[Ref, tuple[str, ...]] = {}
    unseen: dict[str, str] = {}
    for one in wanted:
        try:
            places = tuple(places_of((one.spec, one.applied), home))
        except Terminal as error:
            unseen[one.ref] = str(error)
            continue
        if places:
            found[one.ref] = places
    return Elsewhere((), found, unseen)


def remembered(elsewhere: Elsewhere, wanted: Iterable[Wanted], there: Roster, home: Target) -> Elsewhere:
    """The same with the places that machines remember, though no spec names them any more."""
    noting = {uid: nodes for uid, nodes in there.by_uid.items() if any(marks.PLACES in node.metadata for node in nodes)}
    found, unseen = dict(elsewhere.spans), dict(elsewhere.unseen)
    for one in wanted if noting else ():
        noted = {place for node in noting.get(one.uid, ()) for place in noted_places(node)}
        if noted:
            found[one.ref] = tuple(sorted({*found.get(one.ref, ()), *noted}))
        lost = sorted(noted - home.options.get(BESIDE, {}).keys())
        if lost:
            unseen.setdefault(one.ref, f"{', '.join(lost)} does not join any more, and may hold machines of it")
    return replace(elsewhere, spans=found, unseen=unseen)


def looked_at(elsewhere: Elsewhere, home: Target, drivers: Drivers) -> Elsewhere:
    """The same, having looked: one list for each place."""
    nodes: list[Node] = []
    unseen = dict(elsewhere.unseen)
    known = home.options.get(BESIDE, {})
    for place in sorted({place for places in elsewhere.spans.values() for place in places if place in known}):
        try:
            listing = drivers.compute(target_at(home, place)).nodes()
        except DriverError as error:
            unseen[place] = f"{place}: {error}"
            continue
        if not listing.complete:
            unseen[place] = f"{place}: the cloud listed only a part of its nodes"
        nodes += [_named(node, place) for node in listing.nodes]
    return replace(elsewhere, nodes=tuple(nodes), unseen=unseen)


class Joined:
    """Several projects as one: fills ``ports.Compute``."""

    def __init__(self, home: Target, places: Sequence[str], drivers: Drivers) -> None:
        self._home = drivers.compute(home)
        self._away: dict[str, Compute] = {place: drivers.compute(target_at(home, place)) for place in places}

    def nodes(self, token: str = "") -> NodeListing:  # noqa: ARG002 (a token is one cloud's)
        """Every node of every project; complete when each list is."""
        own, others = self._home.nodes(), {place: cloud.nodes() for place, cloud in self._away.items()}
        away = [_named(node, place) for place, listing in others.items() for node in listing.nodes]
        complete = own.complete and all(listing.complete for listing in others.values())
        return NodeListing((*own.nodes, *away), complete, own.token)

    def traffic(self, node_ids: Sequence[str]) -> Mapping[str, Traffic]:
        """What is known of the traffic of nodes of any of the projects."""
        held: dict[str, list[str]] = {}
        for node_id in node_ids:
            held.setdefault(place_in(node_id), []).append(self._split(node_id)[1])
        found: dict[str, Traffic] = {}
        for place, own in held.items():
            told = self._cloud(place).traffic(own)
            found.update({f"{place}{_AT}{one}" if place else one: counted for one, counted in told.items()})
        return found

    def sizes(self) -> Sequence[Size]:
        """Flavours of the cluster's own cloud."""
        return self._home.sizes()

    def images(self) -> Sequence[Image]:
        """Images of the cluster's own cloud."""
        return self._home.images()

    def quota(self) -> Quota:
        """What the cluster's own cloud has left."""
        return self._home.quota()

    def holdings(self) -> Sequence[Holding]:
        """What the cluster's own cloud keeps besides nodes."""
        return self._home.holdings()

    def create(self, request: NodeRequest) -> Node:
        """Ask for a node where its mark says."""
        place = request.metadata.get(marks.PLACE, "")
        return _named(self._cloud(place).create(request), place)

    def destroy(self, node_id: str) -> None:
        """Take a node away."""
        cloud, own = self._split(node_id)
        cloud.destroy(own)

    def power_on(self, node_id: str) -> None:
        """Start a stopped node."""
        cloud, own = self._split(node_id)
        cloud.power_on(own)

    def mark(self, node_id: str, metadata: Mapping[str, str]) -> None:
        """Merge ``metadata`` into the node's."""
        cloud, own = self._split(node_id)
        cloud.mark(own, metadata)

    def publish(self, node_id: str, owner: str) -> Sequence[str]:
        """Give a node an address that is reached from outside."""
        cloud, own = self._split(node_id)
        return cloud.publish(own, owner)

    def withdraw(self, owner: str) -> None:
        """Give back the public addresses everywhere."""
        for cloud in (self._home, *self._away.values()):
            cloud.withdraw(owner)

    def release(self, owner: str) -> bool:
        """Take away what is kept for the owner anywhere; True once nothing is."""
        return all([cloud.release(owner) for cloud in (*self._away.values(), self._home)])  # noqa: C419 (ask each)

    def _cloud(self, place: str) -> Compute:
        return self._away[place] if place else self._home

    def _split(self, node_id: str) -> tuple[Compute, str]:
        place, mark, own = node_id.partition(_AT)
        return (self._away[place], own) if mark and place in self._away else (self._home, node_id)


def _named(node: Node, place: str) -> Node:
    return replace(node, id=f"{place}{_AT}{node.id}") if place else node
