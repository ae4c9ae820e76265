"""The journal: written before anything is done, settled with the inventory in one go, never lost, never halved."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.errors import LeaseHeld, RecordsError
from reconciler.model import Operation, Progress, Reason, Ref, Started, Verb, digest_of, encode
from reconciler.ports import Journal
from reconciler.records.lease import Fence
from reconciler.records.store import open_store
from tests.real.waiting import PATIENCE
from tests.records.making import (
    COMMIT,
    OTHER,
    SITE,
    ZONE,
    action,
    begin,
    book,
    do,
    name,
    operations,
    outcome,
)


def test_what_is_intended_stands_in_the_journal_with_all_it_takes_to_undo_it(store, clock):
    made = action()
    journal: Journal = begin(store, book(made))
    journal.intend(operations(journal, made))
    [left] = store.journal.unsettled()
    assert (left.ref, left.verb, left.uid, left.generation) == (made.ref, Verb.CREATE, made.uid, 1)
    assert (left.state, left.content, left.edges, left.target) == ("intended", encode(made.spec), (SITE,), ZONE)
    assert (left.handle, left.attempt, left.intended_at, left.started_at, left.deadline) == ("", 1, clock(), None, None)


def test_a_started_operation_keeps_its_handle_and_its_first_deadline(store, clock):
    made = action()
    journal = begin(store, book(made))
    [operation] = operations(journal, made)
    journal.intend([operation])
    began = clock.pass_by(1)
    journal.started([(operation, Started("vm-7", deadline=600))])
    clock.pass_by(100)
    journal.started([(operation, Started("vm-8", deadline=600, message="booting"))])
    [left] = store.journal.unsettled()
    assert (left.state, left.handle, left.message) == ("started", "vm-8", "booting")
    assert (left.started_at, left.deadline) == (began, began + timedelta(seconds=600))


def test_a_transfer_under_way_stands_in_the_journal_with_how_far_it_has_come_and_when_it_will_end(store, clock):
    made = action()
    journal = begin(store, book(made))
    [operation] = operations(journal, made)
    journal.intend([operation])
    now = clock.pass_by(1)
    journal.started([(operation, Started("copy", progress=Progress(120, 300, 45.0, 4.0, 1, 2)))])
    [left] = store.journal.unsettled()
    said = {name: left.progress[name] for name in ("bytes", "total_bytes", "bytes_per_second", "files", "total_files")}
    assert said == {"bytes": 120, "total_bytes": 300, "bytes_per_second": 45.0, "files": 1, "total_files": 2}
    assert datetime.fromisoformat(left.progress["estimated_end"]) == now + timedelta(seconds=4)


def test_a_create_that_is_done_is_held_with_its_books(store, clock):
    made = action()
    do(store, made)
    [entry] = store.inventory.entries().values()
    digest = digest_of(encode(made.spec))
    assert entry == (made.ref, made.uid, 1, digest, digest, ZONE.id, "3" * 32, "5" * 32)
    details = store.inventory.details([made.ref])[made.ref]
    assert (details.content, details.edges, details.outputs) == (encode(made.spec), (SITE,), {"address": "192.0.2.1"})
    assert (details.lifecycle, details.driver, details.options) == ({"mode": "enforce"}, ZONE.driver, ZONE.options)
    assert (details.choices, details.owner) == ({"spec.site": ("A", "B")}, Ref("DatasetRule/vo-x/all"))
    assert (details.commit, details.file, details.target) == (COMMIT, "names/www.yaml", ZONE.id)
    assert store.journal.unsettled() == ()


def test_an_event_says_who_did_what_by_which_commit_and_plan(store, clock):
    made = action(Verb.UPDATE, spec={"ttl": 60}, reason=Reason.SPEC_CHANGED)
    run, _ = do(store, made)
    [event] = store.events.history()
    assert (event.run, event.ref, event.verb, event.state, event.reason) == (
        run,
        made.ref,
        Verb.UPDATE,
        "done",
        "SpecChanged",
    )
    assert (event.who, event.commit, event.plan_digest, event.at) == ("ada", COMMIT, "d" * 32, clock())
    assert (event.before_hash, event.after_hash) == (made.fingerprint, digest_of(encode({"ttl": 60})))


def test_events_are_found_by_resource_by_run_and_by_time(store, clock):
    first, _ = do(store, action(ref=name(1)), action(ref=name(2)))
    later = clock.pass_by(10)
    second, _ = do(store, action(Verb.UPDATE, name(1), spec={"ttl": 1}))
    assert [e.run for e in store.events.history(name(1))] == [second, first]
    assert [e.ref for e in store.events.history(run=first)] == [name(2), name(1)]
    assert [e.run for e in store.events.history(since=later)] == [second]
    assert [e.run for e in store.events.history(limit=1)] == [second]


def test_a_delete_that_is_done_leaves_nothing_but_its_event(store):
    made = action()
    do(store, made)
    do(store, action(Verb.DELETE))
    assert store.inventory.entries() == {}
    assert store.inventory.details([made.ref]) == {}
    event = store.events.history(made.ref)[0]
    assert (event.verb, event.before_hash, event.after_hash) == (Verb.DELETE, digest_of(encode({"ttl": 300})), "")


def test_an_update_replaces_the_row_and_keeps_the_uid(store):
    do(store, action())
    do(store, action(Verb.UPDATE, spec={"ttl": 60}, generation=2))
    [entry] = store.inventory.entries().values()
    assert (entry.uid, entry.generation, entry.digest) == (action().uid, 2, digest_of(encode({"ttl": 60})))


def test_a_failed_or_lost_attempt_leaves_the_inventory_as_it_was(store):
    journal = begin(store)
    due = operations(journal, action(ref=name(1)), action(ref=name(2)))
    journal.intend(due)
    journal.settle([outcome(due[0], "failed", message="no"), outcome(due[1], "unknown", message="lost")])
    assert store.inventory.entries() == {}
    assert [(e.ref, e.state) for e in store.events.history()] == [(name(2), "unknown"), (name(1), "failed")]


def test_a_lost_answer_stays_open_until_the_resource_is_settled(store):
    journal = begin(store)
    due = operations(journal, action())
    journal.intend(due)
    journal.settle([outcome(due[0], "unknown", message="connection lost")])
    [left] = store.journal.unsettled()
    assert (left.state, left.message) == ("unknown", "connection lost")
    do(store, action(Verb.ADOPT, reason=Reason.OUTCOME_RESOLVED, before={"ttl": 300}))
    assert store.journal.unsettled() == ()


def test_a_person_may_resolve_what_no_look_can(store, clock):
    journal = begin(store)
    due = operations(journal, action(ref=name(1)), action(ref=name(2)))
    journal.intend(due)
    store.journal.resolve([due[0].id], "failed", "never arrived, says the site")
    assert [left.ref for left in store.journal.unsettled()] == [name(2)]
    assert [left.ref for left in store.journal.unsettled(but=journal.run)] == []


def test_a_deferred_action_is_closed_without_an_event(store):
    journal = begin(store)
    due = operations(journal, action())
    journal.intend(due)
    journal.settle([outcome(due[0], "deferred", reason=Reason.PLAN_STALE)])
    assert store.journal.unsettled() == ()
    assert store.events.history() == ()


def test_another_attempt_of_the_same_operation_is_the_same_row(store):
    journal = begin(store)
    [first] = operations(journal, action())
    journal.intend([first])
    journal.settle([outcome(first, "failed")])
    journal.intend([Operation(first.id, first.run, first.action, attempt=2)])
    [left] = store.journal.unsettled()
    assert (left.id, left.attempt, left.state) == (first.id, 2, "intended")


# -- names --------------------------------------------------------------------------------------------------------


def test_a_move_keeps_uid_and_content_and_what_stands_about_it(store):
    old, new = name("old"), name("new")
    do(store, action(ref=old))
    do(store, action(ref=name("child")), books=book(action(ref=name("child")), owner=old))
    before = store.inventory.entries()[old]
    moved = action(Verb.MOVE, new, previous=old, uid=before.uid, reason=Reason.RENAMED)
    do(store, moved, books=book(moved, file="names/new.yaml"))
    after = store.inventory.entries()
    assert after[new][1:6] == before[1:6]
    assert old not in after
    assert store.inventory.details([new])[new].file == "names/new.yaml"
    assert store.inventory.details([name("child")])[name("child")].owner == new


def test_two_names_may_change_places(store):
    do(store, action(ref=name("a"), uid="a" * 32), action(ref=name("b"), uid="b" * 32))
    swap = [
        action(Verb.MOVE, name("b"), previous=name("a"), uid="a" * 32),
        action(Verb.MOVE, name("a"), previous=name("b"), uid="b" * 32),
    ]
    do(store, *swap)
    assert {ref: entry.uid[0] for ref, entry in store.inventory.entries().items()} == {name("a"): "b", name("b"): "a"}


def test_a_change_under_a_new_name_renames_too(store):
    do(store, action(ref=name("old"), uid="a" * 32))
    do(store, action(Verb.UPDATE, name("new"), uid="a" * 32, previous=name("old"), spec={"ttl": 1}, generation=2))
    [entry] = store.inventory.entries().values()
    assert (entry.ref, entry.uid, entry.generation) == (name("new"), "a" * 32, 2)


def test_a_uid_is_one_resource_whatever_it_is_called(store):
    do(store, action(ref=name("old"), uid="a" * 32))
    do(store, action(ref=name("new"), uid="a" * 32))
    assert [*store.inventory.entries()] == [name("new")]


def test_a_name_given_up_and_taken_in_one_batch_ends_well(store):
    do(store, action(ref=name("a"), uid="a" * 32), action(ref=name("b"), uid="b" * 32))
    do(
        store,
        action(Verb.DELETE, name("b"), uid="b" * 32),
        action(Verb.MOVE, name("b"), previous=name("a"), uid="a" * 32),
        action(Verb.CREATE, name("a"), uid="c" * 32),
    )
    assert {ref: entry.uid[0] for ref, entry in store.inventory.entries().items()} == {name("a"): "c", name("b"): "a"}


# -- adoption -----------------------------------------------------------------------------------------------------


def test_what_is_taken_over_as_it_is_shows_what_git_still_wants(store):
    adopted = action(Verb.ADOPT, spec={"ttl": 60}, before={"ttl": 300}, reason=Reason.FOUND)
    do(store, adopted)
    [entry] = store.inventory.entries().values()
    found = digest_of(encode({"ttl": 300}))
    assert (entry.digest, entry.observed_digest, entry.source) == (found, found, found)


def test_what_is_taken_over_just_as_wanted_is_settled(store):
    do(store, action(Verb.ADOPT, before={"ttl": 300}))
    [entry] = store.inventory.entries().values()
    assert entry.source == "5" * 32


# -- tokens -------------------------------------------------------------------------------------------------------


def test_before_a_target_is_touched_its_token_is_forgotten(store, clock):
    store.observations.save({t.id: ("serial-1", "w", True, clock()) for t in (ZONE, OTHER)})
    journal = begin(store)
    journal.intend(operations(journal, action()))
    assert store.observations.tokens() == {OTHER.id: ("serial-1", "w")}


def test_a_replace_forgets_the_token_of_where_it_stood(store, clock):
    do(store, action())
    store.observations.save({t.id: ("serial-1", "w", True, clock()) for t in (ZONE, OTHER)})
    journal = begin(store)
    journal.intend(operations(journal, action(Verb.REPLACE, target=OTHER.id)))
    assert store.observations.tokens() == {}


# -- safety -------------------------------------------------------------------------------------------------------


def test_settling_is_all_or_nothing(store):
    journal = begin(store, book(action(ref=name(1)), action(ref=name(2))))
    due = operations(journal, action(ref=name(1)), action(ref=name(2)))
    journal.intend(due)
    with pytest.raises(RecordsError):
        journal.settle([outcome(due[0]), outcome(due[1], outputs={"bad": object()})])
    assert store.inventory.entries() == {}
    assert store.events.history() == ()
    assert {left.state for left in store.journal.unsettled()} == {"intended"}


def test_whatever_a_back_end_says_can_be_written_down(store):
    journal = begin(store)
    due = operations(journal, action())
    journal.intend(due)
    journal.settle([outcome(due[0], "failed", message="\0 \udcff " + "long " * 10_000)])
    [event] = store.events.history()
    assert event.message.startswith("\\0 \\udcff long")
    assert len(event.message) == 2000


def test_a_journal_needs_a_run_that_began(store):
    with pytest.raises(RecordsError, match="there is no run nowhere"):
        store.journal.open("nowhere", COMMIT, "d" * 32, {})


def test_who_has_lost_the_lease_can_begin_nothing_more(store, clock):
    token = store.lease.acquire("reconcile", "first", 30)
    journal = begin(store, fence=Fence("reconcile", token))
    journal.intend(operations(journal, action(ref=name(1))))
    clock.pass_by(31)
    store.lease.acquire("reconcile", "second", 30)
    with pytest.raises(LeaseHeld, match="was lost"):
        journal.intend(operations(journal, action(ref=name(2))))
    assert [left.ref for left in store.journal.unsettled()] == [name(1)]


def test_the_holder_of_the_lease_writes_down_which_runs_were_killed(store, clock):
    journal = begin(store)
    killed = journal.run
    journal.intend(operations(journal, action(ref=name(1))))
    begin(store)
    assert store.runs.get(killed).state == "running"
    clock.pass_by(60)
    token = store.lease.acquire("reconcile", "me", 30)
    alive = begin(store, fence=Fence("reconcile", token)).run
    assert (store.runs.get(killed).state, store.runs.get(killed).finished_at) == ("interrupted", clock())
    assert store.runs.get(killed).counts == {"open": 1}
    assert store.runs.forsaken() == (alive,)


def test_what_a_killed_run_had_begun_is_told_once_by_whoever_comes_next(store, clock):
    journal = begin(store)
    due = operations(journal, *(action(ref=name(n)) for n in range(4)))
    journal.intend(due)
    journal.started([(due[1], Started("vm-1"))])
    journal.settle([outcome(due[2]), outcome(due[3], "failed", reason=Reason.TARGET_UNREACHABLE)])
    clock.pass_by(60)
    fence = Fence("reconcile", store.lease.acquire("reconcile", "me", 3000))
    finder = begin(store, fence=fence).run
    told = [event for event in store.events.history() if event.state == "interrupted"]
    assert [(e.ref, e.verb, e.operation) for e in told] == [(o.action.ref, Verb.CREATE, o.id) for o in due[1::-1]]
    assert {(e.run, e.commit, e.who, e.plan_digest, e.at) for e in told} == {
        (journal.run, COMMIT, "ada", "d" * 32, clock())
    }
    times = "begun 2026-11-21 12:00:00 UTC, found 2026-11-21 12:01:00 UTC"
    assert {e.message for e in told} == {f"{times} by run {finder}: its end was never written down"}
    assert [e.operation for e in store.events.history(run=journal.run, limit=2)] == [due[1].id, due[0].id]
    store.runs.broken_off(journal.run)  # it was only held up, and goes on
    begin(store, fence=fence)
    assert sum(event.state == "interrupted" for event in store.events.history()) == 2


def test_who_breaks_off_tells_what_it_had_begun(store, clock):
    journal = begin(store)
    journal.intend(operations(journal, action()))
    store.runs.broken_off(journal.run)
    [event] = store.events.history()
    assert (event.verb, event.state, event.run) == (Verb.CREATE, "interrupted", journal.run)
    store.runs.broken_off(journal.run)
    assert len(store.events.history()) == 1


def test_what_was_never_begun_is_not_told(store, clock):
    begin(store)
    clock.pass_by(60)
    begin(store, fence=Fence("reconcile", store.lease.acquire("reconcile", "me", 30)))
    assert store.events.history() == ()


def test_who_has_lost_the_lease_buries_nobody(store, clock):
    token = store.lease.acquire("reconcile", "first", 30)
    begin(store)
    clock.pass_by(31)
    store.lease.acquire("reconcile", "second", 30)
    with pytest.raises(LeaseHeld):
        begin(store, fence=Fence("reconcile", token))
    assert len(store.runs.forsaken()) == 2


def test_actions_without_books_are_held_all_the_same(store):
    do(store, action(), books={})
    assert store.inventory.details([name()])[name()].driver == ""


_KILLED = """
import os, signal, sys
from datetime import UTC, datetime
sys.path.insert(0, {root!r})
from reconciler.records.settling import Settling
from reconciler.records.store import open_store
from tests.records.making import *

