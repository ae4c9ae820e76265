"""Results that machines tell over HTTP: who may, what is kept, what is told as wrong, and that nothing leaks."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.model.uptime import UptimeDay
from reconciler.web.results import Allowance
from tests.web.conftest import LOOKED, MAIL, NOVA, NOW


def item(minutes=-5, status="OK", **more):
    at = (NOW + timedelta(minutes=minutes)).isoformat()
    return {"probe": "tides/nova", "status": status, "timestamp": at, "summary": f"it is {status}", **more}


# -- who may -----------------------------------------------------------------------------------------------------------


def test_without_a_token_nothing_is_taken(served):
    answer = served.tell([item()], token="")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert served.store.probes.states() == {}


def test_a_token_that_nobody_gave_is_refused(served):
    assert served.tell([item()], token="hanse_0000").status_code == 401


def test_a_token_for_something_else_is_forbidden(served):
    answer = served.tell([item()], token=served.tokens["read"])
    assert answer.status_code == 403
    assert "read" in answer.json()["detail"]


def test_a_revoked_token_is_refused_at_once(served):
    assert served.tell([item()]).status_code == 200
    served.store.tokens.revoke("results")
    assert served.tell([item(-4)]).status_code == 401


def test_a_bearer_token_will_do(served):
    token = served.tokens["results"]
    assert served.tell([item()], token="", Authorization=f"Bearer {token}").status_code == 200


def test_no_token_is_in_any_log_or_answer(served, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    told = [served.tell([item(), {"status": "OK"}]), served.tell([item()], token="hanse_" + "7" * 40)]
    said = caplog.text + "".join(capfd.readouterr()) + "".join(one.text for one in told)
    assert served.tokens["results"] not in said
    assert "7" * 40 not in said


# -- what is kept ------------------------------------------------------------------------------------------------------


def test_results_are_kept_by_probe_and_by_what_is_looked_at(served):
    named = {"service": LOOKED.service, "hostname": LOOKED.hostname, "metric": LOOKED.metric}
    answer = served.tell([item(-9, "CRITICAL"), {**item(-8, "CRITICAL"), "probe": "", **named}])
    assert answer.json() == {"kept": 2, "known": 0, "wrong": 0, "faults": []}
    state = served.store.probes.states()[NOVA]
    assert (state.hard_status, state.attempt, state.runs) == ("CRITICAL", 2, 2)


def test_the_same_again_is_known_and_changes_nothing(served):
    some = [item(-n) for n in range(1, 20)]
    assert served.tell(some).json()["kept"] == 19
    again = served.tell(some)
    assert (again.status_code, again.json()["known"], again.json()["kept"]) == (200, 19, 0)


def test_what_was_measured_is_kept(served):
    served.tell([item(actual_data="time=0.5s;1;2 size=12B", message="more\nlines", seconds=1.25)])
    (result,) = served.store.probes.results(NOVA)
    assert [row[:3] for row in result.perfdata] == [("time", 0.5, "s"), ("size", 12.0, "B")]
    assert (result.seconds, result.summary) == (1.25, "it is OK")


@pytest.mark.parametrize(
    ("given", "kept"),
    [(0, "OK"), (2, "CRITICAL"), ("warning", "WARNING"), ("UNKNOWN", "UNKNOWN")],
)
def test_a_status_is_a_word_or_an_exit_code(served, given, kept):
    served.tell([{**item(), "status": given}])
    assert served.store.probes.states()[NOVA].status == kept


def test_times_may_be_seconds(served):
    at = NOW - timedelta(minutes=1)
    served.tell([{**item(), "timestamp": at.timestamp()}])
    assert served.store.probes.states()[NOVA].checked_at == at


def test_results_of_yesterday_open_the_day_again(served):
    days = [NOW.date() - timedelta(days=n) for n in (0, 1, 2)]
    for day in days:
        served.store.uptime.rebuild(UptimeDay("Default", day, "b", "c", complete=True, computed_at=NOW), [])
    served.tell([item(-2 * 24 * 60)])
    found = served.store.uptime.days("Default", days[-1], days[0])
    assert [found[day].complete for day in days] == [True, False, False]


# -- what is wrong -----------------------------------------------------------------------------------------------------


def test_what_is_wrong_is_told_with_its_place_and_the_rest_is_kept(served):
    wrong = [
        {**item(), "probe": "tides/nothing"},
        {**item(), "status": "FINE"},
        {**item(), "timestamp": "yesterday"},
        {**item(), "timestamp": "2026-11-21T11:00:00"},
        item(60),
        "a word",
        {"status": "OK", "timestamp": NOW.isoformat()},
        {**item(), "probe": "", "service": "x", "hostname": "y", "metric": "z"},
        item(-1, "CRITICAL"),
    ]
    answer = served.tell([item(-1), *wrong])
    assert answer.status_code == 207
    said = answer.json()
    assert (said["kept"], said["wrong"]) == (1, 9)
    where = {(fault["index"], fault["field"]) for fault in said["faults"]}
    assert where == {
        (1, "probe"),
        (2, "status"),
        (3, "timestamp"),
        (4, "timestamp"),
        (5, "timestamp"),
        (6, ""),
        (7, ""),
        (8, "metric"),
        (9, "timestamp"),
    }


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("timestamp", "1e30"),
        ("timestamp", str(10**30)),
        ("timestamp", "18446744073709551615"),
        ("timestamp", "-99999999999999"),
        ("timestamp", "true"),
        ("timestamp", '"0001-01-01T00:00:00+14:00"'),
        ("timestamp", '"9999-12-31T23:59:59-10:00"'),
        ("seconds", "true"),
        ("seconds", "1e308"),
        ("seconds", '"nan"'),
        ("seconds", '"-inf"'),
        ("status", "true"),
        ("status", str(10**30)),
        ("summary", "1"),
    ],
)
def test_a_number_that_is_none_here_is_told_with_its_place_and_the_rest_is_kept(served, field, given):
    body = json.dumps([item(-2), {**item(-1), field: "GIVEN"}, item(-3)]).replace('"GIVEN"', given)
    answer = served.tell(body.encode())
    assert (answer.status_code, answer.json()["kept"]) == (207, 2)
    assert [(fault["index"], fault["field"]) for fault in answer.json()["faults"]] == [(1, field)]


def test_a_measurement_without_bounds_is_no_measurement(served):
    served.tell([item(actual_data="time=0.5s bytes=1e999 lag=-1e999s")])
    (result,) = served.store.probes.results(NOVA)
    assert [row[:3] for row in result.perfdata] == [("time", 0.5, "s")]


def test_where_nothing_is_right_nothing_is_accepted(served):
    assert served.tell([{"status": "OK"}]).status_code == 422


@pytest.mark.parametrize(("body", "code"), [(b"{", 400), (b"{}", 400), (b"", 400), (b"[]", 200)])
def test_what_is_no_list_is_refused(served, body, code):
    assert served.tell(body).status_code == code


@pytest.mark.parametrize("given", ["1969-12-31T23:00:00Z", "1999-01-01T00:00:00Z", -1, 0, 1_000_000_000])
def test_a_result_that_is_too_old_is_told_with_its_place_and_the_rest_is_kept(served, given):
    answer = served.tell([item(-2), {**item(), "timestamp": given}])
    assert (answer.status_code, answer.json()["kept"]) == (207, 1)
    (fault,) = answer.json()["faults"]
    assert (fault["index"], fault["field"]) == (1, "timestamp")
    assert fault["message"] == "this is too old: results are taken from 2025-10-17 on"


def test_how_old_results_may_be_is_the_operators_to_say(serve):
    with serve(results_days=2) as served:
        day = 24 * 60
        assert served.tell([item(-2 * day), item(-2 * day - 1)]).json()["kept"] == 1


def test_a_body_that_is_too_large_is_refused(serve):
    with serve(body_megabytes=1) as served:
        assert served.tell([item(summary="x" * 1_100_000)]).status_code == 413


def test_too_many_in_a_minute_are_told_to_wait(serve):
    with serve(results_per_minute=10) as served:
        assert served.tell([item(-n) for n in range(1, 11)]).status_code == 200
        answer = served.tell([item(-n) for n in range(11, 21)])
        assert answer.status_code == 429
        assert 1 <= int(answer.headers["Retry-After"]) <= 60


def test_an_allowance_fills_up_again():
    now = [0.0]
    allowance = Allowance(60, lambda: now[0])
    assert allowance.take("a", 60) == 0
    assert allowance.take("a", 30) == 30
    assert allowance.take("b", 60) == 0
    now[0] += 30
    assert allowance.take("a", 30) == 0
    now[0] += 120
    assert allowance.take("a", 1000) == 0


# -- metrics -----------------------------------------------------------------------------------------------------------


def test_metrics_tell_how_every_probe_stands(served):
    from prometheus_client.parser import text_string_to_metric_families

    served.tell([item(-2, "CRITICAL"), item(-1, "CRITICAL"), {**item(-1), "probe": MAIL, "seconds": 0.5}])
    answer = served.get("/metrics", served.tokens["metrics"])
    assert answer.status_code == 200
    families = {one.name: one for one in text_string_to_metric_families(answer.text)}
    found = {
        (name, sample.labels.get("probe")): sample.value for name, one in families.items() for sample in one.samples
    }
    assert found[("hanse_probe_status", "tides/nova")] == 2
    assert found[("hanse_probe_hard_status", "tides/nova")] == 2
    assert found[("hanse_probe_runs", "tides/nova")] == 2
    assert found[("hanse_probe_missed", "tides/nova")] == 0
    assert found[("hanse_probe_age_seconds", "tides/nova")] == 60
    assert found[("hanse_probe_duration_seconds", "tides/mail")] == 0.5
    assert (found[("hanse_probes", None)], found[("hanse_probes_waiting", None)]) == (2, 3)
    assert found[("hanse_probes_lag_seconds", None)] == 1.5
    labels = next(one.labels for one in families["hanse_probe_status"].samples if one.labels["probe"] == "tides/nova")
    assert (labels["service"], labels["hostname"], labels["metric"]) == LOOKED


def test_metrics_need_a_token_unless_they_are_open(served, serve):
    assert served.get("/metrics").status_code == 401
    assert served.get("/metrics", served.tokens["read"]).status_code == 403


def test_open_metrics_need_no_token(serve):
    with serve(open=("metrics",)) as served:
        assert served.get("/metrics").status_code == 200


def test_times_are_in_utc(served):
    served.tell([{**item(), "timestamp": "2026-11-21T12:30:00+01:00"}])
    assert served.store.probes.states()[NOVA].checked_at == datetime(2026, 11, 21, 11, 30, tzinfo=UTC)
