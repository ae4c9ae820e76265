"""Rules that another system keeps: told by our mark, brought to what is wanted, replaced where they cannot be changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.kinds.datasetrule import DatasetRuleKind, DatasetRuleSpec
from reconciler.model import Absent, Change, Done, Failed, Present, Ref, Stray, Target, Unknown, Wanted
from reconciler.ports import KeptRule

REF, UID, OTHER = Ref("DatasetRule/o/waves"), "a" * 32, "b" * 32
TARGET = Target("rucio:main", "rucio", {})
ENDS = datetime(2027, 1, 1, tzinfo=UTC)
KIND = DatasetRuleKind()


class Keeper:
    """A system that keeps rules, as the port says it does."""

    def __init__(self):
        self.kept, self.replaced = {}, []

    def rules(self):
        return list(self.kept.values())

    def add(self, wish, uid):
        made = f"{len(self.kept):032x}"
        self.kept[made] = KeptRule(made, wish, "REPLICATING", "root", "", uid, ok=1, replicating=2)
        return made

    def change(self, rule_id, wish, uid):
        self.kept[rule_id] = replace(self.kept[rule_id], wish=wish, uid=uid)

    def replace(self, rule_id, by):
        self.replaced.append((rule_id, by))
        self.kept[rule_id] = replace(self.kept[rule_id], uid="", going=True)

    def remove(self, rule_id):
        self.kept.pop(rule_id)


class Drivers:
    def __init__(self):
        self.keeper = Keeper()

    def rules(self, _target):
        return self.keeper


@pytest.fixture
def drivers():
    return Drivers()


def rule(**more):
    given = {"scope": "ocean", "name": "waves", "copies": 2, "locations": "country = ES", "by": "rucio:main", **more}
    return KIND.canonical(DatasetRuleSpec.model_validate(given, strict=False))


def put(drivers, spec, before=None, uid=UID):
    return KIND.put(TARGET, [Change(REF, uid, 1, spec, before)], drivers)[REF]


def look(drivers, spec, uid=UID):
    return KIND.observe(TARGET, [Wanted(REF, uid, spec)], drivers).results[REF]


def test_it_lives_at_the_system_that_keeps_it_and_leaves_nothing_to_choose():
    assert KIND.target(REF, rule()) == "rucio:main"
    assert KIND.target(REF, rule(by=None)) == "registry:datasetrules"
    assert KIND.choices(REF, rule(), None, None) == ()
    assert KIND.complete(REF, rule(), None, None).spec == rule()


def test_what_is_put_is_observed_and_a_second_put_changes_nothing(drivers):
    spec = rule(lifetime={"expires": ENDS}, weight="weight", priority=4)
    assert look(drivers, spec) == Absent()
    assert isinstance(put(drivers, spec), Done)
    kept = dict(drivers.keeper.kept)
    seen = look(drivers, spec)
    assert (seen.digest, seen.owned, seen.uid, seen.healthy) == (spec.digest(), True, UID, False)
    assert seen.note == "REPLICATING at Rucio: 1 of 3 files are where they should be"
    assert isinstance(put(drivers, spec, seen.spec), Done)
    assert drivers.keeper.kept == kept


def test_what_somebody_changed_there_is_seen_field_by_field_and_brought_back(drivers):
    spec = rule(lifetime={"expires": ENDS})
    put(drivers, spec)
    [kept] = drivers.keeper.rules()
    drivers.keeper.change(kept.id, replace(kept.wish, priority=1, expires=None), UID)
    seen = look(drivers, spec)
    assert (seen.spec.priority, seen.spec.lifetime, seen.spec.locations) == (1, None, "country = ES")
    put(drivers, spec, seen.spec)
    assert look(drivers, spec).digest == spec.digest()
    [kept] = drivers.keeper.rules()
    drivers.keeper.change(kept.id, replace(kept.wish, expires=ENDS + timedelta(minutes=2), locked=False), UID)
    assert look(drivers, spec).digest == spec.digest()


def test_what_cannot_be_changed_becomes_a_new_rule_before_the_old_one_goes(drivers):
    put(drivers, rule())
    [old] = drivers.keeper.rules()
    answer = put(drivers, rule(copies=3), rule())
    assert answer.message == "the former rule stays until the new one is OK"
    assert drivers.keeper.replaced == [(old.id, answer.outputs["rule"])]
    assert look(drivers, rule(copies=3)).outputs == {"rule": answer.outputs["rule"]}


def test_a_rule_that_a_person_made_is_seen_as_theirs_and_may_be_taken_over(drivers):
    put(drivers, rule(), uid="")
    seen = look(drivers, rule())
    assert isinstance(seen, Present)
    assert not seen.owned
    put(drivers, rule(), seen.spec)
    assert [kept.uid for kept in drivers.keeper.rules()] == [UID]


def test_removing_takes_ours_and_a_mark_that_nobody_wants_is_a_stray(drivers):
    put(drivers, rule())
    put(drivers, rule(name="tides"), uid=OTHER)
    reading = KIND.observe(TARGET, [Wanted(REF, UID, rule())], drivers)
    assert [(stray.uid, stray.kind) for stray in reading.strays] == [(OTHER, "DatasetRule")]
    assert isinstance(reading.strays[0], Stray)
    KIND.remove(TARGET, [Change(REF, UID, 1, rule())], drivers)
    assert [kept.uid for kept in drivers.keeper.rules()] == [OTHER]
    assert KIND.remove(TARGET, [Change(REF, UID, 1, rule())], drivers)[REF] == Done()


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"locations": "country!=ES"}, "Rucio has no !="),
        ({"spread": "country"}, "no stages, spread, qos or chosen"),
        ({"qos": "FAST"}, "no stages, spread, qos or chosen"),
    ],
)
def test_what_rucio_has_no_words_for_is_a_fault_of_the_manifest(more, why, drivers):
    check = next(rule.check for rule in KIND.rules if rule.id == "datasetrule-by")
    [fault] = check(REF, rule(**more))
    assert why in fault.message
    assert list(check(REF, rule())) == []
    assert list(check(REF, rule(by=None, **more))) == []


def test_a_rule_that_cannot_be_said_is_unknown_and_fails_alone(drivers):
    odd = rule(locations="a!=b")
    assert isinstance(look(drivers, odd), Unknown)
    changes = [Change(REF, UID, 1, odd), Change(Ref("DatasetRule/o/fine"), OTHER, 1, rule())]
    answers = KIND.put(TARGET, changes, drivers)
    assert isinstance(answers[REF], Failed)
    assert isinstance(answers[Ref("DatasetRule/o/fine")], Done)
