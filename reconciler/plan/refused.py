"""What those who changed it in git may not do: planned, told, and not done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.model import Action, Policy, Ref, Verb


def refusing(actions: Iterable[Action], policy: Policy, owners: Mapping[Ref, Ref]) -> list[Action]:
    """The actions, with what may not be done, and what git says that does not count.

    ``owners`` says of what another resource brings along whose it is: it is done where that may be.
    """
    found = [_refused(action, policy, owners) for action in actions]
    done = {action.ref for action in found if action.verb is not Verb.NOOP}
    told = [one for one in policy.held if one.ref not in done]
    said = {one.ref for one in told}
    return [*(one for one in found if one.ref not in said), *told]


def _refused(action: Action, policy: Policy, owners: Mapping[Ref, Ref]) -> Action:
    said = policy.refused.get(action.ref) or policy.refused.get(owners.get(action.ref, action.ref))
    if said is None or action.verb in (Verb.NOOP, Verb.DEFER):
        return action
    reason, message = said
    return replace(action, blocked=reason, message=message)
