"""What people do through the page and the API: agree to a part of a plan, take that back, hold something, let it go on.

Who may, policies in git say (Tenancy), as they are in force. Somebody agrees to what he has seen: he says the digest of
the part, and if its changes are others by now, nothing is written down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

import structlog

from reconciler.authority import agreeable, rules_of
from reconciler.authority.changes import Change
from reconciler.authority.rulebook import thing_of
from reconciler.model import Pause, Plan, Ref, Resource, Who
from reconciler.model.part import Part
from reconciler.records.consents import Consent
from reconciler.settings import OwnerSettings
from reconciler.tenancy import Rules, Thing, may
from reconciler.web.asked_deeds import REASON
from reconciler.web.sight import Planned, Sight

_log = structlog.get_logger()


class Refusal(Exception):
    """It may not be; ``status`` is HTTP's word for it."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True)
class Deeds:
    """What may be done, and by whom."""

    sight: Sight
    owners: Sequence[OwnerSettings] = ()
    woken: Callable[[Iterable[str]], None] = lambda _keys: None
    """Told what the loop shall look at now."""
    _kept: dict[str, tuple[Planned, Rules]] = field(default_factory=dict)

    def views(self, who: Who) -> bool:
        """Whether a policy in git speaks of somebody at all: then he may look."""
        rules = self._rules()
        named = chain.from_iterable((*(r.who for r in c.rules), *(w.by for w in c.words)) for c in rules.charters)
        return any(one.means(who) for one in chain(rules.owners, chain.from_iterable(named)))

    def part(self, name: str) -> Part:
        """A part of the plan as of now. Raises Refusal when there is none of that name."""
        found = next((one for one in self._plan().parts if one.name == name), None)
        if found is None:
            raise Refusal(404, f"the plan as of now has no part {name[:100]}")
        return found

    def agreeable(self, part: Part, who: Who | None) -> frozenset[str]:
        """Digests of the changes of a part to which somebody may agree now, and nobody has."""
        if who is None or who.proof == "token":
            return frozenset()
        return agreeable(part, who) & {one.digest for one in part.open}

    def given(self, part: Part) -> tuple[Consent, ...]:
        """The words that count for a part."""
        return self.sight.store.consents.to(one.digest for one in part.wanted)

    def consent(
        self, who: Who, name: str, seen: str, reason: str, expires: datetime | None = None
    ) -> tuple[Consent, bool]:
        """Agree to a part; ``seen`` is its digest as somebody saw it. Gives the word, and whether it is a new one.

        The same again changes nothing. Raises Refusal.
        """
        part = self.part(name)
        if seen != part.digest:
            raise Refusal(412, f"{name} is not what you saw: look at it again")
        mine = agreeable(part, who) if who.proof != "token" else frozenset[str]()
        if not mine:
            able = sorted({str(by) for one in part.wanted for by in one.by})
            raise Refusal(403, f"{who.name} may not agree to {name}: {' or '.join(able) or 'nobody'} may")
        before = [one for one in self.given(part) if _same(one.who, who) and one.part == name and mine <= one.changes]
        if before:
            return before[-1], False
        _reasoned(reason)
        if expires is not None and expires <= self.sight.clock():
            raise Refusal(422, "the end is past already")
        made = self.sight.store.consents.give(self._plan().digest, name, who, reason, expires, changes=mine)
        _told("agreed", who, part=name, plan=self._plan().digest[:12], reason=reason)
        self.woken(())
        return made, True

    def withdraw(self, who: Who, number: int) -> Consent:
        """Take back a word that one has given oneself. Raises Refusal."""
        found = next((one for one in self.sight.store.consents.in_force() if one.id == number), None)
        if found is None:
            raise Refusal(404, "there is no such word that counts")
        if not _same(found.who, who):
            raise Refusal(403, f"{found.who.name} gave it: nobody else takes it back")
        self.sight.store.consents.withdraw(number, told(who))
        _told("took back", who, part=found.part)
        self.woken(())
        return found

    def holds(self, who: Who | None, scope: str) -> bool:
        """Whether somebody may hold something, and let it go on."""
        if who is None:
            return False
        if who.proof == "token":
            return "pause" in who.may
        rules = self._rules()
        if any(owner.means(who) for owner in rules.owners):
            return True
        resources = self._resources()
        answers = [may(rules, who, "pause", self._thing(one, rules)) for one in _within(scope, resources)]
        return bool(answers) and all(one.allowed and one.governed for one in answers)

    def pause(self, who: Who, scope: str, reason: str) -> tuple[Pause, bool]:
        """Hold something; where it is held already, that stands. Gives the pause, and whether it is new."""
        self._may_hold(who, scope)
        held = {one.scope for one in self.sight.store.pauses.list()}
        if scope not in held:
            _reasoned(reason)
        found = self.sight.store.pauses.pause(scope, reason, told(who))
        if scope not in held:
            _told("holds", who, scope=scope, reason=reason)
        return found, scope not in held

    def resume(self, who: Who, scope: str) -> bool:
        """Let something go on; False when it was not held. Raises Refusal."""
        self._may_hold(who, scope)
        ended = self.sight.store.pauses.resume(scope, told(who))
        if ended:
            _told("lets go on", who, scope=scope)
            self.woken([str(one.ref) for one in _within(scope, self._resources())])
        return ended

    def _may_hold(self, who: Who, scope: str) -> None:
        if not known_scope(scope):
            raise Refusal(422, "say all, resource:KIND/NAME, target:ID or namespace:NAME")
        if not self.holds(who, scope):
            if who.proof != "token":
                self._plan()  # before there is one, nobody knows who may
            raise Refusal(403, f"{who.name} may not hold {scope[:100]}: no Tenancy lets him")

    def _plan(self) -> Plan:
        planned = self.sight.planned()
        if planned is None:
            raise Refusal(503, "nothing was planned yet: this machine stands by, or has not read git yet")
        return planned.plan

    def _resources(self) -> Sequence[Resource]:
        planned = self.sight.planned()
        return [*planned.graph.resources.values()] if planned else []

    def _rules(self) -> Rules:
        planned = self.sight.planned()
        if planned is None:
            return rules_of({}, self.owners)
        kept = self._kept.get("rules")
        if kept is None or kept[0] is not planned:
            kept = self._kept["rules"] = (planned, rules_of(planned.graph.resources, self.owners))
        return kept[1]

    def _thing(self, resource: Resource, rules: Rules) -> Thing:
        planned = self.sight.planned()
        before = planned.graph.resources if planned else {}
        return thing_of(Change(resource.ref, resource, resource), before, rules)


