"""The watchdog: a round that stands still is told with what every thread does, and systemd is not fed any more."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from reconciler import logs
from reconciler.daemon.systemd import Systemd
from reconciler.daemon.watchdog import Pulse, Watchdog
from tests.cli.conftest import environment
from tests.house import commit
from tests.real.waiting import PATIENCE


@pytest.fixture(params=["a path", "an abstract name"])
def notified(request, tmp_path: Path):
    """What systemd would have: a datagram socket, and its name as NOTIFY_SOCKET has it."""
    name = str(tmp_path / "notify") if request.param == "a path" else f"@hanse-{os.getpid()}-{time.monotonic_ns()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind("\0" + name[1:] if name.startswith("@") else name)
        server.settimeout(PATIENCE)
        yield name, lambda: server.recv(4096).decode()


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_systemd_is_fed_while_rounds_move_and_between_them_and_not_when_one_stands_still(notified, capsys):
    logs.configure("info", {})
    name, told = notified
    clock = Clock()
    progress = Pulse(clock)
    watchdog = Watchdog(progress, 60, Systemd.of({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "90000000"}))
    clock.now = 1000
    watchdog.look()
    with progress.round():
        clock.now += 59
        watchdog.look()
        progress.move()
        clock.now += 61
        watchdog.look()
        watchdog.look()
        assert watchdog.stalled
        progress.move()
        watchdog.look()
    said = [told() for _ in range(4)]
    assert said == ["WATCHDOG=1", "WATCHDOG=1", "STATUS=the round has stood still for 61 s", "WATCHDOG=1"]
    assert not watchdog.stalled
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["message"] for line in lines] == ["the round stands still", "the round moves again"]
    (main,) = (stack for thread, stack in lines[0]["threads"].items() if thread.startswith("MainThread"))
    assert "test_systemd_is_fed" in main


def test_without_a_socket_nothing_is_told_and_one_that_is_gone_stops_nothing(tmp_path, capsys):
    logs.configure("info", {})
    Systemd.of({}).ready()
    Systemd.of({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()
    assert json.loads(capsys.readouterr().err)["message"] == "systemd was not told"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ({"WATCHDOG_USEC": "5000000"}, 5.0),
        ({"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "7"}, 5.0),
        ({"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "8"}, 0.0),
        ({"WATCHDOG_USEC": "soon"}, 0.0),
    ],
)
def test_only_a_watchdog_that_is_meant_for_this_process_counts(said, seconds):
    assert Systemd.of(said, pid=7).patience == seconds


def test_it_is_told_once_that_it_stops(notified):
    name, told = notified
    ended, stopping = threading.Event(), threading.Event()
    watchdog = Watchdog(Pulse(), 0.2, Systemd(name))
    thread = threading.Thread(target=watchdog.keep, args=(ended, stopping.is_set))
    thread.start()
    stopping.set()
    assert told() == "STOPPING=1"
    ended.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_a_service_says_that_it_is_ready_lives_and_stops(notified, tmp_path):
    name, told = notified
    root = tmp_path / "fed"
    commit(root, {"vo.yaml": "apiVersion: hanse/v1\nkind: VO\nmetadata: {name: vo.example.org}\nspec: {}\n"})
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler.cli", "-C", str(root), "run", "--standby"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**environment(), "NOTIFY_SOCKET": name, "WATCHDOG_USEC": "2000000"},
        start_new_session=True,
    )
    try:
        said = [told()]
        while "WATCHDOG=1" not in said or "STATUS=leads" not in said:
            said.append(told())
        process.send_signal(signal.SIGTERM)
        while said[-1] != "STOPPING=1":
            said.append(told())
        assert process.wait(PATIENCE) == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert said[0] == "READY=1"
    assert "STATUS=stands by" in said
