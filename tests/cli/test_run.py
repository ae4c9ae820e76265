"""``hanse run``: one at a time, at once when a branch moves, and an orderly end."""

import json
import signal

import pytest

from reconciler.cli.house import now
from reconciler.records.store import open_store
from tests.cli.conftest import Log, record
from tests.real.waiting import PATIENCE, until


def first_round(federation) -> None:
    """Wait until the loop has done its first one."""
    until("the first round", federation.runs, lambda runs: [state for state, _ in runs] == ["done"])


def made_one(federation) -> None:
    """Wait for a round that makes one thing."""
    created = lambda runs: ("done", 1) in [(state, counts.get("create")) for state, counts in runs]  # noqa: E731
    until("a round that makes one thing", federation.runs, created)


@pytest.fixture
def running(federation):
    """The loop in a process of its own, with an interval so long that only events wake it."""
    process = federation.start("run", "--interval", "3600")
    first_round(federation)
    return process


def test_a_commit_is_reconciled_at_once(federation, running):
    federation.write("manifests/new.yaml", record("new", last=20))
    federation.commit()
    made_one(federation)


def test_a_second_run_and_an_apply_are_refused_with_the_holder(federation, running):
    second = federation.start("run")
    _, err = second.communicate(timeout=PATIENCE)
    assert second.returncode == 1
    assert f"process {running.pid} holds the lease" in err
    assert federation.hanse("apply").code == 1
    assert federation.hanse("plan").code == 0
    assert f"process {running.pid} is at work" in federation.hanse("status").out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(federation, running, number):
    running.send_signal(number)
    _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, err
    lines = [json.loads(line) for line in err.splitlines()]
    assert lines[-1]["message"] == "stopped"
    done = [line["resource"] for line in lines if line["message"] == "done"]
    assert sorted(done) == ["DNSRecord/vo.example.org/www", "VO/vo.example.org"]
    assert all({"commit", "plan"} <= line.keys() for line in lines if line["message"] == "done")
    assert federation.hanse("apply").code == 0


def test_after_a_kill_the_next_one_takes_over(federation, running):
    running.kill()
    running.communicate()
    assert federation.hanse("apply").code == 0


def test_one_round(federation):
    process = federation.start("run", "--once")
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert [state for state, _ in federation.runs()] == ["done"]


PROBE = """\
apiVersion: hanse/v1
kind: Probe
metadata:
  name: page
  namespace: vo.example.org
spec:
  target:
    url: http://127.0.0.1:1/
  plugin: check_http
  arguments: [-I, 127.0.0.1, -p, "1"]
  interval: 60
  attempts: 1
"""


def probed(federation) -> list[str]:
    with open_store(f"sqlite:///{federation.root}/.hanse/hanse.db", now) as store:
        return [state.hard_status for state in store.probes.states().values()]


def test_probes_run_once_they_are_applied(federation, running):
    federation.write("manifests/probe.yaml", PROBE)
    federation.commit()
    assert until("a result", lambda: probed(federation))[0] in (
        "CRITICAL",
        "UNKNOWN",
    )  # nobody listens there; UNKNOWN without the plugin


def test_one_round_runs_the_probes_too(federation):
    federation.write("manifests/probe.yaml", PROBE)
    federation.commit()
    process = federation.start("run", "--once")
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert probed(federation)[0] in ("CRITICAL", "UNKNOWN")


def test_a_broken_commit_changes_nothing_and_the_loop_lives(federation, running):
    log = Log(running)
    federation.write("manifests/new.yaml", "kind: Nix\n")
    federation.commit()
    assert log.first("not reconciled")
    assert len(federation.runs()) == 1
    federation.write("manifests/new.yaml", record("new", last=20))
    federation.commit()
    made_one(federation)
    log.end()
    assert running.returncode == 0


def test_a_working_tree_is_watched(federation):
    process = federation.start("run", "--worktree", "--interval", "3600")
    first_round(federation)
    federation.write("manifests/www.yaml", record("www", ttl=600))
    until("a second round", federation.runs, lambda runs: [state for state, _ in runs][-2:] == ["done", "done"])
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