def known_scope(scope: str) -> bool:
    """Whether it is one that can be held."""
    form, _, rest = scope.partition(":")
    plain = scope.isprintable() and len(scope) <= 600  # noqa: PLR2004
    return plain and (scope == "all" or (form in ("resource", "target", "namespace") and bool(rest)))


def told(who: Who) -> str:
    """Somebody with his proof, as rows keep it."""
    return f"{who.name} ({who.proof} {who.identity}{f' by {who.issuer}' if who.issuer else ''})"


def _within(scope: str, resources: Iterable[Resource]) -> Iterator[Resource]:
    form, _, rest = scope.partition(":")
    for one in resources:
        fits = {"all": True, "resource": one.ref == Ref(rest), "target": one.target == rest}
        if fits.get(form, form == "namespace" and one.ref.namespace == rest):
            yield one


def _same(one: Who, other: Who) -> bool:
    return (one.proof, one.identity, one.issuer) == (other.proof, other.identity, other.issuer)


def _reasoned(reason: str) -> None:
    if not reason.strip() or len(reason) > REASON or "\0" in reason:
        raise Refusal(422, f"give a reason, of at most {REASON} letters")


def _told(what: str, who: Who, **more: str) -> None:
    _log.info(what, who=who.name, proof=who.proof, identity=who.identity, issuer=who.issuer, **more)
