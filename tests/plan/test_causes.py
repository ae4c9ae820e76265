"""Causes: what holds many is told once, with whoever waits for it, however long the way."""

from __future__ import annotations

from collections import Counter

from reconciler.cli import standing
from reconciler.model import Condition, ConditionType, Ref
from reconciler.plan.render import text
from reconciler.plan.render.causes import Cause, Stuck, causes
from reconciler.records.store import open_store
from tests.federation import NOW
from tests.web.shown.large import waiting_plan

ROOT = Ref("Site/NORTH")


def stuck(ref: str, message: str, reason: str = "DependencyNotReady", standing: str = "False") -> Stuck:
    return Stuck(Ref(ref), standing, reason, message)


def told(found: list[Cause]) -> list[tuple[str, int, int]]:
    return [(one.reason, len(one.those), len(one.waiting)) for one in found]


def test_a_chain_is_told_with_its_root_nearest_first():
    chain = [stuck("Probe/t/0", "Site/NORTH did not succeed", "DependencyFailed")]
    chain += [stuck(f"Probe/t/{n}", f"create waits: Probe/t/{n - 1} is not done: Failed") for n in range(1, 2000)]
    (cause,) = causes([*reversed(chain), stuck(ROOT, "refused", "Failed")])
    assert [one.ref for one in cause.those] == [ROOT]
    assert [one.ref for one in cause.waiting] == [one.ref for one in chain]


def test_who_waits_for_two_stands_with_both_and_names_decide_before_references():
    one, other = stuck("DNSRecord/t/a", "refused", "Failed"), stuck("DNSRecord/t/ab", "silent", "TargetUnreachable")
    both = stuck("Probe/t/x", "waits: DNSRecord/t/a and DNSRecord/t/ab.")
    named = stuck("Probe/t/y", "waits: DNSRecord/t/ab is not done")
    quiet = stuck("Probe/t/z", "")
    found = causes([one, other, both, named, quiet], lambda _: (one.ref,))
    assert {c.reason: [w.ref.name for w in c.waiting] for c in found} == {
        "Failed": ["x", "z"],
        "TargetUnreachable": ["x", "y"],
    }


def test_what_says_the_same_but_for_its_own_name_is_one():
    (one,) = causes(stuck(f"DNSRecord/t/n{n}", f"DNSRecord/t/n{n} is frozen", "F") for n in (1, 10))
    assert one.message == "it is frozen"


def test_many_that_differ_only_in_whom_they_name_are_one():
    found = causes(stuck(f"Probe/t/{n}", f"create waits: DNSRecord/t/{n} cannot be observed: off") for n in range(9))
    assert [(one.message, len(one.those), len(one.named)) for one in found] == [
        ("create waits: … cannot be observed: off", 9, 9)
    ]


def test_what_would_take_something_away_comes_first_however_little_it_is():
    many = [stuck(f"DNSRecord/t/{n}", "too many", "ThresholdExceeded", "create") for n in range(9)]
    found = causes([*many, stuck("DNSRecord/t/www", "the last one", "LastCopy", "delete")])
    assert [one.standing for one in found] == ["delete", "create"]


def test_those_that_wait_for_one_another_are_told_as_they_are():
    ring = [stuck(f"Probe/t/{n}", f"waits: Probe/t/{(n + 1) % 3} is not done") for n in range(3)]
    assert told(causes(ring)) == [("DependencyNotReady", 1, 0)] * 3


def test_what_holds_most_stands_first():
    few = [stuck(f"Probe/t/{n}", "slow", "Failed") for n in range(2)]
    many = [stuck(f"Probe/u/{n}", "silent", "TargetUnreachable", "Unknown") for n in range(3)]
    assert told(causes([*few, *many])) == [("TargetUnreachable", 3, 0), ("Failed", 2, 0)]


def test_a_plan_with_very_many_that_wait_tells_them_by_cause_unless_all_are_asked_for():
    made = waiting_plan(600)
    said = text(made)
    assert said.count("cannot be observed: connection refused") == 1
    assert "DNSRecord/waves/after-004 and 115 more" in said
    assert text(made, most=1 << 30).count("cannot be observed: connection refused") == 120


def test_the_status_of_very_many_tells_each_cause_once_unless_all_are_asked_for(tmp_path):
    conditions = {
        Ref(f"DNSRecord/t/n{n:03}"): (Condition(ConditionType.READY, "Unknown", "TargetUnreachable", "refused", NOW),)
        for n in range(200)
    }
    last = (Condition(ConditionType.READY, "False", "DependencyNotReady", "waits: DNSRecord/t/n007 is not done", NOW),)
    conditions[Ref("Probe/t/last")] = last
    store = open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: NOW)
    try:
        said = standing.text(store, conditions, Counter({"Unknown": 200, "False": 1}), NOW)
        each = standing.text(store, conditions, Counter({"Unknown": 200, "False": 1}), NOW, together=False)
    finally:
        store.close()
    assert "DNSRecord/t/n000 and 199 more" in said
    assert "refused (1 waits for them)" in said
    assert said.count("TargetUnreachable") == 1
    assert each.count("TargetUnreachable") == 200
