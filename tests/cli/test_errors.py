"""Whatever goes wrong is one clear message on stderr, with what to do next, and never a traceback."""

import subprocess
import sys

import pytest

from reconciler.cli import main


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["paln"], "No such command 'paln'"),
        (["plan", "--wat"], "No such option: --wat"),
        (["plan", "-o", "yaml"], "-o"),
        (["status", "a", "b"], "unexpected extra argument"),
    ],
)
def test_a_command_line_that_cannot_be_understood(arguments, said, capsys):
    assert main(arguments) == 1
    err = capsys.readouterr().err
    assert said in err
    assert "--help" in err


def test_no_command_is_help(capsys):
    assert main([]) in (0, 1)
    said = capsys.readouterr()
    assert "Plan and apply" in said.out + said.err


def test_a_place_without_a_repository(tmp_path, capsys):
    assert main(["-C", str(tmp_path), "plan"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert "not a git repository" in err


def test_an_unknown_revision(federation):
    said = federation.hanse("plan", "no-such-branch")
    assert (said.code, said.out) == (1, "")
    assert "no-such-branch" in said.err


def test_settings_with_faults_are_told_all(federation):
    federation.write("hanse.toml", '[run]\nintervall = 3\njitter = "much"\n')
    said = federation.hanse("plan")
    assert said.code == 1
    where = federation.root / "hanse.toml"
    assert f"{where}:2: run.intervall: there is no field intervall; did you mean interval_seconds?" in said.err
    assert f"{where}:3: run.jitter: 'much' is not a number" in said.err


def test_broken_manifests_stop_a_plan_with_every_fault(federation):
    federation.write("manifests/vo.yaml", "apiVersion: hanse/v1\nkind: Vo\n")
    said = federation.hanse("plan", "--worktree")
    assert (said.code, said.out) == (1, "")
    assert "manifests/vo.yaml:" in said.err
    assert said.err.splitlines()[-2].startswith("error: ")
    assert said.err.splitlines()[-1] == "next: hanse validate checks all of them"


def test_a_database_that_cannot_be_used(federation, monkeypatch):
    monkeypatch.setenv("HANSE_RECORDS__URL", "mysql://hanse:hunter2@db/hanse")
    said = federation.hanse("plan")
    assert said.code == 1
    assert "hunter2" not in said.err
    assert "hanse config" in said.err


def test_a_fault_of_ours_is_a_message_and_a_traceback_only_when_asked_for(federation, monkeypatch):
    (federation.root / ".hanse").mkdir()
    (federation.root / ".hanse" / "state").write_text("a file where a folder must be\n")
    said = federation.hanse("apply")
    assert said.code == 1
    assert "Traceback" not in said.out + said.err


def test_debug_shows_where_it_came_from(federation, monkeypatch):
    monkeypatch.setenv("HANSE_DEBUG", "1")
    said = federation.hanse("plan", "no-such-branch")
    assert said.code == 1
    assert "Traceback" in said.err


def test_a_reader_that_goes_away_is_no_fault(federation):
    script = "import sys; from reconciler.cli import main; sys.exit(main())"
    command = f"{sys.executable} -c '{script}' -C {federation.root} schema | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == "{\n"
    assert done.stderr == ""


def test_completion_of_a_shell_is_offered():
    script = "import sys; from reconciler.cli import main; sys.exit(main())"
    environment = {"_HANSE_COMPLETE": "complete_bash", "COMP_WORDS": "hanse ex", "COMP_CWORD": "1"}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert set(done.stdout.split()) >= {"explain", "export"}


@pytest.mark.parametrize("out", ["nowhere/p.json", "."])
def test_a_plan_that_cannot_be_saved_is_said_with_its_path(federation, out):
    said = federation.hanse("plan", "--out", str(federation.root / out))
    assert (said.code, str(federation.root / out) in said.err) == (1, True)
    assert "fault of Hanse" not in said.err


def test_settings_that_are_a_folder_are_said_with_their_path(federation):
    said = federation.hanse("--config", str(federation.root), "plan")
    assert (said.code, "Is a directory" in said.err, "fault of Hanse" in said.err) == (1, True, False)
