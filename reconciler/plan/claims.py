"""What a plan asks of what VOs were granted at sites, number by number: for what its actions touch, and nothing else.

Nothing is decided here (terms.py decides). What stands is added up at most once a plan, and only where one of these
numbers changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from reconciler.errors import StalePlan
from reconciler.model import WRITES, Action, digest_of, encode
from reconciler.model.claim import CORE_HOURS, Claim
from reconciler.model.taken import WHAT, Amounts, Taken
from reconciler.plan.hours import hours
from reconciler.plan.terms import Book, Key

_NOTHING = Amounts()


@dataclass(slots=True)
class _Moved:
    """What the actions of a plan change for one VO at one site."""

    asked: Amounts = _NOTHING
    freed: Amounts = _NOTHING
    blocked: Amounts = _NOTHING
    hours_asked: float = 0.0
    hours_blocked: float = 0.0


def claims(actions: Iterable[Action], book: Book) -> tuple[Claim, ...]:
    """One for each stated amount that the actions change, by site, VO (all together first) and amount."""
    if not (book.policy.terms or book.policy.grants):
        return ()
    moved: defaultdict[Key, _Moved] = defaultdict(_Moved)
    for action in sorted(actions, key=lambda one: one.ref):
        if action.verb in WRITES:
            _count(moved, action, book)
    return tuple(claim for key in sorted(moved) for claim in _of(key, moved[key], book))


def _count(moved: defaultdict[Key, _Moved], action: Action, book: Book) -> None:
    was, will = _by_place(book.before(action)), _by_place(book.after(action))
    for place in was.keys() | will.keys():
        before, after = was.get(place, _NOTHING), will.get(place, _NOTHING)
        site, vos = place
        for vo in ("", *vos):
            _add(moved[site, vo], (site, vo), (after - before).more, (before - after).more, action, book)


def _by_place(taken: Sequence[Taken]) -> dict[tuple[str, tuple[str, ...]], Amounts]:
    return {(one.site, one.vos): one.amounts for one in taken}


def _add(to: _Moved, key: Key, more: Amounts, less: Amounts, action: Action, book: Book) -> None:
    grant = book.policy.grants.get(key)
    end = grant.end if grant else None
    time = hours(more.vcpus, book.policy.now, end, book.policy.ends.get(action.ref))
    to.asked += more
    to.hours_asked += time
    if action.blocked is None:
        to.freed += less
    else:
        to.blocked += more
        to.hours_blocked += time


def _of(key: Key, moved: _Moved, book: Book) -> Iterator[Claim]:
    site, vo = key
    grant, terms = book.policy.grants.get(key), book.policy.terms.get(site)
    limits: Mapping[str, int] = (terms.of(vo) if vo else terms.total) if terms else {}
    nothing = vo and grant is None and terms is not None and terms.needs_grant
    until = grant.last_day if grant else ""
    for what in WHAT:
        asked, freed, blocked = (getattr(one, what) for one in (moved.asked, moved.freed, moved.blocked))
        granted, limit = 0 if nothing else grant.amounts.get(what) if grant else None, limits.get(what)
        if (asked or freed) and (granted is not None or limit is not None):
            used = getattr(book.used.get(key, _NOTHING), what)
            yield Claim(site, vo, what, granted, limit, used, asked, freed, blocked, None, until)
    if grant and grant.core_hours is not None and (moved.asked.vcpus or moved.freed.vcpus):
        now, end = book.policy.now, grant.end
        stand = hours(book.used.get(key, _NOTHING).vcpus, now, end, None)
        freed = hours(moved.freed.vcpus, now, end, None)
        spent = grant.core_hours_used, moved.hours_asked, freed, moved.hours_blocked
        yield Claim(site, vo, CORE_HOURS, grant.core_hours, None, *spent, stand, until)


# -- as data -----------------------------------------------------------------------------------------------------------


def data(those: Sequence[Claim], plan: str) -> dict[str, Any]:
    """The members of a plan's file; none without claims. ``plan`` is the plan's digest.

    They have a digest of their own. A plan's digest says what would be done and on what that rests; core hours grow
    while the clock goes, and with them in it nothing would be the same plan a minute later: every round of the loop
    would record it anew, and nobody could name the plan that was read.
    """
    rows = [{**asdict(one), "after": one.after, "over": one.over} for one in those]
    return {"allocations": rows, "allocationsDigest": _digest(rows, plan)} if rows else {}


def take(found: dict[str, Any], plan: str) -> tuple[Claim, ...]:
    """What ``data`` wrote, taken out of ``found``. Raises StalePlan when it was changed, or is another plan's."""
    rows, said = found.pop("allocations", []), found.pop("allocationsDigest", "")
    if (rows or said) and _digest(rows, plan) != said:
        raise StalePlan("the plan file was changed after it was made: plan again")
    return tuple(Claim(**{name: row[name] for name in Claim.__slots__}) for row in rows)


def _digest(rows: Any, plan: str) -> str:
    return digest_of(encode({"plan": plan, "allocations": rows}))
