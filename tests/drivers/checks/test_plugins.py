"""The Monitoring Plugins as they are, against real servers; and programs that behave as plugins should not."""

from __future__ import annotations

import http.server
import os
import socket
import time
from pathlib import Path

import pytest

from reconciler.drivers import plugins
from reconciler.errors import Terminal
from reconciler.model import Target
from tests.real.answering import answering
from tests.real.ports import free_port
from tests.real.sshd import sshd
from tests.real.waiting import until

__all__ = ["sshd"]

FOLDER = Path("/usr/lib/nagios/plugins")


def opened(**options):
    return plugins.open(Target("check:plugins", "plugins", {"state": "unused", **options}), None)


@pytest.fixture(scope="module")
def real():
    if not (FOLDER / "check_http").exists():
        say = "monitoring plugins not installed: apt-get install monitoring-plugins-basic monitoring-plugins-standard"
        pytest.fail(say) if os.environ.get("CI") == "true" else pytest.skip(say)
    return opened()


class _Quiet(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = self.path == "/"
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(b"tides")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def web():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Quiet)
    with answering(server):
        yield server.server_port


@pytest.fixture
def silent():
    """A port that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=8) as server:
        yield server.getsockname()[1]


@pytest.fixture
def program(tmp_path):
    """A folder of programs that pass for plugins; returns how to run one."""

    def run(script, *arguments, seconds=60.0, grace=0.5):
        file = tmp_path / "check_it"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
        return plugins.Plugins(tmp_path, frozenset({"check_it"}), grace).check("check_it", arguments, seconds)

    return run


# -- real plugins ----------------------------------------------------------------------------------------------------


def test_a_web_server_is_ok_with_its_times(real, web):
    result = real.check("check_http", ["-H", "127.0.0.1", "-p", str(web), "-e", "200"], 60)
    assert result.status == "OK"
    assert result.summary.startswith("HTTP OK")
    measured = {row[0]: row for row in result.perfdata}
    assert 0 <= measured["time"][1] < 60
    assert (measured["time"][2], measured["size"][2]) == ("s", "B")
    assert measured["size"][1] > 5
    assert 0 < result.seconds < 60


def test_a_missing_page_is_a_warning_or_worse(real, web):
    arguments = ["-H", "127.0.0.1", "-p", str(web), "-u", "/none"]
    assert real.check("check_http", arguments, 60).status == "WARNING"
    assert real.check("check_http", [*arguments, "-e", "200"], 60).status == "CRITICAL"


def test_a_refused_connection_is_critical_and_the_verdict_is_found(real):
    result = real.check("check_http", ["-H", "127.0.0.1", "-p", str(free_port())], 60)
    assert result.status == "CRITICAL"
    assert "CRITICAL" in result.summary


def test_a_server_that_never_answers_ends_with_the_plugins_own_timeout(real, silent):
    result = real.check("check_http", ["-H", "127.0.0.1", "-p", str(silent)], 1)
    assert result.status == "CRITICAL"
    assert "timeout" in result.summary.lower()
    assert result.seconds > 0.9


def test_a_plugin_that_outstays_its_timeout_is_killed(silent, real):
    brisk = plugins.Plugins(FOLDER, frozenset({"check_http"}), 0.2)
    result = brisk.check("check_http", ["-H", "127.0.0.1", "-p", str(silent), "-t", "30"], 0.5)
    assert result.status == "UNKNOWN"
    assert "killed" in result.summary
    assert 0.6 < result.seconds < 25


def test_an_ssh_server_is_ok(real, sshd):
    result = real.check("check_ssh", ["-p", str(sshd), "127.0.0.1"], 60)
    assert result.status == "OK"
    assert "SSH OK" in result.summary


def test_a_port_is_checked_with_its_thresholds(real, sshd):
    result = real.check("check_tcp", ["-H", "127.0.0.1", "-p", str(sshd), "-w", "50", "-c", "55"], 60)
    assert result.status == "OK"
    (row,) = result.perfdata
    assert (row[0], row[2], float(row[3]), float(row[4]), float(row[5])) == ("time", "s", 50.0, 55.0, 0.0)


def test_wrong_arguments_are_unknown(real):
    assert real.check("check_tcp", ["--nonsense"], 5).status == "UNKNOWN"


@pytest.mark.parametrize("argument", ["--help", "-h", "-V", "--version", "--vers", "--he"])
def test_asking_for_help_is_no_check(real, argument):
    result = real.check("check_tcp", ["-H", "127.0.0.1", argument], 5)
    assert (result.status, result.seconds) == ("UNKNOWN", 0.0)
    assert "checks nothing" in result.summary


def test_arguments_from_files_are_refused(real):
    assert "--extra-opts" in real.check("check_tcp", ["--extra-opts=x@/etc/secret"], 5).summary


def test_only_what_is_allowed_is_run(real, tmp_path):
    for name in ("check_by_ssh", "check_log", "../../../../bin/sh", "negate"):
        result = real.check(name, [], 5)
        assert result.status == "UNKNOWN"
        assert "may not be run" in result.summary


def test_a_machine_without_plugins_says_what_to_install(tmp_path):
    result = opened(path=str(tmp_path)).check("check_tcp", [], 5)
    assert result.status == "UNKNOWN"
    assert "apt-get install monitoring-plugins-basic" in result.summary


def test_a_misspelt_option_is_refused():
    with pytest.raises(Terminal, match="colour"):
        opened(colour="red")


# -- programs that misbehave -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "status"), [(0, "OK"), (1, "WARNING"), (2, "CRITICAL"), (3, "UNKNOWN")])
def test_the_exit_code_is_the_status(program, code, status):
    assert program(f"echo hello; exit {code}").status == status


@pytest.mark.parametrize("code", [4, 42, 126, 255])
def test_another_exit_code_is_unknown_and_named(program, code):
    result = program(f"echo 'HTTP OK | time=1s'; exit {code}")
    assert (result.status, result.perfdata) == ("UNKNOWN", ())
    assert str(code) in result.summary


def test_a_signal_is_unknown_and_named(program):
    result = program("echo OK; kill -SEGV $$")
    assert result.status == "UNKNOWN"
    assert "SIGSEGV" in result.summary


def test_a_time_out_kills_what_the_plugin_started(program, tmp_path):
    result = program(f"sleep 60 & echo $! > {tmp_path}/child; wait", seconds=2, grace=0.2)
    assert result.status == "UNKNOWN"
    _gone(int((tmp_path / "child").read_text()))


def test_what_a_plugin_leaves_behind_is_killed(program, tmp_path):
    result = program(f"sleep 60 >/dev/null 2>&1 & echo $! > {tmp_path}/child; echo fine")
    assert (result.status, result.summary) == ("OK", "fine")
    assert result.seconds < 30
    _gone(int((tmp_path / "child").read_text()))


def _gone(pid):
    def state():
        try:
            return Path(f"/proc/{pid}/stat").read_text().split()[2]
        except (FileNotFoundError, ProcessLookupError):
            return "gone"

    until(f"process {pid} ends", state, lambda found: found in ("Z", "gone"))


def test_a_child_that_holds_the_output_open_does_not_hold_the_checker(program):
    begun = time.monotonic()
    assert program("sleep 60 & echo fine", seconds=0.3, grace=0.2).status == "UNKNOWN"
    assert time.monotonic() - begun < 30


def test_endless_output_is_cut_and_killed(program):
    result = program("echo 'all OK'; while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", seconds=0.3, grace=0.2)
    assert result.status == "UNKNOWN"
    assert len(result.summary) < 600


def test_much_output_is_kept_in_part(program):
    result = program("echo 'all OK | a=1'; head -c 3000000 /dev/zero | tr '\\0' x")
    assert (result.status, result.summary) == ("OK", "all OK")
    assert [row[0] for row in result.perfdata] == ["a"]


def test_a_plugin_that_says_nothing(program):
    assert program("exit 0").summary == "check_it said nothing"
    assert program("echo broken >&2; exit 2").summary == "broken"


def test_output_that_is_no_text_does_no_harm(program):
    assert program(r"printf 'OK \377\376 | a=1\n'").status == "OK"


def test_a_program_that_cannot_start_is_unknown(tmp_path):
    (tmp_path / "check_it").write_text("#!/nowhere/at/all\n")
    (tmp_path / "check_it").chmod(0o755)
    result = plugins.Plugins(tmp_path, frozenset({"check_it"})).check("check_it", [], 1)
    assert result.status == "UNKNOWN"
    assert "cannot be started" in result.summary


def test_arguments_are_never_read_by_a_shell(program, tmp_path):
    result = program('shift 2; echo "$@"', "; touch x", "$(id)", "a b")
    assert result.summary == "; touch x $(id) a b"
    assert "NUL" in program("echo", "a\0b").summary


def test_the_environment_of_the_reconciler_stays_at_home(program, monkeypatch):
    monkeypatch.setenv("ZONE_KEY", "secret")
    assert program('echo "OK ${ZONE_KEY:-none} $LC_ALL"').summary == "OK none C"


def test_the_time_given_becomes_the_plugins_own(program):
    assert program('echo "$*"', "-H", "x", seconds=7.4).summary == "-t 7 -H x"
    assert program('echo "$*"', "-t", "3").summary == "-t 3"
    assert program('echo "$*"', "--timeout=3").summary == "--timeout=3"
