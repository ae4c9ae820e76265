"""What a plan asks of what was granted: the numbers in every form, for what its actions touch and nothing else."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.errors import StalePlan
from reconciler.granted import grants
from reconciler.model import Plan, Policy
from reconciler.plan import render
from reconciler.plan.saved import from_json, to_json
from reconciler.plan.terms import Book
from tests.federation import NOW, graph, held, planned, present
from tests.plan.test_terms import OTHER, cluster, granting, made, replica, site

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "hanse.plan.v1.json").read_text(encoding="utf-8"))


def rows(plan: Plan) -> list[tuple[Any, ...]]:
    """(VO, amount, granted, limit, used, asked, freed, blocked, after, over)."""
    return [
        (c.vo, c.what, c.granted, c.limit, c.used, c.asked, c.freed, c.blocked, c.after, c.over)
        for c in plan.allocations
    ]


def test_what_is_asked_is_told_beside_what_is_granted_and_used():
    plan = made(granting(vcpus=20, end="2026-12-31"), site(), cluster("a", 2), there=(cluster("a", 1),))
    assert rows(plan) == [("tides", "vcpus", 20, None, 5, 4, 0, 0, 9, 0)]
    assert plan.allocations[0].until == "2026-12-31"


def test_what_is_blocked_is_asked_all_the_same_and_too_much_is_told():
    plan = made(granting(vcpus=6), site(), cluster("a", 2), there=(cluster("a", 1),))
    assert rows(plan) == [("tides", "vcpus", 6, None, 5, 4, 0, 4, 9, 3)]
    assert "3 too many" in plan.actions[0].message


def test_what_goes_is_told_and_makes_no_room_for_the_same_plan():
    old = cluster("old", 3)
    plan = made(granting(instances=5), site(), cluster("a", 1), there=(old,))
    assert rows(plan) == [("tides", "instances", 5, None, 4, 2, 4, 2, 2, 1)]
    shrinks = made(granting(instances=5), site(), cluster("a", 5), there=(cluster("a", 9),))
    assert rows(shrinks) == [("tides", "instances", 5, None, 10, 0, 4, 0, 6, 1)]


def test_what_may_not_go_frees_nothing():
    plan = made(granting(instances=5), site(deletes=False), there=(cluster("old", 3),))
    assert rows(plan) == []


def test_limits_of_the_site_are_told_for_the_vo_and_for_all_together():
    plan = made(site(total={"instances": 9}, perVO={"vcpus": 30}), cluster("a", 1), cluster("b", 1, "waves"))
    assert rows(plan) == [
        ("", "instances", None, 9, 0, 4, 0, 0, 4, 0),
        ("tides", "vcpus", None, 30, 0, 5, 0, 0, 5, 0),
        ("waves", "vcpus", None, 30, 0, 5, 0, 0, 5, 0),
    ]


def test_a_site_that_gives_nothing_without_an_allocation_has_granted_none():
    plan = made(site(allocationsRequired=True), cluster("a", 1, "waves"))
    assert rows(plan)[0] == ("waves", "instances", 0, None, 0, 2, 0, 2, 2, 2)


def test_core_hours_are_those_so_far_and_a_forecast_until_the_end():
    vo = granting(coreHours=1000, end="2026-11-22")  # the 22nd is the last day: 36 hours are left
    ends = {cluster("b", 2).ref: NOW + timedelta(hours=10)}
    (claim,) = made(vo, site(), cluster("a", 1), cluster("b", 2), there=(cluster("a", 1),), ends=ends).allocations
    assert (claim.what, claim.used, claim.forecast, claim.asked) == ("core_hours", 0, 5 * 36, 9 * 10)
    assert (claim.after, claim.over, claim.until) == (270, 0, "2026-11-22")


def test_what_the_plan_leaves_alone_is_not_told_and_nothing_is_added_up(monkeypatch):
    counted: list[int] = []
    standing = Book._standing
    monkeypatch.setattr(Book, "_standing", lambda book: counted.append(1) or standing(book))
    vo, there = granting(instances=1, storageGiB=5), (cluster("a", 1),)
    assert made(vo, site(), cluster("a", 1), there=there).allocations == ()
    assert made(vo, site(), cluster("a", 1), cluster("w", 1, "waves"), there=there).allocations == ()
    assert counted == []
    full = made(vo, site(total={"instances": 9, "storageGiB": 9}), cluster("a", 1), replica("r", 7), there=there)
    assert rows(full) == [("", "storage_bytes", None, 9 * 2**30, 0, 7, 0, 0, 7, 0)]
    assert counted == [1]


def test_without_grants_and_limits_a_plan_is_as_it_was():
    plan = made(site(), cluster("a", 1))
    assert "allocations" not in json.loads(to_json(plan))
    assert "granted" not in render.text(plan) + render.markdown(plan)


def test_it_reads_like_this():
    plan = made(granting(vcpus=6), site(total={"instances": 9}), cluster("a", 2), there=(cluster("a", 1),))
    assert """\
