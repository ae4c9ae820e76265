"""Which plan, and which outcomes, give which exit code."""

from __future__ import annotations

from reconciler.cli.codes import BLOCKED, DONE, FAILED, PENDING, STALE
from reconciler.model import Outcome, Plan, Reason, Verb

_QUIET = (Reason.OBSERVE_ONLY, Reason.PAUSED)


def of_plan(plan: Plan) -> int:
    """2 when something is to be done or waits to be done, 3 when a person must allow some of it first.

    1 when there is nothing to do as far as can be seen, and something could not be read.
    """
    if plan.blocked:
        return BLOCKED
    waiting = any(a.verb is Verb.DEFER and a.reason not in _QUIET for a in plan.actions)
    if plan.pending or waiting:
        return PENDING
    return FAILED if plan.unreachable else DONE


def of_outcomes(plan: Plan, outcomes: tuple[Outcome, ...]) -> int:
    """1 when something failed or could not be looked at, 4 when something had moved, 3 when something is blocked."""
    ended = [o for o in outcomes if o.state in ("failed", "unknown")]
    stale = [o for o in ended if o.reason is Reason.PLAN_STALE]
    unread = plan.unreachable or any(o.unread for o in outcomes)
    if unread or len(stale) < len(ended):
        return FAILED
    if stale:
        return STALE
    return BLOCKED if plan.blocked else DONE
