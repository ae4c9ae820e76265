"""A saved plan is applied exactly, or refused with code 4."""

import json
import sqlite3

import pytest

from reconciler.model import digest_of, encode
from tests.cli.conftest import record


@pytest.fixture
def saved(applied):
    """A plan that changes a ttl and adds a name, saved."""
    applied.write("manifests/www.yaml", record("www", ttl=600))
    applied.write("manifests/new.yaml", record("new", last=20))
    applied.commit()
    assert applied.hanse("plan", "--out", str(applied.root / "p.json")).code == 2
    return applied


def applying(federation):
    return federation.hanse("apply", str(federation.root / "p.json"))


def drift(federation, ttl: int = 777) -> None:
    """Somebody edits the zone behind Hanse's back."""
    (zone,) = (federation.root / ".hanse" / "state").rglob("*fed.example.org*.zone")
    text = zone.read_text()
    assert " 300 " in text or "\t300\t" in text
    zone.write_text(text.replace("300", str(ttl)))


def test_exactly_the_saved_plan_is_done_though_git_went_on(saved):
    saved.write("manifests/later.yaml", record("later", last=30))
    saved.commit()
    said = applying(saved)
    assert said.code == 0, said.out + said.err
    assert "Applied: 1 created, 1 updated" in said.out
    assert "later" not in said.out
    assert "Plan: 1 to create" in saved.hanse("plan").out


def test_a_plan_whose_commit_was_reverted_is_refused(saved):
    saved.git("revert", "--no-edit", "HEAD")
    said = applying(saved)
    assert said.code == 4
    assert "DNSRecord/vo.example.org/new: HEAD" in said.err
    assert "says something else of it by now" in said.err


def test_a_delete_that_git_has_taken_back_is_refused(applied):
    (applied.root / "manifests" / "www.yaml").rename(applied.root / "www.yaml")
    applied.commit()
    assert applied.hanse("plan", "--out", str(applied.root / "p.json")).code == 2
    (applied.root / "www.yaml").rename(applied.root / "manifests" / "www.yaml")
    applied.commit()
    assert applying(applied).code == 4
    assert applied.hanse("plan").code == 0


def test_a_plan_of_a_branch_is_applied_once_the_branch_is_merged(saved):
    saved.git("commit", "-q", "--allow-empty", "-m", "merged")
    said = applying(saved)
    assert said.code == 0, said.err


def test_a_plan_is_not_done_twice(saved):
    assert applying(saved).code == 0
    said = applying(saved)
    assert said.code == 4
    assert "a later run made it" in said.err
    assert "a later run changed it" in said.err
    assert len(json.loads(saved.hanse("history", "-o", "json").out)) == 2


def test_a_plan_file_that_was_changed_is_refused(saved):
    path = saved.root / "p.json"
    path.write_text(path.read_text().replace("600", "601"))
    said = applying(saved)
    assert said.code == 4
    assert said.err.startswith("error: the plan file was changed after it was made: plan again\nnext: ")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"digest": 1}', '{"format": "hanse.plan/v9", "digest": ""}'])
def test_what_is_no_plan_is_refused(saved, content):
    (saved.root / "p.json").write_text(content)
    assert applying(saved).code == 4


def test_a_plan_of_another_schema_is_refused(saved):
    path = saved.root / "p.json"
    read = json.loads(path.read_text())
    read.pop("digest")
    read["schema"] = "hanse/v0"
    path.write_text(json.dumps({**read, "digest": digest_of(encode(read))}))
    said = applying(saved)
    assert (said.code, "hanse/v0" in said.err) == (4, True)


def forged(federation, change) -> None:
    """Change a saved plan as somebody would who knows how its digest is made."""
    path = federation.root / "p.json"
    read = json.loads(path.read_text())
    read.pop("digest")
    change(read)
    path.write_text(json.dumps({**read, "digest": digest_of(encode(read))}))


def action(read, ref):
    return next(action for action in read["actions"] if action["ref"] == ref)


