"""The cluster that the world shows, written in the terms of the desired one.

The picture starts from the spec applied last (what a world cannot show: lifetime, requirements) and takes from the
nodes what they show. Where they agree with what is wanted it is the desired spec, byte for byte; elsewhere exactly the
fields differ that a person would name: ``workers[0].count``, ``software``, ``workers[1].image``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.kinds.virtualcluster import marks, stages
from reconciler.kinds.virtualcluster.beside import place_in
from reconciler.kinds.virtualcluster.nodes import DRIFTED, Member
from reconciler.kinds.virtualcluster.outputs import outputs
from reconciler.kinds.virtualcluster.spec import (
    FRONTEND,
    ClusterNetwork,
    Frontend,
    Machine,
    VirtualClusterSpec,
    WorkerGroup,
)
from reconciler.model import Present

CONFIG_FIELDS = ("software", "sshKeys")


def present(
    uid: str, desired: VirtualClusterSpec, applied: VirtualClusterSpec | None, members: Sequence[Member]
) -> Present:
    """What is there of a cluster: its nodes, or what the cloud still keeps for it when it has none."""
    seen = _seen(desired, applied, members)
    spec = desired if seen == desired else seen
    note = _note(members)
    return Present(
        spec,
        owned=not members or any(member.marked for member in members),
        uid=uid,
        outputs=outputs(desired, members),
        healthy=not note and all(member.node.state == "running" and member.serves for member in members),
        note=note,
        stages=stages.seen(desired, uid, members),
    )


def _seen(
    desired: VirtualClusterSpec, applied: VirtualClusterSpec | None, members: Sequence[Member]
) -> VirtualClusterSpec:
    base = applied or desired
    by_group: dict[str, list[Member]] = {}
    for member in members:
        by_group.setdefault(member.group, []).append(member)
    update: dict[str, Any] = {"frontend": _frontend(desired, applied, by_group.pop(FRONTEND, []))}
    update["network"] = _network(desired, base, applied, members)
    groups = [_workers(group, desired, applied, by_group.pop(group.name, [])) for group in desired.workers]
    groups += [_unwanted(name, applied, nodes) for name, nodes in sorted(by_group.items())]
    update["workers"] = tuple(groups)
    update |= _config(desired, applied, members)
    return base.model_copy(update=update)


def _network(
    desired: VirtualClusterSpec,
    base: VirtualClusterSpec,
    applied: VirtualClusterSpec | None,
    members: Sequence[Member],
) -> ClusterNetwork:
    """The network, with a public address where there is one that is wanted, or was until now.

    Where nobody ever asked for one, an address that the cloud gives its machines anyway says nothing.
    """
    front = [member.node for member in members if member.group == FRONTEND]
    wanted, shows = desired.network.publicAddress, any(node.public_addresses for node in front)
    if wanted:
        wanted = wanted if shows or not front else None
    elif shows and applied is not None and applied.network.publicAddress:
        wanted = True
    return base.network.model_copy(update={"publicAddress": wanted})


def _config(
    desired: VirtualClusterSpec, applied: VirtualClusterSpec | None, members: Sequence[Member]
) -> Mapping[str, Any]:
    """Software and keys as configured: those wanted, those applied last, or none when neither is what a mark says."""
    told = {member.config.partition(".")[0] for member in members if member.serves}
    if told <= {marks.config(desired)}:
        return {field: getattr(desired, field) for field in CONFIG_FIELDS}
    if applied is not None and told <= {marks.config(desired), marks.config(applied)}:
        return {field: getattr(applied, field) for field in CONFIG_FIELDS}
    return dict.fromkeys(CONFIG_FIELDS, ())


def _frontend(desired: VirtualClusterSpec, applied: VirtualClusterSpec | None, nodes: Sequence[Member]) -> Frontend:
    alternatives = [(desired.frontend, desired)] + ([(applied.frontend, applied)] if applied else [])
    machine = _made_as(desired.frontend, alternatives, nodes)
    return machine.model_copy(update=_counts(nodes))


def _workers(
    group: WorkerGroup, desired: VirtualClusterSpec, applied: VirtualClusterSpec | None, nodes: Sequence[Member]
) -> WorkerGroup:
    before = applied.group(group.name) if applied else None
    alternatives = [(group, desired)] + ([(before, applied)] if before and applied else [])
    machine = _made_as(group, alternatives, nodes)
    if group in desired.elastic:
        serving = tuple(sorted({node.ordinal for node in nodes if node.serves}))
        return machine.model_copy(update={"nodes": serving, "unready": _counts(nodes)["unready"]})
    return _bounded(machine, **_counts(nodes))


def _counts(nodes: Sequence[Member]) -> dict[str, int]:
    serving = sum(node.serves for node in nodes)
    return {"count": serving, "unready": len(nodes) - serving}


def _made_as(
    machine: marks.MachineT, alternatives: Iterable[tuple[Machine, VirtualClusterSpec]], nodes: Sequence[Member]
) -> marks.MachineT:
    """``machine`` as its nodes were made: as wanted, as applied last, or as the cloud shows one of them.

    Which one does not depend on what is wanted: a look with the spec that an earlier look gave must show the same.
    """
    made_as = {node.shape: node.node for node in nodes if not node.broken}
    shapes = set(made_as)
    known: set[str] = set()
    for made, spec in alternatives:
        known.add(marks.shape(made, spec.network))
        if shapes <= known:
            return marks.shaped_like(machine, made)
    odd = made_as[min(shapes, key=lambda shape: (shape != DRIFTED, shape))]
    return machine.model_copy(update={"flavour": odd.size, "image": odd.image or machine.image})


def _bounded(group: WorkerGroup, count: int, unready: int) -> WorkerGroup:
    """The group with as many machines as there are; a number within the bounds is as wanted."""
    low, high = group.min or 0, group.max
    if group.count is not None:
        return group.model_copy(update={"count": count, "unready": unready})
    if count < low:
        return group.model_copy(update={"min": count, "unready": unready})
    if high is not None and count > high:
        return group.model_copy(update={"max": count, "unready": unready})
    return group.model_copy(update={"unready": unready})


def _unwanted(name: str, applied: VirtualClusterSpec | None, nodes: Sequence[Member]) -> WorkerGroup:
    """A group that has nodes and is not wanted."""
    before = applied.group(name) if applied else None
    seen = nodes[0].node
    site, _, cloud = place_in(seen.id).partition("/")
    group = before or WorkerGroup(
        name=name or "unplaced",
        site=site or None,
        cloud=cloud or None,
        image=seen.image or "unknown",
        flavour=seen.size or None,
    )
    return group.model_copy(update={**_counts(nodes), "min": None, "max": None})


def _note(members: Sequence[Member]) -> str:
    """What is wrong with single nodes, in words."""
    if not members:
        return "it has no machines, and the cloud still keeps what they shared"
    said = [f"{m.node.name} is {_ill(m)}" for m in members if not m.serves or m.node.state != "running"]
    twice = [name for name, n in Counter(m.node.name for m in members).items() if n > 1]
    said += [f"{name} is there twice" for name in twice]
    return "; ".join(said[:8]) + (f" and {len(said) - 8} more" if len(said) > 8 else "")  # noqa: PLR2004


def _ill(member: Member) -> str:
    if member.broken:
        return f"in error: {member.node.fault}" if member.node.fault else "in error"
    return member.node.state if member.node.state != "running" else "not configured yet"
