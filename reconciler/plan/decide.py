"""One resource: what is wanted, what is there, what was applied last, and so what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from reconciler.kinds import Kind
from reconciler.model import (
    WRITES,
    Absent,
    Action,
    Details,
    Entry,
    FieldChange,
    Graph,
    Inventory,
    Observation,
    Observed,
    Policy,
    Present,
    Reason,
    Ref,
    Resource,
    Unknown,
    Verb,
    digest_of,
)
from reconciler.plan.budget import within_budget
from reconciler.plan.diff import changes
from reconciler.plan.inputs import Inputs
from reconciler.plan.scope import covers

_NEVER = datetime.max.replace(tzinfo=UTC)
ABSENT = "absent"
"""The fingerprint of something that must not be there."""


class Decider:
    """Decides, resource by resource. Pure: looks only at what it was given."""

    def __init__(
        self,
        graph: Graph,
        observed: Observed,
        inventory: Inventory,
        policy: Policy,
        kinds: Mapping[str, Kind[Any]],
    ) -> None:
        self._graph, self._observed, self._inventory, self._kinds = graph, observed, inventory, kinds
        self._policy = policy
        self._inputs = Inputs(graph, observed, kinds)
        self._paused = {pause.scope: pause for pause in policy.pauses}

    def decide(self, ref: Ref) -> Action | None:
        """The action for one resource; None when there is nothing to say about it."""
        resource = self._graph.resources.get(ref)
        entry = self._inventory.entry(ref, self._graph.moved)
        if resource is None and entry is None:
            return self._left_over(ref)
        if resource is None:
            return self._unwanted(ref, entry) if entry else None
        if ref in self._graph.unplaced:
            return Action(Verb.DEFER, ref, Reason.NO_PLACE, message=self._graph.unplaced[ref].reason)
        action = self._wanted(resource, entry)
        action = self._afforded(action) if action and action.verb in WRITES else action
        action = within_budget(action, self._kinds, self._policy) if action else action
        return self._held(action, resource.ref.namespace, entry) if action else None

    def _held(self, action: Action, namespace: str | None, entry: Entry | None) -> Action:
        """The action, or why it is held: something it belongs to is paused."""
        left = entry.target if entry else action.target
        scopes = (
            "all",
            *(f"target:{t}" for t in (action.target, left)),
            f"namespace:{namespace}",
            f"resource:{action.ref}",
        )
        pause = next((self._paused[scope] for scope in scopes if scope in self._paused), None)
        if action.verb is Verb.DEFER:
            return action
        if pause is None:
            return self._timed(action, left)
        said = f"{action.verb} held: {pause.scope} was paused by {pause.by}: {pause.reason}"
        return replace(action, verb=Verb.DEFER, reason=Reason.PAUSED, message=said, blocked=None)

    def _timed(self, action: Action, left: str) -> Action:
        """The action, or for which time it waits: what changes the world does so when it may."""
        if action.verb not in WRITES or not self._policy.timings:
            return action
        concerned = [timing for timing in self._policy.timings if covers(timing.scope, action, left)]
        forbidding = [timing for timing in concerned if timing.shut and not timing.alternative]
        allowing = [timing for timing in concerned if timing.alternative]
        waits = forbidding or (allowing if all(timing.shut for timing in allowing) else [])
        if not waits:
            return action
        first = min(waits, key=lambda timing: timing.until or _NEVER)
        said = f"{action.verb} held: {first.message}"
        return replace(action, verb=Verb.DEFER, reason=first.reason, message=said, blocked=None)

    def _afforded(self, action: Action) -> Action:
        """The action, or why its target cannot give what it takes."""
        ref = action.ref
        if ref in self._graph.unfit:
            return replace(action, verb=Verb.DEFER, reason=Reason.NO_PLACE, message=self._graph.unfit[ref])
        if ref in self._graph.short and action.blocked is None:
            return replace(action, blocked=Reason.QUOTA_EXCEEDED, message=self._graph.short[ref])
        said = filter(None, [action.message, self._graph.notes.get(ref, "")])
        return replace(action, message="; ".join(said))

    # -- wanted ----------------------------------------------------------------------------------------------------

    def _wanted(self, resource: Resource, entry: Entry | None) -> Action | None:
        ref, seen = resource.ref, self._seen(resource.ref, resource.target)
        uid = self._inventory.uid(ref, self._graph.moved)
        base = Action(Verb.NOOP, ref, Reason.NEW, resource.target, uid, edges=resource.edges)
        if isinstance(seen, Unknown):
            changed = entry is None or entry.source != resource.source
            return replace(base, verb=Verb.DEFER, **self._unread(resource.target, seen)) if changed else None
        filled, unknown = self._inputs.fill(resource)
        base = replace(base, spec=filled, generation=_generation(entry, filled))
        if entry and entry.target != resource.target:
            leaving = self._leaving(resource, entry, base, seen)
            if leaving:
                return leaving
        if isinstance(seen, Absent):
            return self._missing(resource, entry, base, unknown)
        return self._found(resource, entry, base, seen, unknown)

    def _missing(self, resource: Resource, entry: Entry | None, base: Action, unknown: FieldChange | None) -> Action:
        if (
            entry is None
            and resource.ref in self._inventory.unsettled
            and not self._kinds[resource.ref.kind].searchable
        ):
            said = "an interrupted run may have made it and the back end cannot be searched: look, then hanse resume"
            return replace(base, verb=Verb.CREATE, reason=Reason.NEW, blocked=Reason.OUTCOME_UNKNOWN, message=said)
        reason = Reason.VANISHED if entry else Reason.NEW
        said = "it was there and is gone" if entry else ""
        made = replace(base, verb=Verb.CREATE, reason=reason, fingerprint=ABSENT, message=said, changes=_only(unknown))
        return _by_mode(made, resource)

    def _found(  # noqa: PLR0911 (one return per thing that may be found)
        self, resource: Resource, entry: Entry | None, base: Action, seen: Present, unknown: FieldChange | None
    ) -> Action | None:
        before = orjson.loads(seen.spec.canonical())
        base = replace(base, before=before, fingerprint=seen.digest)
        if not seen.owned or (seen.uid and seen.uid != base.uid):
            return _foreign(resource, seen, base, held=entry is not None)
        details = self._details(entry)
        applied = orjson.loads(details.content) if details else None
        ignored = resource.lifecycle.ignore
        differs = changes(base.spec, before, applied, ignored) + _only(unknown)
        due = [change for change in differs if not change.ignored]
        if due:
            how = self._change(resource, entry, due, seen)
            return _by_mode(replace(base, changes=differs, **how), resource)
        if seen.digest != seen.spec.digest():
            renamed = entry.ref if entry and entry.ref != resource.ref else None
            return _by_mode(replace(base, **_otherwise(seen), previous=renamed), resource)
        if entry is None or entry.target != resource.target:
            if entry is None and not seen.uid and resource.ref not in self._inventory.begun:
                said = seen.note or "it is there already, as it is wanted"
                return replace(base, verb=Verb.ADOPT, reason=Reason.FOUND, message=said)
            said = "made by a run that was interrupted: found again by its mark"
            return replace(base, verb=Verb.ADOPT, reason=Reason.OUTCOME_RESOLVED, message=said)
        if entry.ref != resource.ref:
            said = f"{entry.ref} is called {resource.ref} now; nothing else changes"
            return replace(base, verb=Verb.MOVE, reason=Reason.RENAMED, previous=entry.ref, message=said)
        if differs:
            return replace(base, verb=Verb.NOOP, reason=Reason.DRIFT_IGNORED, changes=differs)
        return _unhealthy(base, seen)

    def _change(self, resource: Resource, entry: Entry | None, due: list[FieldChange], seen: Present) -> dict[str, Any]:
        fixed = self._kinds[resource.ref.kind].immutable
        stuck = [change.path for change in due if any(_within(change.path, path) for path in fixed)]
        previous = entry.ref if entry and entry.ref != resource.ref else None
        if stuck:
            said = f"{', '.join(stuck)} cannot change in place: deleted first, then made anew"
            return {"verb": Verb.REPLACE, "reason": Reason.IMMUTABLE_CHANGED, "message": said, "previous": previous}
        intent = any(change.origin == "intent" for change in due)
        taken = all(not change.known or change.origin == "drift" for change in due)
        if not intent:
            return {"verb": Verb.UPDATE, "reason": Reason.DRIFT_DETECTED, "message": seen.note, "previous": previous}
        reason = Reason.INPUT_CHANGED if taken else Reason.SPEC_CHANGED
        said = "" if entry else seen.note  # found as it is, and nobody was told yet
        return {"verb": Verb.UPDATE, "reason": reason, "message": said, "previous": previous}

    def _leaving(self, resource: Resource, entry: Entry, base: Action, seen: Observation) -> Action | None:
        """It is wanted on another back end now: made here, then taken away there; None when there it is gone."""
        if isinstance(seen, Present) and (not seen.owned or (seen.uid and seen.uid != base.uid)):
            said = f"moves from {entry.target} to {resource.target}, where something stands that is not ours: rename it"
            return replace(base, verb=Verb.REPLACE, blocked=Reason.ADOPTION_CONFLICT, message=said)
        former = self._seen_in(self._observed.former, resource.ref, entry.target)
        if isinstance(former, Unknown):
            return replace(base, verb=Verb.DEFER, **self._unread(entry.target, former))
        if isinstance(former, Absent) or not former.owned or (former.uid and former.uid != base.uid):
            return None
        details = self._details(entry)
        applied = orjson.loads(details.content) if details else None
        before = orjson.loads(former.spec.canonical())
        said = f"moves from {entry.target} to {resource.target}: made here first, then deleted there"
        made = replace(
            base,
            verb=Verb.REPLACE,
            reason=Reason.IMMUTABLE_CHANGED,
            before=before,
            changes=changes(base.spec, before, applied),
            fingerprint=former.digest,
            message=said,
            previous=entry.ref if entry.ref != resource.ref else None,
        )
        return _by_mode(made, resource)

    # -- not wanted any more ---------------------------------------------------------------------------------------

    def _unwanted(self, ref: Ref, entry: Entry) -> Action | None:
        if ref in self._graph.moved.values():
            return None
        seen = self._seen(ref, entry.target)
        details = self._details(entry)
        expired = self._graph.expired
        over = expired.get(ref, "") or (expired.get(details.owner, "") if details and details.owner else "")
        reason = Reason.EXPIRED if over else Reason.REMOVED_FROM_GIT
        if not over and details and details.owner in self._graph.resources:
            over = f"{details.owner} brings it along no more"
        base = Action(Verb.DELETE, ref, reason, entry.target, entry.uid, entry.generation, message=over)
        if isinstance(seen, Unknown):
            return replace(base, verb=Verb.DEFER, **self._unread(entry.target, seen))
        if details:
            base = replace(base, edges=details.edges, before=orjson.loads(details.content))
        return self._held(self._taken_away(base, seen, details), ref.namespace, entry)

    def _left_over(self, ref: Ref) -> Action | None:
        """What a create has left that was interrupted or failed, and that git does not want any more."""
        entry = self._inventory.begun.get(ref)
        action = self._unwanted(ref, entry) if entry else None
        if action is None or action.verb is Verb.DEFER or action.blocked:
            return action
        said = "a create of it was begun and never finished"
        return replace(action, message=said if action.verb is Verb.DELETE else f"{said}: {action.message}")

    def _taken_away(self, base: Action, seen: Observation, details: Details | None) -> Action:
        policy = details.lifecycle.get("deletionPolicy", "delete") if details else "delete"
        if isinstance(seen, Absent):
            said = "it is gone already"
            return replace(base, verb=Verb.FORGET, reason=Reason.ALREADY_GONE, message=said, fingerprint=ABSENT)
        assert isinstance(seen, Present)  # noqa: S101 (Unknown was dealt with by the caller)
        base = replace(base, fingerprint=seen.digest)
        if not seen.owned or (seen.uid and seen.uid != base.uid):
            said = "it does not carry our mark any more: left standing"
            return replace(base, verb=Verb.FORGET, reason=Reason.ADOPTION_CONFLICT, message=said)
        if policy == "retain" or (details and details.lifecycle.get("mode", "enforce") != "enforce"):
            return replace(
                base, verb=Verb.FORGET, reason=Reason.RETAINED, message="left standing, as its manifest said"
            )
        if policy == "wait":
            said = "its manifest said deletionPolicy: wait"
            return replace(base, blocked=Reason.APPROVAL_REQUIRED, message=said)
        return base

    # -- what was seen ---------------------------------------------------------------------------------------------

    def _seen(self, ref: Ref, target: str) -> Observation:
        return self._seen_in(self._observed.results, ref, target)

    def _seen_in(self, results: Mapping[Ref, Observation], ref: Ref, target: str) -> Observation:
        state = self._observed.targets.get(target)
        if state is None or not state.reachable:
            return Unknown(state.reason if state else "not read in this run")
        seen = results.get(ref, Unknown("not read in this run"))
        if isinstance(seen, Absent) and not state.complete:
            return Unknown("only a part of the target could be read: nothing is proved absent")
        return seen

    def _unread(self, target: str, seen: Unknown) -> dict[str, Any]:
        state = self._observed.targets.get(target)
        down = state is not None and not state.reachable
        return {
            "reason": seen.because or (Reason.TARGET_UNREACHABLE if down else Reason.OBSERVATION_FAILED),
            "message": seen.reason,
        }

    def _details(self, entry: Entry | None) -> Details | None:
        return self._observed.applied.get(entry.ref) if entry else None


def _generation(entry: Entry | None, spec: Mapping[str, Any]) -> int:
    """Counts changes of what is wanted; repairing drift does not count."""
    if entry is None:
        return 1
    same = entry.digest == digest_of(orjson.dumps(spec, option=orjson.OPT_SORT_KEYS))
    return entry.generation if same else entry.generation + 1


def _foreign(resource: Resource, seen: Present, base: Action, *, held: bool) -> Action:
    differs = changes(base.spec, base.before, base.before, resource.lifecycle.ignore)
    base = replace(base, changes=differs)
    if seen.owned:
        said = f"it carries the mark of another resource ({seen.uid}): remove that mark there, or rename yours"
        return replace(base, verb=Verb.ADOPT, reason=Reason.FOUND, blocked=Reason.ADOPTION_CONFLICT, message=said)
    if resource.lifecycle.adopt:
        said = (
            "taken over as it is" if not differs else "taken over as it is; the differences are changed in the next run"
        )
        return replace(base, verb=Verb.ADOPT, reason=Reason.FOUND, message=said)
    what = "our mark on it is gone" if held else "somebody else made it"
    said = f"{what}: set lifecycle.adopt: true to take it over, or rename yours"
    return replace(base, verb=Verb.ADOPT, reason=Reason.FOUND, blocked=Reason.ADOPTION_CONFLICT, message=said)


def _by_mode(action: Action, resource: Resource) -> Action:
    """The action, or only the word of it where the manifest says observe or warn."""
    mode = resource.lifecycle.mode
    if mode == "enforce":
        return action
    said = f"{action.verb} not done: lifecycle.mode is {mode}"
    return replace(action, verb=Verb.DEFER, reason=Reason.OBSERVE_ONLY, message=said)


def _otherwise(seen: Present) -> dict[str, Any]:
    """It differs in a way that its spec cannot show (it still stands under a former name, say)."""
    return {"verb": Verb.UPDATE, "reason": Reason.DRIFT_DETECTED, "message": seen.note}


def _unhealthy(base: Action, seen: Present) -> Action | None:
    if seen.healthy is False:
        return replace(base, verb=Verb.NOOP, reason=Reason.DRIFT_IGNORED, message=seen.note)
    return None


def _only(change: FieldChange | None) -> tuple[FieldChange, ...]:
    return (change,) if change else ()


def _within(path: str, fixed: str) -> bool:
    return path == fixed or path.startswith((f"{fixed}.", f"{fixed}["))
