"""Downtimes and certification from a commit to the plan: what is refused, what is told, what is kept."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

HOUR = timedelta(hours=1)
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
SITE = """\
apiVersion: hanse/v1
kind: Site
metadata: {{name: NORTH}}
spec:
  certification: {status}
{more}
  services:
    - {{name: nova, type: org.openstack.nova, hostname: cloud.north.org}}
    - {{name: dav, type: webdav, hostname: dav.north.org}}
"""
DOWNTIME = """\
apiVersion: hanse/v1
kind: Downtime
metadata: {{name: {name}}}
spec:
  description: works
  severity: OUTAGE
  start: {start:%Y-%m-%dT%H:%M:%SZ}
  end: {end:%Y-%m-%dT%H:%M:%SZ}
  affects:
    - site: NORTH
      services: [{services}]
"""


def committed(federation, when: datetime) -> None:
    federation.git("add", "-A")
    dated = {**os.environ, "GIT_COMMITTER_DATE": when.isoformat(), "GIT_AUTHOR_DATE": when.isoformat()}
    words = [
        "git",
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@example.org",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "then",
    ]
    subprocess.run(words, cwd=federation.root, check=True, env=dated)


def certified(federation, status: str, more: str = "") -> None:
    federation.write("manifests/site.yaml", SITE.format(status=status, more=more))


def declare(federation, start: float, end: float, name: str = "works", services: str = "nova") -> str:
    """A downtime by hours from now."""
    file = f"manifests/downtimes/{name}.yaml"
    times = {"start": NOW + start * HOUR, "end": NOW + end * HOUR}
    federation.write(file, DOWNTIME.format(name=name, services=services, **times))
    return file


@pytest.fixture
def north(federation):
    for path in (federation.root / "manifests").glob("*.yaml"):
        path.unlink()
    certified(federation, "Certified")
    committed(federation, NOW - 100 * HOUR)
    return federation


def test_faults_of_a_downtime_are_told_with_line_and_cure(north):
    file = declare(north, 48, 47, services="novva")
    said = north.hanse("validate", "--worktree")
    assert said.code == 1
    assert f"{file}:8:3: spec.end: " in said.out
    declare(north, 48, 50, services="novva")
    said = north.hanse("validate", "--worktree")
    assert said.code == 1
    assert (
        f"{file}:11:18: spec.affects[0].services[0]: there is no service novva of NORTH; did you mean nova?" in said.out
    )


def test_a_late_declaration_is_a_warning_and_one_in_time_is_none(north):
    declare(north, 3, 5)
    said = north.hanse("validate", "--worktree")
    assert said.code == 0
    assert "spec.start: it counts as UNSCHEDULED" in said.out
    assert "[warning: downtime-late]" in said.out
    committed(north, NOW - 30 * HOUR)
    said = north.hanse("validate")
    assert (said.code, "UNSCHEDULED" in said.out) == (0, False)


def test_an_emergency_is_allowed_for_two_days(north):
    declare(north, -40, 5)
    assert north.hanse("validate", "--worktree").code == 0
    declare(north, -50, 5)
    said = north.hanse("validate", "--worktree")
    assert said.code == 1
    assert "before it was declared, and at most 48 h are allowed" in said.out


def test_a_downtime_that_has_begun_may_not_be_taken_away(north):
    file = declare(north, -2, 5)
    committed(north, NOW - 30 * HOUR)
    assert north.hanse("apply").code == 0
    (north.root / file).unlink()
    said = north.hanse("validate", "--worktree")
    assert said.code == 1
    assert "it has begun" in said.out
    assert "put it back, and close it" in said.out
    committed(north, NOW)
    assert north.hanse("validate").code == 1
    said = north.hanse("plan")
    assert said.code == 3
    assert "AgainstHistory" in said.out
    assert "hanse approve Downtime/works" in said.out
    assert north.hanse("apply").code == 3
    declare(north, -2, 1)
    committed(north, NOW)
    assert north.hanse("validate").code == 0
    assert north.hanse("apply").code == 0


def test_a_downtime_that_has_not_begun_goes(north):
    file = declare(north, 40, 45)
    committed(north, NOW - 30 * HOUR)
    assert north.hanse("apply").code == 0
    (north.root / file).unlink()
    committed(north, NOW)
    assert north.hanse("validate").code == 0
    assert north.hanse("apply").code == 0


def test_an_approval_that_names_a_downtime_lets_it_go(north):
    file = declare(north, -2, 5)
    committed(north, NOW - 30 * HOUR)
    assert north.hanse("apply").code == 0
    (north.root / file).unlink()
    said = north.hanse("approve", "Downtime/works", "--action", "delete", "--reason", "another site was meant")
    assert said.code == 0, said.err
    committed(north, NOW)
    said = north.hanse("apply")
    assert (said.code, "approved by" in said.out) == (0, True)


def test_steps_of_certification_are_judged_against_git_and_against_what_was_applied(north):
    assert north.hanse("apply").code == 0
    certified(north, "Candidate")
    said = north.hanse("validate", "--worktree")
    assert said.code == 1
    assert "manifests/site.yaml:5:3: spec.certification: Certified to Candidate is no documented step" in said.out
    committed(north, NOW)
    assert north.hanse("validate").code == 1
    said = north.hanse("plan")
    assert said.code == 3
    assert "AgainstHistory" in said.out
    assert "Certified leads to Closed or Suspended" in said.out
    certified(north, "Candidate", "  certificationChange: {reason: data were wrong, force: true}")
    committed(north, NOW)
    said = north.hanse("plan")
    assert said.code == 2
    assert "certification Certified to Candidate, forced: data were wrong" in said.out
    assert north.hanse("apply").code == 0


def test_a_documented_step_passes_and_a_reason_is_asked_for(north):
    certified(north, "Suspended")
    said = north.hanse("validate", "--worktree")
    assert said.code == 0
    assert "Certified to Suspended, and no reason is given" in said.out
    certified(north, "Suspended", "  certificationChange: {reason: no answer for ten days}")
    said = north.hanse("validate", "--worktree")
    assert (said.code, "no reason" in said.out) == (0, False)


def test_a_site_that_was_suspended_five_months_ago_is_told(north):
    certified(north, "Suspended", "  certificationChange: {reason: no answer}")
    committed(north, NOW - timedelta(days=150))
    said = north.hanse("validate")
    assert "days: at most four months" in said.out
    assert "days: at most four months" in json.loads(north.hanse("plan", "-o", "json").out)["warnings"][0]


def test_a_shallow_clone_is_warned_of_and_nothing_is_called_late(north, tmp_path):
    declare(north, 3, 5)
    committed(north, NOW - 30 * HOUR)
    clone = tmp_path / "shallow"
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{north.root}", str(clone)], check=True)
    (north.root / "hanse.toml").write_text(f'[source]\nrepository = "{clone}"\n')
    said = north.hanse("validate")
    assert said.code == 0
    assert "git fetch --unshallow" in said.out
    assert "UNSCHEDULED" not in said.out


def listed(federation, *words: str) -> list[dict]:
    said = federation.hanse("downtimes", *words, "-o", "json")
    assert said.code == 0, said.err
    return json.loads(said.out)


def test_downtimes_are_listed_with_their_class_and_why(north):
    declare(north, -1, 5, "now", services="nova, dav")
    declare(north, 40, 45, "soon")
    committed(north, NOW - 10 * HOUR)
    said = north.hanse("downtimes")
    head, first, second = said.out.splitlines()
    assert head.split() == ["ID", "NAME", "CLASS", "SEVERITY", "START", "END", "STANDS", "AFFECTS", "WHY"]
    assert "now   UNSCHEDULED  OUTAGE" in first
    assert "ongoing  NORTH: dav, nova" in first
    assert first.endswith("9.0 h before it begins: not more than 24 h ahead")
    assert "soon  SCHEDULED    OUTAGE" in second
    assert [one["name"] for one in listed(north, "--ongoing")] == ["now"]
    (one,) = listed(north, "--since", f"{NOW + 30 * HOUR:%Y-%m-%dT%H:%MZ}")
    assert (one["name"], one["excuses"], one["stands"]) == ("soon", True, "to come")
    assert one["affects"] == [
        {"site": "NORTH", "service": "nova", "type": "org.openstack.nova", "hostname": "cloud.north.org"}
    ]


def test_downtimes_that_are_over_are_listed_when_they_are_asked_for(north):
    declare(north, -40, -30, "past")
    committed(north, NOW - 80 * HOUR)
    assert north.hanse("downtimes").out == "no downtime\n"
    assert [one["stands"] for one in listed(north, "--since", f"{NOW - 50 * HOUR:%Y-%m-%d}")] == ["over"]
    assert listed(north, "--since", "2020-01-01", "--until", "2020-02-01") == []
    assert len(listed(north, "--since", "2020-01-01", "--site", "NORTH")) == 1


def test_what_is_not_committed_yet_is_listed_as_if_it_were_now(north):
    declare(north, 20, 25)
    (one,) = listed(north, "--worktree")
    assert one["classification"] == "UNSCHEDULED"
    assert listed(north) == []


def test_a_site_that_there_is_not_and_a_day_that_is_none_are_refused(north):
    said = north.hanse("downtimes", "--site", "NORHT")
    assert (said.code, "did you mean NORTH?" in said.err) == (1, True)
    assert north.hanse("downtimes", "--since", "yesterday").code != 0
    assert north.hanse("downtimes", "--since", "2026-01-01", "--ongoing").code != 0


def test_faults_are_told_together_also_where_others_forbid_to_go_on(north):
    declare(north, 48, 47, "wrong")
    declare(north, 48, 50, "unknown", services="novva")
    past = declare(north, -2, 5, "past")
    committed(north, NOW - 30 * HOUR)
    (north.root / past).unlink()
    certified(north, "Candidate")
    said = north.hanse("validate", "--worktree")
    assert said.code == 1
    assert "is not after the start" in said.out
    assert "there is no service novva of NORTH" in said.out
    assert "Certified to Candidate is no documented step" in said.out
    assert "may not be taken away" not in said.out  # something may be wrong with its file: nothing is concluded


def test_a_plan_tells_what_validation_refuses_of_downtimes_and_goes_on(north):
    """Two changes that were valid each by itself may not be together; that must not stop the federation."""
    declare(north, 40, 45, "a")
    declare(north, 42, 50, "b")
    committed(north, NOW - HOUR)
    assert north.hanse("validate").code == 1
    said = north.hanse("plan")
    assert said.code == 2
    assert "nova of NORTH is in Downtime/a (OUTAGE) too" in said.out
    assert north.hanse("apply").code == 0


def test_an_approval_that_names_a_site_lets_an_undocumented_step_through(north):
    assert north.hanse("apply").code == 0
    certified(north, "Candidate")
    said = north.hanse("approve", "Site/NORTH", "--action", "update", "--reason", "registered by mistake")
    assert said.code == 0, said.err
    committed(north, NOW)
    said = north.hanse("apply")
    assert (said.code, "approved by" in said.out) == (0, True)


def test_a_site_that_is_renamed_keeps_where_it_stands(north):
    assert north.hanse("apply").code == 0
    text = (north.root / "manifests/site.yaml").read_text()
    north.write("manifests/site.yaml", text.replace("{name: NORTH}", "{name: NORTHERN}\nlifecycle: {moved: NORTH}"))
    assert north.hanse("validate", "--worktree").code == 0
    north.write(
        "manifests/site.yaml",
        text.replace("{name: NORTH}", "{name: NORTHERN}\nlifecycle: {moved: NORTH}").replace("Certified", "Candidate"),
    )
    said = north.hanse("validate", "--worktree")
    assert (said.code, "Certified to Candidate" in said.out) == (1, True)
    committed(north, NOW)
    said = north.hanse("plan")
    assert (said.code, "AgainstHistory" in said.out) == (3, True)


def test_steps_of_a_whole_branch_are_judged_against_the_one_that_it_goes_into(north):
    file = declare(north, -2, 5)
    committed(north, NOW - 30 * HOUR)
    main = north.git("rev-parse", "--abbrev-ref", "HEAD")
    north.git("checkout", "-q", "-b", "change")
    (north.root / file).unlink()
    committed(north, NOW - HOUR)
    committed(north, NOW)
    assert north.hanse("validate").code == 0  # the last commit takes nothing away
    said = north.hanse("validate", "--against", main)
    assert (said.code, "may not be taken away" in said.out) == (1, True)
    north.git("checkout", "-q", main)
    declare(north, -1, 5, "later", services="dav")
    committed(north, NOW)
    north.git("checkout", "-q", "change")
    said = north.hanse("validate", "--against", main)
    assert "works.yaml" in said.out
    assert "later.yaml" not in said.out  # it came after they had parted
    assert north.hanse("validate", "--against", "nowhere").code == 1
