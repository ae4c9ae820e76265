"""A saved plan, taken up again: exactly what was reviewed, or nothing.

What git, the playbooks and the inventory say is compared with what the plan was made from. What the world says is
looked at action by action just before each is done (apply/): one object that moved stops its own action only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler import SCHEMA_VERSION
from reconciler.errors import StalePlan
from reconciler.model import Action, Inventory, Plan, Reason, Verb
from reconciler.reconcile import House, Proposal, propose

_SHOWN = 5


def resume_plan(house: House, saved: Plan) -> Proposal:
    """The saved plan as a proposal that can be applied. Raises StalePlan with everything that has moved."""
    if saved.schema != SCHEMA_VERSION:
        raise StalePlan(f"the plan speaks {saved.schema}, this version {SCHEMA_VERSION}: plan again")
    worktree = saved.commit == "worktree"
    fresh = propose(house, "HEAD" if worktree else saved.commit, worktree=worktree)
    faults = [*_moved(saved, fresh.plan), *_overtaken(saved, fresh.inventory), *_forbidden(saved, fresh.plan)]
    if faults:
        more = [f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        raise StalePlan("\n".join(["the plan is stale and was not applied:", *faults[:_SHOWN], *more]))
    return replace(fresh, plan=saved, saved=True)


def _moved(saved: Plan, fresh: Plan) -> Iterator[str]:
    """What the plan rests on besides the world."""
    if saved.desired != fresh.desired:
        yield f"what {saved.commit[:12]} declares is not what it was (choices, or files of a working tree, changed)"
    if saved.playbooks != fresh.playbooks:
        yield "the playbooks changed since it was made"


def _overtaken(saved: Plan, inventory: Inventory) -> Iterator[str]:
    """Actions that a later run has done, or whose resource it has changed: the inventory tells."""
    for action in saved.actions:
        if action.verb in (Verb.NOOP, Verb.DEFER) or action.blocked or action.reason is Reason.FOUND:
            continue
        entry = inventory.entries.get(action.ref)
        former = inventory.entries.get(action.previous) if action.previous else None
        held = entry or former
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
        if other.blocked or other.reason is Reason.PAUSED:
            yield f"{action.ref}: {other.blocked or other.reason}: {other.message}"
