"""The nodes of one cluster, taken from one listing of its target: who is who, what is missing, what is too much."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.kinds.virtualcluster import marks
from reconciler.kinds.virtualcluster.spec import FRONTEND, Machine, VirtualClusterSpec, WorkerGroup
from reconciler.ports import Node

DRIFTED = "drifted"
"""The shape of a node that is not what it was made as."""


@dataclass(frozen=True, slots=True)
class Member:
    """One node and its place in the cluster."""

    node: Node
    group: str
    ordinal: int
    marked: bool = True
    """False when it was found by its name alone."""

    @property
    def broken(self) -> bool:
        """In error: only a new one helps."""
        return self.node.state == "error"

    @property
    def shape(self) -> str:
        """Digest of what it was made as; ``drifted`` when the cloud shows another flavour or image."""
        metadata = self.node.metadata
        resized = self.node.size != metadata.get(marks.FLAVOUR, self.node.size)
        rebuilt = bool(self.node.image) and self.node.image != metadata.get(marks.IMAGE, self.node.image)
        return DRIFTED if resized or rebuilt else metadata.get(marks.SHAPE, DRIFTED)

    @property
    def config(self) -> str:
        """``<config>.<members>`` that it was configured with; "" when never."""
        return self.node.metadata.get(marks.CONFIG, "")

    @property
    def serves(self) -> bool:
        """Configured, and neither broken nor shut off."""
        return bool(self.config) and self.node.state in ("running", "pending", "unknown")

    @property
    def rank(self) -> tuple[bool, bool, bool, str]:
        """Which of two nodes in one place is kept: the lower."""
        return self.broken, not self.config, self.node.state != "running", self.node.id


@dataclass(frozen=True, slots=True)
class Roster:
    """The nodes of a target by the cluster that they belong to."""

    by_uid: Mapping[str, tuple[Node, ...]]
    unmarked: Mapping[str, tuple[Node, ...]]
    """Nodes without a mark, by the first part of their names."""

    def members(self, uid: str) -> tuple[Member, ...]:
        """Every node of the cluster that is not going already."""
        named = (_by_name(node) for node in self.unmarked.get(marks.owner_of(uid), ()))
        return tuple([_by_mark(node) for node in self.by_uid.get(uid, ())] + [m for m in named if m])


def roster(nodes: Iterable[Node]) -> Roster:
    """Sort a listing by cluster; nodes that are being deleted are left out."""
    marked: dict[str, list[Node]] = defaultdict(list)
    unmarked: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        if node.state == "deleting":
            continue
        uid = node.metadata.get(marks.UID, "")
        if uid:
            marked[uid].append(node)
        else:
            unmarked[node.name.partition("-")[0]].append(node)
    return Roster({k: tuple(v) for k, v in marked.items()}, {k: tuple(v) for k, v in unmarked.items()})


def _by_mark(node: Node) -> Member:
    group, ordinal = node.metadata.get(marks.GROUP, ""), node.metadata.get(marks.ORDINAL, "")
    if group and ordinal.isdecimal():
        return Member(node, group, int(ordinal))
    return _by_name(node) or Member(node, "", 0)


def _by_name(node: Node) -> Member | None:
    _, _, rest = node.name.partition("-")
    group, _, ordinal = rest.rpartition("-")
    return Member(node, group, int(ordinal), marked=False) if group and ordinal.isdecimal() else None


@dataclass(slots=True)
class Layout:
    """What is to become of a cluster's nodes, seen from what is wanted."""

    keep: list[Member] = field(default_factory=list)
    misshapen: list[Member] = field(default_factory=list)
    """Kept workers that were made as something else: replaced one after the other."""
    broken: list[Member] = field(default_factory=list)
    surplus: list[Member] = field(default_factory=list)
    missing: list[tuple[str, int]] = field(default_factory=list)
    """(group, ordinal)."""


def layout(spec: VirtualClusterSpec, members: Iterable[Member]) -> Layout:
    """Compare the nodes with what is wanted; places already taken stay, the highest ordinals go first."""
    found = Layout()
    by_group: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        by_group[member.group].append(member)
    for name in (FRONTEND, *(group.name for group in spec.workers)):
        _lay_out(spec, name, by_group.pop(name, []), found)
    found.surplus += [member for rest in by_group.values() for member in rest]
    found.surplus.sort(key=lambda m: (m.group == FRONTEND, m.group, -m.ordinal, m.node.id))
    return found


def _lay_out(spec: VirtualClusterSpec, name: str, members: list[Member], found: Layout) -> None:
    machine = spec.machine(name)
    if machine is None:
        return
    places: dict[int, Member] = {}
    for member in sorted(members, key=lambda m: m.rank):
        if member.ordinal in places:
            found.surplus.append(member)
        else:
            places[member.ordinal] = member
    if isinstance(machine, WorkerGroup) and machine.nodes is not None:
        _lay_out_chosen(machine, machine.nodes, places, found)
    else:
        _lay_out_counted(machine, name, places, found)
    if isinstance(machine, WorkerGroup):
        right = marks.shape(machine, spec.network)
        found.misshapen += [m for m in found.keep if m.group == name and m.marked and m.shape != right]


def _lay_out_chosen(group: WorkerGroup, nodes: Iterable[int], places: Mapping[int, Member], found: Layout) -> None:
    """Exactly the nodes that were chosen."""
    wanted = set(nodes)
    found.surplus += [member for ordinal, member in sorted(places.items()) if ordinal not in wanted]
    for ordinal in sorted(wanted & places.keys()):
        (found.broken if places[ordinal].broken else found.keep).append(places[ordinal])
    found.missing += [(group.name, ordinal) for ordinal in sorted(wanted - places.keys())]


def _lay_out_counted(machine: Machine, name: str, places: Mapping[int, Member], found: Layout) -> None:
    taken = sorted(places)
    wanted = 1 if not isinstance(machine, WorkerGroup) else wanted_count(machine, len(taken))
    found.surplus += [places[ordinal] for ordinal in taken[wanted:]]
    for ordinal in taken[:wanted]:
        (found.broken if places[ordinal].broken else found.keep).append(places[ordinal])
    found.missing += [(name, ordinal) for ordinal in _free(taken[:wanted], wanted)]


def wanted_count(group: WorkerGroup, there: int) -> int:
    """How many machines a group shall have when it has ``there``."""
    if group.count is not None:
        return group.count
    return min(max(there, group.min or 0), there if group.max is None else max(group.max, group.min or 0))


def _free(taken: list[int], wanted: int) -> list[int]:
    held = set(taken)
    free = (ordinal for ordinal in range(wanted) if ordinal not in held)
    return [ordinal for ordinal, _ in zip(free, range(wanted - len(taken)), strict=False)]
