"""What a site lets the federation do there, and what it granted each VO: looked at last, so that nothing lifts it.

Charged in one order within a plan: who stands already comes first, then the order of the choices, then names. What a
plan takes away frees nothing for the same plan: it may fail, and comes last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reconciler.kinds import Declared, Kind, World
from reconciler.model import (
    Absent,
    Action,
    Graph,
    Inventory,
    Observed,
    Policy,
    Present,
    Reason,
    Ref,
    Spec,
    Verb,
    encode,
)
from reconciler.model.taken import WORDS, Amounts, Grant, SiteTerms, Taken, shown
from reconciler.plan.hours import hours

AT_SITES = frozenset({"compute", "storage", "identity", "images"})
"""Ports of back ends whose names begin with their site's."""
_MAKING = (Verb.CREATE, Verb.UPDATE, Verb.REPLACE)
Kinds = Mapping[str, Kind[Any]]
Key = tuple[str, str]
"""(site, VO); of all VOs together ""."""


def within(actions: Sequence[Action], book: Book, left: Mapping[Ref, str]) -> list[Action]:
    """The same actions, those blocked that a site's terms forbid, or that take more than was granted.

    ``left`` names the target on which something is taken away, where that is not the one on which it is made.
    """
    policy, graph, inventory = book.policy, book.graph, book.inventory
    if not (policy.terms or policy.grants):
        return list(actions)
    turn = {choice.ref: n for n, choice in enumerate(graph.choices, start=1)}
    order = sorted(actions, key=lambda a: (a.ref not in inventory.entries, turn.get(a.ref, 0), a.ref))
    judged = {action.ref: _judged(action, book, left.get(action.ref, action.target)) for action in order}
    return [judged[action.ref] for action in actions]


def _judged(action: Action, book: Book, left: str) -> Action:
    if not _writes(action):
        return action
    before, after = book.before(action), book.after(action)
    sites = {site_of(target) for target in (action.target, left)} | {one.site for one in (*before, *after)}
    for site in sorted(sites & book.policy.terms.keys()):
        why = _forbidden(action, book.policy.terms[site], _shrinks(before, after, site))
        if why:
            return replace(action, blocked=why[0], message=why[1])
    if action.blocked is not None or action.verb not in _MAKING:
        return action
    asked = _more(before, after)
    over = next(book.over(action.ref, asked), None)
    if over:
        return replace(action, blocked=over[0], message=over[1])
    book.charge(action.ref, asked)
    return action


def _writes(action: Action) -> bool:
    """Whether it changes the world: what is taken over gets our mark."""
    adopts = action.verb is Verb.ADOPT and action.reason is Reason.FOUND
    return adopts or action.verb in (*_MAKING, Verb.DELETE)


def site_of(target: str) -> str:
    """The site of a back end; "" of what is at none (a zone, a register)."""
    port, _, name = target.partition(":")
    return name.partition("/")[0] if port in AT_SITES else ""


def _forbidden(action: Action, terms: SiteTerms, shrinks: str) -> tuple[Reason, str] | None:
    """What no Approval lifts; the reason and the words."""
    if terms.observe_only:
        said = f"{terms.site} is observe-only: nothing is changed there (limits of Site/{terms.site})"
        return Reason.SITE_OBSERVE_ONLY, said
    takes_away = str(action.verb) if action.verb in (Verb.DELETE, Verb.REPLACE) else shrinks
    if takes_away and not terms.deletes:
        said = f"{terms.site} lets nothing be taken away: {takes_away} (limits of Site/{terms.site})"
        return Reason.SITE_FORBIDS_DELETE, said
    if terms.kinds is not None and action.ref.kind not in terms.kinds and action.verb is not Verb.DELETE:
        said = f"{terms.site} takes no {action.ref.kind}, only {', '.join(sorted(terms.kinds))}"
        return Reason.SITE_LIMIT, said
    return None


def _shrinks(before: Sequence[Taken], after: Sequence[Taken], site: str) -> str:
    """What an update would take away at a site: ``3 machines``; "" when nothing."""
    was, will = ([one.amounts for one in some if one.site == site] for some in (before, after))
    less = sum(was, Amounts()) - sum(will, Amounts())
    counted = ((what, getattr(less, what)) for what in ("instances", "storage_bytes"))
    return ", ".join(f"{shown(what, n)} {WORDS[what]}" for what, n in counted if n > 0)


def _more(before: Sequence[Taken], after: Sequence[Taken]) -> list[Taken]:
    """What is taken besides what stands, by site and VOs."""
    was: dict[tuple[str, tuple[str, ...]], Amounts] = {(one.site, one.vos): one.amounts for one in before}
    found = [Taken(t.site, t.vos, (t.amounts - was.get((t.site, t.vos), Amounts())).more) for t in after]
    return [one for one in found if one.amounts != Amounts()]


