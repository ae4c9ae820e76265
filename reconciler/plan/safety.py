"""The blast radius: deletes and replaces per (kind, target) are counted, and stopped above the limit.

A committed Approval that names the scope and has not expired lifts the limit for as many as it says, and no more.
What is precious (the last copy of data) goes only by an Approval that names it in full.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from reconciler.model import Action, Approval, Limit, Policy, Reason, Ref, Verb
from reconciler.plan.scope import covers

_TAKING_AWAY = (Verb.DELETE, Verb.REPLACE)


def limited(
    actions: Sequence[Action],
    population: Mapping[tuple[str, str], int],
    policy: Policy,
    *,
    empty: bool,
    left: Mapping[Ref, str] | None = None,
    precious: Mapping[Ref, str] | None = None,
    refused: Mapping[Ref, str] | None = None,
) -> list[Action]:
    """The same actions, those blocked that exceed a limit or need an approval. ``population`` counts what is held.

    ``empty`` says that the commit declares nothing at all: then nothing is deleted, whatever the limits. ``left``
    names the target on which something is taken away, where that is not the one on which it is made anew;
    ``precious`` says why something may not go, ``refused`` why a step may not be taken after what was applied.
    """
    if policy.unverified:
        return [_untrusted(action, policy.unverified) for action in actions]
    left = left or {}
    pen = _Pen(policy)
    kept = (_kept(action, precious or {}, Reason.LAST_COPY) for action in actions)
    safe = [pen.required(_kept(action, refused or {}, Reason.AGAINST_HISTORY)) for action in kept]
    groups: dict[tuple[str, str, bool], list[int]] = defaultdict(list)
    for index, action in enumerate(safe):
        if action.blocked is None and action.verb in (*_TAKING_AWAY, Verb.UPDATE):
            where = left.get(action.ref, action.target)
            groups[action.ref.kind, where, action.verb in _TAKING_AWAY].append(index)
    for (kind, target, taking), indexes in groups.items():
        limit = policy.deletes if taking else policy.updates
        held = population.get((kind, target), 0)
        if _exceeded(len(indexes), held, limit, kind, target):
            for index in indexes:
                safe[index] = pen.signed(safe[index])
        rest = [index for index in indexes if not safe[index].message.startswith(_BY_APPROVAL)]
        said = _exceeded(len(rest), held, limit, kind, target)
        for index in rest:
            safe[index] = _stopped(safe[index], said, empty=empty)
    return safe


_BY_APPROVAL = "approved by "
_BY_NAME = (Reason.LAST_COPY, Reason.AGAINST_HISTORY)
"""Only an Approval that names the resource in full lifts these."""


def _untrusted(action: Action, why: str) -> Action:
    if action.verb in (Verb.NOOP, Verb.DEFER):
        return action
    return replace(action, blocked=Reason.UNVERIFIED, message=f"{why}: sign it (git commit -S)")


def _kept(action: Action, held: Mapping[Ref, str], reason: Reason) -> Action:
    why = held.get(action.ref)
    return replace(action, blocked=reason, message=why) if why and action.blocked is None else action


def _stopped(action: Action, said: str, *, empty: bool) -> Action:
    if action.verb not in _TAKING_AWAY:
        return replace(action, blocked=Reason.THRESHOLD_EXCEEDED, message=said) if said else action
    if empty:
        return replace(action, blocked=Reason.DELETION_BLOCKED, message="the commit declares nothing at all")
    return replace(action, blocked=Reason.THRESHOLD_EXCEEDED, message=said) if said else action


def _exceeded(count: int, population: int, limit: Limit, kind: str, target: str) -> str:
    share = 100 * count / population if population else 0.0
    over_share = population >= limit.minimum_population and share > limit.percent
    if count <= limit.absolute and not over_share:
        return ""
    of = f"{count} of {population} {kind} on {target} ({share:.0f} %)"
    return f"{of} is over the limit of {limit.absolute} or {limit.percent:g} %: commit an Approval (hanse approve)"


class _Pen:
    """Lets actions through that an approval covers, as many as it says; spent only where one is needed."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._left = Counter({one.ref: one.at_most - len(one.used) for one in policy.approvals})

    def required(self, action: Action) -> Action:
        """An action that needs an approval each time, signed or with what would allow it."""
        if action.blocked not in (Reason.APPROVAL_REQUIRED, *_BY_NAME):
            return action
        named = action.blocked in _BY_NAME
        signed = self.signed(action, named=named)
        if signed.blocked is None:
            return signed
        late = [a for a in self._policy.approvals if _covers(a, action, named=named) and a.expires <= self._policy.now]
        if late:
            said = f"{late[0].ref} expired at {late[0].expires:%Y-%m-%d %H:%M} UTC"
            return replace(action, blocked=Reason.APPROVAL_EXPIRED, message=said)
        return replace(action, message=f"{action.message}: commit an Approval (hanse approve {action.ref})")

    def signed(self, action: Action, *, named: bool = False) -> Action:
        """The action, let through by the first approval that covers it (names it, if ``named``) and is not spent."""
        for approval in self._policy.approvals:
            again = action.ref in approval.used
            open_ = approval.expires > self._policy.now and (again or self._left[approval.ref] > 0)
            if open_ and _covers(approval, action, named=named):
                self._left[approval.ref] -= not again
                until = f"{approval.expires:%Y-%m-%d %H:%M} UTC"
                said = f"{_BY_APPROVAL}{approval.ref} until {until}: {approval.reason}"
                return replace(action, blocked=None, message=said)
        return action


def _covers(approval: Approval, action: Action, *, named: bool = False) -> bool:
    if named and str(action.ref) not in approval.scope.get("resources", ()):
        return False
    return covers(approval.scope, action)
