"""What a site lets the federation do, and what a VO was granted there: blocked with numbers, and lifted by nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.granted import grants, terms
from reconciler.model import Approval, Pause, Policy, Reason, Ref, UsageRecord, Verb
from reconciler.plan.hours import hours
from tests.federation import NOW, changed, graph, held, planned, present, resource, verbs

VO = resource("VO/tides", {})
OTHER = resource("VO/waves", {})


def site(name: str = "ALPHA", **limits: Any) -> Any:
    cloud = {
        "name": "main",
        "driver": "simulated",
        "endpoint": "https://alpha.example.org:5000/v3",
        "shares": [{"vo": "tides", "projectId": "p1"}, {"vo": "waves", "projectId": "p2"}],
    }
    store = {"name": "disk", "driver": "directory"}
    return resource(f"Site/{name}", {"clouds": [cloud], "storage": [store], **({"limits": limits} if limits else {})})


def cluster(name: str, workers: int = 1, vo: str = "tides", **more: Any) -> Any:
    group = {"name": "wn", "count": workers, "cpus": 4, "ramMiB": 4096, "image": "debian-12"}
    body = {"vo": vo, "site": "ALPHA", "cloud": "main", "frontend": {"image": "debian-12"}, "workers": [group]}
    return resource(f"VirtualCluster/{vo}/{name}", {**body, **more})


def replica(name: str, size: int) -> Any:
    body = {
        "storage": {"site": "ALPHA", "name": "disk"},
        "path": f"x/{name}",
        "size": size,
        "source": "https://x.org/y",
    }
    return resource(f"Replica/tides/{name}", body)


def made(*wanted: Any, there: tuple[Any, ...] = (), records: Any = lambda *_: (), **policy: Any) -> Any:
    declared = graph(VO, OTHER, *wanted)
    kept = held(VO, OTHER, *(r for r in wanted if r.ref.kind in ("Site", "VO")), *there)
    seen = {ref: present(_one(ref, (*wanted, *there, VO, OTHER))) for ref in kept.entries}
    seen |= {r.ref: present(r) for r in there}
    terms_ = terms(declared.resources)
    rules = Policy(NOW, terms=terms_, grants=grants(declared.resources, records, NOW), **policy)
    return planned(declared, kept, seen, rules)


def _one(ref: Ref, of: Any) -> Any:
    return next(r for r in of if r.ref == ref)


def granting(**amounts: Any) -> Any:
    return resource("VO/tides", {"allocations": [{"site": "ALPHA", **amounts}]})


NAMED = Approval(
    Ref("Approval/all"),
    {"resources": ("VirtualCluster/tides/a",), "actions": ("*",)},
    10,
    NOW + timedelta(days=1),
    "we want it",
    "the federation",
)


def test_nothing_is_changed_at_a_site_that_is_observe_only_whatever_is_approved():
    one = site(observeOnly=True)
    grown = cluster("a", 3)
    plan = made(one, grown, cluster("b"), there=(cluster("a", 1), cluster("c")), approvals=(NAMED,))
    assert verbs(plan) == [
        "update VirtualCluster/tides/a SiteObserveOnly",
        "create VirtualCluster/tides/b SiteObserveOnly",
        "delete VirtualCluster/tides/c SiteObserveOnly",
    ]
    assert plan.actions[0].message == "ALPHA is observe-only: nothing is changed there (limits of Site/ALPHA)"
    assert len(plan.blocked) == 3


def test_taking_over_what_stands_at_an_observe_only_site_writes_a_mark_and_is_blocked_too():
    one, mine = site(observeOnly=True), cluster("a")._replace(lifecycle=resource("VO/x", {}, adopt=True).lifecycle)
    declared = graph(VO, OTHER, one, mine)
    seen = {r.ref: present(r) for r in (VO, OTHER, one)} | {mine.ref: present(mine, owned=False, uid="")}
    plan = planned(declared, held(VO, OTHER, one), seen, Policy(NOW, terms=terms(declared.resources)))
    assert verbs(plan) == ["adopt VirtualCluster/tides/a SiteObserveOnly"]


def test_a_site_that_forbids_deletes_keeps_clusters_their_machines_and_files():
    plan = made(site(deletes=False), cluster("a", 1), there=(cluster("a", 3), cluster("b"), replica("r", 10)))
    assert verbs(plan) == [
        "delete Replica/tides/r SiteForbidsDelete",
        "update VirtualCluster/tides/a SiteForbidsDelete",
        "delete VirtualCluster/tides/b SiteForbidsDelete",
    ]
    assert "2 machines" in plan.actions[1].message


def test_a_site_that_forbids_deletes_lets_clusters_grow():
    plan = made(site(deletes=False), cluster("a", 3), there=(cluster("a", 1),))
    assert verbs(plan) == ["update VirtualCluster/tides/a SpecChanged"]


def test_a_pause_holds_and_its_end_lifts_no_limit():
    one = site(total={"instances": 1})
    paused = made(one, cluster("a"), pauses=(Pause("namespace:tides", "x", "y", NOW),))
    assert verbs(paused) == ["defer VirtualCluster/tides/a Paused"]
    assert verbs(made(one, cluster("a"))) == ["create VirtualCluster/tides/a SiteLimit"]


def test_machines_are_charged_in_order_and_the_one_too_many_is_told_with_numbers():
    one = site(total={"instances": 6}, perVO={"instances": 5})
    plan = made(one, cluster("a"), cluster("b", 1), cluster("c", 1, "waves"), there=(cluster("a", 1),))
    assert verbs(plan) == [
        "create VirtualCluster/tides/b New",
        "create VirtualCluster/waves/c New",
    ]
    plan = made(one, cluster("a"), cluster("b", 3), cluster("c", 2, "waves"), there=(cluster("a", 1),))
    assert [(a.blocked, a.message) for a in plan.actions] == [
        (
            Reason.SITE_LIMIT,
            "ALPHA lets tides take 5 machines: 2 used already, 4 asked, 1 too many",
        ),
        (None, ""),
    ]
    plan = made(one, cluster("a"), cluster("b", 2), cluster("c", 2, "waves"), there=(cluster("a", 1),))
    assert plan.actions[1].message == ("ALPHA lets the federation take 6 machines: 5 used already, 3 asked, 2 too many")


def test_who_stands_already_is_served_before_who_comes():
    one = site(total={"instances": 4})
    plan = made(one, cluster("a", 1), cluster("z", 2), there=(cluster("z", 1),))
    assert verbs(plan) == ["create VirtualCluster/tides/a SiteLimit", "update VirtualCluster/tides/z SpecChanged"]


def test_a_vo_with_a_limit_of_its_own_has_that_one():
    one = site(perVO={"vcpus": 2}, vos=[{"vo": "tides", "vcpus": 9, "ramGiB": 9}])
    assert verbs(made(one, cluster("a", 2))) == ["create VirtualCluster/tides/a New"]
    assert made(one, cluster("a", 1, "waves")).actions[0].message == (
        "ALPHA lets waves take 2 cores: 0 used already, 5 asked, 3 too many"
    )


def test_kinds_that_a_site_does_not_take_may_go_and_not_come():
    plan = made(site(kinds=["Replica"]), cluster("a"), replica("r", 5), there=(cluster("b"),))
    assert verbs(plan) == [
        "create Replica/tides/r New",
        "create VirtualCluster/tides/a SiteLimit",
        "delete VirtualCluster/tides/b RemovedFromGit",
    ]


def test_machines_at_a_second_site_count_there():
    beta = site("BETA", total={"instances": 0})
    group = {"name": "far", "count": 1, "image": "debian-12", "site": "BETA", "cloud": "main"}
    body = {"vo": "tides", "site": "ALPHA", "cloud": "main", "frontend": {"image": "debian-12"}, "workers": [group]}
    plan = made(site(), beta, resource("VirtualCluster/tides/a", body))
    assert plan.actions[0].message == "BETA lets the federation take 0 machines: 0 used already, 1 asked, 1 too many"


def test_storage_counts_in_gib():
    plan = made(site(total={"storageGiB": 2}), replica("a", 2**30), replica("b", 3 * 2**29))
    assert [a.message for a in plan.actions] == [
        "",
        "ALPHA lets the federation take 2 GiB storage: 1 used already, 1.5 asked, 0.5 too many",
    ]


def test_what_was_granted_is_the_most_that_a_vo_gets_and_a_grant_that_is_not_stated_limits_nothing():
    vo = granting(vcpus=6, end="2026-12-31")
    plan = made(vo, site(), cluster("a", 1), cluster("b", 9, "waves"), there=(cluster("a", 1), cluster("old", 0)))
    assert {str(a.ref): a.blocked for a in plan.actions} == {
        "VirtualCluster/tides/old": None,
        "VirtualCluster/waves/b": None,
    }
    plan = made(vo, site(), cluster("a", 2), there=(cluster("a", 1),))
    assert [(a.blocked, a.message) for a in plan.actions] == [
        (
            Reason.OVER_ALLOCATION,
            "tides was granted 6 cores at ALPHA until 2026-12-31: 5 used already, 4 asked, 3 too many",
        )
    ]


@pytest.mark.parametrize(("count", "verb"), [(1, Verb.UPDATE), (0, Verb.UPDATE), (None, Verb.DELETE)])
def test_what_reduces_use_is_never_held_by_an_allocation(count, verb):
    wanted = () if count is None else (cluster("a", count),)
    (action,) = made(granting(instances=1), site(), *wanted, there=(cluster("a", 4),)).actions
    assert (action.verb, action.blocked) == (verb, None)


def test_a_site_may_ask_for_an_allocation():
    plan = made(site(allocationsRequired=True), cluster("a", vo="waves"))
    assert plan.actions[0].message == ("waves has no allocation in force at ALPHA, and ALPHA gives nothing without one")
    over = granting(instances=9, end="2026-11-20")
    assert verbs(made(over, site(allocationsRequired=True), cluster("a"))) == [
        "create VirtualCluster/tides/a OverAllocation"
    ]


def test_core_hours_are_what_was_used_and_what_stands_and_what_is_asked_until_the_end():
    vo = granting(coreHours=1000, end="2026-11-22")  # the 22nd is the last day: 36 hours are left
    record = UsageRecord("2026-11", "1", Ref("VirtualCluster/tides/x"), "tides", "ALPHA", "vm", NOW, None)
    records = [UsageRecord(**{**_fields(record), "wall_seconds": 3600 * 100, "cpu_count": 5})]
    asked: list[tuple[str, str, str]] = []

    def told(*which: str) -> list[UsageRecord]:
        asked.append(which)
        return records

    plan = made(vo, site(), cluster("a", 1), cluster("b", 2), there=(cluster("a", 1),), records=told)
    assert plan.actions[0].message == (
        "tides was granted 1000 core hours at ALPHA until 2026-11-22: 500 used, 180 more by what stands, 324 asked, "
        "4 too many"
    )
    assert asked == [("2026-11", "tides", "ALPHA")]
    ending = {Ref("VirtualCluster/tides/b"): NOW + timedelta(hours=10)}
    soon = made(vo, site(), cluster("a", 1), cluster("b", 2), there=(cluster("a", 1),), records=told, ends=ending)
    assert soon.actions[0].blocked is None


def test_hours_without_an_end_are_not_forecast():
    assert hours(4, NOW, None, NOW + timedelta(hours=5)) == 0
    assert hours(4, NOW, NOW + timedelta(hours=2), None) == 8
    assert hours(4, NOW, NOW - timedelta(hours=2), None) == 0


def test_core_hours_without_a_first_day_are_those_of_the_month():
    declared = graph(OTHER, granting(coreHours=5), site()).resources
    asked: list[str] = []
    found = grants(declared, lambda month, *_: asked.append(month) or (), datetime(2026, 12, 5, tzinfo=UTC))
    assert (asked, found["ALPHA", "tides"].end) == (["2026-12"], datetime(2027, 1, 1, tzinfo=UTC))
    since = graph(OTHER, granting(coreHours=5, start="2026-10-15"), site()).resources
    asked.clear()
    grants(since, lambda month, *_: asked.append(month) or (), datetime(2026, 12, 5, tzinfo=UTC))
    assert asked == ["2026-10", "2026-11", "2026-12"]


def test_the_same_plan_twice_is_the_same_to_the_byte():
    one = site(total={"instances": 3}, perVO={"vcpus": 5})
    wanted = (
        one,
        cluster("a"),
        cluster("b"),
        cluster("c", 1, "waves"),
        changed(cluster("d"), cluster("d").spec.model_dump(mode="json", exclude_none=True)),
    )
    assert made(*wanted).digest == made(*wanted).digest


def _fields(record: UsageRecord) -> dict[str, Any]:
    return {name: getattr(record, name) for name in UsageRecord.__slots__}
