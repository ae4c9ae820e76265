"""What the loop tells of itself: drift, rounds, targets."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from reconciler import counted
from reconciler.errors import Conflict, Terminal, Transient
from reconciler.measured import Measured, Spread
from reconciler.model import (
    Action,
    Condition,
    ConditionType,
    FieldChange,
    Observed,
    Outcome,
    Plan,
    Reason,
    Ref,
    Report,
    Target,
    TargetState,
    Verb,
)
from reconciler.records.store import open_store
from reconciler.web.reconciling_metrics import FromRecords, Reconciling, Remembered

NAME = Ref("DNSRecord/tides/www")


def value(text: str, sample: str) -> float:
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
    assert found, sample
    return float(found[1])


def test_rounds_targets_and_drift_are_told(scraped):
    assert value(scraped, "hanse_leader") == 1
    assert value(scraped, 'hanse_reconcile_rounds_total{result="done"}') >= 2
    assert value(scraped, 'hanse_actions_total{kind="VO",outcome="done",verb="create"}') == 1
    assert value(scraped, 'hanse_drift_found_total{kind="DNSRecord"}') == 1
    assert value(scraped, 'hanse_resources{condition="InSync",kind="DNSRecord",status="False"}') == 1
    assert value(scraped, 'hanse_target_calls_total{outcome="ok",port="dns",target="dns:fed.example.org."}') >= 2
    assert value(scraped, 'hanse_target_observation_age_seconds{target="dns:fed.example.org."}') < 600
    assert value(scraped, 'hanse_time_to_ready_seconds_count{kind="DNSRecord"}') == 1


def test_who_stands_by_tells_how_all_stands_and_that_another_leads(ran):
    assert value(ran.beside, "hanse_leader") == 0
    assert value(ran.beside, "hanse_lease_held") == 1
    assert value(ran.beside, 'hanse_drifted_resources{kind="DNSRecord"}') == 1


def plan(*actions: Action, **more) -> Plan:
    return Plan("c" * 40, "1", actions, 0, **more)


def action(verb=Verb.CREATE, reason=Reason.NEW, **more) -> Action:
    return Action(verb, NAME, reason, "dns:x.", **more)


def report(made: Plan, state="done", ready="True") -> Report:
    standing = (Condition(ConditionType.READY, ready, "Reconciled"),)
    return Report("r", made, tuple(Outcome(a, state) for a in made.actions), {NAME: standing})


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def measured(clock):
    return Measured(clock, clock)


def rounds(measured, made, became=None, *, observed=None):
    with measured.round():
        measured.planned(made, observed or Observed({}, {}, {}), ())
        if became:
            measured.reported(became)


def test_the_time_to_ready_goes_over_rounds(measured, clock):
    wanted = plan(action())
    rounds(measured, wanted, report(wanted, "failed", ready="False"))
    clock.now += 70
    later = plan(action(reason=Reason.OUTCOME_RESOLVED))
    rounds(measured, later, report(later))
    ((labels, buckets, total),) = measured.ready.told()
    assert (labels, total, dict(buckets)["60.0"], dict(buckets)["120.0"]) == (("DNSRecord",), 70.0, 0, 1)
    assert measured.rounds == {("failed",): 1, ("done",): 1}


def test_what_is_wanted_no_more_is_waited_for_no_more(measured, clock):
    rounds(measured, plan(action()))
    rounds(measured, plan())
    clock.now += 500
    wanted = plan(action())
    rounds(measured, wanted, report(wanted))
    ((_, _, total),) = measured.ready.told()
    assert total == 0


def test_drift_that_stays_is_found_once_and_mended_once(measured):
    drifted = plan(action(Verb.UPDATE, Reason.DRIFT_DETECTED, changes=(FieldChange("ttl", 1, 2, "drift"),)))
    rounds(measured, drifted)
    rounds(measured, drifted, report(drifted))
    assert (measured.drifted, measured.mended) == ({("DNSRecord",): 1}, {("DNSRecord",): 1})
    rounds(measured, drifted)
    assert measured.drifted == {("DNSRecord",): 2}


def test_what_waits_is_told_by_reason(measured):
    rounds(measured, plan(action(Verb.DELETE, Reason.REMOVED_FROM_GIT, blocked=Reason.THRESHOLD_EXCEEDED)))
    assert measured.kept == measured.held == {("ThresholdExceeded",): 1}
    assert measured.rounds == {("blocked",): 1}
    text = {one.name: one for one in Reconciling(measured).collect()}
    samples = {sample.labels["reason"]: sample.value for sample in text["hanse_deletes_blocked"].samples}
    assert (samples["ThresholdExceeded"], samples["Paused"]) == (1, 0)


def test_a_round_that_breaks_is_an_error_and_no_success(measured):
    with pytest.raises(ZeroDivisionError), measured.round():
        raise ZeroDivisionError
    assert (measured.rounds, measured.succeeded_at) == ({("error",): 1}, 0.0)


def test_a_target_that_was_not_read_grows_older_and_one_that_is_gone_is_forgotten(measured, clock):
    def read(**targets):
        return Observed({name: TargetState(well) for name, well in targets.items()}, {}, {})

    measured.breaker("a", "open")
    rounds(measured, plan(), observed=read(a=False, b=True))
    clock.now += 60
    rounds(measured, plan(unreachable={"b": "silence"}), observed=read(a=True, b=False))
    assert (measured.seen_at, measured.reachable, measured.breakers) == (
        {"a": 1060.0, "b": 1000.0},
        {"a": True, "b": False},
        {},
    )
    rounds(measured, plan(), observed=read(a=True))
    assert measured.seen_at.keys() == measured.reachable.keys() == {"a"}


class Back:
    def read(self, answer):
        if isinstance(answer, Exception):
            raise answer
        return answer

    zone = "example.org."


class Opened:
    catalogue = "files"

    def dns(self, target):
        if target.driver == "none":
            raise Terminal("there is no such driver")
        return Back()

    def secret(self, reference):
        return reference


def test_calls_are_counted_by_target_and_outcome(measured):
    drivers = counted.drivers(Opened(), measured)
    back = drivers.dns(Target("dns:x.", "zonefile", {}))
    assert (back.read(7), back.zone, drivers.secret("s"), drivers.catalogue) == (7, "example.org.", "s", "files")
    for error in (Transient("later"), Conflict("moved"), ValueError("odd")):
        with pytest.raises(type(error)):
            back.read(error)
    with pytest.raises(Terminal):
        drivers.dns(Target("dns:y.", "none", {}))
    assert measured.calls == {
        ("dns:x.", "dns", "ok"): 1,
        ("dns:x.", "dns", "transient"): 1,
        ("dns:x.", "dns", "conflict"): 1,
        ("dns:x.", "dns", "error"): 1,
        ("dns:y.", "dns", "terminal"): 1,
    }


def test_a_number_on_the_edge_of_a_bucket_is_in_it():
    spread = Spread((1.0, 2.0))
    for number in (0.5, 1.0, 1.5, 9.0):
        spread.add((), number)
    assert list(spread.told()) == [((), [("1.0", 2.0), ("2.0", 3.0), ("+Inf", 4.0)], 12.0)]


def test_records_are_counted_again_only_when_a_run_has_ended():
    now = [datetime(2026, 11, 22, tzinfo=UTC)]
    marks, counts = ["first"], []
    kept = Remembered(lambda: counts.append(1) or len(counts), lambda: marks[-1], lambda: now[0])
    assert [kept(), kept()] == [1, 1]
    marks.append("second")
    assert [kept(), kept()] == [2, 2]
    now[0] += timedelta(minutes=6)
    assert kept() == 3


def test_single_resources_are_told_of_only_where_that_is_asked_for(tmp_path):
    def clock():
        return datetime(2026, 11, 22, tzinfo=UTC)

    with open_store(f"sqlite:///{tmp_path}/hanse.db", clock) as store:
        plain = {one.name for one in FromRecords(store, clock).collect()}
        each = {one.name for one in FromRecords(store, clock, each=True).collect()}
    assert each - plain == {"hanse_resource_ready", "hanse_resource_drift_seconds"}
