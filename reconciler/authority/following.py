"""Judging what changes bring along, once it is planned, and remembering whose word it rests on.

A word for what a rule has at a storage counts as long as the rule says the same. So it must outlive the commits in
which it was given, and so must who made the rule what it is: both are written down when a run is begun.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.authority.brought import (
    NOTHING,
    Brought,
    Consequence,
    Watch,
    brought,
    causes_of,
    consequences,
    made_by,
    needs_of,
    said_of,
    watching,
)
from reconciler.authority.changes import Change
from reconciler.authority.evidence import Evidence
from reconciler.authority.parts import Lacking, digest_of_part, parts
from reconciler.authority.rulebook import rules_of
from reconciler.model import Graph, Inventory, Plan, Reason, Ref, Resource, Verb, Who
from reconciler.model.part import Part
from reconciler.records.consents import Consent
from reconciler.records.store import Store
from reconciler.source.tracing import since
from reconciler.tenancy import Need, Rules

if TYPE_CHECKING:
    from reconciler.authority.judging import Judged, Matter
    from reconciler.reconcile import House

_MADE = "made"
"""Stands in place of a part where it is remembered who made something."""


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody's word, or that he made something, to be remembered."""

    part: str
    who: Who
    changes: frozenset[str]
    reason: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is written down when a run is begun."""

    said: tuple[Said, ...] = ()

    def write(self, store: Store) -> None:
        """Write it down."""
        for one in self.said:
            store.consents.give("", one.part, one.who, one.reason, changes=one.changes)


NOTHING_SAID = Remembered()


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of the changes of a commit, for those who judge what they bring along."""

    matter: Matter
    found: Mapping[Ref, Change]
    before: Mapping[Ref, Resource]
    """By whose rules it is judged."""


def ended(judged: Judged, store: Store) -> None:
    """Write down that what was said of things counts no more, once git says something else of them.

    All of it, wherever it was for: what nobody guards now, or nothing has come to yet, may be asked for again.
    """
    held = frozenset(action.ref for action in judged.authority.held)
    found = judged.case.found if judged.case else {}
    changed = [(one, _declared(one.old), _declared(one.new)) for ref, one in found.items() if ref not in held]
    if not changed:
        return
    store.consents.end(said_of(one.ref, was) for one, was, now in changed if was != now)
    store.consents.use(made_by(one.ref, now) for one, _, now in changed)  # who made it so did it just now


def guarded(judged: Judged) -> bool:
    """Whether somebody guards back ends by name: then only a whole plan tells all that needs a word."""
    case = judged.case
    return case is not None and watching(rules_of(case.before, case.matter.settings.tenancy.owners)) is not None


def followed_up(house: House, judged: Judged, made: Plan, graph: Graph, inventory: Inventory) -> Judged:
    """What counts of a commit, with what may not be of that which it brings along in this plan."""
    if judged.case is None:
        return judged
    owners = house.settings.tenancy.owners
    rules = rules_of(judged.case.before, owners)
    watch = later = watching(rules)
    if judged.resources.items is not judged.case.before:
        later = watching(rules_of(judged.resources.items, owners))
    if watch is None and later is None:
        return judged
    return _Following(house, judged, judged.case, rules, graph, inventory).judged(made, watch, later or watch)


