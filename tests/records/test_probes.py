"""Probes: soft and hard states after Nagios's rule, their changes, and the results behind them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import Gap, Ref
from reconciler.ports import CheckResult
from reconciler.records.probes import changed, next_state

WEB = Ref("Probe/vo-x/web")


def run(store, clock, *statuses: str, attempts: int = 3) -> list[tuple[str, str, int]]:
    found = []
    for status in statuses:
        clock.pass_by(60)
        state = store.probes.add_result(WEB, CheckResult(status, f"it is {status}"), attempts)
        found.append((state.status, state.hard_status, state.attempt))
    return found


def test_a_fault_is_hard_only_after_enough_results_in_a_row(store, clock):
    assert run(store, clock, "OK", "CRITICAL", "CRITICAL", "CRITICAL", "CRITICAL") == [
        ("OK", "OK", 0),
        ("CRITICAL", "OK", 1),
        ("CRITICAL", "OK", 2),
        ("CRITICAL", "CRITICAL", 3),
        ("CRITICAL", "CRITICAL", 3),
    ]


def test_one_ok_ends_a_fault_at_once(store, clock):
    assert run(store, clock, "OK", "CRITICAL", "OK", "CRITICAL", "CRITICAL", "CRITICAL", "OK")[-1] == ("OK", "OK", 0)


def test_a_hard_fault_changes_into_another_at_once(store, clock):
    assert run(store, clock, "CRITICAL", "CRITICAL", "CRITICAL", "WARNING")[-1] == ("WARNING", "WARNING", 3)


def test_a_probe_that_starts_with_a_fault_is_unknown_until_it_is_sure(store, clock):
    said = run(store, clock, "CRITICAL", "CRITICAL", "CRITICAL")
    assert [hard for _, hard, _ in said] == ["UNKNOWN", "UNKNOWN", "CRITICAL"]


def test_changes_are_kept_with_their_time_and_weight(store, clock):
    run(store, clock, "OK", "CRITICAL", "CRITICAL", "OK", attempts=2)
    said = [(c.before, c.after, c.hard, c.at.minute) for c in store.probes.status_changes(WEB)]
    assert said == [
        ("UNKNOWN", "OK", True, 1),
        ("OK", "CRITICAL", False, 2),
        ("OK", "CRITICAL", True, 3),
        ("CRITICAL", "OK", True, 4),
    ]
    start, end = clock().replace(minute=3), clock().replace(minute=4)
    assert [c.after for c in store.probes.status_changes(since=start, until=end, hard=True)] == ["CRITICAL"]


def test_since_tells_when_the_hard_state_changed(store, clock):
    run(store, clock, "OK", "CRITICAL", "OK")
    assert store.probes.states()[WEB].since.minute == 1
    assert store.probes.states([WEB])[WEB].checked_at.minute == 3
    assert store.probes.states([Ref("Probe/vo-x/other")]) == {}


def test_results_keep_what_the_plugin_measured(store, clock):
    row = ("time", 0.25, "s", "1", "2", "0", "")
    store.probes.add_result(WEB, CheckResult("OK", "fine", (row,), 0.3), 3)
    clock.pass_by(60)
    store.probes.add_result(WEB, CheckResult("WARNING", "slow", (row,), 1.3), 3)
    newest, oldest = store.probes.results(WEB)
    assert (oldest.perfdata, oldest.seconds, oldest.hard) == ((row,), 0.3, True)
    assert (newest.status, newest.summary, newest.attempt, newest.hard) == ("WARNING", "slow", 1, False)


def test_old_results_go_and_states_stay(store, clock):
    run(store, clock, "OK", "OK", "OK")
    assert store.probes.trim(clock().replace(minute=3)) == 2
    assert len(store.probes.results(WEB)) == 1
    assert store.probes.states()[WEB].hard_status == "OK"


@given(
    statuses=st.lists(st.sampled_from(["OK", "WARNING", "CRITICAL", "UNKNOWN"]), min_size=1, max_size=30),
    attempts=st.integers(1, 5),
)
def test_hard_changes_add_up_to_the_hard_state(statuses, attempts):
    from datetime import UTC, datetime, timedelta

    state, hard, faults = None, "UNKNOWN", 0
    for n, status in enumerate(statuses):
        at = datetime(2026, 11, 21, tzinfo=UTC) + timedelta(minutes=n)
        after = next_state(state, WEB, CheckResult(status, ""), attempts, at)
        change = changed(state, after)
        hard = change.after if change and change.hard else hard
        faults = 0 if status == "OK" else faults + 1
        assert after.hard_status == hard
        assert after.soft == (status != hard)
        assert (hard == status) or (0 < faults < attempts)
        state = after


@pytest.mark.parametrize("status", ["OK", "CRITICAL"])
def test_with_one_attempt_everything_is_hard(store, clock, status):
    assert run(store, clock, status, attempts=1)[0][:2] == (status, status)


def test_runs_that_never_happened_are_counted_once(store, clock):
    run(store, clock, "OK")
    for _ in range(2):
        store.probes.add_gaps([Gap(WEB, clock(), clock(), 3)])
    assert store.probes.states()[WEB].missed == 3
