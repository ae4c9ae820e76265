"""Where clusters go: by what clouds have left, what failed before, and never twice into the same room."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.drivers.simulated import World, world_path
from reconciler.model import Reason, Ref
from reconciler.model.uptime import UptimeDay, UptimeRecord
from reconciler.plan import render
from reconciler.plan.saved import from_json, to_json
from reconciler.ports import CheckResult
from reconciler.reconcile import propose
from tests.house import applied, commit, opened, planned, said

VO = """\
apiVersion: hanse/v1
kind: VO
metadata: {name: vo.example.org}
spec: {}
"""
SITE = """\
apiVersion: hanse/v1
kind: Site
metadata: {{name: {name}}}
spec:
  clouds:
    - name: one
      driver: simulated
      endpoint: https://{name}.example.org/v3
      shares: [{{vo: vo.example.org, projectId: "{zeros}"}}]
"""
CLUSTER = """\
apiVersion: hanse/v1
kind: VirtualCluster
metadata: {{name: {name}, namespace: tides}}
spec:
  vo: vo.example.org
  site: {site}
  frontend: {{image: debian-12, cpus: 1, ramMiB: 1024}}
  workers: [{{name: wn, count: {workers}, image: debian-12, cpus: 2}}]
"""


def site(name: str) -> dict[str, str]:
    return {f"{name}.yaml": SITE.format(name=name, zeros="0" * 32)}


def cluster(name: str, where: str = "auto", workers: int = 1) -> dict[str, str]:
    return {f"{name}.yaml": CLUSTER.format(name=name, site=where, workers=workers)}


def clouds(root: Path, more: str = "", **simulate: str) -> None:
    """hanse.toml, in which each cloud behaves as told."""
    root.mkdir(exist_ok=True)
    tables = [f'[targets."compute:{name}/one/vo.example.org"]\nsimulate = {how}\n' for name, how in simulate.items()]
    (root / "hanse.toml").write_text("\n".join([more, *tables]))


@pytest.fixture
def root(tmp_path: Path):
    yield tmp_path / "federation"
    World.close_all()


def federation(root: Path, *sites: str, **clusters: str) -> None:
    files = {"vo.yaml": VO}
    for name in sites:
        files |= site(name)
    for name, where in clusters.items():
        files |= cluster(name, where)
    commit(root, files)


def choice_of(plan: Any, name: str):
    return next(c for c in plan.choices if c.ref.name == name and c.field in ("site", "cloud"))


def names_at(root: Path, where: str) -> list[str]:
    path = world_path(str(root / ".hanse/state/compute"), f"{where}/one/vo.example.org")
    return World.open(path).names() if path.exists() else []


def test_the_plan_says_who_won_who_came_second_and_why_each_other_lost(root):
    clouds(root, A="{quota={cpus=100}}", B="{quota={cpus=10}}", C="{quota={instances=1}}", D='{images=["centos-5"]}')
    federation(root, "A", "B", "C", "D", one="auto")
    plan = planned(root)
    made = choice_of(plan, "one")
    assert (made.chosen, made.runner_up) == (("A/one",), "B/one")
    assert made.rejected == (
        ("C/one", "quota: 2 instances needed, 1 left"),
        ("D/one", "has no image debian-12, and does not synchronise it"),
    )
    text = render.text(plan)
    assert "97% of the quota stays free" in text
    assert "1 x medium, 1 x small, the cheapest that fit" in text
    assert "not B/one: fits, scores 0." in text
    assert "not C/one: quota: 2 instances needed, 1 left" in text
    assert "not `C/one: quota: 2 instances needed, 1 left`" in render.markdown(plan)
    assert from_json(to_json(plan)) == plan
    assert sum(share for _, share in made.ranked[0].parts) == pytest.approx(made.ranked[0].score, abs=1e-5)


def test_a_quiet_federation_asks_no_cloud_what_it_offers_and_tells_no_list_again(root):
    clouds(root, A="{quota={cpus=100}}", B="{quota={cpus=10}}")
    federation(root, "A", "B", one="auto")
    applied(root, until_quiet=True)
    before = _calls(root)
    plan = planned(root)
    assert not plan.pending
    assert {verb: n - before.get(verb, 0) for verb, n in _calls(root).items() if verb != "list"} == {
        verb: 0 for verb in _calls(root) if verb != "list"
    }
    kept = choice_of(plan, "one")
    assert (kept.kept, kept.chosen, kept.rejected, kept.ranked) == (True, ("A/one",), (), ())


def _calls(root: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for path in sorted((root / ".hanse/state/compute").glob("*.sqlite")):
        for verb, n in World.open(path).calls().items():
            found[verb] = found.get(verb, 0) + n
    return found


def test_the_last_room_is_promised_once(root):
    clouds(root, A="{quota={instances=3}}", B="{quota={instances=2}}")
    federation(root, "A", "B", first="auto", second="auto", third="auto")
    plan = planned(root)
    places = [choice_of(plan, name).chosen for name in ("first", "second", "third")]
    assert sorted(places) == [(), ("A/one",), ("B/one",)]
    assert places[2] == ()
    waits = next(a for a in plan.actions if a.ref.name == "third")
    assert (str(waits.verb), waits.reason) == ("defer", Reason.NO_PLACE)
    assert choice_of(plan, "third").rejected == (
        ("A/one", "quota: 2 instances needed, 1 left"),
        ("B/one", "quota: 2 instances needed, 0 left"),
    )
    applied(root)
    assert (len(names_at(root, "A")), len(names_at(root, "B"))) == (2, 2)


def test_who_can_go_nowhere_else_is_served_first(root):
    clouds(root, A="{quota={instances=2}}", B="{quota={instances=2}}")
    federation(root, "A", "B", anywhere="auto", there="A")
    plan = planned(root)
    assert choice_of(plan, "anywhere").chosen == ("B/one",)
    assert not plan.blocked


def test_a_named_site_without_room_is_said_so_before_anything_is_done(root):
    clouds(root, A="{quota={instances=3}}")
    federation(root, "A", first="A", second="A")
    plan = planned(root)
    assert said(plan)[-1] == "create VirtualCluster/tides/second QuotaExceeded"
    (blocked,) = plan.blocked
    assert blocked.message == ("the quota does not suffice: compute:A/one/vo.example.org: 2 instances needed, 1 left")
    applied(root)
    assert len(names_at(root, "A")) == 2


def test_a_cluster_that_stands_is_not_counted_twice(root):
    clouds(root, A="{quota={instances=3}}")
    federation(root, "A", first="A")
    applied(root, until_quiet=True)
    commit(root, cluster("first", "A", workers=2))
    assert not planned(root).blocked
    commit(root, cluster("first", "A", workers=3))
    (blocked,) = planned(root).blocked
    assert "1 instances needed" not in blocked.message
    assert "2 instances needed, 1 left" in blocked.message


def test_a_flavour_that_no_cloud_has_waits_with_the_reason(root):
    clouds(root, A="{}")
    federation(root, "A")
    text = CLUSTER.format(name="big", site="A", workers=1).replace("cpus: 2", "cpus: 4000")
    commit(root, {"big.yaml": text})
    (waits,) = [a for a in planned(root).actions if a.ref.name == "big"]
    assert (str(waits.verb), waits.reason) == ("defer", Reason.NO_PLACE)
    assert waits.message.startswith("no flavour of the cloud has 4000 cpus")


def test_a_cloud_that_does_not_answer_is_unknown_and_not_chosen(root):
    clouds(root, A='{faults=[{on="quota", kind="503", every=1}]}', B="{quota={instances=2}}")
    federation(root, "A", "B", one="auto")
    made = choice_of(planned(root), "one")
    assert made.chosen == ("B/one",)
    assert made.rejected == (("A/one", "unknown: quota: 503 Service Unavailable"),)


def test_a_site_that_fails_gives_way_to_the_next_and_what_it_had_is_cleaned(root):
    clouds(
        root,
        "[apply]\nattempts = 1\n",
        A='{faults=[{on="create", kind="quota", at=[2,3,4,5,6]}]}',
        B="{quota={cpus=20}}",
    )
    federation(root, "A", "B", one="auto")
    first = applied(root)
    assert [o.state for o in first.outcomes if o.action.ref.name == "one"] == ["failed"]
    assert len(names_at(root, "A")) == 1
    plan = planned(root)
    assert said(plan) == [
        "create VirtualCluster/tides/one New",
        "delete VirtualCluster/tides/one@compute:A+one+vo.example.org RemovedFromGit",
    ]
    made = choice_of(plan, "one")
    assert (made.chosen, made.moved_from) == (("B/one",), ("A/one",))
    why = dict(made.rejected)["A/one"]
    assert why.startswith("failed here at ")
    assert "403 Quota exceeded" in why
    assert "moved from A/one (failed here at" in render.text(plan)
    applied(root, until_quiet=True)
    assert (names_at(root, "A"), len(names_at(root, "B"))) == ([], 2)
    assert not planned(root).pending
    with opened(root) as house:
        events = house.store.events.history()
        assert any("403 Quota exceeded" in event.message and event.state == "failed" for event in events)
        assert not house.store.journal.unsettled()


def test_no_more_sites_are_tried_than_may_be(root):
    broken = '{faults=[{on="create", kind="quota", every=1}]}'
    clouds(root, "[apply]\nattempts = 1\n[place]\nsites = 2\n", A=broken, B=broken, C=broken)
    federation(root, "A", "B", "C", one="auto")
    for _ in range(4):
        applied(root)
    plan = planned(root)
    assert said(plan) == ["defer VirtualCluster/tides/one NoPlace"]
    reasons = dict(choice_of(plan, "one").rejected)
    assert sorted(why.partition(" ")[0] for why in reasons.values()) == ["failed", "failed", "not"]
    assert _calls(root)["create"] == 2


def test_a_site_that_cannot_be_reached_any_more_is_cleaned_when_it_is_back(root):
    silent = ", ".join(map(str, range(3, 9)))
    broken = f'{{faults=[{{on="create", kind="quota", at=[2]}}, {{on="list", kind="503", at=[{silent}]}}]}}'
    clouds(root, "[apply]\nattempts = 1\n", A=broken, B="{quota={cpus=20}}")
    federation(root, "A", "B", one="auto")
    applied(root)
    applied(root)
    left = "VirtualCluster/tides/one@compute:A+one+vo.example.org"
    assert (len(names_at(root, "A")), len(names_at(root, "B"))) == (1, 2)
    assert said(planned(root)) == [f"defer {left} TargetUnreachable"]
    for _ in range(8):
        applied(root)
    assert (len(names_at(root, "A")), len(names_at(root, "B"))) == (0, 2)
    assert not planned(root).actions


def test_a_create_that_was_interrupted_is_finished_where_it_was_begun(root):
    clouds(root, A="{quota={instances=2}}", B="{quota={instances=2}}")
    federation(root, "A", "B", one="auto")
    first = choice_of(planned(root), "one").chosen
    with opened(root) as house:
        proposal = propose(house, "HEAD")
        (action,) = [a for a in proposal.plan.actions if a.ref.name == "one"]
        _begin(house, proposal, action)
    assert sum(len(names_at(root, where)) for where in "AB") == 1
    plan = planned(root)
    assert not plan.blocked
    assert choice_of(plan, "one").chosen == first
    applied(root, until_quiet=True)
    assert len(names_at(root, first[0][0])) == 2


def _begin(house, proposal, action) -> None:
    """One machine is made, and then the process is gone."""
    from reconciler import keeping
    from reconciler.kinds.virtualcluster import marks
    from reconciler.model import Operation
    from reconciler.ports import Image, NodeRequest

    run = keeping.run(house.store, proposal.plan, proposal.graph, proposal.inventory, proposal.observed, "t")
    begun = run.__enter__()
    begun.journal.intend([Operation(f"{begun.id}/1", begun.id, action)])
    compute = house.drivers.compute(proposal.graph.targets[action.target])
    size = next(size for size in compute.sizes() if size.name == "small")
    mark = {marks.UID: action.uid, marks.REF: action.ref, marks.GROUP: "frontend", marks.ORDINAL: "0"}
    name = marks.node_name(action.uid, "frontend", 0)
    compute.create(NodeRequest(name, size, Image("image-debian-12", "debian-12"), metadata=mark))
    run.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)


def test_clouds_fill_up_over_a_whole_plan(root):
    clouds(root, **dict.fromkeys("ABC", "{quota={instances=8}}"))
    federation(root, "A", "B", "C", **{f"c{n}": "auto" for n in range(14)})
    plan = planned(root)
    placed = [choice_of(plan, f"c{n}").chosen for n in range(14)]
    assert sorted(placed) == [()] * 2 + [("A/one",)] * 4 + [("B/one",)] * 4 + [("C/one",)] * 4
    report = applied(root)
    assert not report.failed
    assert [len(names_at(root, where)) for where in "ABC"] == [8, 8, 8]


def test_moves_are_proposed_on_request_and_applied_as_saved(root):
    clouds(root, A="{quota={instances=3}}", B="{quota={instances=1}}")
    federation(root, "A", "B", one="auto")
    applied(root, until_quiet=True)
    clouds(root, "[place]\nrebalance_gain = 0.01\n", A="{quota={instances=3}}", B="{quota={instances=100}}")
    assert not planned(root).pending
    shown = hanse(root, "place")
    assert (shown.returncode, "A/one" in shown.stdout, "B/one" in shown.stdout) == (0, True, True)
    table = hanse(root, "place", "VirtualCluster/tides/one").stdout
    assert "RELIABILITY" in table
    assert "98% of the quota stays free" in table
    moves = hanse(root, "place", "--rebalance", "--out", str(root / "moves.json"))
    assert moves.returncode == 2
    assert "released A/one" in moves.stdout
    assert hanse(root, "apply", str(root / "moves.json")).returncode == 0
    assert (len(names_at(root, "A")), len(names_at(root, "B"))) == (0, 2)
    assert not planned(root).pending
    assert hanse(root, "place", "--rebalance").returncode == 0


DOWNTIME = """\
apiVersion: hanse/v1
kind: Downtime
metadata: {{name: works-{name}}}
spec:
  description: new cooling
  severity: OUTAGE
  start: {start:%Y-%m-%dT%H:%MZ}
  end: {end:%Y-%m-%dT%H:%MZ}
  affects: [{{site: {name}}}]
