"""Rounds of the loop that read a part of the world: nothing is done on doubt, nothing is left for good, nothing spins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from reconciler.daemon.loop import Bell
from reconciler.daemon.rounds import Rounds
from reconciler.daemon.service import Service
from reconciler.manifest import Memory
from reconciler.model import Ref
from reconciler.reconcile import House, Proposal
from reconciler.records.store import open_store
from reconciler.settings import load
from reconciler.wiring import Wired
from tests.e2e.test_line import CLUSTER, NAMES, SITE, VO
from tests.house import commit, opened
from tests.kinds.datasetrule.test_line import BETTER, EXAMPLES, files

REPLICA = """apiVersion: hanse/v1
kind: Replica
metadata: {{name: {name}, namespace: tides}}
spec:
  storage: {{site: TIDE-CLOUD, name: {storage}}}
  path: notes/{name}.txt
  checksum: adler32:00320032
  source: 'data:,1'
"""
WWW = """apiVersion: hanse/v1
kind: DNSRecord
metadata: {{name: www, namespace: team}}
spec: {{zone: fed.example.org, name: www, ttl: {ttl}, values: [192.0.2.1]}}
"""
APPROVAL = """apiVersion: hanse/v1
kind: Approval
metadata: {{name: three}}
spec: {{scope: {{kinds: [DNSRecord]}}, atMost: 3, expires: "{expires}", reason: three of them go, by: ada}}
"""
BETA = SITE.replace("ALPHA", "BETA").replace("alpha", "beta").replace("projectId: p1", "projectId: p2")
ELSEWHERE = CLUSTER.replace("name: hpc,", "name: far,").replace("site: ALPHA", "site: BETA")
FULL = """[targets."compute:*"]
simulate = {faults = [{on = "create", kind = "quota", every = 1}]}
"""


class Clock:
    """Seconds that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Loop:
    """A reconciler, round by round, at the times at which the loop would begin them."""

    service: Service
    clock: Clock
    read: list[set[str]] = field(default_factory=list)
    """Targets that each round has read."""

    def round(self) -> Proposal:
        """One round, now."""
        proposal, _ = self.service.step(Bell())
        self.read.append(set(proposal.observed.targets) - set(proposal.observed.kept))
        return proposal

    def rest(self) -> float:
        """Move the clock to when the next round begins; how far that is, in seconds."""
        soon = self.service.rounds.queue.soon()
        seconds = 60.0 if soon is None else min(60.0, soon)
        self.clock.now += seconds
        return seconds

    def settle(self, most: int = 8) -> list[Proposal]:
        """Rounds until the next one has to wait for its time."""
        made = []
        for _ in range(most):
            made.append(self.round())
            if self.service.rounds.queue.soon():
                return made
        raise AssertionError(f"round follows upon round, and reads in turn {self.read[-4:]}")


@contextmanager
def looping(root: Path, seed: int = 3) -> Iterator[Loop]:
    with opened(root) as house:
        service, clock, random = Service(house, "HEAD"), Clock(), Random(seed).random
        service.rounds = Rounds(house, service.measured, clock, random)
        yield Loop(service, clock)


@pytest.fixture
def replicas(tmp_path: Path) -> Path:
    """Three files on three storages."""
    site = EXAMPLES["site.yaml"] + "\n---\n" + BETTER
    some = {f"{name}.yaml": REPLICA.format(name=name, storage=name) for name in ("scratch", "buffer")}
    bay = REPLICA.format(name="bay", storage="disk").replace("TIDE-CLOUD", "BAY-CLOUD")
    commit(tmp_path, {"vo.yaml": EXAMPLES["vo.yaml"], "site.yaml": site, "bay.yaml": bay, **some})
    return tmp_path


def test_a_file_that_git_wants_no_more_goes_though_that_rests_on_readings_of_several_storages(replicas):
    with looping(replicas) as loop:
        loop.settle()
        loop.settle()
        commit(replicas, {"scratch.yaml": None})
        loop.settle()
        assert files(replicas, "scratch") == set()


def test_a_file_that_git_wants_no_more_goes_while_another_storage_is_down(replicas):
    bay = replicas / ".hanse/state/storage/BAY-CLOUD/disk"
    with looping(replicas) as loop:
        loop.settle()
        bay.rename(replicas / "elsewhere")
        loop.service.rounds.begin_anew()
        assert "storage:BAY-CLOUD/disk" in loop.settle()[-1].plan.unreachable
        commit(replicas, {"scratch.yaml": None})
        loop.settle()
        assert files(replicas, "scratch") == set()


