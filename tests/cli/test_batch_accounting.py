"""meter --jobs: a month of jobs read from the Slurm of a site over SSH, whole, again and again."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from reconciler.batchjobs import read_month
from reconciler.errors import Transient
from reconciler.kinds.site import SiteSpec
from reconciler.model.job import JobUse
from reconciler.records.store import open_store
from tests.real.slurm import SlurmServer, slurm  # noqa: F401 (a fixture)
from tests.real.sshd import admitting

NOW = datetime(2026, 11, 21, tzinfo=UTC)
MONTH = f"{datetime.now(UTC):%Y-%m}"
SITE = """\
apiVersion: hanse/v1
kind: Site
metadata: {name: BAY}
spec:
  country: ES
  extensions: [{key: BenchmarkType, value: hepscore23}, {key: Benchmark, value: "12.5"}]
  batch:
    - {name: main, type: slurm}
    - {name: other, type: slurm}
    - {name: condor, type: htcondor}
"""


def test_a_real_slurm_is_read_and_reported(federation, slurm: SlurmServer, tmp_path):  # noqa: F811
    out = ["-o", str(slurm.root / "metered")]
    slurm.run("sbatch", "-A", "waves", *out, "--wait", "--wrap", "sleep 1")
    asked = ("sacct", "--allusers", "--starttime", "now-1hours", "-X", "-n", "-o", "State")
    slurm.wait(lambda: "RUNNING" not in slurm.run(*asked) and "COMPLETED" in slurm.run(*asked))
    federation.write("manifests/bay.yaml", SITE)
    federation.commit()
    (tmp_path / "sshd").mkdir()
    with admitting(tmp_path / "sshd", SLURM_CONF=f"{slurm.root}/slurm.conf") as server:
        federation.write(
            "hanse.toml",
            f'[targets."batch:BAY/main"]\naddress = "127.0.0.1"\nport = {server.port}\nprivate_key = "{server.key}"\n'
            'accounts = { waves = "vo.waves.example.org" }\n',
        )
        first = federation.hanse("meter", "--jobs")
        again = federation.hanse("meter", "--jobs", "-o", "json")
    assert (first.code, again.code) == (0, 0), first.err
    (count,) = json.loads(again.out)["jobs"].values()
    assert first.out == f"BAY/main: {count:,} jobs of {MONTH}\n"
    assert first.err == 'BAY/other: not read: address in [targets."batch:BAY/other"] says how it is reached\n'
    rows = json.loads(federation.hanse("report", "usage", "--by", "vo", "-o", "json").out)
    told = {row["vo"]: row["count"] for row in rows if row["kind"] == "job"}
    assert told["vo.waves.example.org"] >= 1
    assert sum(told.values()) == count


class Batches:
    """Batch systems by target: jobs, or what they answer instead."""

    def __init__(self, **jobs: list[JobUse] | Exception) -> None:
        self.jobs = jobs

    def options(self, target: str, driver: str):
        return driver, {"address": "x"}

    def batch(self, target):
        return Answer(self.jobs[target.id.rpartition("/")[2]])


class Answer:
    def __init__(self, jobs) -> None:
        self.jobs = jobs

    def accounted(self, start, end):
        if isinstance(self.jobs, Exception):
            raise self.jobs
        return [job for job in self.jobs if start <= job.end < end]


def job(number: int, cluster: str = "tests", day: int = 5) -> JobUse:
    start = datetime(2026, 10, day, tzinfo=UTC)
    return JobUse(
        cluster, str(number), "ada", "waves", "main", "COMPLETED", start, start.replace(hour=2), 7200, 7000, 1, 1
    )


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: NOW) as opened:
        yield opened


def site(*names: str) -> dict[str, SiteSpec]:
    told = {"batch": [{"name": name, "type": "slurm"} for name in names]}
    return {"BAY": SiteSpec.model_validate(told, strict=False)}


def records(store) -> list[str]:
    return [one.record for one in store.usage.month("2026-10")]


def test_a_month_is_replaced_whole_and_a_cluster_that_does_not_answer_keeps_its_own(store):
    bay = site("a", "b")
    found = read_month(store, Batches(a=[job(1), job(2)], b=[job(3, "b")]), bay, "2026-10", NOW)
    assert found.jobs == {"BAY/a": 2, "BAY/b": 1}
    found = read_month(store, Batches(a=[job(2)], b=Transient("no answer")), bay, "2026-10", NOW)
    assert (found.jobs, found.unread) == ({"BAY/a": 1}, {"BAY/b": "no answer"})
    assert [one.split("/")[1] for one in records(store)] == ["3", "2"]


def test_one_that_tells_of_no_job_takes_nothing_away(store):
    read_month(store, Batches(a=[job(1)]), site("a"), "2026-10", NOW)
    assert read_month(store, Batches(a=[]), site("a"), "2026-10", NOW).jobs == {"BAY/a": 0}
    assert len(records(store)) == 1


def test_two_of_a_site_that_have_the_same_name_are_not_mixed(store):
    found = read_month(store, Batches(a=[job(1)], b=[job(2)]), site("a", "b"), "2026-10", NOW)
    assert found.jobs == {"BAY/a": 1}
    assert "another batch system of BAY is called tests too" in found.unread["BAY/b"]


def test_a_month_goes_with_jobs(federation):
    said = federation.hanse("meter", "--month", "2026-10")
    assert (said.code != 0, "--month goes with --jobs" in said.err) == (True, True)
