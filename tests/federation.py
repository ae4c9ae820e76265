"""Small federations in memory: resources, inventories and readings, put together by hand for the pure stages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from reconciler.graph import build
from reconciler.kinds import registry
from reconciler.model import (
    PLAIN,
    Absent,
    Details,
    Edge,
    Entry,
    Graph,
    Inventory,
    Lifecycle,
    Location,
    Observation,
    Observed,
    Plan,
    Policy,
    Present,
    Ref,
    Resource,
    Resources,
    TargetState,
    uid_of,
)
from reconciler.plan import plan

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class NoDrivers:
    """Enough of ``ports.Drivers`` for stages that only ask for options."""

    def options(self, target_id: str, driver: str) -> tuple[str, Mapping[str, Any]]:
        return driver or "memory", {}


def resource(ref: str, spec: Mapping[str, Any], *, edges: tuple[Edge, ...] = (), **lifecycle: Any) -> Resource:
    """One resource as manifest/ would make it."""
    kind, name = registry()[Ref(ref).kind], Ref(ref)
    typed = kind.canonical(kind.Spec.model_validate_json(orjson.dumps(spec)))
    return Resource(
        ref=name,
        digest=typed.digest(),
        content=typed.canonical(),
        edges=(*kind.references(name, typed), *edges),
        target=kind.target(name, typed),
        location=Location(f"manifests/{name.name}.yaml", 1),
        decode=kind.Spec.model_validate_json,
        lifecycle=Lifecycle(**lifecycle) if lifecycle else PLAIN,
    )


def graph(*resources: Resource, commit: str = "c" * 40) -> Graph:
    """The graph of some resources."""
    return build(Resources(commit, {r.ref: r for r in resources}), registry(), NoDrivers())


def held(*resources: Resource, **more: Any) -> Inventory:
    """An inventory in which all of these were applied."""
    entries = {r.ref: entry(r) for r in resources}
    kept = {r.ref: details(r) for r in resources}
    return Inventory(entries, lambda refs: {ref: kept[ref] for ref in refs}, **more)


def entry(made: Resource) -> Entry:
    return Entry(made.ref, uid_of(made.ref), 1, made.digest, made.digest, made.target, source=made.source)


def details(made: Resource) -> Details:
    lifecycle = made.lifecycle.model_dump(mode="json")
    return Details(
        made.content, made.edges, {}, lifecycle, {}, "memory", {}, None, "c" * 40, made.location.file, made.target
    )


def present(made: Resource, **more: Any) -> Present:
    """What a back end shows when it is as the resource says."""
    return Present(made.spec, **{"uid": uid_of(made.ref), **more})


def world(seen: Mapping[Ref, Observation], inventory: Inventory, targets: Mapping[str, TargetState]) -> Observed:
    """A reading of everything."""
    digests = {ref: found.digest for ref, found in seen.items() if isinstance(found, Present)}
    return Observed(targets, digests, seen, (), inventory.details(list(inventory.entries)))


def planned(
    wanted: Graph, inventory: Inventory, seen: Mapping[Ref, Observation], policy: Policy | None = None, **states: Any
) -> Plan:
    """The plan for a world; what is not in ``seen`` is proved absent."""
    refs = {*wanted.resources, *inventory.entries}
    everything = {ref: seen.get(ref, Absent()) for ref in refs}
    ids = {r.target for r in wanted.resources.values()} | {e.target for e in inventory.entries.values()}
    targets = {t: states.get(t.replace(":", "_"), TargetState(reachable=True)) for t in ids}
    return plan(wanted, world(everything, inventory, targets), inventory, policy or Policy(NOW), registry())


def verbs(made: Plan) -> list[str]:
    """``verb ref reason`` of each action, blocked ones with the block."""
    return [f"{a.verb} {a.ref} {a.blocked or a.reason}" for a in made.actions]


def changed(base: Resource, spec: Mapping[str, Any], **lifecycle: Any) -> Resource:
    """The same resource with another spec."""
    made = resource(base.ref, spec)
    return made._replace(lifecycle=Lifecycle(**lifecycle) if lifecycle else base.lifecycle)