"""


def downtime(name: str, begins_in_hours: float) -> dict[str, str]:
    start = datetime.now(UTC) + timedelta(hours=begins_in_hours)
    return {f"works-{name}.yaml": DOWNTIME.format(name=name, start=start, end=start + timedelta(hours=3))}


def test_nothing_new_goes_to_a_site_in_downtime_and_what_is_there_stays(root):
    clouds(root, A="{quota={cpus=100}}", B="{quota={cpus=10}}")
    commit(root, downtime("A", -1))
    federation(root, "A", "B", one="auto")
    choice = choice_of(planned(root), "one")
    assert choice.chosen == ("B/one",)
    ((name, why),) = choice.rejected
    assert (name, why.endswith(": new cooling (Downtime/works-A)")) == ("A/one", True)
    assert not applied(root, until_quiet=True).failed
    commit(root, downtime("B", 3))
    assert choice_of(planned(root), "one").kept
    commit(root, cluster("two", "auto"))
    choice = choice_of(planned(root), "two")
    assert (choice.chosen, [why.split(" ")[:2] for _, why in choice.rejected]) == (
        (),
        [["is", "down"], ["goes", "down"]],
    )


PROBED = """\
  services: [{name: nova, type: org.openstack.nova, hostname: A.example.org}]
"""
PROBE = """\
apiVersion: hanse/v1
kind: Probe
metadata: {name: nova, namespace: tides}
spec:
  target: {siteService: {site: A, service: nova}}
  plugin: check_http
  attempts: 1
