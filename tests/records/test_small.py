"""The small tables: runs, pauses, approvals, usage, targets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from reconciler.errors import RecordsError
from reconciler.model import Approval, Pause, Permit, Ref, UsageRecord, Verb
from tests.records.making import COMMIT, ZONE, action, name

# -- runs ----------------------------------------------------------------------------------------------------------


def test_run_ids_are_unique_and_sort_by_time(store, clock):
    ids = []
    for _ in range(3):
        ids.append(store.runs.begin(COMMIT, "d", "ada", "apply"))
        clock.pass_by(0.001)
    assert ids == sorted(set(ids))
    assert ids[0] == "20261121T120000000Z-000000"


def test_history_shows_the_latest_runs_first(store, clock):
    first = store.runs.begin(COMMIT, "d1", "ada", "apply")
    done = clock.pass_by(2)
    store.runs.finish(first, "done", {"create": 3})
    second = store.runs.begin(COMMIT, "d2", "bob", "run")
    newest, oldest = store.runs.history()
    assert (newest.id, newest.state, newest.finished_at, newest.kind) == (second, "running", None, "run")
    assert (oldest.state, oldest.finished_at, oldest.counts) == ("done", done, {"create": 3})
    assert store.runs.history(1) == (newest,)
    assert store.runs.get(first) == oldest
    assert store.runs.get("nowhere") is None
    assert store.runs.forsaken() == (second,)


# -- pauses --------------------------------------------------------------------------------------------------------


def test_a_pause_holds_until_it_is_resumed(store, clock):
    store.pauses.pause("target:dns:x.", "zone is moving", "ada")
    clock.pass_by(60)
    again = store.pauses.pause("target:dns:x.", "another reason", "bob")
    assert again == Pause("target:dns:x.", "zone is moving", "ada", clock() - timedelta(seconds=60))
    store.pauses.pause("all", "freeze", "bob")
    assert [pause.scope for pause in store.pauses.list()] == ["all", "target:dns:x."]
    assert store.pauses.resume("target:dns:x.", "ada")
    assert not store.pauses.resume("target:dns:x.", "ada")
    assert [pause.scope for pause in store.pauses.list()] == ["all"]
    assert store.pauses.pause("target:dns:x.", "again", "bob").reason == "again"


# -- approvals -----------------------------------------------------------------------------------------------------


def test_an_approval_that_was_used_is_remembered_and_counted(store, clock):
    approval = Approval(Ref("Approval/cleanup"), {}, 5, clock(), "old names", "ada")
    deletes = [(approval, action(Verb.DELETE, name(n))) for n in range(2)]
    store.approvals.used("run-1", deletes)
    store.approvals.used("run-1", deletes)
    assert store.approvals.spent() == {approval.ref: 2}
    assert store.approvals.history(1) == (
        Permit("run-1", approval.ref, name(0), Verb.DELETE, "ada", "old names", clock()),
    )


# -- usage ---------------------------------------------------------------------------------------------------------


def usage(record: str, **fields) -> UsageRecord:
    given = {
        "month": "2026-11",
        "record": record,
        "ref": Ref("VirtualCluster/vo-x/c"),
        "vo": "vo-x",
        "site": "A",
        "kind": "vm",
        "start": datetime(2026, 11, 1, tzinfo=UTC),
        "end": None,
        "wall_seconds": 3600,
        "cpu_seconds": 3_000_000_000,
        "cpu_count": 4,
        "memory_mib": 8192,
        "disk_gib": 20,
        "image": "ubuntu",
        "cloud": "A-CLOUD",
    }
    return UsageRecord(**(given | fields))


def test_a_month_is_rebuilt_as_often_as_one_likes(store):
    store.usage.rebuild("2026-11", [usage("a"), usage("gone")])
    for _ in range(2):
        store.usage.rebuild("2026-11", [usage("b", vo="vo-y"), usage("a", wall_seconds=7200)])
    assert store.usage.month("2026-11") == (usage("a", wall_seconds=7200), usage("b", vo="vo-y"))
    assert [r.record for r in store.usage.month("2026-11", vo="vo-y")] == ["b"]
    assert store.usage.month("2026-10") == ()


def test_one_sites_month_is_rebuilt_without_the_others(store):
    store.usage.rebuild("2026-11", [usage("a"), usage("b", site="B")])
    store.usage.rebuild("2026-11", [], site="A")
    assert [r.record for r in store.usage.month("2026-11", site="B")] == ["b"]
    assert store.usage.month("2026-11", site="A") == ()


def test_a_record_of_another_month_is_refused_and_nothing_is_lost(store):
    store.usage.rebuild("2026-11", [usage("a")])
    with pytest.raises(RecordsError, match="usage record b is not of 2026-11"):
        store.usage.rebuild("2026-11", [usage("b", month="2026-12")])
    assert [r.record for r in store.usage.month("2026-11")] == ["a"]


def test_the_usage_of_a_resource_is_told_month_by_month(store):
    for month in ("2026-12", "2026-11"):
        store.usage.rebuild(month, [usage("a", month=month)])
    assert [r.month for r in store.usage.of(Ref("VirtualCluster/vo-x/c"))] == ["2026-11", "2026-12"]


# -- targets and times ---------------------------------------------------------------------------------------------


def test_an_incomplete_read_leaves_no_token(store, clock):
    store.observations.save({ZONE.id: ("serial-1", "w", True, clock())})
    store.observations.save({ZONE.id: ("serial-2", "w", False, clock())})
    assert store.observations.tokens() == {}


def test_a_target_that_was_down_is_read_in_full_and_shows_since_when(store, clock):
    up = clock()
    store.observations.save({ZONE.id: ("serial-1", "w", True, up)})
    down = clock.pass_by(60)
    store.observations.unreachable({ZONE.id: "timed out"})
    clock.pass_by(60)
    store.observations.unreachable({ZONE.id: "refused"})
    seen = store.observations.all()[ZONE.id]
    assert (seen.reachable, seen.reason, seen.token) == (False, "refused", "")
    assert (seen.since, seen.observed_at, seen.digest) == (down, up, "w")
    assert store.observations.tokens() == {}


def test_a_time_without_a_zone_is_refused(store):
    with pytest.raises(RecordsError, match="has no time zone"):
        store.observations.save({ZONE.id: ("t", "w", True, datetime(2026, 11, 21, 12))})  # noqa: DTZ001


def test_times_come_back_in_utc_wherever_they_were_taken(store):
    there = datetime(2026, 11, 21, 14, 30, tzinfo=timezone(timedelta(hours=2)))
    store.observations.save({ZONE.id: ("t", "w", True, there)})
    found = store.observations.all()[ZONE.id].observed_at
    assert found == there
    assert found.utcoffset() == timedelta(0)
