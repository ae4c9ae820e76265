"""Verdicts: may somebody do something to a thing, why or why not, and who could instead. Pure.

Also what a change needs: everyone of whose words it needs one, and whether those who made it and those who agreed give
them all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from reconciler.model import Ref, Who
from reconciler.tenancy.rules import CHANGES, Charter, Rules, Word
from reconciler.tenancy.subjects import Subject, holder
from reconciler.tenancy.things import Thing

GUARDED: frozenset[str] = frozenset({"Tenancy", "RoleAssignment"})
"""Kinds that give rights: as soon as there is a Tenancy they need a word, whatever it speaks of."""
_OWNERS = "owners"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer, with its reason."""

    allowed: bool
    why: str
    instead: tuple[str, ...] = ()
    """Who could, where it is not allowed."""
    governed: bool = True
    """False where no Tenancy speaks of the thing: then others decide."""


@dataclass(frozen=True, slots=True)
class Need:
    """One word that a change needs: of whoever made it, or of whoever agrees to it."""

    part: str
    """The part of a plan that it belongs to: ``site:CESGA``."""
    what: str
    """``update``, ``quota``."""
    makers: frozenset[Subject]
    """Who may make it without asking."""
    givers: frozenset[Subject]
    """Who may agree to it."""
    sort: Literal["right", "word"] = "right"
    """A right to make the change at all, or a word for some of its fields."""
    charter: Ref | None = None

    def met(self, makers: Collection[Who], agreed: Iterable[Who]) -> bool:
        """Whether everyone who made it may, or somebody agreed who may."""
        made = bool(makers) and all(_meant(self.makers, who) for who in makers)
        return made or any(self.takes(who) for who in agreed)

    def takes(self, who: Who) -> bool:
        """Whether somebody may agree. Whoever works on the machine could change its records anyhow."""
        return who.proof == "machine" or _meant(self.givers, who)

    @property
    def of(self) -> tuple[str, ...]:
        """Who may agree, as people read it."""
        return tuple(sorted(map(str, self.givers)))


def may(rules: Rules, who: Who, deed: str, thing: Thing) -> Verdict:
    """Whether somebody may do something to a thing.

    Whoever works on the machine itself may all; an API token may what it was made for and gives no word.
    """
    if who.proof == "machine":
        return Verdict(True, f"{who.name} works on the machine that keeps the records")
    if who.proof == "token":
        allowed = deed in who.may and deed not in CHANGES | {"approve"}
        return Verdict(allowed, f"the token {who.name} was {'' if allowed else 'not '}made for that")
    needs = needed(rules, deed, thing) if deed in CHANGES else tuple(rights(rules, deed, thing))
    if not needs:
        return Verdict(True, "no Tenancy speaks of it", governed=False)
    lacking = next((need for need in needs if not _meant(need.makers, who)), None)
    if lacking is None:
        return Verdict(True, f"{', '.join(str(need.charter or need.part) for need in needs)} lets {who.name} {deed} it")
    others = tuple(sorted(map(str, lacking.makers)))
    by = lacking.charter or "the configuration"
    return Verdict(False, f"{by} does not let {who.name} {deed} {thing.ref}", others)


def needed(rules: Rules, deed: str, thing: Thing) -> tuple[Need, ...]:
    """Every word that a change needs, in order; () where no Tenancy speaks of it."""
    found = [*rights(rules, deed, thing)]
    for charter in rules.over(thing):
        found += _words(rules, charter, thing)
    return tuple(found)


def rights(rules: Rules, deed: str, thing: Thing) -> Iterator[Need]:
    """The right to do something, of each Tenancy that speaks of a thing."""
    if deed not in CHANGES | {"approve"} or thing.ref.kind not in GUARDED:
        yield from (_right(rules, one, deed, thing) for one in rules.over(thing) if _speaks(one, deed, thing))
        return
    named = [one for one in rules.over(thing) if thing.ref.kind in one.scope.kinds]
    yield from (_right(rules, one, deed, thing) for one in named)
    if not named and (rules.charters or thing.ref.kind == "Tenancy"):
        granting = frozenset(map(holder, thing.known)) if thing.ref.kind == "RoleAssignment" else frozenset()
        those = granting | frozenset(rules.owners)
        yield Need(_OWNERS, deed, those, those)


def _right(rules: Rules, charter: Charter, deed: str, thing: Thing) -> Need:
    owners = frozenset(rules.owners) if thing.ref.kind in GUARDED else frozenset()
    makers = _allowed(rules, charter, deed, thing) | owners
    givers = _allowed(rules, charter, "approve", thing) | owners
    return Need(charter.part, deed, makers, givers, charter=charter.name)


def _speaks(charter: Charter, deed: str, thing: Thing) -> bool:
    """Whether a Tenancy forbids something unless it allows it.

    Looking is forbidden where it says who may look. Where all that changes has roles of its own that decide, these do.
    """
    if charter.roles and thing.words and not thing.known and deed in CHANGES:
        return False
    return deed != "view" or any("view" in rule.deeds for rule in charter.rules)


def _allowed(rules: Rules, charter: Charter, deed: str, thing: Thing) -> frozenset[Subject]:
    """Those whom one Tenancy lets do something to all of a thing."""
    fields: dict[Subject, frozenset[str]] = {}
    for rule in charter.rules:
        opened = rule.allows(deed, thing)
        for subject in rules.resolved(rule.who, thing) if opened else ():
            fields[subject] = fields.get(subject, frozenset()) | opened
    found = frozenset(subject for subject, opened in fields.items() if "" in opened or thing.fields <= opened)
    known = thing.known if charter.roles and deed != "view" else frozenset()
    return found | frozenset(map(holder, known))


def _words(rules: Rules, charter: Charter, thing: Thing) -> Iterator[Need]:
    """The words that one Tenancy asks for where certain fields change."""
    for word in charter.words:
        if not word.asked(thing):
            continue
        relative = sorted({one.level for one in word.by if one.sort == "role" and not one.over})
        others = frozenset(rules.resolved(tuple(one for one in word.by if one.over or one.sort != "role"), thing))
        what = word.what or ", ".join(word.fields)
        if not relative:
            named = next((f"{one.level}:{one.over}" for one in word.by if one.over), charter.part)
            yield Need(named, what, others, others, "word", charter.name)
        for level in relative:
            yield from _of_each(rules, charter, word, thing, level, others, what)
    if charter.roles:
        for part, what, holders in thing.words:
            those = frozenset(map(holder, holders))
            yield Need(part, what, those, those, "word", charter.name)


def _of_each(
    rules: Rules, charter: Charter, word: Word, thing: Thing, level: str, others: frozenset[Subject], what: str
) -> Iterator[Need]:
    """One word of each site (NGI, VO) that a thing belongs to; where it belongs to none, nobody's but the others'."""
    roles = [one for one in word.by if one.sort == "role" and not one.over and one.level == level]
    for name in sorted(thing.over.get(level, ())) or [""]:
        those = others.union(*(rules.book.of(one, level, name) for one in roles))
        yield Need(f"{level}:{name}" if name else charter.part, what, those, those, "word", charter.name)


def _meant(those: Collection[Subject], who: Who) -> bool:
    return any(one.means(who) for one in those)
