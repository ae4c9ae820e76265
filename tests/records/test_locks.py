"""Locks: rows for every file that a rule holds, in bulk and by difference; states of rules follow from them."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from reconciler.model import Ref
from reconciler.model.data import ReplicaState, RuleState
from reconciler.ports import DarkFile, DataPolicy, File, Files, Scan
from reconciler.records.data import ReplicaStanding, RuleStanding, Settling
from reconciler.records.locks import Bad
from reconciler.records.tables import LockRow, LockState, table

RULE, OTHER, REPLICA = Ref("DatasetRule/vo/r"), Ref("DatasetRule/vo/o"), Ref("Replica/vo/waves.A.disk")
DAY = 86400
POLICY = DataPolicy()


def files(*paths: str) -> Files:
    return Files.of([File(path, 10, f"adler32:{n:08x}") for n, path in enumerate(paths)])


ABC = files("a", "b", "c")


def rows(store) -> dict[str, tuple]:
    row = table(LockRow).c
    with store.database.reading() as connection:
        found = connection.execute(select(row.path, row.state, row.tries, row.error, row.since, row.next_try))
        return {path: tuple(rest) for path, *rest in found}


def stuck(*paths: str) -> dict[str, Bad]:
    return {path: Bad(LockState.STUCK, f"{path} is out of reach", tried=True) for path in paths}


def standing(bad=None, shares=None, **more) -> ReplicaStanding:
    state = ReplicaState.UNAVAILABLE if bad else ReplicaState.AVAILABLE
    given = {"state": state, "tried": "basis" if bad else None, **more}
    held = {RULE: ABC} if shares is None else shares
    return ReplicaStanding(
        REPLICA, "a" * 32, "A/disk", "ocean:waves", wanted=ABC.digest, seen="", files=3, bytes=30,
        shares=held, bad=bad or {}, **given,
    )  # fmt: skip


def settle(store, *standings, source="git-1", **more) -> RuleState:
    rules = [RuleStanding(RULE, "ocean:waves", source, "vo-x", "ada")]
    store.data.settle(Settling(standings, rules, **more), POLICY)
    return store.data.rules(RULE)[0].state


def test_every_file_of_a_hold_has_a_row(store):
    assert store.locks.write(RULE, REPLICA, ABC) == 3
    assert {path: row[0] for path, row in rows(store).items()} == {"a": 0, "b": 0, "c": 0}
    assert store.locks.counts() == {LockState.OK: 3}


def test_a_hold_that_is_as_it_was_writes_nothing(store):
    store.locks.write(RULE, REPLICA, ABC)
    assert store.locks.write(RULE, REPLICA, ABC) == 0


def test_only_what_changed_is_written(store):
    store.locks.write(RULE, REPLICA, ABC)
    assert store.locks.write(RULE, REPLICA, ABC, stuck("b")) == 1
    assert store.locks.write(RULE, REPLICA, ABC) == 1
    assert store.locks.write(RULE, REPLICA, files("a", "c", "d")) == 2
    assert sorted(rows(store)) == ["a", "c", "d"]


def test_a_rule_is_ok_once_all_its_locks_are(store):
    assert (
        settle(store, standing({"a": Bad(LockState.REPLICATING)}, state=ReplicaState.COPYING)) is RuleState.REPLICATING
    )
    record = store.data.rules(RULE)[0]
    assert (record.ok, record.replicating, record.stuck, record.bytes) == (2, 1, 0, 30)
    assert settle(store, standing()) is RuleState.OK
    assert store.data.replicas(RULE)[0].state is ReplicaState.AVAILABLE


def test_each_stuck_lock_has_its_reason_and_waits_longer_the_older_it_is(store, clock):
    waits = []
    for _ in range(4):
        assert settle(store, standing(stuck("a", "b"))) is RuleState.STUCK
        first = store.data.open_locks(RULE)[0]
        waits.append((first.next_try - clock.time).total_seconds() / 3600)
        clock.pass_by(DAY)
    assert waits == [2, 4, 6, 8]
    assert (first.storage, first.path, first.error, first.tries) == ("A/disk", "a", "a is out of reach", 4)


def test_what_is_stuck_is_not_tried_before_its_time_and_another_wish_is_tried_at_once(store, clock):
    settle(store, standing(stuck("a")))
    still = store.catalogue.standstill("a" * 32, [str(RULE)], "basis")
    assert (still.paths, still.suspended) == ({"a"}, "")
    assert (still.next_try - clock.time).total_seconds() == 2 * 3600
    assert store.catalogue.standstill("a" * 32, [str(RULE)], "another").paths == frozenset()
    clock.pass_by(2 * 3600)
    assert store.catalogue.standstill("a" * 32, [str(RULE)], "basis").paths == frozenset()


def test_what_waits_keeps_its_reason(store):
    settle(store, standing(stuck("a")))
    settle(store, standing({"a": Bad(LockState.STUCK)}, tried=None))
    lock = store.data.open_locks(RULE)[0]
    assert (lock.error, lock.tries) == ("a is out of reach", 1)


def test_what_is_stuck_stays_so_until_it_is_tried_again(store, clock):
    settle(store, standing(stuck("a")))
    before = rows(store)["a"]
    clock.pass_by(60)
    assert settle(store, standing({"a": Bad(LockState.REPLICATING)}, tried=None)) is RuleState.STUCK
    assert rows(store)["a"] == before
    assert store.data.rules(RULE)[0].stuck == 1
    assert settle(store, standing()) is RuleState.OK


def test_a_rule_that_flaps_is_suspended_by_what_its_failures_add_up_to(store, clock):
    for _ in range(15):
        settle(store, standing(stuck("a")))
        clock.pass_by(DAY)
        settle(store, standing())
        clock.pass_by(DAY)
    assert settle(store, standing(stuck("a"))) is RuleState.SUSPENDED
    assert store.data.rules(RULE)[0].message.startswith("it has failed for 15 days in all")
    assert "15 days" in store.catalogue.standstill("a" * 32, [str(RULE)], "basis").suspended
    assert store.data.resume({RULE: "git-1"}.get) == []
    assert store.data.resume({}.get) == []
    assert store.data.resume({RULE: "git-2"}.get) == [RULE]
    assert store.catalogue.standstill("a" * 32, [str(RULE)], "another").suspended == ""
    assert settle(store, standing(stuck("a")), source="git-2") is RuleState.STUCK


def test_a_suspended_rule_of_which_nothing_is_missing_any_more_is_well(store, clock):
    settle(store, standing(stuck("a")))
    clock.pass_by(15 * DAY)
    assert settle(store, standing(stuck("a"))) is RuleState.SUSPENDED
    assert settle(store, standing()) is RuleState.OK


def test_a_long_time_without_failing_is_a_new_beginning(store, clock):
    settle(store, standing(stuck("a")))
    clock.pass_by(10 * DAY)
    settle(store, standing())
    clock.pass_by(20 * DAY)
    settle(store, standing(stuck("a")))
    assert store.data.rules(RULE)[0].failing_seconds == 0


def test_a_rule_waits_for_an_approval_or_is_planned_as_it_is_told(store):
    settle(store, standing())
    for state in (RuleState.WAITING_APPROVAL, RuleState.PLANNED):
        told = RuleStanding(RULE, "ocean:waves", "git-1", state=state, message="why")
        store.data.settle(Settling(rules=[told]), POLICY)
        assert (store.data.rules(RULE)[0].state, store.data.rules(RULE)[0].message) == (state, "why")


def test_two_rules_hold_one_replica_and_it_has_a_tombstone_only_without_both(store, clock):
    settle(store, standing(shares={RULE: ABC, OTHER: files("a")}))
    assert store.locks.counts() == {LockState.OK: 4}
    settle(store, standing(shares={RULE: ABC}))
    assert store.locks.counts() == {LockState.OK: 3}
    assert store.data.replicas()[0].tombstone is None
    settle(store, standing(shares={}))
    assert store.data.replicas()[0].tombstone == clock.time
    assert store.locks.counts() == {}
    settle(store, standing(shares={RULE: ABC}))
    assert store.data.replicas()[0].tombstone is None


def test_a_copy_that_was_read_was_used_then(store, clock):
    settle(store, standing())
    assert store.catalogue.last_read("A/disk") == {}
    clock.pass_by(60)
    settle(store, standing(), reads=[("ocean:waves", "A/disk")])
    assert store.catalogue.last_read("A/disk") == {"a" * 32: clock.time}


def test_what_is_gone_leaves_no_rows(store):
    settle(store, standing())
    store.data.settle(Settling(gone_replicas=[REPLICA], gone_rules=[RULE]), POLICY)
    assert (store.data.replicas(), store.data.rules(), store.locks.counts()) == ((), (), {})


def test_a_storage_that_cannot_be_read_makes_its_replicas_temporarily_unavailable(store):
    settle(store, standing())
    store.data.settle(Settling(unread=["A/disk"]), POLICY)
    assert store.data.replicas()[0].state is ReplicaState.TEMPORARY_UNAVAILABLE
    assert store.locks.counts() == {LockState.OK: 3}


# -- dark files --------------------------------------------------------------------------------------------------------


def scan(dark: int = 1, files: int = 100, missing: int = 0, expected: int = 100) -> Scan:
    found = [DarkFile(f"ocean/waves/junk{n}", 7) for n in range(dark)]
    return Scan("storage:A/disk", files, expected, [f"gone{n}" for n in range(missing)], found)


@pytest.mark.parametrize(
    ("policy", "one", "goes"),
    [
        (DataPolicy(dark="delete"), scan(), True),
        (DataPolicy(dark="delete"), scan(dark=2), False),
        (DataPolicy(dark="delete", dark_percent=2.0), scan(dark=2), True),
        (DataPolicy(dark="delete"), scan(missing=11), False),
        (DataPolicy(dark="delete", dark_percent=100), scan(missing=10, dark=2), True),
        (DataPolicy(), scan(), False),
    ],
    ids=["1 %", "2 %", "2 % of 2", "11 % missing", "10 % missing", "report"],
)
def test_dark_files_go_when_two_scans_28_days_apart_saw_them_and_few_are_dark(store, clock, policy, one, goes):
    store.catalogue.policy = policy
    assert store.catalogue.scanned(one) == frozenset()
    store.data.settle(Settling(scans=[one]), policy)
    clock.pass_by(28 * DAY - 1)
    assert store.catalogue.scanned(one) == frozenset()
    clock.pass_by(1)
    assert bool(store.catalogue.scanned(one)) is goes


def test_a_dark_file_that_was_away_meanwhile_is_new_again(store, clock):
    store.data.settle(Settling(scans=[scan()]), POLICY)
    store.data.settle(Settling(scans=[scan(dark=0)]), POLICY)
    clock.pass_by(DAY)
    store.data.settle(Settling(scans=[scan()]), POLICY)
    (found,) = store.data.dark("A/disk")
    assert (found.path, found.first_seen) == ("ocean/waves/junk0", clock.time)
    assert store.data.scans()[0].dark == 1