WWW, NEW = "DNSRecord/vo.example.org/www", "DNSRecord/vo.example.org/new"
LIES = {
    "another value": lambda read: action(read, WWW)["spec"].update(ttl=9999),
    "another value of something new": lambda read: action(read, NEW)["spec"].update(values=["203.0.113.66"]),
    "a delete of what git wants": lambda read: action(read, WWW).update(
        verb="delete", spec=None, before=action(read, WWW)["before"]
    ),
    "forgotten": lambda read: action(read, WWW).update(verb="forget"),
    "replaced": lambda read: action(read, WWW).update(verb="replace"),
    "taken over": lambda read: action(read, NEW).update(verb="adopt", before=action(read, NEW)["spec"]),
    "another place": lambda read: action(read, NEW).update(target="dns:other.example.org."),
    "another mark": lambda read: action(read, NEW).update(uid="0" * 32),
    "something unheard of": lambda read: action(read, NEW).update(ref="DNSRecord/vo.example.org/ghost"),
    "a spec that is none": lambda read: action(read, NEW).update(spec={"zone": 1}),
    "a verb that is none": lambda read: action(read, NEW).update(verb="explode"),
    "no actions": lambda read: read.pop("actions"),
    "actions that are none": lambda read: read.update(actions=[1]),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_plan_that_does_not_follow_from_git_is_refused_although_its_digest_fits(saved, lie):
    (zone,) = (saved.root / ".hanse" / "state").rglob("*fed.example.org*.zone")
    before = zone.read_text()
    forged(saved, lie)
    said = applying(saved)
    assert said.code == 4, said.out + said.err
    assert "unexpected" not in said.err
    assert zone.read_text() == before


def test_a_commit_that_is_gone_is_an_error(saved):
    path = saved.root / "p.json"
    read = json.loads(path.read_text())
    read.pop("digest")
    read["commit"] = "1" * 40
    path.write_text(json.dumps({**read, "digest": digest_of(encode(read))}))
    assert applying(saved).code == 1


def test_one_object_that_moved_stops_its_own_action_only(saved):
    drift(saved)
    said = applying(saved)
    assert said.code == 4, said.out + said.err
    assert "Applied: 1 created; 1 failed" in said.out
    assert "PlanStale" in said.out
    assert "what had moved was left alone" in said.err


def test_a_name_that_somebody_took_meanwhile_is_left_alone(saved):
    (zone,) = (saved.root / ".hanse" / "state").rglob("*fed.example.org*.zone")
    zone.write_text(zone.read_text() + "new.fed.example.org. 60 IN A 198.51.100.1\n")
    said = applying(saved)
    assert said.code == 4
    assert "198.51.100.1" in zone.read_text()


def test_changed_playbooks_make_a_plan_stale(saved, monkeypatch):
    books = saved.root / "books"
    books.mkdir()
    (books / "present.yml").write_text("[]\n")
    monkeypatch.setenv("HANSE_PLAYBOOKS", str(books))
    said = applying(saved)
    assert (said.code, "the playbooks changed" in said.err) == (4, True)


def test_a_working_tree_that_went_on_makes_its_plan_stale(applied):
    applied.write("manifests/www.yaml", record("www", ttl=600))
    applied.hanse("plan", "--worktree", "--out", str(applied.root / "p.json"))
    applied.write("manifests/www.yaml", record("www", ttl=601))
    assert applying(applied).code == 4
    applied.write("manifests/www.yaml", record("www", ttl=600))
    assert applying(applied).code == 0


def test_what_was_paused_since_is_not_done(saved):
    saved.hanse("pause", "all", "--reason", "upgrade")
    said = applying(saved)
    assert said.code == 4
    assert "upgrade" in said.err


def test_repairing_drift_from_a_saved_plan(applied):
    drift(applied)
    assert applied.hanse("plan", "--out", str(applied.root / "p.json")).code == 2
    assert applying(applied).code == 0
    assert applied.hanse("plan").code == 0


def test_a_refused_plan_leaves_no_run_behind(saved):
    saved.hanse("pause", "all", "--reason", "upgrade")
    applying(saved)
    with sqlite3.connect(saved.root / ".hanse" / "hanse.db") as database:
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (1,)
    database.close()
