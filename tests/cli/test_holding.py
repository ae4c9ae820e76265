"""approve, pause and resume."""

from datetime import UTC, datetime, timedelta

import pytest
import yaml

from reconciler.cli.holding import scoped, until
from reconciler.cli.house import now
from reconciler.errors import SettingsError
from reconciler.model import Action, Operation, Reason, Ref, Verb
from reconciler.records.store import open_store
from tests.cli.conftest import record

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_an_approval_is_a_manifest_that_validates(federation):
    said = federation.hanse(
        "approve", "DNSRecord/vo.example.org/www", "--reason", "ticket 1", "--by", "maria@example.org"
    )
    assert said.code == 0, said.err
    (path,) = (federation.root / "manifests" / "approvals").iterdir()
    assert said.out == f"wrote manifests/approvals/{path.name}\n"
    document = yaml.safe_load(path.read_text())
    assert document["spec"]["scope"] == {"actions": ["delete"], "resources": ["DNSRecord/vo.example.org/www"]}
    assert (document["spec"]["atMost"], document["spec"]["by"]) == (1, "maria@example.org")
    assert federation.hanse("validate", "--worktree").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--reason", "r"), "--at-most"),
        (("--reason", "r", "--at-most", "3"), "it permits everything everywhere"),
        (("VO/x", "--reason", "r", "--expires", "soon"), "write 2h, 3d"),
        (("VO/x", "--reason", "r", "--expires", "2020-01-01"), "is past already"),
        (("VO/x", "--reason", "r", "--action", "explode"), "scope.actions"),
        (("VO/x",), "--reason"),
    ],
)
def test_what_permits_too_much_or_nothing_is_not_written(federation, arguments, said):
    answer = federation.hanse("approve", *arguments)
    assert (answer.code, said in answer.err) == (1, True)
    assert not (federation.root / "manifests" / "approvals").exists()


def test_an_approval_is_not_overwritten(federation):
    wish = ("approve", "VO/x", "--reason", "r", "--by", "b@c", "--name", "mine")
    assert federation.hanse(*wish).code == 0
    assert "exists already" in federation.hanse(*wish).err


@pytest.mark.parametrize(
    ("said", "end"),
    [
        ("90m", NOW + timedelta(minutes=90)),
        ("2w", NOW + timedelta(weeks=2)),
        ("2026-12-31T18:00:00Z", datetime(2026, 12, 31, 18, tzinfo=UTC)),
        ("2026-12-31T18:00:00+02:00", datetime(2026, 12, 31, 16, tzinfo=UTC)),
        ("2026-12-31", datetime(2026, 12, 31, tzinfo=UTC)),
    ],
)
def test_the_end_of_a_permission(said, end):
    assert until(said, NOW) == end


def test_what_is_paused_is_planned_and_not_done(applied):
    applied.write("manifests/www.yaml", record("www", ttl=600))
    applied.commit()
    said = applied.hanse("pause", "DNSRecord/vo.example.org/www", "--reason", "they work on it", "--by", "maria")
    assert said.out.startswith("resource:DNSRecord/vo.example.org/www is held since ")
    plan = applied.hanse("plan")
    assert (plan.code, "was paused by maria: they work on it" in plan.out) == (0, True)
    assert applied.hanse("apply").code == 0
    assert "is held by maria" in applied.hanse("status").out
    assert applied.hanse("resume", "DNSRecord/vo.example.org/www").out.endswith("goes on\n")
    assert applied.hanse("plan").code == 2
    assert "was not held" in applied.hanse("resume", "all").out


def test_a_lost_outcome_is_settled_by_who_has_looked(applied):
    ref = Ref("DNSRecord/vo.example.org/new")
    action = Action(Verb.CREATE, ref, Reason.NEW, "dns:fed.example.org.", uid="0" * 32, spec={})
    with open_store(f"sqlite:///{applied.root}/.hanse/hanse.db", now) as store:
        run = store.runs.begin("c" * 40, "d" * 32, "maria", "apply")
        store.journal.open(run, "c" * 40, "d" * 32, {}).intend([Operation(f"{run}/1", run, action)])
    said = applied.hanse("resume", str(ref))
    assert (said.code, "goes on" in said.out, "(intended) is settled" in said.out) == (0, True, True)
    assert "was not held" in applied.hanse("resume", str(ref)).out


@pytest.mark.parametrize(
    ("said", "scope"),
    [
        ("all", "all"),
        ("VO/x", "resource:VO/x"),
        ("target:dns:fed.example.org.", "target:dns:fed.example.org."),
        ("namespace:vo-x", "namespace:vo-x"),
    ],
)
def test_scopes(said, scope):
    assert scoped(said) == scope


@pytest.mark.parametrize("said", ["", "everything", "Vo/x", "target:", "zone:x"])
def test_what_cannot_be_held_is_refused(said):
    with pytest.raises(SettingsError, match="cannot be held"):
        scoped(said)
