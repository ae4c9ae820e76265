"""Rules that another system keeps (``by: rucio:NAME``): Hanse makes them there, keeps them so, and tells how they do.

The other system chooses places and moves the data. A rule there is known by our mark, its owner's uid. What of a rule
cannot be changed there becomes a new rule; the old one stays until the new one is OK.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.errors import DriverError, Terminal
from reconciler.kinds.base import Fault, Rule
from reconciler.kinds.datasetrule.rucio import Untold, rucio_expression
from reconciler.kinds.datasetrule.spec import DatasetRuleSpec
from reconciler.kinds.failing import failed
from reconciler.model import (
    Absent,
    Answer,
    Change,
    Done,
    Observation,
    Present,
    Reading,
    Ref,
    Stray,
    Target,
    Unknown,
    Wanted,
)
from reconciler.ports import Drivers, KeptRule, Wish

PREFIX = "rucio:"
_CLOSE = timedelta(minutes=5)
"""Ends that differ by less are the same: the other system is told how long a rule lasts, not until when."""
_BAD = frozenset({"STUCK", "SUSPENDED"})


def wish(spec: DatasetRuleSpec) -> Wish:
    """What a rule asks for, in the terms that both sides have. Raises Terminal where the other has none."""
    try:
        where = rucio_expression(spec.locations or "*")
        sources = rucio_expression(spec.sourceLocations) if spec.sourceLocations else ""
    except Untold as error:
        raise Terminal(f"Rucio has no words for {error}") from error
    return Wish(
        spec.scope,
        spec.name,
        where,
        spec.copies or 1,
        spec.grouping,
        spec.weight or "",
        spec.lifetime.expires if spec.lifetime else None,
        sources,
        spec.activity or "",
        spec.purge,
        spec.locked,
        spec.priority,
    )


def _told_there(_ref: Ref, spec: DatasetRuleSpec) -> Iterable[Fault]:
    if spec.by is None:
        return
    if spec.stages or spec.spread or spec.qos or spec.chosen:
        yield Fault(
            "spec.by", "Rucio knows no stages, spread, qos or chosen", "say it in locations, or in several rules"
        )
        return
    try:
        wish(spec)
    except Terminal as error:
        yield Fault("spec.locations", str(error))


TELLABLE = Rule(
    "datasetrule-by", "What another system is to keep is said in words that it has (Rucio's expressions).", _told_there
)


def observe(target: Target, wanted: Sequence[Wanted], drivers: Drivers) -> Reading:
    """All rules of the account in one read."""
    rules = drivers.rules(target).rules()
    ours = _by_uid(rules)
    results = {w.ref: _seen(w, ours.get(w.uid, []), rules) for w in wanted}
    held = {w.uid for w in wanted}
    strays = (
        Stray(target.id, uid, found[0].id, "DatasetRule") for uid, found in sorted(ours.items()) if uid not in held
    )
    return Reading(results, tuple(strays))


def put(target: Target, changes: Sequence[Change], drivers: Drivers) -> Mapping[Ref, Answer]:
    """Make, change or replace rules; what is as it should be stays."""
    keeper = drivers.rules(target)
    rules = keeper.rules()
    ours = _by_uid(rules)

    def one(change: Change) -> Answer:
        spec = _spec(change.spec)
        asked = wish(spec)
        there = [*ours.get(change.uid, []), *([] if change.before is None else _unmarked(asked, rules))]
        same = next((rule for rule in there if _identity(rule.wish) == _identity(asked)), None)
        if same is None:
            made = keeper.add(asked, change.uid)
            for old in there:
                keeper.replace(old.id, made)
            return Done({"rule": made}, "the former rule stays until the new one is OK" if there else "")
        if not _agrees(same.wish, asked) or same.uid != change.uid:
            keeper.change(same.id, asked, change.uid)
        return Done({"rule": same.id})

    return _each(changes, one)


def remove(target: Target, changes: Sequence[Change], drivers: Drivers) -> Mapping[Ref, Answer]:
    """Take away the rules with our mark, and only those."""
    keeper = drivers.rules(target)
    ours = _by_uid(keeper.rules())

    def one(change: Change) -> Answer:
        for rule in ours.get(change.uid, []):
            keeper.remove(rule.id)
        return Done()

    return _each(changes, one)


def _each(changes: Sequence[Change], do: Callable[[Change], Answer]) -> dict[Ref, Answer]:
    answers: dict[Ref, Answer] = {}
    for change in changes:
        try:
            answers[change.ref] = do(change)
        except DriverError as error:
            answers[change.ref] = failed(error)
    return answers


def _seen(wanted: Wanted, ours: Sequence[KeptRule], rules: Iterable[KeptRule]) -> Observation:
    try:
        return _look(wanted, ours, rules)
    except Terminal as error:
        return Unknown(str(error))


def _look(wanted: Wanted, ours: Sequence[KeptRule], rules: Iterable[KeptRule]) -> Observation:
    spec = _spec(wanted.spec)
    asked = wish(spec)
    found = ours or _unmarked(asked, rules)
    if not found:
        return Absent()
    rule = next((rule for rule in found if _identity(rule.wish) == _identity(asked)), found[0])
    return Present(
        spec if _agrees(rule.wish, asked) else _as_seen(spec, rule.wish),
        owned=bool(rule.uid),
        uid=rule.uid,
        outputs={"rule": rule.id},
        healthy=rule.state == "OK",
        note=_note(rule),
    )


def _note(rule: KeptRule) -> str:
    if rule.state == "OK":
        return ""
    whole = rule.ok + rule.replicating + rule.stuck
    said = f"{rule.state} at Rucio: {rule.ok} of {whole} files are where they should be"
    return f"{said}, {rule.stuck} do not come: {rule.error or 'no reason given'}" if rule.state in _BAD else said


def _as_seen(spec: DatasetRuleSpec, there: Wish) -> DatasetRuleSpec:
    """The spec that the rule there is."""
    asked = wish(spec)
    ends = spec.lifetime
    if not _close(there.expires, asked.expires):
        ends = type(ends)(expires=there.expires) if ends and there.expires else None
    said = {
        "copies": there.copies,
        "locations": spec.locations if there.expression == asked.expression else there.expression,
        "grouping": there.grouping,
        "weight": there.weight or None,
        "lifetime": ends,
        "sourceLocations": spec.sourceLocations if there.source_expression == asked.source_expression else None,
        "activity": there.activity or None if asked.activity else spec.activity,
        "purge": there.purge,
        "locked": there.locked,
        "priority": there.priority,
    }
    return spec.model_copy(update=said)


def _agrees(there: Wish, asked: Wish) -> bool:
    """Whether a rule is as asked. One that may use tape and never ends is locked by Rucio itself."""
    locked = there.locked if not asked.locked and asked.expires is None else asked.locked
    same = replace(there, expires=None, activity="") == replace(asked, expires=None, activity="", locked=locked)
    return same and _close(there.expires, asked.expires) and (not asked.activity or there.activity == asked.activity)


def _close(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) < _CLOSE


def _identity(asked: Wish) -> tuple[str, str, str, int, str, str]:
    """What of a rule cannot be changed."""
    return asked.scope, asked.name, asked.expression, asked.copies, asked.grouping, asked.weight


def _by_uid(rules: Iterable[KeptRule]) -> dict[str, list[KeptRule]]:
    """Our rules, without those that go when another has taken their place."""
    found: dict[str, list[KeptRule]] = {}
    for rule in rules:
        if rule.uid and not rule.going:
            found.setdefault(rule.uid, []).append(rule)
    return found


def _unmarked(asked: Wish, rules: Iterable[KeptRule]) -> list[KeptRule]:
    """Rules for the same that nobody of ours made: they may be taken over."""
    return [rule for rule in rules if not rule.uid and not rule.going and _identity(rule.wish) == _identity(asked)]


def _spec(spec: object) -> DatasetRuleSpec:
    assert isinstance(spec, DatasetRuleSpec)  # noqa: S101 (its own kind's)
    return spec