class Book:
    """What is taken of sites: what stands, and what the plan adds to it, action by action."""

    def __init__(
        self,
        graph: Graph,
        observed: Observed,
        inventory: Inventory,
        policy: Policy,
        kinds: Kinds,
        world: World,
    ) -> None:
        self.policy = policy
        self.graph, self.inventory, self._observed = graph, inventory, observed
        self._kinds, self._world, self._declared = kinds, world, Declared(graph.resources)
        self._used: dict[Key, Amounts] | None = None
        self._asked: dict[Key, Amounts] = {}
        self._hours: dict[Key, float] = {}
        self._found: dict[tuple[Ref, bool], list[Taken]] = {}

    def before(self, action: Action) -> list[Taken]:
        """What the object of an action takes as it stands."""
        return self._once(action.ref, action.before, stands=True)

    def after(self, action: Action) -> list[Taken]:
        """What it takes once the action is done."""
        return self._once(action.ref, action.spec, stands=False) if action.verb is not Verb.DELETE else []

    def _once(self, ref: Ref, spec: Mapping[str, Any] | None, *, stands: bool) -> list[Taken]:
        """Each is asked for twice: to judge the action, and to tell the numbers."""
        if (ref, stands) not in self._found:
            self._found[ref, stands] = self._taken(ref, spec)
        return self._found[ref, stands]

    def _taken(self, ref: Ref, spec: Mapping[str, Any] | None) -> list[Taken]:
        kind = self._kinds[ref.kind]
        if spec is None or not _counts(kind):
            return []
        return list(kind.takes(kind.Spec.model_validate_json(encode(spec)), self._declared, self._world))

    @property
    def used(self) -> Mapping[Key, Amounts]:
        """What stands, by site and VO, and by site alone."""
        if self._used is None:
            self._used = {}
            for ref, spec in self._standing():
                for one in self._kinds[ref.kind].takes(spec, self._declared, self._world):
                    _add(self._used, one)
        return self._used

    def _standing(self) -> Iterator[tuple[Ref, Spec]]:
        """What is there of every kind that takes anything: as it was seen, or as it was applied last."""
        counted = {name for name, kind in self._kinds.items() if _counts(kind)}
        seen = {ref: found for ref, found in self._observed.results.items() if ref.kind in counted}
        yield from ((ref, found.spec) for ref, found in sorted(seen.items()) if isinstance(found, Present))
        rest = [
            ref
            for ref in self.inventory.entries
            if ref.kind in counted and not isinstance(seen.get(ref), Present | Absent)
        ]
        for ref, held in sorted(self.inventory.details(rest).items()) if rest else ():
            yield ref, self._kinds[ref.kind].Spec.model_validate_json(held.content)

    def over(self, ref: Ref, asked: Iterable[Taken]) -> Iterator[tuple[Reason, str]]:
        """Every limit that it would break, with the numbers."""
        for one in asked:
            terms = self.policy.terms.get(one.site)
            if terms is not None:
                for whose, limits in (("", terms.total), *((vo, terms.of(vo)) for vo in one.vos)):
                    said = self._exceeds((one.site, whose), one.amounts, limits)
                    who = f"{one.site} lets {whose or 'the federation'} take"
                    yield from ((Reason.SITE_LIMIT, f"{who} {limit}: {numbers}") for limit, numbers in said)
            for vo in one.vos:
                yield from ((Reason.OVER_ALLOCATION, words) for words in self._beyond(ref, one, vo, terms))

    def _beyond(self, ref: Ref, one: Taken, vo: str, terms: SiteTerms | None) -> Iterator[str]:
        """Why it is more than the VO was granted."""
        grant = self.policy.grants.get((one.site, vo))
        if grant is None:
            if terms is not None and terms.needs_grant:
                yield f"{vo} has no allocation in force at {one.site}, and {one.site} gives nothing without one"
            return
        for limit, numbers in self._exceeds((one.site, vo), one.amounts, grant.amounts):
            yield f"{vo} was granted {limit} at {one.site}{_until(grant)}: {numbers}"
        if grant.core_hours is not None:
            yield from self._hours_beyond(ref, one, grant, grant.core_hours)

    def _exceeds(self, key: Key, asked: Amounts, limits: Mapping[str, int]) -> Iterator[tuple[str, str]]:
        """(the limit, the numbers that break it)."""
        for what, limit in limits.items():
            more = getattr(asked, what)
            held = getattr(self.used.get(key, Amounts()) + self._asked.get(key, Amounts()), what)
            if more and held + more > limit:
                numbers = f"{shown(what, held)} used already, {shown(what, more)} asked"
                yield f"{shown(what, limit)} {WORDS[what]}", f"{numbers}, {shown(what, held + more - limit)} too many"

    def _hours_beyond(self, ref: Ref, one: Taken, grant: Grant, granted: int) -> Iterator[str]:
        key, now = (one.site, grant.vo), self.policy.now
        stand = hours(self.used.get(key, Amounts()).vcpus, now, grant.end, None)
        asked = hours(one.amounts.vcpus, now, grant.end, self.policy.ends.get(ref))
        used = grant.core_hours_used + stand + self._hours.get(key, 0.0)
        if asked and used + asked > granted:
            yield (
                f"{grant.vo} was granted {granted} core hours at {one.site}{_until(grant)}: "
                f"{grant.core_hours_used:.0f} used, {used - grant.core_hours_used:.0f} more by what stands, "
                f"{asked:.0f} asked, {used + asked - granted:.0f} too many"
            )

    def charge(self, ref: Ref, asked: Iterable[Taken]) -> None:
        """What is promised to one action is there no more for the next."""
        for one in asked:
            _add(self._asked, one)
            for vo in one.vos:
                grant = self.policy.grants.get((one.site, vo))
                end = grant.end if grant else None
                more = hours(one.amounts.vcpus, self.policy.now, end, self.policy.ends.get(ref))
                self._hours[one.site, vo] = self._hours.get((one.site, vo), 0.0) + more


def _counts(kind: Kind[Any]) -> bool:
    return type(kind).takes is not Kind.takes


def _add(sums: dict[Key, Amounts], one: Taken) -> None:
    for vo in ("", *one.vos):
        sums[one.site, vo] = sums.get((one.site, vo), Amounts()) + one.amounts


def _until(grant: Grant) -> str:
    """Its last day."""
    return f" until {grant.last_day}" if grant.end else ""
