"""The end of a run: conditions, what was seen, tokens, permits, and nothing at all for what is simply in sync."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from reconciler.model import (
    Absent,
    Action,
    Approval,
    ConditionType,
    FieldChange,
    Limit,
    Policy,
    Present,
    Reason,
    Ref,
    Stage,
    Started,
    TargetState,
    Unknown,
    Verb,
)
from reconciler.plan.safety import limited
from reconciler.records import record
from tests.records.making import (
    OTHER,
    POLICY,
    ZONE,
    NameSpec,
    action,
    begin,
    book,
    deferred,
    do,
    name,
    observed,
    operations,
    outcome,
    plan,
    record_run,
)

DOWN = {ZONE.id: TargetState(reachable=False, complete=False, reason="timed out")}
HEALTHY = Present(NameSpec(), healthy=True)
ILL = Present(NameSpec(), healthy=False, note="2 of 3 nodes are in error")


def said(store, ref: Ref | None = None) -> dict[str, tuple[str, str]]:
    """Condition -> (status, reason), as it stands in the database."""
    return {c.type.value: (c.status, c.reason) for c in store.conditions.of(ref or name())}


def apply(store, *actions: Action, seen=None) -> None:
    run, outcomes = do(store, *actions)
    record_run(store, *actions, outcomes=outcomes, seen=seen, run=run)


@contextmanager
def statements(store):
    """Every statement that writes, while the block lasts."""
    written: list[str] = []

    def note(_connection, _cursor, statement, parameters, _context, many):
        if not statement.startswith(("SELECT", "BEGIN")):
            written.extend(
                [statement.split()[1 if statement.startswith("UPDATE") else 2]] * (len(parameters) if many else 1)
            )

    event.listen(store.database._engine, "before_cursor_execute", note)
    try:
        yield written
    finally:
        event.remove(store.database._engine, "before_cursor_execute", note)


# -- what a run leaves -------------------------------------------------------------------------------------------


def test_what_was_made_is_ready_healthy_and_in_sync(store, clock):
    apply(store, action(), seen=observed({name(): Absent()}))
    assert said(store) == {
        "Ready": ("True", "Reconciled"),
        "Reconciling": ("False", "NothingUnderWay"),
        "Stalled": ("False", "NothingStandsInTheWay"),
        "Healthy": ("True", "Healthy"),
        "InSync": ("True", "Reconciled"),
        "Protected": ("False", "NothingHeldBack"),
    }
    assert {c.since for c in store.conditions.of(name())} == {clock()}
    assert store.conditions.failing() == {}


def test_what_was_taken_away_has_no_conditions(store):
    apply(store, action())
    apply(store, action(Verb.DELETE))
    assert store.conditions.all() == {}


def test_a_failure_that_needs_a_person_is_stalled_with_its_words(store):
    made = action()
    record_run(store, made, outcomes=[outcome(operations(begin(store), made)[0], "failed", message="403 Forbidden")])
    found = said(store)
    assert (found["Ready"], found["Stalled"]) == (("False", "Failed"), ("True", "Failed"))
    assert found["InSync"] == ("False", "New")
    assert found["Healthy"] == ("Unknown", "NotThere")
    assert store.conditions.of(name())[0].message == "403 Forbidden"
    assert [*store.conditions.failing()] == [name()]


def test_a_failure_that_passes_by_itself_is_reconciling(store):
    made = action(Verb.UPDATE, before={"ttl": 60}, reason=Reason.SPEC_CHANGED)
    [operation] = operations(begin(store), made)
    record_run(store, made, outcomes=[outcome(operation, "failed", reason=Reason.PLAN_STALE, message="it moved")])
    found = said(store)
    assert (found["Reconciling"], found["Stalled"][0]) == (("True", "ProgressingWithRetry"), "False")


def test_a_lost_answer_is_unknown_and_waits_for_a_person(store):
    made = action()
    [operation] = operations(begin(store), made)
    record_run(store, made, outcomes=[outcome(operation, "unknown", message="reply lost")])
    found = said(store)
    assert (found["Ready"], found["Stalled"]) == (("Unknown", "OutcomeUnknown"), ("True", "OutcomeUnknown"))


def test_who_waits_says_for_whom(store):
    made = action()
    blocker = Ref("VirtualCluster/vo-x/c")
    record_run(store, made, outcomes=[deferred(made, Reason.DEPENDENCY_FAILED, "not built", blocker)])
    ready = store.conditions.of(name())[0]
    assert (ready.status, ready.reason) == ("False", "DependencyFailed")
    assert ready.message == "not built (waits for VirtualCluster/vo-x/c)"
    assert said(store)["Reconciling"] == ("True", "DependencyFailed")


def test_a_delete_that_a_limit_stops_is_protected_and_still_ready(store):
    apply(store, action())
    stopped = action(Verb.DELETE, blocked=Reason.THRESHOLD_EXCEEDED, message="40 of 50 names")
    record_run(store, stopped, outcomes=[deferred(stopped, Reason.THRESHOLD_EXCEEDED)])
    found = said(store)
    assert found["Ready"] == ("True", "ThresholdExceeded")
    assert found["Protected"] == found["Stalled"] == ("True", "ThresholdExceeded")
    assert found["InSync"] == ("False", "RemovedFromGit")
    assert [*store.conditions.failing()] == [name()]


def test_drift_that_is_only_watched_shows_and_is_left(store):
    apply(store, action())
    change = FieldChange("spec.ttl", 60, 300, "drift")
    watched = action(Verb.DEFER, reason=Reason.OBSERVE_ONLY, before={"ttl": 60}, changes=(change,))
    record_run(store, watched, outcomes=[deferred(watched, Reason.OBSERVE_ONLY)])
    found = said(store)
    assert (found["Ready"][0], found["InSync"]) == ("True", ("False", "DriftDetected"))
    assert (found["Reconciling"][0], found["Stalled"][0]) == ("False", "False")


def test_drift_that_is_ignored_is_in_sync_by_permission(store):
    apply(store, action())
    change = FieldChange("spec.ttl", 60, 300, "drift", ignored=True)
    record_run(store, action(Verb.NOOP, reason=Reason.DRIFT_IGNORED, before={"ttl": 60}, changes=(change,)))
    assert said(store)["InSync"] == ("True", "DriftIgnored")
    assert said(store)["Ready"][0] == "True"


def test_what_is_taken_over_and_differs_is_not_ready_yet(store):
    change = FieldChange("spec.ttl", 60, 300)
    apply(store, action(Verb.ADOPT, reason=Reason.FOUND, before={"ttl": 60}, changes=(change,)))
    found = said(store)
    assert (found["Ready"], found["InSync"], found["Reconciling"][0]) == (
        ("False", "SpecChanged"),
        ("False", "SpecChanged"),
        "True",
    )


def test_a_paused_resource_says_so(store):
    held = action(Verb.DEFER, reason=Reason.PAUSED, message="update held: all was paused by ada: freeze")
    record_run(store, held, outcomes=[deferred(held, Reason.PAUSED)])
    found = said(store)
    assert (found["Ready"], found["Reconciling"], found["Stalled"][0]) == (
        ("False", "Paused"),
        ("False", "Paused"),
        "False",
    )


def test_a_resource_that_nobody_can_place_is_stalled(store):
    lost = Action(Verb.DEFER, name(), Reason.NO_PLACE, message="no site has GPUs")
    record_run(store, lost, outcomes=[deferred(lost, Reason.NO_PLACE)])
    assert said(store)["Stalled"] == ("True", "NoPlace")


# -- what was observed -------------------------------------------------------------------------------------------


def test_an_unreachable_target_makes_its_resources_unknown_and_only_those(store):
    apply(store, action(ref=name(1)), action(ref=name(2), target=OTHER.id))
    do(store, action(ref=name(2)), books=book(action(ref=name(2)), target=OTHER))
    report = record_run(store, seen=observed(states=DOWN))
    assert said(store, name(1))["Ready"] == ("Unknown", "TargetUnreachable")
    assert said(store, name(1))["Healthy"] == said(store, name(1))["InSync"] == ("Unknown", "TargetUnreachable")
    assert said(store, name(2))["Ready"][0] == "True"
    assert [*report.conditions] == [name(1)]
    assert report.conditions[name(1)][0].message == "timed out"


def test_a_target_that_comes_back_makes_them_ready_again(store, clock):
    apply(store, action())
    clock.pass_by(60)
    record_run(store, seen=observed(states=DOWN))
    back = clock.pass_by(60)
    record_run(store, seen=observed({name(): HEALTHY}))
    ready = store.conditions.of(name())[0]
    assert (ready.status, ready.since) == ("True", back)
    assert store.conditions.failing() == {}


def test_a_sick_resource_is_neither_healthy_nor_ready(store):
    apply(store, action())
    record_run(store, action(Verb.NOOP, reason=Reason.DRIFT_IGNORED, message=ILL.note), seen=observed({name(): ILL}))
    assert said(store)["Healthy"] == said(store)["Ready"] == ("False", "Unhealthy")
    assert store.conditions.of(name())[3].message == ILL.note
    record_run(store, seen=observed({name(): HEALTHY}))
    assert said(store)["Healthy"][0] == said(store)["Ready"][0] == "True"


def test_a_read_that_failed_for_one_resource_is_that_ones_alone(store):
    apply(store, action(ref=name(1)), action(ref=name(2)))
    record_run(store, seen=observed({name(1): Unknown("no such view"), name(2): HEALTHY}))
    assert said(store, name(1))["Ready"] == ("Unknown", "ObservationFailed")
    assert said(store, name(2))["Ready"][0] == "True"


def test_what_nobody_wants_holds_or_sees_any_more_is_forgotten(store):
    made = action()
    record_run(store, made, outcomes=[deferred(made, Reason.DEPENDENCY_NOT_READY)])
    assert said(store)["Ready"][0] == "False"
    record_run(store)
    assert store.conditions.all() == {}


def test_what_was_seen_is_noted_but_not_over_what_was_just_done(store):
    apply(store, action(ref=name(1)), action(ref=name(2)), action(ref=name(3)))
    run, outcomes = do(store, action(Verb.UPDATE, name(1), spec={"ttl": 60}))
    seen = observed({name(1): HEALTHY, name(2): Present(NameSpec(ttl=7)), name(3): Absent()})
    record_run(store, outcomes[0].action, outcomes=outcomes, seen=seen, run=run)
    entries = store.inventory.entries()
    assert entries[name(1)].observed_digest == entries[name(1)].digest
    assert entries[name(2)].observed_digest == NameSpec(ttl=7).digest()
    assert entries[name(3)].observed_digest == ""


def test_nothing_is_proved_absent_by_half_a_read(store):
    apply(store, action())
    half = {ZONE.id: TargetState(reachable=True, complete=False, token="t", digest="w")}
    record_run(store, seen=observed({name(): Absent()}, half))
    [entry] = store.inventory.entries().values()
    assert entry.observed_digest == entry.digest
    assert store.observations.tokens() == {}


def test_outputs_follow_the_world(store):
    apply(store, action())
    record_run(store, seen=observed({name(): Present(NameSpec(), outputs={"address": "192.0.2.99"})}))
    assert store.inventory.outputs([name()]) == {name(): {"address": "192.0.2.99"}}


def test_outputs_of_what_was_taken_over_come_from_the_world(store):
    made = action(Verb.ADOPT, reason=Reason.OUTCOME_RESOLVED, before={"ttl": 300})
    journal = begin(store, book(made))
    [operation] = operations(journal, made)
    journal.intend([operation])
    journal.settle([outcome(operation)])
    seen = observed({name(): Present(NameSpec(), outputs={"address": "192.0.2.7"})})
    record_run(store, made, outcomes=[outcome(operation)], seen=seen, run=journal.run)
    assert store.inventory.outputs([name()]) == {name(): {"address": "192.0.2.7"}}


def test_tokens_are_kept_for_targets_that_the_run_left_alone(store):
    states = {t.id: TargetState(reachable=True, token="t1", digest="w1") for t in (ZONE, OTHER)}
    apply(store, action(), seen=observed({name(): Absent()}, states))
    assert store.observations.tokens() == {OTHER.id: ("t1", "w1")}
    record_run(store, seen=observed({name(): HEALTHY}, states))
    assert store.observations.tokens() == {ZONE.id: ("t1", "w1"), OTHER.id: ("t1", "w1")}


def test_looking_answers_what_a_crash_left_open(store):
    apply(store, action())
    journal = begin(store)
    journal.intend(operations(journal, action(Verb.UPDATE, spec={"ttl": 300})))
    record_run(store, seen=observed({name(): HEALTHY}))
    assert store.journal.unsettled() == ()


def test_what_is_still_to_be_done_stays_open(store):
    journal = begin(store)
    journal.intend(operations(journal, action()))
    waiting = action(blocked=Reason.OUTCOME_UNKNOWN)
    record_run(store, waiting, outcomes=[deferred(waiting, Reason.OUTCOME_UNKNOWN)], seen=observed({name(): Absent()}))
    assert [left.ref for left in store.journal.unsettled()] == [name()]
    assert said(store)["Stalled"] == ("True", "OutcomeUnknown")


# -- the run -----------------------------------------------------------------------------------------------------


def test_a_run_ends_with_its_state_and_counts(store):
    actions = [action(ref=name(n)) for n in range(3)]
    run, outcomes = do(store, *actions)
    ended = [outcomes[0], replace(outcomes[1], state="failed"), deferred(actions[2], Reason.PAUSED)]
    report = record(store, run, plan(*actions, unchanged=7), ended, observed(), POLICY)
    assert store.runs.get(run).state == "failed"
    assert store.runs.get(run).counts == {"create": 1, "failed": 1, "deferred": 1, "unchanged": 7}
    assert (report.run, report.failed) == (run, (ended[1],))


@pytest.mark.parametrize(("blocked", "state"), [(None, "done"), (Reason.THRESHOLD_EXCEEDED, "blocked")])
def test_a_run_that_was_stopped_by_a_limit_says_so(store, blocked, state):
    run = store.runs.begin("c", "d", "ada", "apply")
    stopped = action(Verb.DELETE, blocked=blocked)
    record_run(store, stopped, outcomes=[deferred(stopped, blocked)] if blocked else [], run=run)
    assert store.runs.get(run).state == state


def test_the_approval_that_let_a_delete_through_is_remembered(store):
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    approval = Approval(Ref("Approval/cleanup"), {"kinds": ("DNSRecord",)}, 1, now.replace(hour=13), "old", "ada")
    policy = Policy(now, deletes=Limit(absolute=0), approvals=(approval,))
    [allowed] = limited([action(Verb.DELETE)], {}, policy, empty=False)
    run, outcomes = do(store, allowed)
    record(store, run, plan(allowed), outcomes, observed(), policy)
    assert [(p.run, p.approval, p.ref) for p in store.approvals.history()] == [(run, approval.ref, name())]


# -- cost ----------------------------------------------------------------------------------------------------------


def test_a_quiet_run_writes_nothing_for_what_is_in_sync(store):
    actions = [action(ref=name(n)) for n in range(50)]
    apply(store, *actions)
    record_run(store, seen=observed({a.ref: HEALTHY for a in actions}))
    with statements(store) as written:
        record_run(store, seen=observed({a.ref: HEALTHY for a in actions}))
    assert sorted(written) == ["runs", "runs", "targets"]


def test_an_outage_is_written_down_once(store, clock):
    actions = [action(ref=name(n)) for n in range(20)]
    apply(store, *actions)
    with statements(store) as first:
        record_run(store, seen=observed(states=DOWN))
    clock.pass_by(60)
    with statements(store) as second:
        record_run(store, seen=observed(states=DOWN))
    assert first.count("conditions") == 20 * 6
    assert second.count("conditions") == 0


# -- since ---------------------------------------------------------------------------------------------------------

_STEPS = st.sampled_from(["create", "failed", "unknown", "deferred", "down", "ill", "well", "unread", "blocked"])


def _step(store, what: str) -> None:
    made = action(Verb.UPDATE, before={"ttl": 60}, reason=Reason.SPEC_CHANGED)
    match what:
        case "create":
            apply(store, action())
        case "failed" | "unknown":
            record_run(store, made, outcomes=[outcome(operations(begin(store), made)[0], what, message=what)])
        case "deferred":
            record_run(store, made, outcomes=[deferred(made, Reason.DEPENDENCY_NOT_READY)])
        case "blocked":
            stopped = action(Verb.DELETE, blocked=Reason.APPROVAL_REQUIRED)
            record_run(store, stopped, outcomes=[deferred(stopped, Reason.APPROVAL_REQUIRED)])
        case "down":
            record_run(store, seen=observed(states=DOWN))
        case "ill" | "well" | "unread":
            seen = {"ill": ILL, "well": HEALTHY, "unread": Unknown("no answer")}[what]
            record_run(store, seen=observed({name(): seen}))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEPS, min_size=1, max_size=8))
def test_since_moves_when_and_only_when_the_status_does(store, clock, steps):
    apply(store, action())
    before = {c.type: c for c in store.conditions.of(name())}
    for what in steps:
        now = clock.pass_by(60)
        _step(store, what)
        after = {c.type: c for c in store.conditions.of(name())}
        assert set(after) == set(_AT_REST)
        for kind, condition in after.items():
            moved = condition.status != before[kind].status
            assert condition.since == (now if moved else before[kind].since), (what, kind)
        rest = all(c.status == _AT_REST[c.type] for c in after.values())
        with store.database.reading() as connection:
            left = connection.exec_driver_sql("SELECT count(*) FROM conditions WHERE NOT at_rest").scalar()
        assert left == (0 if rest else 6)
        before = after


_AT_REST = {
    **dict.fromkeys((ConditionType.READY, ConditionType.HEALTHY, ConditionType.IN_SYNC), "True"),
    **dict.fromkeys((ConditionType.RECONCILING, ConditionType.STALLED, ConditionType.PROTECTED), "False"),
}


def _stages(*statuses: str) -> tuple[Stage, ...]:
    return tuple(Stage(n, s, "Said") for n, s in zip(("Nodes", "Reachable", "Configured"), statuses, strict=True))


def test_how_far_something_came_is_seen_while_it_is_under_way_and_keeps_its_times(store, clock):
    journal = begin(store, book(action()))
    (made,) = operations(journal, action())
    journal.intend([made])
    times = {}
    for come in (("False", "Unknown", "False"), ("True", "Unknown", "False"), ("True", "True", "False")):
        times[come] = clock.pass_by(60)
        journal.started([(made, Started("x", stages=_stages(*come)))])
        assert tuple(c.status for c in store.conditions.of(name())) == come
    end = clock.pass_by(60)
    ended = outcome(made, stages=_stages("True", "True", "True"))
    journal.settle([ended])
    clock.pass_by(60)
    record_run(store, action(), outcomes=[ended], run=journal.run)
    since = {c.type: c.since for c in store.conditions.of(name())}
    assert since[ConditionType.NODES] == times["True", "Unknown", "False"]
    assert since[ConditionType.REACHABLE] == times["True", "True", "False"]
    assert since[ConditionType.CONFIGURED] == end
    assert len(since) == 9


def test_a_stage_that_is_not_reached_any_more_is_looked_at_until_it_is(store, clock):
    apply(store, action())
    later = clock.pass_by(60)
    seen = replace(HEALTHY, stages=_stages("False", "False", "True"))
    record_run(store, seen=observed({name(): seen}))
    found = {c.type: (c.status, c.since) for c in store.conditions.of(name())}
    assert found[ConditionType.NODES] == ("False", later)
    record_run(store, seen=observed({name(): replace(HEALTHY, stages=_stages("True", "True", "True"))}))
    with store.database.reading() as connection:
        assert not connection.exec_driver_sql("SELECT count(*) FROM conditions WHERE NOT at_rest").scalar()


def test_the_summary_counts_by_readiness(store):
    apply(store, action(ref=name(1)), action(ref=name(2)))
    record_run(store, seen=observed({name(1): Unknown("?"), name(2): HEALTHY}))
    assert store.conditions.summary() == {("True", "Reconciled"): 1, ("Unknown", "ObservationFailed"): 1}
    assert {*store.conditions.of_many([name(1), name("nowhere")])} == {name(1)}