@dataclass
class _Following:
    """One plan, looked through."""

    house: House
    found: Judged
    case: Case
    rules: Rules
    graph: Graph
    inventory: Inventory
    _evidence: Evidence | None = None
    _consents: Sequence[Consent] = ()
    _makers: dict[Ref, tuple[Who, ...]] = field(default_factory=dict)
    _past: dict[str, frozenset[str]] = field(default_factory=dict)
    _causes: frozenset[Ref] = frozenset()
    """Of what needs a word."""
    _watch: Watch | None = None
    """Which back ends are guarded once this commit counts."""

    def __post_init__(self) -> None:
        self._held_back = frozenset(action.ref for action in self.found.authority.held)

    def judged(self, made: Plan, watch: Watch | None, later: Watch | None) -> Judged:
        self._watch = later
        there = list(brought(self.graph, self.inventory, self.house.kinds, watch)) if watch else []
        planned = {action.ref for action in made.actions if action.verb is not Verb.NOOP}
        asked = [(one, needs) for one in there if one.change.ref in planned if (needs := self._needs(one))]
        wanted = [(one, need) for each, needs in asked for one in consequences(each, self._declared) for need in needs]
        self._causes = frozenset(one.cause for one, _ in wanted)
        marks = {made_by(cause, self._declared(cause)) for cause in self._causes}
        self._consents = self.house.store.consents.to({one.digest for one, _ in wanted} | marks)
        lacking = [found for one, need in wanted if (found := self._lacking(self._with_files(one), need)) is not None]
        lacking, given = self._agreed(lacking)
        remembered = self._remembered(given) if self.found.branch else NOTHING_SAID
        told = self.found.authority
        if lacking:
            refused = {**dict(_refused(lacking)), **told.refused}
            told = replace(told, refused=refused, parts=_joined(told.parts, parts(lacking)))
        return replace(self.found, authority=told, remembered=remembered)

    def _needs(self, one: Brought) -> tuple[Need, ...]:
        return needs_of(one, self.case.before, self.rules)

    def _declared(self, cause: Ref) -> str:
        return _declared(self.found.resources.items.get(cause))

    # -- who made it ---------------------------------------------------------------------------------------------------

    def _changed(self, cause: Ref) -> Change | None:
        """What git changes of a cause now, as far as that counts."""
        return self.case.found.get(cause) if cause not in self._held_back else None

    def _with_files(self, one: Consequence) -> Consequence:
        change = self._changed(one.cause)
        return replace(one, files=change.files) if change else one

    def _lacking(self, one: Consequence, need: Need) -> Lacking | None:
        """The word that whoever made the cause cannot give himself."""
        makers = self._made(one.cause)
        if need.met(makers, ()):
            return None
        named = ", ".join(who.name for who in makers)
        by = f"; {need.charter} does not let them {one.deed} it" if need.sort == "right" and makers else ""
        why = f"for {one.cause}, made by {named or 'nobody knows whom'}{by}"
        need = replace(need, part=f"{need.part}:{one.ref.kind}", what=f"{need.what} for {one.cause}")
        return Lacking(one, need, why)

    def _made(self, cause: Ref) -> tuple[Who, ...]:
        if cause not in self._makers:
            change = self._changed(cause)
            mark = made_by(cause, self._declared(cause))
            told = tuple(one.who for one in self._consents if mark in one.changes)
            self._makers[cause] = self._proofs().makers(change) if change else told
        return self._makers[cause]

    def _proofs(self) -> Evidence:
        """What git, the forge and the records know; asked once, and only where it is needed."""
        if self._evidence is None:
            self._evidence = self.case.matter.evidence(self._concerned())
        return self._evidence

    def _concerned(self) -> list[Change]:
        """What git changes now of that because of which something is brought along, or may be."""
        if not self.case.found or self._watch is None:
            return []
        found = self.case.found.items()
        return [one for ref, one in found if (_brings(one) or ref in self._bringing) and self._changed(ref)]

    # -- who agreed ----------------------------------------------------------------------------------------------------

    def _agreed(self, lacking: list[Lacking]) -> tuple[list[Lacking], list[tuple[Lacking, Who]]]:
        """The same, with who agreed, and what of that is not written down yet."""
        digests: dict[str, set[str]] = defaultdict(set)
        for one in lacking:
            digests[one.need.part].add(one.change.digest)
        of = {name: digest_of_part(those) for name, those in digests.items()}
        told: list[Lacking] = []
        fresh: list[tuple[Lacking, Who]] = []
        for one in lacking:
            kept = [consent.who for consent in self._consents if one.change.digest in consent.changes]
            known = next((who for who in kept if one.need.takes(who)), None)
            who = known or next((who for who in self._others(one, of[one.need.part]) if one.need.takes(who)), None)
            told.append(replace(one, given=who.name) if who else one)
            fresh += [(one, who)] if who and not known else []
        return told, fresh

    def _others(self, one: Lacking, part: str) -> Iterator[Who]:
        """Those who agreed in git or on the forge, which is asked last."""
        proofs = self._proofs()
        cause = one.change.cause if isinstance(one.change, Consequence) else one.change.ref
        spent = {one.change.ref: self._before(cause)}
        yield from replace(proofs, spent=spent).agreed(one.change, part)
        if one.change.files:
            those = proofs.reviewed(one.change)
            yield from those
            yield from proofs.in_teams(those, {by.identity for by in one.need.givers if by.sort == "team"})

    def _before(self, cause: Ref) -> frozenset[str]:
        """Commits that were there when a cause was accepted last: their words were for that, and are written down."""
        commit, matter = self.case.matter.later.get(cause, ""), self.case.matter
        if not commit or not matter.head:
            return frozenset()
        if commit not in self._past:
            self._past[commit] = since(Path(matter.settings.source.repository), matter.base, commit)
        return self._past[commit]

    # -- what is remembered --------------------------------------------------------------------------------------------

    def _remembered(self, given: Iterable[tuple[Lacking, Who]]) -> Remembered:
        words: dict[tuple[str, Who], set[str]] = defaultdict(set)
        for one, who in given:
            words[one.need.part, who].add(one.change.digest)
        said = [
            Said(part, who, frozenset(those), "agreed in git or on the forge") for (part, who), those in words.items()
        ]
        changed = self._concerned()
        for change in changed:
            makers = self._proofs().makers(change)
            mark = frozenset({made_by(change.ref, self._declared(change.ref))})
            if makers and all(who.identity for who in makers):
                said += [Said(_MADE, who, mark, f"made {change.ref} what it is") for who in makers]
        return Remembered(tuple(said))

    @cached_property
    def _bringing(self) -> frozenset[Ref]:
        """That because of which something is, or is to be, at guarded back ends."""
        owned = [one for one in self.graph.resources.values() if one.owner is not None]
        there = [one for one in owned if self._watch is not None and self._watch(one.target)]
        return self._causes.union(*(causes_of(one, self.house.kinds) for one in there))


def _declared(resource: Resource | None) -> str:
    return resource.source if resource is not None else NOTHING


def _brings(change: Change) -> bool:
    """Whether something may come of it that has no manifest of its own."""
    return any(one.open for one in (change.old, change.new) if one)


def _refused(lacking: Iterable[Lacking]) -> Iterator[tuple[Ref, tuple[Reason, str]]]:
    """Why something is not done: of several words that it lacks, that of the right to make it is told."""
    for one in sorted(lacking, key=lambda one: one.need.sort == "right"):
        if not one.given:
            reason = Reason.NOT_AUTHORISED if one.need.sort == "right" else Reason.APPROVAL_PENDING
            yield one.change.ref, (reason, f"{one.why}; {one.cure}")


def _joined(some: tuple[Part, ...], more: tuple[Part, ...]) -> tuple[Part, ...]:
    return tuple(sorted((*some, *more), key=lambda part: part.name))
