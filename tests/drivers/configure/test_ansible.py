"""Playbook runs by Ansible on real hosts: what they say, what they never write down, and what survives kill -9."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.drivers.ansible import leftovers
from reconciler.drivers.ansible.redact import Redactor
from reconciler.drivers.ansible.runs import SEEN_SECONDS, is_alive
from reconciler.drivers.sshkey import own_key
from reconciler.errors import SettingsError, Terminal, Transient
from reconciler.ports import Host, RunRequest
from tests.drivers.configure.conftest import finished
from tests.real.waiting import until

needs_root = pytest.mark.root

HALVES = ("5f2e9a41c07b", "d1c0e83b56af")
"""So long that nothing else on the machine has them by chance."""
CANARY = f"canary-\"{HALVES[0]}\"-'{HALVES[1]}' {{{{ 6 * 7 }}}} $HOME"
"""Holds what JSON, shells, Python and templates treat in ways of their own."""
NEEDLES = (*HALVES, base64.b64encode(CANARY.encode()).decode()[:16])


def run(client, request: RunRequest):
    return finished(client, client.start(request))


def on(host: Host, world, command: str) -> str:
    options = ["-F", "/dev/null", "-i", str(own_key(world.options.state)), "-o", "BatchMode=yes"]
    options += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
    options += ["-o", "ConnectionAttempts=50"]
    done = subprocess.run(
        ["ssh", *options, f"root@{host.address}", command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def sleeping(client, request: RunRequest) -> str:
    """A run whose ``sleep`` has begun on the hosts, as far as this machine can see: ssh is connected."""
    handle = client.start(request)
    until(
        "ssh is connected",
        lambda: any(b"ssh: " in _command(pid) or b"/cp/" in _command(pid) for pid in leftovers.processes(handle)),
    )
    return handle


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


# -- what arrives on the hosts ----------------------------------------------------------------------------------------


@needs_root
def test_variables_arrive_typed_and_nothing_in_them_is_a_template(runs, hosts, world) -> None:
    given = {
        "number": 8080,
        "text": "{{ lookup('pipe', 'touch /tmp/hanse-pwned') }}",
        "list": ["{% raw %}", "8080", True, None, 1.5],
        "nested": {"key": "{{ 6 * 7 }}", "{{ key }}": "æ€"},
    }
    own = "{{ 6 * 7 }}"
    host = replace(hosts[0], variables={"own": own})
    ended = run(runs(), RunRequest("write.yml", [host], {"given": given}))
    assert ended.state == "successful", ended
    assert json.loads(on(host, world, "cat /root/given.json")) == {"given": given, "own": own, "type": "int"}
    assert not Path("/tmp/hanse-pwned").exists()


@needs_root
def test_a_host_with_a_new_key_at_an_old_address_is_accepted(runs, hosts, world) -> None:
    client = runs()
    request = RunRequest("wait.yml", hosts[:1], {"seconds": 0})
    assert run(client, request).state == "successful"
    world.stop(next(n.id for n in world.nodes().nodes if n.name == hosts[0].name))
    upper = world.directory / "nodes" / hosts[0].name / "upper"
    (upper / "etc/ssh/ssh_host_ed25519_key").unlink()
    (upper / "etc/ssh/ssh_host_ed25519_key.pub").unlink()
    world.power_on(next(n.id for n in world.nodes().nodes if n.name == hosts[0].name))
    until("it answers", lambda: client.reachable(hosts[:1]), lambda faults: not any(faults.values()))
    assert run(client, request).state == "successful"


# -- secrets ----------------------------------------------------------------------------------------------------------


class Watch(threading.Thread):
    """Looks for the canary in every file of a folder and of memory, and in every command line, as long as it lasts."""

    def __init__(self, *folders: Path) -> None:
        super().__init__(daemon=True)
        self.folders = folders
        self.found: set[str] = set()
        self.passing: set[str] = set()
        self.seen: set[str] = set()
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.is_set():
            self.look()

    def look(self) -> None:
        for folder in self.folders:
            for place, _, files in os.walk(folder):
                for name in files:
                    self.check(Path(place, name))
        for entry in os.scandir("/proc"):
            if entry.name.isdecimal():
                self.check(Path(entry.path, "cmdline"))
                self.check(Path(entry.path, "environ"))

    def check(self, file: Path) -> None:
        if file == Path(f"/proc/{os.getpid()}/environ"):
            return
        try:
            content = file.read_bytes()
        except OSError:
            return
        self.seen.add(file.name)
        if any(needle.encode() in content for needle in NEEDLES):
            # Ansible hands a file's content to its copy action in a file: it lies in memory and goes with the run.
            (self.passing if str(file).startswith("/dev/shm/hanse-") else self.found).add(f"{file}: {content[:2000]!r}")

    def __enter__(self) -> Watch:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.join()
        self.passing.clear()
        self.look()


@needs_root
def test_a_secret_is_in_no_file_no_command_line_and_no_environment(runs, hosts, world, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", CANARY)
    client = runs()
    request = RunRequest(
        "secret.yml", hosts[:2], {"service": {"password": "{{ the_password }}"}}, {"the_password": CANARY}
    )
    with Watch(tmp_path, Path("/dev/shm")) as watch:
        ended = run(client, request)
    assert ended.state == "successful", ended
    assert on(hosts[0], world, "cat /root/secret") == CANARY
    assert watch.found == set()
    assert watch.passing == set(), "it was left behind"
    assert {"variables.json", "output.log", "command"} <= watch.seen, "the watch looked elsewhere"


@needs_root
def test_a_careless_playbook_does_not_get_a_secret_into_files_or_messages(runs, hosts, tmp_path) -> None:
    client = runs()
    request = RunRequest(
        "careless.yml", hosts[:1], {"service": {"password": "{{ the_password }}"}}, {"the_password": CANARY}
    )
    with Watch(tmp_path) as watch:
        ended = run(client, request)
    assert ended.state == "failed"
    assert "cannot log in with ********" in ended.failed_hosts[hosts[0].name]
    assert not any(needle in str(ended) for needle in NEEDLES)
    assert watch.found == set()
    assert "it is ********" in next(tmp_path.glob("configure/runs/*/output.log")).read_text()


@needs_root
def test_a_task_that_hides_its_output_says_that_it_does(runs, hosts) -> None:
    request = RunRequest(
        "hidden.yml", hosts[:1], {"service": {"password": "{{ the_password }}"}}, {"the_password": CANARY}
    )
    (said,) = run(runs(), request).failed_hosts.values()
    assert said == "TASK [Fail with it]: failed; its output is hidden since it handles secrets (no_log)"


@pytest.mark.parametrize(
    "text",
    [
        CANARY,
        json.dumps({"password": CANARY}),
        json.dumps(json.dumps({"password": CANARY})),
        repr({"password": CANARY}),
        f"Basic {base64.b64encode(CANARY.encode()).decode()}",
        "it's second\nline\n and its third",
    ],
)
def test_a_secret_is_taken_out_in_every_form_it_is_printed_in(text) -> None:
    redacted = Redactor([CANARY, "first line\nsecond\nline\nits third"])(text)
    assert "********" in redacted
    assert not any(needle in redacted for needle in NEEDLES)
    assert "its third" not in redacted


# -- failures ---------------------------------------------------------------------------------------------------------


@needs_root
def test_the_failing_host_is_named_with_its_task_and_what_it_said(runs, hosts) -> None:
    ended = run(runs(), RunRequest("fail.yml", hosts[:2], {"victim": hosts[1].name}))
    assert ended.state == "failed"
    assert set(ended.failed_hosts) == {hosts[1].name}, "rescued and ignored failures are none"
    said = ended.failed_hosts[hosts[1].name]
    assert said.startswith("TASK [Ask the impossible]: ")
    assert "the disk is full" in said


@needs_root
@pytest.mark.parametrize(("playbook", "said"), [("undefined.yml", "nobody_gave_this"), ("broken.yml", "YAML")])
def test_a_wrong_playbook_says_what_is_wrong(runs, hosts, playbook, said) -> None:
    ended = run(runs(), RunRequest(playbook, hosts[:1], {}))
    assert ended.state == "failed"
    assert said in f"{ended.message} {ended.failed_hosts}"


@pytest.mark.parametrize("name", ["missing.yml", "../conftest.py", "/etc/passwd", ""])
def test_a_playbook_that_is_not_in_the_folder_is_refused(runs_anywhere, name) -> None:
    with pytest.raises(Terminal, match="there is no playbook"):
        runs_anywhere.start(RunRequest(name, [], {}))


@pytest.fixture
def runs_anywhere(tmp_path):
    from reconciler.drivers import ansible
    from reconciler.model import Target
    from tests.drivers.configure.conftest import PLAYBOOKS

    options = {"state": str(tmp_path / "configure"), "playbooks": str(PLAYBOOKS)}
    return ansible.open(Target("compute:a/b", "namespace", options))


def test_a_wrong_option_is_named() -> None:
    from reconciler.drivers import ansible
    from reconciler.model import Target

    with pytest.raises(SettingsError, match=r"ansible\.forks: .*greater than or equal to 1"):
        ansible.open(Target("compute:a/b", "namespace", {"state": "s", "ansible": {"forks": 0}}))


# -- crashes, time, cancelling ----------------------------------------------------------------------------------------


def gone(handle: str) -> bool:
    return not list(leftovers.processes(handle)) and not leftovers.scratch(handle).exists()


@needs_root
def test_a_run_outlives_the_reconciler_that_was_killed(runs, hosts, tmp_path) -> None:
    file = tmp_path / "handle"
    child = os.fork()
    if not child:
        file.write_text(runs().start(RunRequest("wait.yml", hosts[:1], {"seconds": 2}, {"password": CANARY})))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    handle = file.read_text()
    assert runs().poll(handle).state == "running"
    assert finished(runs(), handle).state == "successful"
    until("all it started is gone", lambda: gone(handle))


@needs_root
def test_the_same_run_is_not_started_beside_itself_and_another_waits_for_its_hosts(runs, hosts) -> None:
    client, request = runs(), RunRequest("wait.yml", hosts[:2], {"seconds": 60}, {"password": CANARY})
    handle = client.start(request)
    assert runs().start(request) == handle
    with pytest.raises(Transient, match=f"run {handle} works on {hosts[1].address}"):
        runs().start(RunRequest("wait.yml", hosts[1:], {"seconds": 0}))
    client.cancel(handle)
    assert run(client, RunRequest("wait.yml", hosts[1:2], {"seconds": 0})).state == "successful"


@needs_root
def test_a_run_whose_supervisor_was_killed_is_lost_and_leaves_nothing(runs, hosts) -> None:
    client = runs()
    handle = sleeping(client, RunRequest("wait.yml", hosts[:1], {"seconds": 60}))
    supervisor = [pid for pid in leftovers.processes(handle) if b"supervise" in _command(pid)]
    assert len(supervisor) == 1
    os.kill(supervisor[0], signal.SIGKILL)
    until("the supervisor ends", lambda: not is_alive(client.options.runs / handle))
    assert client.poll(handle).state == "lost"
    assert gone(handle)
    assert run(client, RunRequest("wait.yml", hosts[:1], {"seconds": 0})).state == "successful"


@needs_root
def test_a_supervisor_that_cannot_begin_says_why(runs, hosts, monkeypatch) -> None:
    client = runs()
    handle = client._new_handle()
    leftovers.scratch(handle).mkdir()
    monkeypatch.setattr(client, "_new_handle", lambda: handle)
    assert client.start(RunRequest("wait.yml", hosts[:1], {"seconds": 0})) == handle
    until("the supervisor ends", lambda: not is_alive(client.options.runs / handle))
    assert "FileExistsError" in client.poll(handle).message
    assert gone(handle)


@needs_root
def test_a_run_out_of_time_is_stopped_with_everything_it_started(runs, hosts) -> None:
    client = runs()
    handle = client.start(RunRequest("wait.yml", hosts[:1], {"seconds": 60}, timeout_seconds=4))
    ended = finished(client, handle)
    assert ended.state == "failed"
    assert ended.message == "not finished in 4 s: stopped"
    until("all it started is gone", lambda: gone(handle))


@needs_root
def test_a_cancelled_run_leaves_no_process(runs, hosts) -> None:
    client = runs()
    handle = sleeping(client, RunRequest("wait.yml", hosts[:2], {"seconds": 60}))
    client.cancel(handle)
    assert client.poll(handle).message == "cancelled"
    assert gone(handle)


@needs_root
def test_read_results_are_pruned_and_unread_ones_are_not(runs, hosts) -> None:
    hasty = runs(ansible={"keep_failed": 1, "keep_successful": 1, "connect_seconds": 1})
    client = runs(ansible={"keep_failed": 1, "keep_successful": 1})
    bad = replace(hosts[0], port=9)
    request = RunRequest("wait.yml", hosts[:1], {"seconds": 0})
    old = [hasty.start(replace(request, hosts=[bad])) for _ in (1,)]
    finished(hasty, old[0])
    handles = [client.start(request)]
    finished(client, handles[0])
    later = runs(ansible={"keep_failed": 1, "keep_successful": 1})
    later._now = lambda: time.time() + SEEN_SECONDS + 60
    for _ in range(2):
        handles.append(later.start(request))
        while is_alive(later.options.runs / handles[-1]):
            time.sleep(0.05)
    handles.append(later.start(request))
    finished(later, handles[-1])
    assert later.poll(handles[0]).state == "lost", "it was read and is old"
    assert [later.poll(h).state for h in handles[1:]] == ["successful"] * 3, "nobody has read these yet"
    assert later.poll(old[0]).state == "failed", "the newest failed run is kept"


# -- who answers ------------------------------------------------------------------------------------------------------


def test_dead_hosts_are_told_apart_and_asked_at_once(runs_anywhere) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent, closing(socket.socket()) as closed:
        closed.bind(("127.0.0.1", 0))
        hosts = [Host(f"silent-{n}", "127.0.0.1", port=silent.getsockname()[1]) for n in range(30)]
        hosts += [Host("closed", "127.0.0.1", port=closed.getsockname()[1]), Host("nowhere", "")]
        began = time.monotonic()
        said = runs_anywhere.reachable(hosts)
    assert time.monotonic() - began < 10 * runs_anywhere.options.probe_seconds
    assert all("no answer in 2 s" in said[f"silent-{n}"] for n in range(30))
    assert "Connection refused" in said["closed"]
    assert said["nowhere"] == "has no address"


def test_a_server_that_is_not_sshs_is_no_host(runs_anywhere) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with closing(connection):
                connection.sendall(b"220 mail ESMTP\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        said = runs_anywhere.reachable([Host("mail", "127.0.0.1", port=server.getsockname()[1])])
        thread.join()
    assert "not an SSH server" in said["mail"]
