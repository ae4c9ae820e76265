"""What Slurm prints, read: an answer of the real one, and the words and numbers that others of its versions use."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.drivers.slurm import open as opened
from reconciler.drivers.slurm.controller import parsed
from reconciler.drivers.slurm.fields import gpus, number, words
from reconciler.drivers.slurm.hostlist import expand
from reconciler.drivers.slurm.nodes import state_of
from reconciler.errors import SettingsError, Terminal, Transient
from reconciler.model import Target

ANSWER = (Path(__file__).parent / "answers" / "slurm-22.05.txt").read_bytes()
NOW = 1_795_000_000


def said(jobs=(), nodes=(), now: int = NOW, **more) -> bytes:
    parts = (str(now), json.dumps({"jobs": jobs, "errors": [], **more}), json.dumps({"nodes": nodes, "errors": []}))
    return "\x1e".join(parts).encode()


def job(**more) -> dict:
    plain = {"job_id": 7, "job_state": "PENDING", "partition": "main", "priority": 10, "submit_time": NOW - 60}
    return {**plain, "state_reason": "Resources", "cpus": 1, "node_count": 1, **more}


def node(**more) -> dict:
    return {"name": "w0", "state": "idle", "state_flags": [], "partitions": ["main"], "cpus": 4, **more}


def one(**more):
    queue = parsed(said([job(**more)]))
    assert queue.complete
    return queue.jobs[0]


def test_an_answer_of_the_real_slurm_is_read_whole() -> None:
    queue = parsed(ANSWER)
    assert queue.complete
    jobs = {job.id: job for job in queue.jobs}
    assert {name: j.state for name, j in jobs.items() if "_" not in name} == {
        "9": "running", "12": "held", "13": "held", "14": "held", "15": "queued",
    }  # fmt: skip
    assert (jobs["9"].on, jobs["9"].ends_by, jobs["10_0"].ends_by) == (
        ("w0",), None, datetime(2026, 11, 21, 15, 46, 58, tzinfo=UTC),
    )  # fmt: skip
    assert (jobs["15"].nodes, jobs["15"].cpus, jobs["15"].memory_mib_per_cpu) == (12, 12, 100)
    tasks = [jobs[f"11_{n}"] for n in (1, 3, 7, 8, 9, 10, 11, 12)]
    assert {(t.cpus, t.nodes, t.memory_mib, t.exclusive, t.state) for t in tasks} == {(3, 1, 512, True, "queued")}
    assert [jobs[f"10_{n}"].state for n in range(6)] == ["running", "queued", "held", "held", "held", "held"]
    first, second = queue.nodes
    assert (first.state, first.cpus, first.memory_mib, first.jobs) == ("busy", 1, 1000, ("9",))
    assert (second.state, second.reason) == ("draining", "hanse: to be taken away")
    assert second.reason_since is not None
    assert second.idle_since is None


def test_numbers_of_newer_versions_are_read() -> None:
    found = one(
        job_state=["PENDING"],
        priority={"set": True, "infinite": False, "number": 3},
        memory_per_node={"set": True, "infinite": False, "number": 2048},
        memory_per_cpu={"set": False, "infinite": False, "number": 0},
        array_task_id={"set": False, "infinite": False, "number": 0},
        tres_per_node="gres/gpu=2",
    )
    assert (found.state, found.priority, found.memory_mib, found.memory_mib_per_cpu, found.gpus) == (
        "queued", 3, 2048, 0, 2,
    )  # fmt: skip
    assert number({"set": True, "infinite": True, "number": 5}) == 0
    assert number(4294967294) == 0


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ({"state_reason": "JobHeldUser", "priority": 0}, "held"),
        ({"state_reason": "Dependency"}, "held"),
        ({"state_reason": "AssocGrpCpuLimit"}, "held"),
        ({"state_reason": "SomethingNew"}, "held"),
        ({"state_reason": "None", "eligible_time": NOW + 3600}, "held"),
        ({"state_reason": "Priority"}, "queued"),
        ({"state_reason": "PartitionConfig"}, "queued"),
        ({"job_state": "CONFIGURING", "nodes": "w0"}, "running"),
        ({"job_state": ["RUNNING", "COMPLETING"], "nodes": "w0"}, "completing"),
    ],
)
def test_a_job_is_held_when_no_node_would_make_it_start(given, state) -> None:
    assert one(**given).state == state


def test_twelve_nodes_are_twelve() -> None:
    assert one(tres_req_str="cpu=48,mem=96G,node=12,billing=48", node_count=12).nodes == 12


def test_jobs_that_are_over_are_left_out_and_unknown_ones_make_it_incomplete() -> None:
    assert parsed(said([job(job_state="COMPLETED"), job(job_state="TIMEOUT")])).jobs == ()
    assert not parsed(said([job(job_state="TELEPORTING")])).complete
    assert not parsed(said(nodes=[node(state="sideways")])).complete
    assert not parsed(said([{"job_id": 7}])).complete


@pytest.mark.parametrize("answer", [b"", b"12\x1e{}", b"12\x1e{\x1e{}", said(errors=[{"error": "no such plugin"}])])
def test_half_an_answer_is_none(answer) -> None:
    with pytest.raises(Transient, match="not understood"):
        parsed(answer)


@pytest.mark.parametrize(
    ("text", "occupied", "state"),
    [
        ("IDLE", False, "idle"),
        ("idle+cloud", False, "idle"),
        ("IDLE+CLOUD+POWERED_DOWN", False, "off"),
        ("IDLE+CLOUD+POWERING_DOWN", False, "stopping"),
        ("ALLOCATED+CLOUD+POWERING_UP", True, "booting"),
        ("ALLOCATED#", True, "busy"),
        ("MIXED+DRAIN", True, "draining"),
        ("IDLE+DRAIN", False, "drained"),
        ("IDLE+DRAIN", True, "draining"),
        ("DOWN*", False, "down"),
        ("DOWN*+DRAIN", False, "down"),
        ("IDLE*", False, "down"),
        ("IDLE+COMPLETING", False, "busy"),
        ("UNKNOWN", False, "booting"),
        ("FUTURE", False, "off"),
        ("IDLE+MAINTENANCE", False, "drained"),
        ("IDLE+DYNAMIC_NORM", True, "busy"),
    ],
)
def test_states_are_read_with_their_suffixes_and_flags(text, occupied, state) -> None:
    assert state_of(words(text), occupied=occupied) == state
    base, _, flags = text.partition("+")
    assert state_of(words(base, flags.split("+")), occupied=occupied) == state


def test_a_node_is_idle_since_its_last_job() -> None:
    (idle,) = parsed(said(nodes=[node(last_busy=NOW - 40, slurmd_start_time=NOW - 90, real_memory=7900)])).nodes
    assert (idle.idle_since, idle.memory_mib) == (datetime.fromtimestamp(NOW - 40, UTC), 7900)
    (busy,) = parsed(said(nodes=[node(last_busy=NOW - 40, alloc_cpus=2)])).nodes
    assert (busy.state, busy.idle_since) == ("busy", None)


def test_gpus_are_counted() -> None:
    assert [gpus(t) for t in ("gpu:2(S:0-1)", "gres:gpu:a100:4", "gres/gpu:1", "cpu=4,gres/gpu=3", "", None)] == [
        2, 4, 1, 3, 0, 0,
    ]  # fmt: skip


def test_host_lists_are_spelled_out() -> None:
    assert expand("w[0-2,07-09],front,r[1-2]n[0-1]") == (
        "w0", "w1", "w2", "w07", "w08", "w09", "front", "r1n0", "r1n1", "r2n0", "r2n1",
    )  # fmt: skip
    assert expand("") == ()
    with pytest.raises(ValueError, match="too many"):
        expand("w[0-99999999]")


def batch(**more):
    return opened(Target("batch:tides/hpc", "slurm", {"address": "127.0.0.1", **more}))


def test_names_and_reasons_that_are_none_never_reach_a_shell() -> None:
    for name in ("w0;reboot", "$(id)", "w0 w1", "", "-w"):
        with pytest.raises(Terminal, match="no node's name"):
            batch().forget([name])
    with pytest.raises(Terminal, match="does not begin with"):
        batch().drain(["w0"], "because")


def test_options_are_checked() -> None:
    with pytest.raises(SettingsError, match="slurm.address"):
        opened(Target("batch:tides/hpc", "slurm", {"address": "127.0.0.1;id"}))


def test_a_front_end_that_does_not_answer_is_said_so(tmp_path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    with pytest.raises(Transient, match="refused"):
        batch(port=9, private_key=str(key)).queue()
