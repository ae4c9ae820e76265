"""What is asked wrongly is answered with what may have been meant."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from reconciler import __version__
from tests.cli.conftest import Federation


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (("status", "--kind", "DnsRecord"), "did you mean DNSRecord?"),
        (("plan", "--kind", "Nope"), "there is no kind Nope"),
        (("approve", "VO/x", "--kind", "Vo", "--reason", "r"), "did you mean VO?"),
        (("history", "--limit", "0"), "--limit"),
        (("run", "--interval", "-5", "--once"), "--interval"),
        (("history", "--run", "nope"), "nothing is known of nope"),
        (("history", "Foo/x"), "nothing is known of Foo/x"),
    ],
)
def test_what_there_is_not_is_refused(applied, arguments, cure):
    said = applied.hanse(*arguments)
    assert said.code == 1
    assert cure in said.err


def test_pausing_what_nobody_knows_says_what_may_have_been_meant(applied):
    said = applied.hanse("pause", "target:dns:fed.example.or.", "--reason", "upgrade")
    assert said.code == 0
    assert "nothing that is made or declared belongs to it: did you mean target:dns:fed.example.org.?" in said.err
    assert applied.hanse("pause", "target:dns:fed.example.org.", "--reason", "upgrade").err == ""


def test_nothing_asked_is_answered_with_the_help(federation):
    said = federation.hanse()
    assert (said.code, said.err) == (0, "")
    assert "Usage: hanse" in said.out
    assert federation.hanse("--version").out == f"hanse {__version__}\n"


def test_without_a_standard_output_a_plan_is_made_all_the_same(federation):
    command = f"exec {sys.executable} -m reconciler.cli -C {federation.root} plan >&-"
    done = subprocess.run(["sh", "-c", command], env=os.environ, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "")


def test_where_nothing_is_recorded_looking_makes_nothing(tmp_path, capsys):
    elsewhere = Federation(tmp_path, capsys)
    for command in (("status",), ("history",), ("names",)):
        said = elsewhere.hanse(*command, "-o", "json")
        assert (said.code, any(json.loads(said.out).values() if command == ("status",) else json.loads(said.out))) == (
            0,
            False,
        )
        assert "nothing has been recorded yet" in said.err
    assert list(tmp_path.iterdir()) == []
