"""The verdict: what an action, its outcome and an observation say about a resource, as six conditions. Pure.

First the case is named, then each condition is read from a table of cases:

==========  ========================================================  =======  ===========  =======  =======
case        when                                                      Ready    Reconciling  Stalled  InSync
==========  ========================================================  =======  ===========  =======  =======
settled     done, or in sync without any action                       True     False        False    True
adopted     taken over as it is; it differs from its manifest         False    True         False    False
tolerated   drift that the manifest says to ignore                    True     False        False    True
watched     mode observe or warn: it differs and is left so           if there False        False    False
held        to be taken away, and waiting for it                      if there by reason    by reason False
waiting     to be made or changed, and waiting for it                 False    by reason    by reason False
failed      attempted without success                                 False    by reason    by reason False
lost        attempted, and the answer was lost                        Unknown  False        True     Unknown
unread      the world could not be read                               Unknown  True         False    Unknown
==========  ========================================================  =======  ===========  =======  =======

Healthy is what the back end says (nothing bad is True), Unknown where nothing is there or nothing could be read; a
resource that is not healthy is not Ready. Protected is True while a safety rule keeps an action from being done.

What is built in steps has a condition for each of them too, as its kind told last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reconciler.model import (
    BLOCKS,
    Action,
    ConditionType,
    Observation,
    Outcome,
    Present,
    Reason,
    Stage,
    Unknown,
    Verb,
)

Case = Literal["settled", "adopted", "tolerated", "watched", "held", "waiting", "failed", "lost", "unread"]
Status = Literal["True", "False", "Unknown"]

_UNREAD = {Reason.TARGET_UNREACHABLE, Reason.OBSERVATION_FAILED, Reason.OBSERVATION_STALE}
_GUARDS = BLOCKS - {Reason.OUTCOME_UNKNOWN}
_FOR_A_PERSON = BLOCKS | {Reason.NO_PLACE, Reason.QUOTA_EXCEEDED, Reason.INVALID_MANIFEST, Reason.SUSPENDED}
_BY_ITSELF = _UNREAD | {
    Reason.DEPENDENCY_NOT_READY,
    Reason.DEPENDENCY_FAILED,
    Reason.SITE_IN_DOWNTIME,
    Reason.WINDOW_CLOSED,
    Reason.PLAN_STALE,
    Reason.STUCK,
}
"""Reasons that pass without a person: the next run tries again."""
_AWAY = {Verb.DELETE, Verb.FORGET}
_GOOD = {
    *(ConditionType.READY, ConditionType.HEALTHY, ConditionType.IN_SYNC),
    *(ConditionType.NODES, ConditionType.REACHABLE, ConditionType.CONFIGURED),
}
"""Conditions that are True where all is well; the others are False there."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of one resource after a run."""

    action: Action | None = None
    outcome: Outcome | None = None
    seen: Observation | None = None
    """None when its target was not read, or was unchanged since its last read."""
    unread: tuple[Reason, str] | None = None
    """Why it could not be read, and what was said."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One condition's status, reason and message."""

    type: ConditionType
    status: Status
    reason: str
    message: str = ""


def verdict(evidence: Evidence) -> tuple[Finding, ...]:
    """The six conditions of a resource and those of its stages, in the order of ConditionType."""
    case = case_of(evidence)
    reason, message = _why(evidence, case)
    healthy = _healthy(evidence, case, reason, message)
    return (
        _ready(evidence, case, healthy, reason, message),
        _reconciling(case, reason, message),
        _stalled(case, reason, message),
        healthy,
        _in_sync(evidence, case, reason, message),
        _protected(evidence),
        *map(of_stage, _stages(evidence)),
    )


def of_stage(stage: Stage) -> Finding:
    """A stage as a condition."""
    return Finding(ConditionType(stage.name), stage.status, stage.reason, stage.message)


def _stages(evidence: Evidence) -> tuple[Stage, ...]:
    """What was told last: by what was done in this run, or else by what was seen in it."""
    if evidence.outcome is not None and evidence.outcome.stages:
        return evidence.outcome.stages
    return evidence.seen.stages if isinstance(evidence.seen, Present) else ()


def case_of(evidence: Evidence) -> Case:
    """Which of the cases above it is."""
    action, outcome = evidence.action, evidence.outcome
    if outcome is not None and outcome.state == "done":
        return "adopted" if action and action.verb is Verb.ADOPT and action.changes else "settled"
    if outcome is not None and outcome.state == "failed":
        return "unread" if outcome.reason in _UNREAD else "failed"
    if outcome is not None and outcome.state == "unknown":
        return "lost"
    if action is None:
        return "unread" if evidence.unread else "settled"
    return _undone(action, outcome.reason if outcome else None)


def _undone(action: Action, reason: Reason | None) -> Case:
    """The case of an action that was not attempted."""
    why = reason or action.blocked or action.reason
    if why in _UNREAD:
        return "unread"
    if why is Reason.OUTCOME_UNKNOWN:
        return "lost"
    if action.verb is Verb.NOOP:
        return "tolerated" if why is Reason.DRIFT_IGNORED else "watched"
    if why is Reason.OBSERVE_ONLY:
        return "watched"
    return "held" if action.verb in _AWAY else "waiting"


