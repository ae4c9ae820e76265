"""apply: progress, questions, blocks, the lease."""

import json
import os
import pty
import select
import subprocess
import sys
import time

import pytest

from reconciler.cli.house import now
from reconciler.daemon import lease
from reconciler.records.store import open_store
from tests.cli.conftest import environment, record
from tests.real.waiting import PATIENCE


def test_one_line_for_each_outcome_and_a_sum(federation):
    said = federation.hanse("apply")
    assert said.code == 0
    assert "  done     create  VO/vo.example.org" in said.out
    assert said.out.splitlines()[-1] == "Applied: 2 created"
    assert "\x1b" not in said.out


def test_one_call_after_the_other_gives_the_same(federation):
    assert federation.hanse("apply", "--serial").code == 0
    assert federation.hanse("plan").code == 0


def test_an_apply_as_data(federation):
    found = json.loads(federation.hanse("apply", "-o", "json").out)
    assert [(o["verb"], o["state"]) for o in found["outcomes"]] == [("create", "done")] * 2
    assert found["run"]


def test_nothing_to_do_is_done(applied):
    said = applied.hanse("apply")
    assert (said.code, said.out) == (0, "Plan: nothing to do; 2 unchanged.\n")


@pytest.fixture
def crowded(federation):
    """Twelve names applied, then all but one taken out of git."""
    for number in range(12):
        federation.write(f"manifests/n{number}.yaml", record(f"n{number}", last=number + 100))
    federation.commit()
    assert federation.hanse("apply").code == 0
    for number in range(12):
        (federation.root / f"manifests/n{number}.yaml").unlink()
    federation.commit("away")
    return federation


def test_too_many_deletes_are_blocked_until_an_approval_is_committed(crowded):
    plan = crowded.hanse("plan")
    assert plan.code == 3
    assert "hanse approve --action delete --kind DNSRecord --target dns:fed.example.org. --at-most 12" in plan.out
    assert crowded.hanse("apply").code == 3
    command = ["approve", "--kind", "DNSRecord", "--target", "dns:fed.example.org.", "--at-most", "12"]
    said = crowded.hanse(*command, "--expires", "2h", "--reason", "it's over", "--by", "maria@example.org")
    assert said.code == 0, said.err
    assert "git -C" in said.err
    assert crowded.hanse("plan").code == 3
    crowded.commit("approve")
    done = crowded.hanse("apply")
    assert done.code == 0, done.out + done.err
    assert "12 deleted" in done.out


def test_a_target_that_cannot_be_read_is_an_error_and_the_rest_is_done(federation):
    federation.write(
        "hanse.toml", '[targets."dns:*"]\ndriver = "rfc2136"\nserver = "127.0.0.1"\nport = 1\ntimeout = 0.2\n'
    )
    said = federation.hanse("apply")
    assert said.code == 1
    assert "TargetUnreachable" in said.out
    assert "done     create  VO/vo.example.org" in said.out
    assert federation.hanse("plan").code == 2


def test_only_one_may_apply_at_a_time(federation):
    url = f"sqlite:///{federation.root}/.hanse/hanse.db"
    with open_store(url, now) as store:
        token = store.lease.acquire(lease.NAME, "maria@elsewhere, process 7", 60)
        said = federation.hanse("apply")
        store.lease.release(lease.NAME, token)
    assert said.code == 1
    assert "maria@elsewhere, process 7 holds the lease" in said.err
    assert federation.hanse("apply").code == 0


def test_the_lease_of_a_process_that_was_killed_is_taken_over(federation):
    with open_store(f"sqlite:///{federation.root}/.hanse/hanse.db", now) as store:
        store.lease.acquire(lease.NAME, f"{lease.who()}, process 4194305", 3600)
    assert federation.hanse("apply").code == 0


def talk(federation, answer: str, *arguments: str, **variables: str) -> tuple[int, str]:
    """Run a command on a pseudo-terminal, answer its question; its code and all it wrote."""
    ours, theirs = pty.openpty()
    plain = {name: value for name, value in environment(TERM="xterm", COLUMNS="120").items() if name != "NO_COLOR"}
    command = [sys.executable, "-c", "import sys; from reconciler.cli import main; sys.exit(main())"]
    process = subprocess.Popen(
        [*command, "-C", str(federation.root), *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**plain, **variables},
    )
    os.close(theirs)
    said, deadline = b"", time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if not select.select([ours], [], [], 0.1)[0]:
            continue
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        said += piece
        if b"[y/N]" in piece:
            os.write(ours, f"{answer}\n".encode())
    os.close(ours)
    return process.wait(PATIENCE), said.decode()


def test_on_a_terminal_it_asks_and_no_means_no(federation):
    code, said = talk(federation, "n", "apply")
    assert (code, "Do 2 actions?" in said, "nothing was done" in said) == (0, True, True)
    assert federation.hanse("plan").code == 2


def test_on_a_terminal_it_asks_in_colour_and_yes_means_yes(federation):
    code, said = talk(federation, "y", "apply")
    assert code == 0, said
    assert "\x1b[32m" in said
    assert "Applied: 2 created" in said
    assert federation.hanse("plan").code == 0


def test_no_colour_means_no_colour(federation):
    code, said = talk(federation, "", "apply", "--yes", NO_COLOR="1")
    assert code == 0, said
    assert "\x1b[3" not in said
    assert "Do 2 actions?" not in said
