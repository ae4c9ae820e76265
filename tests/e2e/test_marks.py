"""Whose is what: the mark in the world, through renames, lost databases and edits by hand."""

from __future__ import annotations

import re

import pytest

from reconciler.model import Ref, uid_of
from tests.e2e.test_lifecycle import record, root, zone
from tests.house import applied, commit, opened, planned, said

__all__ = ["root", "zone"]

CONFLICT = ["adopt DNSRecord/team/www AdoptionConflict"]


@pytest.mark.parametrize("mark", ["", f'"hanse=1,uid={"d" * 32}"'])
def test_a_mark_that_was_taken_away_or_changed_is_seen_until_it_is_settled(root, zone, mark):
    lines = zone.read_text().splitlines(keepends=True)
    kept = [re.sub(r'"hanse=1.*"', mark, line) if "_hanse-a.www" in line else line for line in lines]
    zone.write_text("".join(line for line in kept if mark or "_hanse-a.www" not in line))
    assert said(planned(root)) == CONFLICT
    applied(root)
    assert said(planned(root)) == CONFLICT
    if not mark:
        commit(root, {"www.yaml": record("adopt: true")})
        applied(root, until_quiet=True)
        assert planned(root).actions == ()
        assert zone.read_text().count("_hanse-a.www.") == 1


def called(name, lifecycle="", record_name="www"):
    return record(lifecycle, name=record_name).replace(f"name: {record_name}, namespace", f"name: {name}, namespace")


def renamed(root):
    commit(root, {"www.yaml": called("web", "moved: www")})
    applied(root)
    assert planned(root).actions == ()


def test_what_was_renamed_is_found_again_after_the_database_is_lost(root):
    renamed(root)
    for file in (root / ".hanse").glob("hanse.db*"):
        file.unlink()
    assert sorted(said(planned(root))) == [
        "adopt DNSRecord/team/kept OutcomeResolved",
        "adopt DNSRecord/team/web OutcomeResolved",
    ]
    applied(root)
    assert planned(root).actions == ()


def test_a_new_resource_never_bears_the_mark_of_what_had_its_name(root):
    renamed(root)
    commit(root, {"www.yaml": called("web"), "new.yaml": called("www", record_name="second")})
    applied(root)
    with opened(root) as house:
        marks = {ref: entry.uid for ref, entry in house.store.inventory.entries().items()}
    assert marks["DNSRecord/team/web"] == uid_of(Ref("DNSRecord/team/www"))
    assert len(set(marks.values())) == len(marks) == 3
    assert planned(root).actions == ()
