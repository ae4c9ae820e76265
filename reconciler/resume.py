"""A saved plan, taken up again: exactly what was reviewed, or nothing.

What git, the playbooks and the inventory say is compared with what the plan was made from. Git may have gone on: what
it says today of each resource that the plan touches must still be what the plan does. What the world says is looked at
action by action just before each is done (apply/): one object that moved stops its own action only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler import SCHEMA_VERSION
from reconciler.errors import StalePlan
from reconciler.model import HELD, Action, Inventory, Plan, Reason, Ref, Verb, digest_of, encode
from reconciler.place import Wish
from reconciler.reconcile import House, Proposal, propose

_SHOWN = 5


def resume_plan(house: House, saved: Plan, revision: str) -> Proposal:
    """The saved plan as a proposal that can be applied. Raises StalePlan with everything that has moved.

    ``revision`` is what the world is to agree with today.
    """
    if saved.schema != SCHEMA_VERSION:
        raise StalePlan(f"the plan speaks {saved.schema}, this version {SCHEMA_VERSION}: plan again")
    worktree = saved.commit == "worktree"
    wish = Wish(chosen=_chosen(saved))
    fresh = today = propose(house, "HEAD" if worktree else revision, worktree=worktree, wish=wish)
    if not worktree and today.plan.commit != saved.commit:
        fresh = propose(house, saved.commit, wish=wish)
    faults = [*_moved(saved, fresh.plan), *_overtaken(saved, fresh.inventory), *_forbidden(saved, fresh.plan)]
    faults += [*_outdated(saved, fresh, today, revision), *_forbidden(saved, today.plan)] if today is not fresh else []
    faults = faults or [*_unfounded(saved, fresh)]
    if faults:
        more = [f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        raise StalePlan("\n".join(["the plan is stale and was not applied:", *faults[:_SHOWN], *more]))
    return replace(fresh, plan=saved, saved=True)


def _chosen(saved: Plan) -> dict[Ref, dict[str, tuple[str, ...]]]:
    """What was chosen when the plan was made: it is kept, as long as it is possible."""
    found: dict[Ref, dict[str, tuple[str, ...]]] = {}
    for choice in saved.choices:
        found.setdefault(choice.ref, {})[choice.field] = choice.chosen
    return found


def _moved(saved: Plan, fresh: Plan) -> Iterator[str]:
    """What the plan rests on besides the world."""
    if saved.desired != fresh.desired:
        yield f"what {saved.commit[:12]} declares is not what it was (choices, or files of a working tree, changed)"
    if saved.playbooks != fresh.playbooks:
        yield "the playbooks changed since it was made"


def _outdated(saved: Plan, then: Proposal, today: Proposal, revision: str) -> Iterator[str]:
    """Actions on resources of which git says something else by now."""
    for action in saved.actions:
        if then.graph.digests.get(action.ref) != today.graph.digests.get(action.ref):
            yield f"{action.ref}: {revision} ({today.plan.commit[:12]}) says something else of it by now"


def _overtaken(saved: Plan, inventory: Inventory) -> Iterator[str]:
    """Actions that a later run has done, or whose resource it has changed: the inventory tells."""
    for action in saved.actions:
        if action.verb in (Verb.NOOP, Verb.DEFER) or action.blocked or action.reason is Reason.FOUND:
            continue
        entry = inventory.entries.get(action.ref)
        former = inventory.entries.get(action.previous) if action.previous else None
        held = entry or former or inventory.begun.get(action.ref)
        if _starts_anew(action):
            if entry is not None:
                yield f"{action.ref}: a later run made it"
        elif held is None:
            yield f"{action.ref}: a later run took it away"
        elif held.uid != action.uid or held.generation > _held_then(action) or (action.previous and entry):
            yield f"{action.ref}: a later run changed it"


def _starts_anew(action: Action) -> bool:
    """Whether the action needs that the inventory does not have the resource yet."""
    return action.reason is Reason.OUTCOME_RESOLVED or (
        action.verb is Verb.CREATE and action.reason is not Reason.VANISHED
    )


def _held_then(action: Action) -> int:
    """The generation that the inventory had when the plan was made: only a change in git counts one further."""
    grows = any(change.origin == "intent" for change in action.changes)
    return action.generation - 1 if grows else action.generation


def _forbidden(saved: Plan, fresh: Plan) -> Iterator[str]:
    """Actions that were allowed when the plan was made and are not now: an approval ended, something was paused."""
    now = {action.ref: action for action in fresh.actions}
    for action in saved.actions:
        other = now.get(action.ref)
        if other is None or action.blocked or action.verb in (Verb.NOOP, Verb.DEFER):
            continue
        if other.blocked or other.reason in HELD:
            yield f"{action.ref}: {other.blocked or other.reason}: {other.message}"


def _unfounded(saved: Plan, fresh: Proposal) -> Iterator[str]:
    """Actions that do not follow from git: a plan file may come from anybody, and its digest shows only accidents.

    What the world makes of an action may have changed since, and is looked at just before it is done; what git makes
    of it may not.
    """
    now = {action.ref: action for action in fresh.plan.actions}
    for action in saved.actions:
        if action.verb in (Verb.NOOP, Verb.DEFER) or action.blocked:
            continue
        why = _why_not(action, now.get(action.ref), fresh)
        if why:
            yield f"{action.ref}: {why}"


def _why_not(action: Action, now: Action | None, fresh: Proposal) -> str:
    """Why an action cannot follow from git; "" when it does."""
    resource = fresh.graph.resources.get(action.ref)
    if action.verb in (Verb.DELETE, Verb.FORGET):
        return "" if resource is None else "it is to be taken away, and git wants it"
    if resource is None:
        return "git does not want it"
    if (action.target, action.uid) != (resource.target, fresh.inventory.uid(action.ref, fresh.graph.moved)):
        return "it would not be where, or what, git says"
    if action.verb in _AS_NOW and (
        now is None or (now.verb, now.before, now.previous) != (action.verb, action.before, action.previous)
    ):
        return "it is not what is to be done now"
    return "" if _as_declared(action, now, fresh) else "it is not what git says"


_AS_NOW = (Verb.REPLACE, Verb.MOVE, Verb.ADOPT)
"""Verbs that must be what a plan of this moment says too."""


def _as_declared(action: Action, now: Action | None, fresh: Proposal) -> bool:
    """Whether the spec is the declared one: as planned now, as it stands in the world, or as it stands in git."""
    if now is not None and now.spec is not None:
        return bool(action.spec == now.spec)
    declared, seen = fresh.graph.resources[action.ref].digest, fresh.observed.digests.get(action.ref)
    return digest_of(encode(action.spec)) in (declared, seen)
