"""Lifetimes: what is over is taken away with what stands for it, and not before; what is still needed stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.e2e.test_line import CLUSTER, FILES, nodes
from tests.house import applied, commit, planned, said
from tests.kinds.datasetrule.test_line import EXAMPLES

END = datetime(2030, 1, 1, 12, tzinfo=UTC)
UNTIL = "  lifetime: {expires: 2030-01-01T12:00:00Z}\n"


def before() -> datetime:
    return END - timedelta(seconds=1)


def after() -> datetime:
    return END


def in_a_month() -> datetime:
    return datetime.now(UTC) + timedelta(days=30)


def test_a_cluster_goes_at_its_end_after_its_name_and_does_not_come_back(tmp_path):
    commit(tmp_path, FILES | {"cluster.yaml": CLUSTER + UNTIL})
    applied(tmp_path)
    assert planned(tmp_path, clock=before).actions == ()
    plan = planned(tmp_path, clock=after)
    assert said(plan) == ["delete DNSRecord/team/hpc Expired", "delete VirtualCluster/team/hpc Expired"]
    assert [action.message for action in plan.actions] == [
        "goes with VirtualCluster/team/hpc: its lifetime ended 2030-01-01 12:00 UTC",
        "its lifetime ended 2030-01-01 12:00 UTC",
    ]
    applied(tmp_path, clock=after)
    assert nodes(tmp_path) == []
    assert planned(tmp_path, clock=after).actions == ()


def test_a_longer_lifetime_in_git_brings_it_back(tmp_path):
    commit(tmp_path, FILES | {"cluster.yaml": CLUSTER + UNTIL})
    applied(tmp_path)
    applied(tmp_path, clock=after)
    commit(tmp_path, {"cluster.yaml": CLUSTER + UNTIL.replace("2030", "2031")})
    assert said(planned(tmp_path, clock=after)) == [
        "create VirtualCluster/team/hpc New",
        "create DNSRecord/team/hpc New",
    ]


def test_days_count_from_when_it_was_made(tmp_path):
    commit(tmp_path, FILES | {"cluster.yaml": CLUSTER + "  lifetime: {days: 30}\n"})
    assert "create VirtualCluster/team/hpc New" in said(planned(tmp_path, clock=in_a_month))
    applied(tmp_path)
    assert planned(tmp_path).actions == ()
    assert "delete VirtualCluster/team/hpc Expired" in said(planned(tmp_path, clock=in_a_month))


def test_what_something_else_still_needs_stays_and_the_plan_says_so(tmp_path):
    rule = EXAMPLES["datasetrule.yaml"]
    head, _, rest = rule.partition("  lifetime:\n")
    ended = head + "  lifetime:\n    expires: 2030-01-01T12:00:00Z\n" + rest.partition("\n")[2]
    needing = (
        CLUSTER.replace("namespace: team", "namespace: tides")
        + "  data: [{datasetRule: sediment-near, gate: exists}]\n"
    )
    commit(tmp_path, EXAMPLES | {"datasetrule.yaml": ended})
    applied(tmp_path, until_quiet=True)
    assert {line.split()[0] for line in said(planned(tmp_path, clock=after))} == {"delete"}
    assert {line.split()[2] for line in said(planned(tmp_path, clock=after))} == {"Expired", "LastCopy"}
    commit(tmp_path, {"vo2.yaml": FILES["vo.yaml"], "site2.yaml": FILES["site.yaml"], "cluster.yaml": needing})
    plan = planned(tmp_path, clock=after)
    assert not any(line.startswith("delete") for line in said(plan))
    assert plan.warnings == (
        "DatasetRule/tides/sediment-near: its lifetime ended 2030-01-01 12:00 UTC; it stays, for "
        "VirtualCluster/tides/hpc needs it",
    )


def test_a_manifest_whose_end_is_past_makes_nothing_and_is_remarked(tmp_path):
    commit(tmp_path, FILES | {"cluster.yaml": CLUSTER + UNTIL})
    plan = planned(tmp_path, clock=after)
    assert not any("team/hpc" in line for line in said(plan))
    end = "its lifetime ended 2030-01-01 12:00 UTC"
    assert plan.warnings == (
        f"VirtualCluster/team/hpc: {end}; nothing is made of its manifest",
        f"DNSRecord/team/hpc: goes with VirtualCluster/team/hpc: {end}; nothing is made of its manifest",
    )
