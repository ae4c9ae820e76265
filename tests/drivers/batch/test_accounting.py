"""Jobs that are over, as sacct tells them: its text, its JSON, what is not understood, and a real Slurm."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from reconciler import metering
from reconciler.drivers.slurm.accounting import FIELDS, parsed
from reconciler.errors import Terminal
from reconciler.exchange.apel import JOB, batches, read
from reconciler.exchange.apel.accounts import Naming, job_record
from tests.real.slurm import SlurmServer, slurm  # noqa: F401 (a fixture)

START = 1790812800
ROW = f"7|slurm|ada|waves|main|COMPLETED|{START}|{START + 7200}|7200|00:00:00|03:30:00|4|2||cpu=4,gres/gpu=2"


def rows(*lines: str) -> str:
    return "\n".join([FIELDS.replace(",", "|"), *lines]) + "\n"


def row(**fields: str) -> str:
    names, values = FIELDS.split(","), ROW.split("|")
    return "|".join(fields.get(name, value) for name, value in zip(names, values, strict=True))


def test_a_job_is_told_with_what_its_steps_used():
    text = rows(
        ROW, row(JobIDRaw="7.batch", User="", TotalCPU="03:30:00", MaxRSS="2G"), row(JobIDRaw="7.0", MaxRSS="1500M")
    )
    (job,) = parsed(text)
    assert (job.id, job.user, job.account, job.cpus, job.nodes, job.gpus) == ("7", "ada", "waves", 4, 2, 2)
    assert (job.start, job.end) == (datetime.fromtimestamp(START, UTC), datetime.fromtimestamp(START + 7200, UTC))
    assert (job.wall_seconds, job.memory_mib, job.state) == (7200, 2048, "COMPLETED")
    assert job.cpu_seconds == 2 * 3.5 * 3600


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("1-02:03:04", 93784), ("02:03:04", 7384), ("03:04.6", 185), ("00:00.898", 1), ("00:00:00", 0), ("", 0)],
)
def test_times_are_told_in_several_ways(said, seconds):
    assert parsed(rows(row(TotalCPU=said)))[0].cpu_seconds == seconds


@pytest.mark.parametrize("state", ["RUNNING", "PENDING", "SUSPENDED", "REQUEUED", "RESIZING"])
def test_jobs_that_are_not_over_are_left_out(state):
    assert parsed(rows(row(State=state, End="Unknown"))) == ()


def test_jobs_that_never_began_are_left_out():
    assert parsed(rows(row(State="CANCELLED by 0", Start="Unknown"))) == ()


def test_a_job_that_somebody_ended_counts():
    assert parsed(rows(row(State="CANCELLED by 1000")))[0].state == "CANCELLED"


def test_both_runs_of_a_job_that_was_requeued_count():
    twice = parsed(rows(ROW, row(State="NODE_FAIL", Start=str(START - 9), End=str(START - 1), ElapsedRaw="8")))
    records = metering.of_jobs(twice, "BAY", datetime(2027, 1, 1, tzinfo=UTC), {})
    assert sorted(len(found) for found in records.values()) == [1, 1]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("JobIDRaw|State\n", "lacks Account, AllocCPUS"),
        (rows("7|slurm"), "line 2 of sacct has 2 fields"),
        (rows(ROW, row(AllocCPUS="four")), "line 3 of sacct is not understood"),
        (rows(row(TotalCPU="long")), "'long' is no time"),
        (rows(row(MaxRSS="big")), "'big' is no size"),
        ("{", "JSON is not understood"),
        ('{"jobs": [], "errors": [{"error": "no slurmdbd"}]}', "sacct: no slurmdbd"),
        ('{"jobs": [{"job_id": 5}]}', "job 5 of sacct is not understood"),
    ],
)
def test_what_is_not_understood_is_told_with_its_place(text, why):
    with pytest.raises(Terminal, match=why):
        parsed(text)


def test_newer_json_tells_numbers_apart_from_what_is_unset():
    time = {"start": START, "end": START + 60, "elapsed": 60, "total": {"seconds": 30, "microseconds": 600000}}
    given = {"job_id": 9, "cluster": "c", "user": "ada", "account": "waves", "partition": "main"}
    given |= {"state": {"current": ["TIMEOUT"]}, "time": time, "required": {"CPUs": 2}, "steps": []}
    given |= {
        "tres": {"allocated": [{"type": "cpu", "name": "", "count": 2}, {"type": "gres", "name": "gpu", "count": 1}]}
    }
    (job,) = parsed(json.dumps({"jobs": [given], "errors": []}))
    assert (job.cpu_seconds, job.cpus, job.gpus, job.nodes, job.state) == (31, 2, 1, 1, "TIMEOUT")


def test_jobs_of_a_real_slurm_become_records_that_apel_takes(slurm: SlurmServer):  # noqa: F811
    busy = "import time; until = time.process_time() + 1.2\nwhile time.process_time() < until: pass"
    (slurm.root / "busy.sh").write_text(f"#!/bin/sh\nexec python3 -c '{busy}'\n")
    out = ["-o", str(slurm.root / "out")]
    slurm.run("sbatch", "-A", "waves", "-n", "2", *out, "--wait", "busy.sh")
    slurm.run("sbatch", "-A", "tides", "-a", "0-1", *out, "--wait", "--wrap", "sleep 1")
    asked = ["sacct", "--allusers", "--duplicates"]
    slurm.wait(lambda: slurm.run(*asked, "-X", "-n", "-o", "State").split() == ["COMPLETED"] * 3)
    told = parsed(slurm.run(*asked, "--parsable2", "-o", FIELDS, SLURM_TIME_FORMAT="%s"))
    assert sorted((job.account, job.cpus, job.user) for job in told) == [
        ("tides", 1, "root"),
        ("tides", 1, "root"),
        ("waves", 2, "root"),
    ]
    work = next(job for job in told if job.account == "waves")
    assert 1 <= work.cpu_seconds <= work.wall_seconds * 2
    assert work.memory_mib > 0
    assert sorted(parsed(slurm.run(*asked, "--json")), key=lambda job: job.id) == sorted(told, key=lambda job: job.id)
    now = datetime.now(UTC)
    records = metering.of_jobs(told, "BAY", now, {"waves": "vo.waves"}, ("hepspec", 10.0))
    naming = Naming("BAY", {}, {}, {})
    jobs = [job_record(use, naming) for found in records.values() for use in found]
    (text,) = batches(JOB, jobs, now).messages
    assert sorted({record["VO"] for record in read(text, now).records}) == ["tides", "vo.waves"]
