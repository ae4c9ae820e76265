"""What was told last is kept; how all stands is counted by kind; what is drifting is found."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.model import Ref
from reconciler.records.tables import ConditionRow, table

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def standing(store, *rows) -> None:
    """(ref, condition, status, reason, at rest) of each."""
    names = ("ref", "type", "status", "reason", "at_rest")
    more = {"message": "", "since": NOW, "observed_generation": 1}
    with store.database.writing() as connection:
        connection.execute(table(ConditionRow).insert(), [dict(zip(names, row, strict=True)) | more for row in rows])


def test_what_was_told_is_kept_by_subscriber_until_it_is_over(store):
    store.notices.tell("ops", {"drift X/a": "drifted", "cursor": "7"})
    store.notices.tell("vo", {"drift X/a": "drifted"})
    store.notices.tell("ops", {"cursor": "8"}, over=["drift X/a"])
    assert {subject: one.state for subject, one in store.notices.told("ops").items()} == {"cursor": "8"}
    assert store.notices.told("vo").keys() == {"drift X/a"}


def test_resources_are_counted_by_kind_condition_and_status(store):
    standing(
        store,
        ("DNSRecord/tides/www", "Ready", "True", "Reconciled", True),
        ("DNSRecord/ocean/www", "Ready", "True", "Reconciled", True),
        ("VO/ocean", "Ready", "False", "Failed", False),
    )
    assert store.conditions.counts() == {("DNSRecord", "Ready", "True"): 2, ("VO", "Ready", "False"): 1}
    assert store.conditions.restless().keys() == {Ref("VO/ocean")}


def test_what_git_has_moved_is_no_drift(store):
    standing(
        store,
        ("DNSRecord/tides/a", "InSync", "False", "DriftDetected", False),
        ("DNSRecord/tides/b", "InSync", "False", "SpecChanged", False),
        ("DNSRecord/tides/c", "InSync", "True", "DriftIgnored", True),
    )
    assert store.conditions.drifting() == {Ref("DNSRecord/tides/a"): NOW}


def test_events_are_told_from_a_number_on(store):
    assert (store.events.latest(), store.events.later(0)) == (0, ())
