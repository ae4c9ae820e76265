"""Between the page and the records: what a run means for replicas, for the locks of rules, and for the rules.

A file of a replica is OK where the storage shows it or the run has brought it in, STUCK where that was tried in vain,
and REPLICATING until then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from reconciler.kinds.replica import ReplicaSpec
from reconciler.model import (
    BLOCKS,
    Absent,
    Action,
    Graph,
    Observation,
    Observed,
    Outcome,
    Plan,
    Present,
    Reason,
    Ref,
    Verb,
    digest_of,
    encode,
)
from reconciler.model.data import ReplicaState, RuleState
from reconciler.ports import Files, Trouble
from reconciler.records.data import ReplicaStanding, RuleStanding, Settling
from reconciler.records.locks import Bad
from reconciler.records.store import Store
from reconciler.records.tables import LockState

_MADE = (Verb.CREATE, Verb.UPDATE, Verb.REPLACE)
_AWAY = (Verb.DELETE, Verb.FORGET)
_KINDS = ("Replica", "DatasetRule", "Dataset")
_DIGEST = re.compile(rb'"([0-9a-f]{64})"')
_FILLED_IN = ("chosen", "chosenDatasets", "placed", "replicas", "readable")
"""What of a rule follows from the world."""
_COMING = Bad(LockState.REPLICATING)
_NOTHING = Files((), (), ())
Troubles = Mapping[str, tuple[str, Mapping[str, Trouble]]]


def begin(store: Store, plan: Plan, graph: Graph, observed: Observed) -> None:
    """Before a run: rules that were suspended and that git has changed begin anew; what is to be brought is told.

    So that whoever asks while copies are under way sees what they are for.
    """

    def source(ref: Ref) -> str | None:
        return _declared(graph.resources[ref].content) if ref in graph.resources else None

    store.data.resume(source)
    if any(a.ref.kind == "Replica" and a.verb in _MADE and a.blocked is None for a in plan.actions):
        settle(store, plan, graph, observed, ())


def _declared(content: bytes) -> str:
    """Digest of what git says of a rule: without what is filled in."""
    said = {name: value for name, value in orjson.loads(content).items() if name not in _FILLED_IN}
    return digest_of(encode(said))


def settle(store: Store, plan: Plan, graph: Graph, observed: Observed, outcomes: Sequence[Outcome]) -> None:
    """After a run: write down how data stands; forget filesets that nothing refers to any more."""
    scans, troubles, reads = store.catalogue.told()
    down = [name for name, state in observed.targets.items() if not state.reachable and name.startswith("storage:")]
    concerned = any(ref.kind in _KINDS for ref in (*observed.results, *(action.ref for action in plan.actions)))
    if not concerned and not scans and not down:
        return
    by_ref, actions = {o.action.ref: o for o in outcomes}, {action.ref: action for action in plan.actions}
    settler = _Settler(store, plan, graph, observed, by_ref, troubles, actions)
    replicas = [one for ref in settler.replicas() if (one := settler.standing(ref)) is not None]
    read = {uid: at for scan in scans for uid, at in scan.read.items()}
    told = Settling(
        replicas=[_read(one, read) for one in replicas],
        rules=list(settler.rules({rule: one.vo for one in replicas for rule in one.shares})),
        gone_replicas=settler.gone("Replica"),
        gone_rules=settler.gone("DatasetRule"),
        scans=scans,
        reads=reads,
        unread=[name.partition(":")[2] for name in down],
    )
    store.data.settle(told, store.catalogue.policy)
    if any(o.state == "done" and o.action.ref.kind in _KINDS for o in outcomes):
        store.data.sweep(store.catalogue, _DIGEST)


def _read(one: ReplicaStanding, read: Mapping[str, datetime]) -> ReplicaStanding:
    return replace(one, accessed=read[one.uid]) if one.uid in read else one


@dataclass(frozen=True)
class _Settler:
    store: Store
    plan: Plan
    graph: Graph
    observed: Observed
    outcomes: Mapping[Ref, Outcome]
    troubles: Troubles
    actions: Mapping[Ref, Action]

    def replicas(self) -> list[Ref]:
        """The replicas that this run has looked at or acted on, and that are not gone."""
        seen = {ref for ref in self.observed.results if ref.kind == "Replica"}
        seen |= {action.ref for action in self.plan.actions if action.ref.kind == "Replica"}
        return sorted(seen - set(self.gone("Replica")))

    def gone(self, kind: str) -> list[Ref]:
        """What was taken away, or forgotten."""
        done = [o.action for o in self.outcomes.values() if o.state == "done" and o.action.verb in _AWAY]
        return [action.ref for action in done if action.ref.kind == kind]

    def standing(self, ref: Ref) -> ReplicaStanding | None:
        """How a replica stands; None for one whose files its own manifest gives, and where nothing is known."""
        resource, seen = self.graph.resources.get(ref), self.observed.results.get(ref)
        spec = resource.spec if resource is not None else seen.spec if isinstance(seen, Present) else None
        if not isinstance(spec, ReplicaSpec) or spec.fileset is None:
            return None
        wanted = self.store.catalogue.files(spec.fileset.digest)
        there = self._there(ref, spec)
        if wanted is None or there is None:
            return None
        action, outcome = self._action(ref), self.outcomes.get(ref)
        uid = self._uid(ref, action)
        tried, troubles = self.troubles.get(uid, (None, {}))
        missing, wrong = _differing(wanted, there)
        bad = _bad((*missing, *wrong), troubles, outcome)
        files, size = _short(spec, seen)
        state = _state(action, missing, wrong, bad, unwanted=resource is None)
        return ReplicaStanding(
            ref=ref,
            uid=uid,
            storage=str(spec.storage),
            dataset=spec.dataset or "",
            state=ReplicaState.UNAVAILABLE if files and state is ReplicaState.AVAILABLE else state,
            wanted=wanted.digest,
            seen=there.digest,
            files=len(there) - files,
            bytes=there.bytes - size,
            shares=self._shares(spec, wanted) if resource is not None else {},
            bad=bad,
            origin=spec.origin,
            vo=self._vo(resource.owner) if resource is not None and resource.owner else "",
            tried=tried if troubles else None,
        )

    def _there(self, ref: Ref, spec: ReplicaSpec) -> Files | None:
        """What is there after the run; None when that is not known."""
        outcome, seen = self.outcomes.get(ref), self.observed.results.get(ref)
        if outcome is not None and outcome.state == "done" and outcome.action.verb in _MADE and spec.fileset:
            return self.store.catalogue.files(spec.fileset.digest)
        if isinstance(seen, Absent):
            return _NOTHING
        if isinstance(seen, Present) and isinstance(seen.spec, ReplicaSpec) and seen.spec.fileset:
            return self.store.catalogue.files(seen.spec.fileset.digest)
        return None

    def _uid(self, ref: Ref, action: Action | None) -> str:
        seen = self.observed.results.get(ref)
        return action.uid if action and action.uid else seen.uid if isinstance(seen, Present) else ""

    def _action(self, ref: Ref) -> Action | None:
        return self.actions.get(ref)

    def _shares(self, spec: ReplicaSpec, wanted: Files) -> dict[Ref, Files]:
        """Which of the files each rule holds there."""
        found = {}
        for name in spec.rules:
            rule = self.graph.resources.get(Ref(name))
            placed = getattr(rule.spec, "placed", {}) if rule is not None else {}
            part = placed.get(spec.dataset, {}).get(str(spec.storage))
            files = self.store.catalogue.files(part.digest) if part is not None else wanted
            found[Ref(name)] = files if files is not None else wanted
        return found

    def _vo(self, owner: Ref) -> str:
        resource = self.graph.resources.get(owner)
        return getattr(resource.spec, "vo", None) or "" if resource is not None else ""

    # -- rules -----------------------------------------------------------------------------------------------------

    def rules(self, held: Mapping[Ref, str]) -> Iterator[RuleStanding]:
        """What git says of the rules concerned. ``held`` names the VO of the data that each holds."""
        acted = {action.ref for action in self.plan.actions if action.ref.kind == "DatasetRule"}
        blocked = {r: a for a in self.plan.actions if a.blocked in BLOCKS and a.spec for r in a.spec.get("rules", ())}
        for ref in sorted({*acted, *held} & self.graph.resources.keys()):
            resource = self.graph.resources[ref]
            spec: Any = resource.spec
            if getattr(spec, "by", None):
                continue  # its locks are somebody else's
            state, message = _phase(self._action(ref) or blocked.get(str(ref)), blocked.get(str(ref)))
            yield RuleStanding(
                ref,
                spec.dataset,
                _declared(resource.content),
                getattr(spec, "vo", None) or held.get(ref, ""),
                getattr(spec, "owner", None) or "",
                state,
                message,
            )


def _phase(action: Action | None, blocked: Action | None) -> tuple[RuleState | None, str]:
    """How far a rule has come where its locks do not say so."""
    if blocked is not None:
        return RuleState.WAITING_APPROVAL, f"{blocked.ref}: {blocked.message}"
    if action is not None and action.blocked in BLOCKS:
        return RuleState.WAITING_APPROVAL, action.message
    if action is not None and action.verb is Verb.DEFER and action.reason is Reason.NO_PLACE:
        return RuleState.PLANNED, action.message
    return None, ""


def _differing(wanted: Files, there: Files) -> tuple[list[str], list[str]]:
    """Paths of what is missing, and of what is there with another content."""
    if wanted.digest == there.digest:
        return [], []
    found = dict(zip(there.paths, zip(there.sizes, there.checksums, strict=True), strict=True))
    missing, wrong = [], []
    for path, size, checksum in zip(wanted.paths, wanted.sizes, wanted.checksums, strict=True):
        if path not in found:
            missing.append(path)
        elif found[path] != (size, checksum):
            wrong.append(path)
    return missing, wrong


def _bad(paths: Iterable[str], troubles: Mapping[str, Trouble], outcome: Outcome | None) -> dict[str, Bad]:
    """How each file stands that is not there as wanted."""
    failed = outcome is not None and outcome.state == "failed"
    waits = failed and outcome is not None and outcome.reason in (Reason.STUCK, Reason.SUSPENDED) and not troubles
    found = {}
    for path in paths:
        trouble = troubles.get(path)
        if trouble is not None:
            found[path] = Bad(LockState.STUCK, trouble.error, tried=True)
        elif failed and outcome is not None and not troubles:
            found[path] = Bad(LockState.STUCK, "" if waits else outcome.message)
        else:
            found[path] = _COMING
    return found


def _short(spec: ReplicaSpec, seen: Observation | None) -> tuple[int, int]:
    """(files, bytes) that are not right of what lies in place and no rule holds: of the others each file is told."""
    told = spec.lies is not None and not spec.rules and isinstance(seen, Present) and seen.healthy is False
    return seen.due or (0, 0) if told and isinstance(seen, Present) else (0, 0)


def _state(
    action: Action | None, missing: Sequence[str], wrong: Sequence[str], bad: Mapping[str, Bad], *, unwanted: bool
) -> ReplicaState:
    going = action is not None and action.verb is Verb.DELETE and action.blocked is None
    if unwanted and going:
        return ReplicaState.BEING_DELETED
    if wrong:
        return ReplicaState.BAD
    if any(one.state is LockState.STUCK for one in bad.values()):
        return ReplicaState.UNAVAILABLE
    return ReplicaState.COPYING if missing else ReplicaState.AVAILABLE