def test_a_file_that_a_list_names_no_more_goes_on_readings_of_all_storages_in_one_round(replicas):
    listed = (
        REPLICA.format(name="list", storage="scratch").partition("  path:")[0] + "  dataset: tides:x\n  files: [%s]\n"
    )
    one, two = (f"{{path: {name}, source: 'data:,{name}'}}" for name in ("one", "two"))
    with looping(replicas) as loop:
        commit(replicas, {"list.yaml": listed % f"{one}, {two}"})
        loop.settle()
        loop.settle()
        before = len(loop.read)
        commit(replicas, {"list.yaml": listed % one})
        loop.settle()
        assert not (replicas / ".hanse/state/storage/TIDE-CLOUD/scratch/tides/x/two").exists()
        storages = {target for read in loop.read for target in read if target.startswith("storage:")}
        assert len(storages) == 3
        assert any(read >= storages for read in loop.read[before:])


def test_failures_on_two_targets_do_not_call_each_other(tmp_path):
    commit(tmp_path, {"vo.yaml": VO, "site.yaml": SITE, "beta.yaml": BETA, "a.yaml": CLUSTER, "b.yaml": ELSEWHERE})
    (tmp_path / "hanse.toml").write_text(FULL)
    with looping(tmp_path) as loop:
        for _ in range(40):
            loop.settle()
            loop.rest()
        held = loop.service.rounds.queue.resting
        assert {"VirtualCluster/team/hpc", "VirtualCluster/team/far"} <= held.keys()


def test_nothing_is_written_down_again_and_again_of_what_comes_after_what_is_left_alone(tmp_path):
    commit(tmp_path, {"vo.yaml": VO, "site.yaml": SITE, "a.yaml": CLUSTER, "names.yaml": NAMES})
    (tmp_path / "hanse.toml").write_text(FULL)
    with looping(tmp_path) as loop:
        for _ in range(40):
            loop.settle()
            loop.rest()
        runs = loop.service.house.store.runs.history(100)
        tries = [run for run in runs if run.counts.get("failed")]
        assert len(runs) <= len(tries) + 2


def test_what_was_made_is_known_though_the_clock_of_the_records_was_put_back(tmp_path):
    commit(tmp_path, {"vo.yaml": VO, "names.yaml": WWW.format(ttl=300)})
    ahead = [timedelta(hours=1)]
    settings = load(tmp_path, {})
    with open_store(settings.records.url, lambda: datetime.now(UTC) + ahead[0]) as store:
        house = House(settings, Wired(settings, {}, store.catalogue), store, Memory())
        service = Service(house, "HEAD")
        service.step(Bell())
        ahead[0] = timedelta(0)
        commit(tmp_path, {"names.yaml": WWW.format(ttl=600), "other.yaml": WWW.format(ttl=300).replace("www", "other")})
        service.step(Bell())
        proposal, _ = service.step(Bell())
        assert proposal.plan.actions == ()
        commit(tmp_path, {"other.yaml": None})
        proposal, _ = service.step(Bell())
        assert [(str(a.verb), a.ref) for a in proposal.plan.actions] == [("delete", "DNSRecord/team/other")]


def test_what_somebody_else_has_put_right_has_not_failed_any_more(tmp_path):
    commit(tmp_path, {"vo.yaml": VO, "names.yaml": WWW.format(ttl=300)})
    with looping(tmp_path) as loop:
        loop.settle()
        for _ in range(3):
            loop.service.rounds.queue.failed([Ref("DNSRecord/team/www")])
        for _ in range(5):
            loop.rest()
            loop.settle()
        assert loop.service.rounds.queue.failing == frozenset()


def test_an_approval_lets_through_as_many_as_it_says_in_all_rounds_together(tmp_path):
    names = {f"w{n}.yaml": WWW.format(ttl=300).replace("www", f"www{n}") for n in range(10)}
    commit(tmp_path, {"vo.yaml": VO, **names})
    (tmp_path / "hanse.toml").write_text("[limits.deletes]\nabsolute = 5\n")
    approval = APPROVAL.format(expires=f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}")
    with looping(tmp_path) as loop:
        loop.settle()
        commit(tmp_path, {**dict.fromkeys(names), "approval.yaml": approval})
        for _ in range(6):
            loop.settle()
            loop.rest()
        entries = loop.service.house.store.inventory.entries()
        assert sum(ref.kind == "DNSRecord" for ref in entries) == 7
