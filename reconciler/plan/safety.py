"""The blast radius: deletes and replaces per (kind, target) are counted, and stopped above the limit.

A committed Approval that names the scope and has not expired lifts the limit for as many as it says, and no more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from reconciler.model import Action, Approval, Limit, Policy, Reason, Ref, Verb

_TAKING_AWAY = (Verb.DELETE, Verb.REPLACE)


def limited(
    actions: Sequence[Action], population: Mapping[tuple[str, str], int], policy: Policy, *, empty: bool
) -> list[Action]:
    """The same actions, those blocked that exceed a limit or need an approval. ``population`` counts what is held.

    ``empty`` says that the commit declares nothing at all: then nothing is deleted, whatever the limits.
    """
    budget = Counter({approval.ref: approval.at_most for approval in policy.approvals})
    approved = [_approved(action, policy, budget) for action in actions]
    groups: dict[tuple[str, str, bool], list[int]] = defaultdict(list)
    for index, action in enumerate(approved):
        if action.blocked is None and action.verb in (*_TAKING_AWAY, Verb.UPDATE):
            groups[action.ref.kind, action.target, action.verb in _TAKING_AWAY].append(index)
    for (kind, target, taking), indexes in groups.items():
        counted = [i for i in indexes if not approved[i].message.startswith(_BY_APPROVAL)]
        limit = policy.deletes if taking else policy.updates
        said = _exceeded(len(counted), population.get((kind, target), 0), limit, kind, target)
        for index in counted:
            approved[index] = _stopped(approved[index], said, policy, empty=empty)
    return approved


_BY_APPROVAL = "approved by "


def _stopped(action: Action, said: str, policy: Policy, *, empty: bool) -> Action:
    if action.verb not in _TAKING_AWAY:
        return replace(action, blocked=Reason.THRESHOLD_EXCEEDED, message=said) if said else action
    if empty:
        return replace(action, blocked=Reason.DELETION_BLOCKED, message="the commit declares nothing at all")
    if not policy.verified:
        return replace(action, blocked=Reason.DELETION_BLOCKED, message="the commit's origin is not verified")
    return replace(action, blocked=Reason.THRESHOLD_EXCEEDED, message=said) if said else action


def _exceeded(count: int, population: int, limit: Limit, kind: str, target: str) -> str:
    share = 100 * count / population if population else 0.0
    over_share = population >= limit.minimum_population and share > limit.percent
    if count <= limit.absolute and not over_share:
        return ""
    of = f"{count} of {population} {kind} on {target} ({share:.0f} %)"
    return f"{of} is over the limit of {limit.absolute} or {limit.percent:g} %: commit an Approval (hanse approve)"


def _approved(action: Action, policy: Policy, budget: Counter[Ref]) -> Action:
    """The action, let through by an approval where it needs one and there is one."""
    if action.verb not in _TAKING_AWAY or action.blocked not in (None, Reason.APPROVAL_REQUIRED):
        return action
    matching = [approval for approval in policy.approvals if _covers(approval, action)]
    for approval in matching:
        if approval.expires > policy.now and budget[approval.ref] > 0:
            budget[approval.ref] -= 1
            said = f"{_BY_APPROVAL}{approval.ref} until {approval.expires:%Y-%m-%d %H:%M} UTC: {approval.reason}"
            return replace(action, blocked=None, message=said)
    if action.blocked and any(approval.expires <= policy.now for approval in matching):
        said = f"{matching[0].ref} expired at {matching[0].expires:%Y-%m-%d %H:%M} UTC"
        return replace(action, blocked=Reason.APPROVAL_EXPIRED, message=said)
    if action.blocked:
        return replace(action, message=f"{action.message}: commit an Approval (hanse approve {action.ref})")
    return action


def _covers(approval: Approval, action: Action) -> bool:
    named = {
        "actions": str(action.verb),
        "kinds": action.ref.kind,
        "namespaces": action.ref.namespace or "",
        "targets": action.target,
        "resources": str(action.ref),
    }
    return all(
        not patterns or any(fnmatchcase(named[key], pattern) for pattern in patterns)
        for key, patterns in approval.scope.items()
    )
