"""The budget of repairs: how much of a thing is made anew without asking anybody, at once and within an hour.

What breaks again and again, or all at the same time, has a cause that making it anew does not mend.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from reconciler.kinds import Kind, Repair
from reconciler.model import Action, Policy, Reason, Verb, encode

WINDOW = timedelta(hours=1)


def within_budget(action: Action, kinds: Mapping[str, Kind[Any]], policy: Policy) -> Action:
    """The action, or why mending waits for a person, or for time to pass. What git has changed is no repair."""
    if action.verb is not Verb.UPDATE or action.reason is not Reason.DRIFT_DETECTED or action.blocked is not None:
        return action
    kind = kinds[action.ref.kind]
    before, wanted = (kind.Spec.model_validate_json(encode(spec)) for spec in (action.before, action.spec))
    repair = kind.repair(before, wanted)
    said = _too_much(repair, action, policy) if repair else ""
    return replace(action, blocked=Reason.APPROVAL_REQUIRED, message=said) if said else action


def _too_much(repair: Repair, action: Action, policy: Policy) -> str:
    if repair.at_once is not None and repair.number > repair.at_once:
        return f"{repair.what} at the same time, and no more than {repair.at_once} are mended without being asked"
    lately = sorted(at for at in policy.mended.get(action.ref, ()) if at > policy.now - WINDOW)
    if len(lately) < repair.per_hour:
        return ""
    again = lately[-repair.per_hour] + WINDOW
    said = f"{repair.what}; it was mended {len(lately)} times within the last hour, and may be {repair.per_hour} times"
    return f"{said}: again after {again:%H:%M} UTC, or now"
