"""Judging the changes of a commit, and writing down what was accepted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from reconciler import graph, manifest, source
from reconciler.authority.changes import Change, changes
from reconciler.authority.evidence import Belongs, Evidence, Reviews, alone, gathered, nobody
from reconciler.authority.following import NOTHING_SAID, Case, Remembered, ended
from reconciler.authority.forges import belonging, reviews
from reconciler.authority.holding import counting, held_back
from reconciler.authority.parts import Lacking, digest_of_part, parts
from reconciler.authority.rulebook import rules_of, thing_of
from reconciler.authority.scoped import permitting
from reconciler.errors import CommitLost, SourceError
from reconciler.kinds import Kind
from reconciler.kinds.tenancy.reaching import intruding
from reconciler.model import Action, Policy, Reason, Ref, Resource, Resources, Verb
from reconciler.model.part import Part
from reconciler.records.acceptances import Accepted
from reconciler.records.consents import Consent
from reconciler.records.store import Store
from reconciler.settings import Settings
from reconciler.tenancy import Need, Rules, needed
from reconciler.tenancy.verdicts import GUARDED

if TYPE_CHECKING:
    from reconciler.incoming import Incoming
    from reconciler.reconcile import House

_VERBS = {"create": Verb.CREATE, "update": Verb.UPDATE, "delete": Verb.DELETE}
_REASONS = {"create": Reason.NEW, "update": Reason.SPEC_CHANGED, "delete": Reason.REMOVED_FROM_GIT}


@dataclass(frozen=True, slots=True)
class Authority:
    """What a plan must respect of it, and what it tells."""

    refused: Mapping[Ref, tuple[Reason, str]] = field(default_factory=dict)
    """What is planned and may not be done, and why."""
    held: tuple[Action, ...] = ()
    """What git says and does not count: told, and not done."""
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """What counts of a commit."""

    resources: Resources
    authority: Authority = field(default_factory=Authority)
    branch: str = ""
    """Whose acceptance is written down; "" for none."""
    commit: str = ""
    base: str = ""
    accepted: frozenset[Ref] = frozenset()
    """What may count as it is, although other things may not."""
    changes: frozenset[str] = frozenset()
    """Digests of the changes that may count now and did not before."""
    whole: bool = True
    """Whether everything may."""
    case: Case | None = None
    """What there is to judge what these changes bring along, once it is planned; None where no Tenancy is in play."""
    remembered: Remembered = NOTHING_SAID
    """Whose word what they bring along rests on."""


def judge(house: House, come: Incoming, resources: Resources, *, worktree: bool = False, trust: str = "") -> Judged:
    """Judge what a commit changes. Changes nothing itself, and looks at nothing where no Tenancy is in play.

    With ``trust`` nothing is held back, for nothing is going to be done: it is told what would be, and what of it may
    not. So it is with ``house.against`` where the records know of nothing that was accepted. Raises SourceError where
    what was accepted last cannot be read any more: then nothing at all may count.
    """
    branch = followed(house)
    known = house.store.acceptances.of(branch)
    since = trust or house.against
    told = known.commit or _governed(resources.items) or (since and _governed(_declared(house, since)))
    if not told:
        return Judged(resources)
    repository, settings = Path(house.settings.source.repository), house.settings
    head = "" if worktree else come.revision
    telling = bool(trust or worktree or (since and not known.commit))
    if since and (trust or not known.commit):
        known = Accepted(source.fork(repository, since, come.revision))
    elif not known.commit:
        known = Accepted(_in_force(house, branch, head))
    if head and head == known.commit and not known.beyond:
        still = Matter(settings, head, head, reviews=reviews(house, branch), belongs=belonging(house))
        case = Case(still, {}, resources.items)
        return Judged(resources, branch="" if telling else branch, commit=head, base=head, case=case)
    _there(house, come, branch, known)
    before = accepted(house, known)
    found = changes(before, resources.items)
    in_force = _declared(house, trust) if trust else before
    consents = house.store.consents.to(change.digest for change in found.values())
    forge = (reviews(house, branch), known.beyond, belonging(house))
    matter = Matter(settings, known.commit, head, consents, *forge)
    case = Case(matter, found, in_force)
    authority = matter.judged(found, in_force, resources.items)
    refused = authority.refused
    if telling:
        return Judged(resources, authority, case=case)
    refused = _at_odds(resources, found, refused, house.kinds)
    return replace(_enforced(resources, found, authority, refused, branch, head, known.commit), case=case)


def respecting(policy: Policy, judged: Judged) -> Policy:
    """The policy, with what may not be done for want of a right or a word."""
    told = judged.authority
    if not (told.refused or told.held or told.parts):
        return policy
    return replace(policy, refused=told.refused, held=told.held, parts=told.parts)


def settle(store: Store, judged: Judged | None, come: Incoming | None) -> None:
    """Write down what was accepted, where it is the branch that is followed."""
    if judged is None or not judged.branch or come is None or come.branch != judged.branch:
        return
    if judged.whole:
        store.acceptances.whole(judged.branch, judged.commit)
    else:
        store.acceptances.some(judged.branch, judged.base, judged.commit, judged.accepted)
    store.consents.use(judged.changes)
    ended(judged, store)
    judged.remembered.write(store)


def followed(house: House) -> str:
    """The branch whose acceptance counts, whatever is planned."""
    given = house.settings.source
    return source.branch_of(Path(given.repository), given.revision) or given.revision


def _there(house: House, come: Incoming, branch: str, known: Accepted) -> None:
    """Raises CommitLost where the repository has lost what was accepted: nobody knows then who may what."""
    lost = source.missing(Path(house.settings.source.repository), known.commits)
    if lost:
        head = come.head or come.revision
        said = f"{lost[:12]}, which was accepted, is not in the repository any more: who may what is not known"
        raise CommitLost(
            branch, head, f"{said}; {come.why or f'hanse acknowledge {head[:12]} takes what is there now'}"
        )


def accepted(house: House, known: Accepted) -> dict[Ref, Resource]:
    """Everything as it was accepted last."""
    found = _declared(house, known.commit) if known.commit else {}
    for commit in sorted(set(known.beyond.values())):
        later = _declared(house, commit)
        for ref in (ref for ref, one in known.beyond.items() if one == commit):
            if ref in later:
                found[ref] = later[ref]
            else:
                found.pop(ref, None)
    return found


def _declared(house: House, commit: str) -> dict[Ref, Resource]:
    """What is valid of a commit; it was judged when it came into force.

    Raises SourceError where what gives rights cannot be understood (any more): without it others would have them.
    """
    given = house.settings
    read = source.read(Path(given.source.repository), commit, paths=given.source.paths)
    memory = manifest.Memory.open(Path(given.cache), house.kinds)
    found = manifest.survey(read, house.kinds, manifest.RuleSettings(given.rules, given.secrets), memory)
    lost = [*sorted(ref for ref in found.torn if ref.kind in GUARDED), *sorted(found.unread)]
    if lost:
        raise SourceError(
            f"{lost[0]} as of {commit[:12]}, which counts, cannot be understood: who may what is not known"
        )
    return dict(found.resources.items)


def _in_force(house: House, branch: str, head: str) -> str:
    """What was in force when Tenancies came; "" where nothing was, or it is not known to be before ``head``."""
    known = house.store.heads.get(branch)
    if known is None or known.commit == head:
        return ""
    return "" if source.missing(Path(house.settings.source.repository), [known.commit]) else known.commit


def _governed(items: Mapping[Ref, Resource]) -> bool:
    return any(ref.startswith("Tenancy/") for ref in items)


@dataclass(frozen=True)
class Matter:
    """What is judged, and where the evidence is."""

    settings: Settings
    base: str
    """Since which commit; "" for the beginning."""
    head: str
    """"" for files that nobody has committed."""
    consents: Sequence[Consent] = ()
    reviews: Reviews = nobody
    later: Mapping[Ref, str] = field(default_factory=dict)
    """What counted as it was at a later commit than ``base``."""
    belongs: Belongs = alone

    def evidence(self, those: Iterable[Change]) -> Evidence:
        """What git, the records and the forge know of some changes."""
        found = gathered(self.settings, self.base, self.head, those, self.consents, self.reviews, self.later)
        found.belongs = self.belongs
        return found

    def judged(
        self, found: Mapping[Ref, Change], before: Mapping[Ref, Resource], after: Mapping[Ref, Resource]
    ) -> Authority:
        """What may not be of these changes, by the rules that ``before`` states, and whose word it needs."""
        rules = rules_of(before, self.settings.tenancy.owners)
        needs = {ref: _needs(change, before, rules) for ref, change in found.items()}
        those = {ref: change for ref, change in found.items() if needs[ref]}
        evidence = self.evidence(those.values())
        lacking = [one for ref, change in those.items() for one in _lacking(change, needs[ref], evidence)]
        lacking = _agreed(lacking, evidence)
        refused = dict(_refused(lacking))
        refused |= {
            ref: (Reason.NOT_AUTHORISED, f"{fault.message}: {fault.cure}")
            for ref, fault in intruding(after, found, rules.charters)
        }
        if not self.base and any(ref.kind == "Tenancy" for ref in refused):
            first = "the first Tenancies wait for the word of their owners ([tenancy] owners in hanse.toml)"
            refused |= {ref: (Reason.APPROVAL_PENDING, first) for ref in found if ref not in refused}
        return Authority(refused, (), parts(lacking))


def between(settings: Settings, base: Resources, head: Resources, *, worktree: bool = False) -> Authority:
    """What the step from one commit to another may not be, and whose word it needs; asks git alone."""
    found = changes(base.items, head.items)
    if not found or not _governed({**base.items, **head.items}):
        return Authority()
    return Matter(settings, base.commit, "" if worktree else head.commit).judged(found, base.items, head.items)


def _needs(change: Change, before: Mapping[Ref, Resource], rules: Rules) -> tuple[Need, ...]:
    thing = thing_of(change, before, rules)
    if change.carried:  # the same in another file: a matter of those alone whose rules are about files
        by_files = {one.name for one in rules.charters if one.scope.paths or any(r.scope.paths for r in one.rules)}
        return tuple(one for one in needed(rules, change.deed, thing) if one.charter in by_files)
    return (*needed(rules, change.deed, thing), *permitting(change, rules))


def _lacking(change: Change, needs: Iterable[Need], evidence: Evidence) -> Iterator[Lacking]:
    """The words that those who made a change cannot give themselves."""
    makers = evidence.makers(change)
    for need in needs:
        if not need.met(makers, ()):
            by = f"{need.charter} does not let them {need.what} it" if need.sort == "right" and need.charter else ""
            why = f"made by {evidence.told(change)}" + (f"; {by}" if by else "")
            yield Lacking(change, need, f"{why}" if need.sort == "right" else f"{need.what}: {why}")


def _agreed(lacking: list[Lacking], evidence: Evidence) -> list[Lacking]:
    """The same, with who agreed. The forge is asked last, and only of what nobody else has agreed to."""
    digests: dict[str, set[str]] = {}
    for one in lacking:
        digests.setdefault(one.need.part, set()).add(one.change.digest)
    of = {name: digest_of_part(those) for name, those in digests.items()}
    told = [_given(one, evidence.agreed(one.change, of[one.need.part])) for one in lacking]
    return [one if one.given else _reviewed(one, evidence) for one in told]


def _reviewed(one: Lacking, evidence: Evidence) -> Lacking:
    """The same, with who agreed on the forge. It is asked of teams where the word of one of their members would do."""
    those = evidence.reviewed(one.change)
    told = _given(one, those)
    teams = {by.identity for by in one.need.givers if by.sort == "team"}
    return told if told.given or not teams else _given(one, evidence.in_teams(those, teams))


def _given(one: Lacking, agreed: Iterable[object]) -> Lacking:
    who = next((who for who in agreed if one.need.takes(who)), None)  # type: ignore[arg-type]
    return replace(one, given=who.name) if who is not None else one  # type: ignore[attr-defined]


def _refused(lacking: Iterable[Lacking]) -> Iterator[tuple[Ref, tuple[Reason, str]]]:
    """Why a change may not be: of several words that it lacks the right to make it is told first."""
    for one in sorted(lacking, key=lambda one: one.need.sort == "right"):  # the last one counts
        if not one.given:
            reason = Reason.NOT_AUTHORISED if one.need.sort == "right" else Reason.APPROVAL_PENDING
            yield one.change.ref, (reason, f"{one.why}; {one.cure}")


def _enforced(
    resources: Resources,
    found: Mapping[Ref, Change],
    authority: Authority,
    refused: Mapping[Ref, tuple[Reason, str]],
    branch: str,
    head: str,
    base: str,
) -> Judged:
    """What counts of a commit of which some changes are refused."""
    if not refused:
        return Judged(resources, authority, branch, head, base, changes=_digests(found.values()))
    held = held_back(found, refused, resources.items)
    actions = tuple(_action(found[ref], *_said(ref, held, refused)) for ref in sorted(held))
    kept = replace(resources, items=counting(found, held, resources.items), changed=None, ordered=False)
    accepted_now = frozenset(found.keys() - held.keys())
    done = _digests(found[ref] for ref in accepted_now)
    told = replace(authority, refused={}, held=actions)
    return Judged(kept, told, branch, head, base, accepted_now, done, whole=False)


def _at_odds(
    resources: Resources,
    found: Mapping[Ref, Change],
    refused: Mapping[Ref, tuple[Reason, str]],
    kinds: Mapping[str, Kind[Any]],
) -> Mapping[Ref, tuple[Reason, str]]:
    """What is refused, and what is at odds with what counts because of that: a name that is still taken."""
    while refused:
        held = held_back(found, refused, resources.items)
        left = [ref for ref in found if ref not in held]
        kept = counting(found, held, resources.items)
        faults = graph.faults(replace(resources, items=kept, changed=None, ordered=False), kinds)
        said = {(one.file, one.line): one.message for one in faults if one.severity == "error"}
        if not said or not left:
            return refused
        named = {ref: said[kept[ref].location] for ref in left if ref in kept and kept[ref].location in said}
        why = named or dict.fromkeys(left, next(iter(said.values())))
        odd = "it is at odds with what is held back"
        refused = {**refused, **{ref: (Reason.APPROVAL_PENDING, f"{odd}: {one}") for ref, one in why.items()}}
    return refused


def _digests(those: Iterable[Change]) -> frozenset[str]:
    return frozenset(one.digest for one in those)


def _said(
    ref: Ref, held: Mapping[Ref, tuple[Ref, ...]], refused: Mapping[Ref, tuple[Reason, str]]
) -> tuple[Reason, str]:
    if ref in refused:
        return refused[ref]
    return Reason.APPROVAL_PENDING, f"it goes together with {', '.join(held[ref])}, which is held back"


def _action(change: Change, reason: Reason, message: str) -> Action:
    new, old = change.new, change.old
    return Action(
        _VERBS[change.deed],
        change.ref,
        _REASONS[change.deed],
        target=(new or old).target,  # type: ignore[union-attr]
        changes=change.fields if change.deed == "update" else (),
        spec=orjson.loads(new.content) if new else None,
        before=orjson.loads(old.content) if old else None,
        message=message,
        blocked=reason,
    )