def at_rest(findings: tuple[Finding, ...]) -> bool:
    """True when the next run need not look at the resource unless something about it changes."""
    return all(finding.status == ("True" if finding.type in _GOOD else "False") for finding in findings)


def _why(evidence: Evidence, case: Case) -> tuple[Reason | None, str]:
    """The one reason behind the case, and the words for it. None: nothing stands in the way."""
    action, outcome = evidence.action, evidence.outcome
    if case in ("settled", "adopted"):
        return None, ""
    if case == "lost":
        said = outcome.message if outcome and outcome.message else action.message if action else ""
        return Reason.OUTCOME_UNKNOWN, said
    if action is None:
        return evidence.unread or (Reason.OBSERVATION_FAILED, "")
    if outcome is None:
        return action.blocked or action.reason, action.message
    said = outcome.message or action.message
    if outcome.state == "failed":
        return outcome.reason, said
    blocked = f" (waits for {outcome.blocker})" if outcome.blocker and outcome.blocker not in said else ""
    return outcome.reason or action.blocked or action.reason, said + blocked


def _ready(evidence: Evidence, case: Case, healthy: Finding, reason: Reason | None, message: str) -> Finding:
    ready = ConditionType.READY
    if case in ("unread", "lost"):
        return Finding(ready, "Unknown", str(reason), message)
    there = case in ("settled", "tolerated") or (case in ("watched", "held") and _there(evidence))
    if there and healthy.status == "False":
        return Finding(ready, "False", healthy.reason, healthy.message)
    if there:
        return Finding(ready, "True", str(reason or "Reconciled"), message)
    if case == "adopted":
        return Finding(ready, "False", str(Reason.SPEC_CHANGED), "taken over as it is; the next run changes it")
    return Finding(ready, "False", str(reason or "Failed"), message)


def _reconciling(case: Case, reason: Reason | None, message: str) -> Finding:
    kind = ConditionType.RECONCILING
    if case == "adopted":
        return Finding(kind, "True", "Progressing")
    if case in ("waiting", "held", "failed", "unread") and reason in _BY_ITSELF:
        return Finding(kind, "True", "ProgressingWithRetry" if case == "failed" else str(reason), message)
    return Finding(kind, "False", "Paused" if reason is Reason.PAUSED else "NothingUnderWay")


def _stalled(case: Case, reason: Reason | None, message: str) -> Finding:
    kind = ConditionType.STALLED
    stuck = case == "lost" or (case == "failed" and reason not in _BY_ITSELF)
    if stuck or (case in ("waiting", "held", "watched") and reason in _FOR_A_PERSON):
        return Finding(kind, "True", str(reason or "Failed"), message)
    return Finding(kind, "False", "NothingStandsInTheWay")


def _healthy(evidence: Evidence, case: Case, reason: Reason | None, message: str) -> Finding:
    kind = ConditionType.HEALTHY
    if case == "unread":
        return Finding(kind, "Unknown", str(reason), message)
    fresh = evidence.outcome is not None and evidence.outcome.state == "done"
    seen = evidence.seen
    if isinstance(seen, Present) and seen.healthy is False and not fresh:
        return Finding(kind, "False", "Unhealthy", seen.note)
    if isinstance(seen, Unknown) and not fresh:
        return Finding(kind, "Unknown", str(Reason.OBSERVATION_FAILED), seen.reason)
    if fresh or _there(evidence):
        return Finding(kind, "True", "Healthy")
    return Finding(kind, "Unknown", "NotThere")


def _in_sync(evidence: Evidence, case: Case, reason: Reason | None, message: str) -> Finding:
    kind = ConditionType.IN_SYNC
    if case in ("unread", "lost"):
        return Finding(kind, "Unknown", str(reason), message)
    if case == "settled":
        return Finding(kind, "True", "Reconciled")
    action = evidence.action
    if case == "tolerated":
        return Finding(kind, "True", "DriftIgnored" if action and action.changes else "Reconciled", message)
    return Finding(kind, "False", _difference(action), _fields(action))


def _difference(action: Action | None) -> str:
    """Why it is not in sync: the world moved, or git did."""
    if action is None:
        return str(Reason.DRIFT_DETECTED)
    drifted = bool(action.changes) and all(change.origin == "drift" for change in action.changes)
    if drifted or action.reason in (Reason.DRIFT_DETECTED, Reason.VANISHED):
        return str(Reason.DRIFT_DETECTED)
    return str(Reason.SPEC_CHANGED if action.changes else action.reason)


def _fields(action: Action | None) -> str:
    return ", ".join(change.path for change in action.changes) if action else ""


def _protected(evidence: Evidence) -> Finding:
    action, outcome = evidence.action, evidence.outcome
    done = outcome is not None and outcome.state == "done"
    if action is not None and action.blocked in _GUARDS and not done:
        return Finding(ConditionType.PROTECTED, "True", str(action.blocked), action.message)
    return Finding(ConditionType.PROTECTED, "False", "NothingHeldBack")


def _there(evidence: Evidence) -> bool:
    """Whether the resource is known to be there."""
    if evidence.seen is not None:
        return isinstance(evidence.seen, Present)
    action = evidence.action
    return action is None or action.before is not None