store = open_store({url!r}, lambda: datetime.now(UTC))
acts = [action(ref=name(n)) for n in range(3)]
journal = begin(store, book(*acts))
due = operations(journal, *acts)
journal.intend(due)
if {during!r} == "settle":
    Settling._tell = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    journal.settle([outcome(operation) for operation in due])
elif {during!r} == "started":
    from reconciler.model import Started
    journal.started([(due[0], Started("vm-1"))])
elif {during!r} == "settled":
    journal.settle([outcome(due[0])])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(
    ("during", "states", "held"),
    [
        ("intend", ["intended"] * 3, 0),
        ("started", ["started", "intended", "intended"], 0),
        ("settle", ["intended"] * 3, 0),
        ("settled", ["intended"] * 2, 1),
    ],
)
def test_kill_9_neither_loses_nor_halves_anything(migrated, clock, during, states, held):
    code = _KILLED.format(root=str(Path(__file__).parents[2]), url=migrated, during=during)
    died = subprocess.run([sys.executable, "-c", code], check=False, timeout=PATIENCE, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    with open_store(migrated, clock) as store:
        assert [left.state for left in store.journal.unsettled()] == states
        assert len(store.inventory.entries()) == len(store.events.history()) == held
        assert len(store.runs.forsaken()) == 1


def test_threads_may_settle_at_the_same_time(store):
    actions = [action(ref=name(n)) for n in range(40)]
    journal = begin(store, book(*actions))
    due = operations(journal, *actions)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: journal.intend([one]), due))
        list(pool.map(lambda one: journal.settle([outcome(one)]), due))
    assert len(store.inventory.entries()) == len(store.events.history()) == 40


def test_ten_thousand_operations_are_journaled(tmp_path):
    actions = [action(ref=name(n)) for n in range(10_000)]
    with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: datetime.now(UTC)) as store:
        journal = begin(store, book(*actions))
        due = operations(journal, *actions)
        for start in range(0, len(due), 200):
            journal.intend(due[start : start + 200])
            journal.settle([outcome(operation) for operation in due[start : start + 200]])
        assert len(store.inventory.entries()) == 10_000


def test_mending_is_counted_from_when_it_was_begun_whatever_became_of_it(store, clock):
    drift = action(Verb.UPDATE, reason=Reason.DRIFT_DETECTED)
    times = []
    for what in ("done", "failed"):
        journal = begin(store, book(drift))
        (made,) = operations(journal, drift)
        times.append(clock.pass_by(60))
        journal.intend([made])
        journal.settle([outcome(made, what)])
    journal = begin(store, book(action()))
    journal.intend(operations(journal, action(Verb.UPDATE, reason=Reason.SPEC_CHANGED)))
    assert store.journal.mended(times[0] - timedelta(hours=1)) == {name(): tuple(times)}
    assert store.journal.mended(times[1]) == {}
