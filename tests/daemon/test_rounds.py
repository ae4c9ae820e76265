"""Rounds of the loop: which targets each reads, what it never does without looking, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from reconciler.daemon.loop import Bell
from reconciler.daemon.rounds import Rounds
from reconciler.daemon.service import Service
from reconciler.errors import RecordsError
from reconciler.model import Ref
from tests.house import commit, opened

ZONES = ("a", "b", "c")
RECORD = """\
apiVersion: hanse/v1
kind: DNSRecord
metadata: {{name: www, namespace: {zone}}}
spec: {{zone: {zone}.example.org., name: www, type: A, values: ["192.0.2.{last}"]}}
"""
CLOUD = """\
apiVersion: hanse/v1
kind: Site
metadata: {{name: BAY}}
spec:
  clouds:
    - name: one
      driver: simulated
      endpoint: https://{host}.example.org/v3
      shares: [{{vo: vo.example.org, projectId: "00000000000000000000000000000000"}}]
---
apiVersion: hanse/v1
kind: VO
metadata: {{name: vo.example.org}}
spec: {{}}
---
apiVersion: hanse/v1
kind: VirtualCluster
metadata: {{name: tides, namespace: tides}}
spec: {{vo: vo.example.org, site: BAY, frontend: {{image: debian-12, cpus: 1}}}}
"""


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Running:
    """A service, round by round."""

    def __init__(self, house, root: Path) -> None:
        self.house, self.root, self.clock = house, root, Clock()
        self.service = Service(house, "HEAD")
        self.service.rounds = Rounds(house, self.service.measured, self.clock, lambda: 0.5)

    def change(self, zone: str, last: int) -> None:
        commit(self.root, {f"{zone}.yaml": RECORD.format(zone=zone, last=last)})

    def round(self) -> set[str]:
        """One round; returns the targets that it read."""
        self.proposal, self.report = self.service.step(Bell())
        return self.proposal.observed.targets.keys() - self.proposal.observed.kept.keys()

    @property
    def done(self) -> list[str]:
        outcomes = self.report.outcomes if self.report else ()
        return [f"{o.action.verb} {o.action.ref}" for o in outcomes if o.state == "done"]

    def ready(self, ref: str) -> str:
        found = self.house.store.conditions.all().get(Ref(ref), ())
        return next((f"{c.status} {c.reason}" for c in found if c.type == "Ready"), "")


@pytest.fixture
def running(tmp_path: Path):
    root = tmp_path / "fed"
    commit(root, {f"{zone}.yaml": RECORD.format(zone=zone, last=10) for zone in ZONES})
    (root / "hanse.toml").write_text(
        '[targets."dns:dark.example.org."]\ndriver = "rfc2136"\nserver = "127.0.0.1"\nport = 9\n'
    )
    with opened(root) as house:
        made = Running(house, root)
        assert made.round() == {f"dns:{zone}.example.org." for zone in ZONES}
        assert len(made.done) == 3
        made.round()  # what was done is looked at once
        yield made


def test_a_change_of_one_resource_reads_its_target_and_no_other(running):
    assert running.round() == set()
    running.change("b", 20)
    assert running.round() == {"dns:b.example.org."}
    assert running.done == ["update DNSRecord/b/www"]
    assert running.proposal.plan.unchanged == 2
    assert running.round() == {"dns:b.example.org."}
    assert running.proposal.plan.actions == ()


def test_each_target_is_read_again_when_its_time_has_come(running):
    read = []
    for _ in range(60):
        running.clock.now += 2
        read += sorted(running.round())
    assert {target: 1 <= read.count(target) <= 3 for target in read} == {
        f"dns:{zone}.example.org.": True for zone in ZONES
    }


def test_what_was_let_go_on_is_not_done_before_its_target_was_read_again(running):
    running.house.store.pauses.pause("namespace:b", "a look first", "ada")
    running.change("b", 20)
    running.round()
    assert running.done == []
    running.house.store.pauses.resume("namespace:b", "ada")
    assert running.round() == set()
    assert [(o.action.ref, o.state, str(o.reason)) for o in running.report.outcomes] == [
        ("DNSRecord/b/www", "deferred", "ObservationStale")
    ]
    assert running.round() == {"dns:b.example.org."}
    assert running.done == ["update DNSRecord/b/www"]


def test_a_delete_rests_on_a_reading_of_the_same_round(running):
    commit(running.root, {"b.yaml": None})
    assert running.round() == {"dns:b.example.org."}
    assert running.done == ["delete DNSRecord/b/www"]


def test_what_failed_is_left_alone_for_a_while_and_a_change_in_git_ends_that(running):
    ref = Ref("DNSRecord/b/www")
    running.house.store.pauses.pause("namespace:b", "a look first", "ada")
    running.change("b", 20)
    running.round()
    running.house.store.pauses.resume("namespace:b", "ada")
    running.service.rounds.queue.failed([ref])
    running.round()
    running.round()
    assert running.done == []
    running.clock.now += 6
    running.change("c", 30)
    running.round()
    assert sorted(running.done) == ["update DNSRecord/b/www", "update DNSRecord/c/www"]
    running.service.rounds.queue.failed([ref])
    running.change("b", 40)
    running.round()
    assert running.done == ["update DNSRecord/b/www"]


def test_a_target_that_cannot_be_read_is_asked_again_after_a_while_and_holds_up_nobody(running):
    running.change("dark", 10)
    assert running.round() == {"dns:dark.example.org."}
    before = running.ready("DNSRecord/dark/www")
    running.change("a", 20)
    assert running.round() == {"dns:a.example.org."}
    assert running.done == ["update DNSRecord/a/www"]
    assert running.ready("DNSRecord/dark/www") == before != ""
    running.clock.now += 6
    assert "dns:dark.example.org." in running.round()
    running.clock.now += 6
    assert "dns:dark.example.org." not in running.round()


def test_another_run_on_the_same_records_makes_the_next_round_read_everything(running):
    run = running.house.store.runs.begin("c", "d", "somebody", "apply")
    running.house.store.runs.broken_off(run)
    assert running.round() == {f"dns:{zone}.example.org." for zone in ZONES}


def test_nothing_is_done_while_the_records_cannot_say_what_is_paused(running):
    running.change("b", 20)
    database = running.house.store.database
    with database.writing() as connection:
        connection.execute(text("ALTER TABLE pauses RENAME TO lost"))
    with pytest.raises(RecordsError):
        running.round()
    with database.writing() as connection:
        connection.execute(text("ALTER TABLE lost RENAME TO pauses"))
    assert running.house.store.runs.history(1)[0].counts.get("update", 0) == 0
    assert running.round() == {f"dns:{zone}.example.org." for zone in ZONES}
    assert running.done == ["update DNSRecord/b/www"]


def test_when_a_site_is_reached_in_another_way_its_targets_are_looked_at_again(tmp_path):
    root = tmp_path / "fed"
    commit(root, {"cloud.yaml": CLOUD.format(host="bay"), "a.yaml": RECORD.format(zone="a", last=10)})
    with opened(root) as house:
        running = Running(house, root)
        cloud = "compute:BAY/one/vo.example.org"
        assert cloud in running.round()
        running.round()
        assert cloud not in running.round()
        assert house.readings.made.keys() >= {cloud, "dns:a.example.org."}
        commit(root, {"cloud.yaml": CLOUD.format(host="other")})
        read = running.round()
        assert cloud in read
        assert "dns:a.example.org." not in read
        assert running.proposal.graph.targets[cloud].options["endpoint"] == "https://other.example.org/v3"