What was granted at sites
    Site   VO     What      Granted  Limit  Used  Asked           After  Stands
    ALPHA  tides  cores     6        -      5     +4 (4 blocked)  9      3 too many
    ALPHA  all    machines  -        9      2     +1 (1 blocked)  3      within
""" in render.text(plan)
    comment = render.markdown(plan)
    assert "<details><summary>What was granted at sites: 2, too much is asked of 1</summary>" in comment
    assert "| `ALPHA` | `tides` | cores | 6 | - | 5 | +4 (4 blocked) | 9 | 3 too many |" in comment


def test_many_rows_are_cut_and_those_with_too_much_come_first():
    clusters = [cluster(f"c{n}", n, vo) for n, vo in ((1, "tides"), (6, "waves"))]
    said = render.text(made(site(perVO={"instances": 3, "vcpus": 99}), *clusters), most=1)
    assert "waves  machines" in said
    assert "and 3 more (hanse plan --full shows all)" in said


def test_a_saved_plan_keeps_the_numbers_and_is_refused_where_they_were_changed():
    plan = made(granting(vcpus=6, coreHours=9), site(), cluster("a", 2), there=(cluster("a", 1),))
    content = to_json(plan)
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(json.loads(content))] == []
    assert from_json(content) == plan
    for name, other in (("granted", 60), ("over", 0)):
        read = json.loads(content)
        read["allocations"][0][name] = other
        with pytest.raises(StalePlan, match="changed after it was made"):
            from_json(json.dumps(read).encode())


def test_numbers_of_one_plan_do_not_pass_for_those_of_another():
    one, other = (
        json.loads(to_json(made(granting(vcpus=n), site(), cluster(name, 1)))) for n, name in ((9, "a"), (5, "b"))
    )
    other |= {name: one[name] for name in ("allocations", "allocationsDigest")}
    with pytest.raises(StalePlan, match="changed after it was made"):
        from_json(json.dumps(other).encode())


def test_a_file_of_a_plan_without_the_numbers_is_read_as_before():
    plan = made(granting(vcpus=9), site(), cluster("a", 1))
    read = json.loads(to_json(plan))
    del read["allocations"], read["allocationsDigest"]
    assert from_json(json.dumps(read).encode()).digest == plan.digest


def test_the_clock_changes_the_numbers_and_not_the_digest():
    vo, where, wanted = granting(coreHours=90_000), site(), cluster("a", 1)
    declared, kept = graph(vo, OTHER, where, wanted), held(vo, OTHER, where)
    seen = {one.ref: present(one) for one in (vo, OTHER, where)}
    early, late = (
        planned(declared, kept, seen, Policy(now, grants=grants(declared.resources, lambda *_: (), now)))
        for now in (NOW, NOW + timedelta(hours=1))
    )
    assert early.digest == late.digest
    assert (early.allocations[0].asked, late.allocations[0].asked) == (5 * 228, 5 * 227)


def test_the_same_plan_twice_has_the_same_bytes():
    wanted = granting(vcpus=6, coreHours=90), site(total={"instances": 3}), cluster("a"), cluster("b", 1, "waves")
    assert to_json(made(*wanted)) == to_json(made(*wanted))
