"""status, explain and history: what they tell of a federation that is well, and of one that is not."""

import json

import pytest

from tests.cli.conftest import record

CLUSTER = """\
apiVersion: hanse/v1
kind: Site
metadata:
  name: ALPHA
spec:
  officialName: Alpha
  clouds:
    - name: main
      driver: openstack
      endpoint: https://alpha.example.org:5000/v3
      shares:
        - vo: vo.example.org
          projectId: p1
"""


def test_before_the_first_apply_nothing_is_known(federation):
    said = federation.hanse("status")
    assert (said.code, said.out) == (0, "nothing is known yet: hanse apply\n")
    assert federation.hanse("history").out == "no runs yet: hanse apply\n"


def test_what_is_well_is_counted(applied):
    said = applied.hanse("status")
    assert said.code == 0
    assert "DNSRecord/vo.example.org/www  True   Reconciled" in said.out
    assert said.out.endswith("2 ready.\n")
    assert "last run 0 s ago" in said.out


@pytest.fixture
def broken(applied):
    """The zone's back end does not answer any more, and another name is wanted in it."""
    applied.write(
        "hanse.toml", '[targets."dns:*"]\ndriver = "rfc2136"\nserver = "127.0.0.1"\nport = 1\ntimeout = 0.2\n'
    )
    applied.write("manifests/new.yaml", record("new", last=20))
    applied.commit()
    assert applied.hanse("apply").code == 1
    return applied


def test_what_is_not_ready_comes_first(broken):
    lines = broken.hanse("status").out.splitlines()
    assert lines[1].startswith("DNSRecord/vo.example.org/new")
    assert lines[-1] == "1 ready, 2 unknown. (hanse explain KIND/NAME says why)"
    assert any(line.startswith("dns:fed.example.org. cannot be read for 0 s: ") for line in lines)


def test_one_resource_in_full(broken):
    said = broken.hanse("status", "DNSRecord/vo.example.org/www")
    assert "Ready        Unknown  TargetUnreachable" in said.out
    assert broken.hanse("status", "DNSRecord/vo.example.org/nix").code == 1


def test_status_as_data(broken):
    found = json.loads(broken.hanse("status", "-o", "json").out)
    assert found["resources"]["DNSRecord/vo.example.org/www"]["Ready"]["reason"] == "TargetUnreachable"
    assert found["targets"][0]["target"] == "dns:fed.example.org."
    assert found["last_run"]["kind"] == "apply"


def test_a_plan_that_could_not_read_everything_does_not_say_that_all_is_well(applied):
    applied.write(
        "hanse.toml", '[targets."dns:*"]\ndriver = "rfc2136"\nserver = "127.0.0.1"\nport = 1\ntimeout = 0.2\n'
    )
    said = applied.hanse("plan")
    assert said.code == 1
    assert "Plan: nothing to do; 1 unchanged, 1 unknown; 1 back end could not be read." in said.out


def test_explain_walks_to_the_target_that_is_down(broken):
    said = broken.hanse("explain", "DNSRecord/vo.example.org/new")
    assert said.code == 0
    lines = said.out.splitlines()
    assert lines[0].startswith("DNSRecord/vo.example.org/new  not known to be ready: TargetUnreachable")
    assert any(line.startswith("└─ dns:fed.example.org. (lives on)  cannot be read: ") for line in lines)
    assert "Root cause" in lines
    found = json.loads(broken.hanse("explain", "DNSRecord/vo.example.org/new", "-o", "json").out)
    assert found["causes"] == ["dns:fed.example.org."]


def test_explain_names_the_nearest_when_there_is_none(applied):
    said = applied.hanse("explain", "DNSRecord/vo.example.org/wwww")
    assert (said.code, said.err) == (
        1,
        "error: there is no DNSRecord/vo.example.org/wwww: did you mean DNSRecord/vo.example.org/www?\n",
    )


def test_history_of_runs_of_a_run_and_of_a_resource(applied):
    applied.write("manifests/www.yaml", record("www", ttl=600))
    applied.commit()
    applied.hanse("apply")
    runs = json.loads(applied.hanse("history", "-o", "json").out)
    assert [run["counts"] for run in runs] == [{"unchanged": 1, "update": 1}, {"create": 2}]
    of_run = applied.hanse("history", "--run", runs[0]["id"]).out.splitlines()
    assert len(of_run) == 2
    of_www = json.loads(applied.hanse("history", "DNSRecord/vo.example.org/www", "-o", "json").out)
    assert [event["verb"] for event in of_www] == ["update", "create"]
    assert applied.hanse("history", "--limit", "1").out.count("\n") == 2


def test_status_of_many_is_cut_but_never_what_is_not_ready(federation):
    for number in range(60):
        federation.write(f"manifests/n{number}.yaml", record(f"n{number}", last=number + 100))
    federation.commit()
    federation.hanse("apply")
    assert "62 that are ready are not listed" in federation.hanse("status").out
    assert federation.hanse("status", "--all").out.count("True") == 62
    assert federation.hanse("status", "--kind", "VO").out.count("True") == 1


def test_what_cannot_be_read_is_unknown_and_its_run_failed(applied):
    zone = applied.root / ".hanse/state/dns/fed.example.org.zone"
    zone.rename(applied.root / "elsewhere")
    zone.mkdir()
    assert "unknown; 1 back end could not be read" in applied.hanse("plan").out
    assert applied.hanse("apply").code == 1
    newest = json.loads(applied.hanse("history", "-o", "json").out)[0]
    assert newest["state"] == "failed"
    assert newest["counts"]["unread"] > 0
