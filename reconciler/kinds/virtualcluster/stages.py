"""How far a cluster has come: its nodes run, they answer, they are configured as wanted. Each says who holds it up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.kinds.virtualcluster import marks
from reconciler.kinds.virtualcluster.nodes import Layout, Member, layout
from reconciler.kinds.virtualcluster.spec import VirtualClusterSpec
from reconciler.model import Stage

_SHOWN = 5


def seen(spec: VirtualClusterSpec, uid: str, members: Sequence[Member]) -> tuple[Stage, ...]:
    """The stages as the cloud's list shows them: who was configured has answered."""
    there = layout(spec, members)
    return reached(there, uid, config(spec, there), None)


def config(spec: VirtualClusterSpec, there: Layout) -> str:
    """What every member is marked with once it is configured as wanted, together with the others."""
    return f"{marks.config(spec)}.{marks.members({m.node.name: m.node.id for m in there.keep})}"


def reached(
    there: Layout, uid: str, wanted: str, silent: Mapping[str, str] | None, fault: str = ""
) -> tuple[Stage, ...]:
    """The stages. ``silent``: who does not answer and why, where all were asked; ``fault``: why configuring failed."""
    nodes = _nodes(there, uid)
    return nodes, _reachable(there, nodes, wanted, silent), _configured(there, wanted, fault)


def _nodes(there: Layout, uid: str) -> Stage:
    idle = [m for m in there.keep if m.node.state != "running"]
    whole = len(there.keep) + len(there.broken) + len(there.missing)
    if there.broken:
        return Stage("Nodes", "False", "InError", _listed(f"{m.node.name}: {m.node.fault}" for m in there.broken))
    if there.missing:
        missing = _listed(marks.node_name(uid, *place) for place in there.missing)
        return Stage("Nodes", "False", "Missing", f"{len(there.missing)} of {whole}: {missing}")
    if idle:
        return Stage("Nodes", "False", "NotRunning", _listed(f"{m.node.name} is {m.node.state}" for m in idle))
    return Stage("Nodes", "True", "Running", f"{whole} of {whole}")


def _reachable(there: Layout, nodes: Stage, wanted: str, silent: Mapping[str, str] | None) -> Stage:
    if silent:
        return Stage("Reachable", "False", "Silent", _listed(f"{name}: {why}" for name, why in sorted(silent.items())))
    if nodes.status != "True":
        return Stage("Reachable", "False", "NodesNotUp", nodes.message)
    if silent is not None or all(member.config == wanted for member in there.keep):
        return Stage("Reachable", "True", "Answered")
    return Stage("Reachable", "Unknown", "NotAsked", "who was not configured yet is asked before it is")


def _configured(there: Layout, wanted: str, fault: str) -> Stage:
    if fault:
        return Stage("Configured", "False", "Failed", fault)
    other = [m for m in there.keep if m.config != wanted]
    if not other and not there.missing and not there.broken:
        return Stage("Configured", "True", "AsWanted")
    if not there.keep or not any(m.config for m in there.keep):
        return Stage("Configured", "False", "NotYet")
    return Stage("Configured", "False", "Otherwise", _listed(m.node.name for m in other))


def _listed(names: Iterable[str]) -> str:
    said = list(names)
    return "; ".join(said[:_SHOWN]) + (f" and {len(said) - _SHOWN} more" if len(said) > _SHOWN else "")