"""


def test_nothing_new_goes_where_a_probe_says_that_it_is_down(root):
    clouds(root, A="{quota={cpus=100}}", B="{quota={cpus=10}}")
    federation(root, "A", "B")
    commit(root, {"A.yaml": SITE.format(name="A", zeros="0" * 32) + PROBED, "probe.yaml": PROBE})
    applied(root, until_quiet=True)
    with opened(root) as house:
        house.store.probes.add_result(Ref("Probe/tides/nova"), CheckResult("CRITICAL", "refused"), 1)
    commit(root, cluster("one", "auto"))
    choice = choice_of(planned(root), "one")
    assert choice.chosen == ("B/one",)
    ((name, why),) = choice.rejected
    assert (name, why.startswith("its service nova is down: nova is CRITICAL since ")) == ("A/one", True)
    commit(root, {"probe.yaml": None})
    assert choice_of(planned(root), "one").chosen == ("A/one",)


def test_during_an_outage_nothing_is_changed_at_its_site(root):
    clouds(root)
    federation(root, "A", "B", one="A", two="B")
    applied(root, until_quiet=True)
    commit(root, cluster("one", "A", 2) | cluster("two", "B", 2) | downtime("A", -1))
    waits, goes = (a for a in planned(root).actions if a.ref.kind == "VirtualCluster")
    assert (str(waits.verb), waits.ref.name, waits.reason) == ("defer", "one", Reason.SITE_IN_DOWNTIME)
    assert waits.message.startswith("update held: A is down until ")
    assert (str(goes.verb), goes.ref.name) == ("update", "two")
    assert not applied(root).failed
    assert (len(names_at(root, "A")), len(names_at(root, "B"))) == (2, 3)
    commit(root, downtime("A", 5))
    applied(root, until_quiet=True)
    assert len(names_at(root, "A")) == 3


def test_nothing_new_goes_to_a_site_that_misses_its_target(root):
    clouds(root, A="{quota={cpus=100}}", B="{quota={cpus=10}}")
    federation(root, "A", "B", one="auto")
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    row = UptimeRecord("Default", yesterday, "group", "A", "", "", "", "", 0, 70, 70, 0.7, 0.0, 0.0, (), ())
    with opened(root) as house:
        day = UptimeDay("Default", yesterday, "commit", "digest", True, datetime.now(UTC))
        house.store.uptime.rebuild(day, [row, replace(row, site="B", availability=90, up=0.9)])
    choice = choice_of(planned(root), "one")
    assert choice.chosen == ("B/one",)
    assert choice.rejected == (("A/one", "was available for 70.0% of the time, 80.0% wanted"),)


def hanse(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reconciler.cli", "-C", str(root), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)
