"""Messages of our own: what is written is read again as it was, in parts that are small enough, without bad records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.exchange.apel import CLOUD, CLOUD_SUMMARY, JOB, NORMALISED, SUMMARY, SYNC, batches, read
from reconciler.exchange.apel.forms import FORMS

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
VM = {"VMUUID": "u-1", "SiteName": "BAY"}

words = (
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20)
    .filter(lambda t: "%%" not in t and t == t.strip() and t.lower() not in ("none", "null"))
    .filter(lambda t: len(t.splitlines()) == 1)
)
whole = st.integers(0, 2**62)
moments = st.integers(1790812800, 1793404800).map(lambda s: datetime.fromtimestamp(s, UTC))


def field(form, name):
    if name in ("Month", "Year"):
        return st.just(10 if name == "Month" else 2026)
    if name in form.integers:
        return whole
    if name in form.numbers:
        return st.floats(0, 1e12)
    if name == "ServiceLevelType":
        return st.sampled_from(["hepspec", "si2k", "hepscore23"])
    return moments if name in form.times else words


@st.composite
def records(draw, form):
    named = [n for n in form.fields if n != "FQAN"]
    wanted = {n for n in named if n in form.mandatory or draw(st.booleans())}
    wanted |= {"ServiceLevelType", "ServiceLevel"} & set(form.fields) if form.name in ("job", "summary") else set()
    wanted |= {"ServiceLevelType"} if form.graded else set()
    wanted |= {"EndTime"} & set(form.fields)
    record = {n: draw(field(form, n)) for n in named if n in wanted}
    for first, last in (("StartTime", "EndTime"), ("EarliestEndTime", "LatestEndTime")):
        if first in record and last in record:
            record[first], record[last] = sorted((record[first], record[last]))
    if form.graded and "ServiceLevel" not in form.graded:
        record |= {n: draw(st.integers(0, 2**50)) for n in form.graded}
    return record


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.header)
def test_what_is_written_is_read_as_it_was(form):
    @settings(max_examples=40, deadline=None)
    @given(st.lists(records(form), min_size=1, max_size=4))
    def check(some):
        batch = batches(form, some, NOW)
        assert batch.rejects == ()
        (text,) = batch.messages
        message = read(text, NOW)
        assert (message.form, list(message.records)) == (form, some)

    check()


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (VM | {"MachineName": "two\nlines"}, "more than one line"),
        (VM | {"MachineName": "two\u2028lines"}, "more than one line"),
        (VM | {"MachineName": "a %% b"}, "parts records"),
        (VM | {"MachineName": " padded"}, "blanks around"),
        (VM | {"WallDuration": -1}, "WallDuration is -1"),
        (VM | {"Benchmark": float("nan")}, "Benchmark is nan"),
        (VM | {"Colour": "red"}, "Colour: no field"),
        (VM | {"Status": "completed"}, "no EndTime"),
        (VM | {"StartTime": NOW, "EndTime": NOW - timedelta(1)}, "before StartTime"),
        ({"VMUUID": "u-1"}, "SiteName must be given"),
        (VM | {"SiteName": "None"}, "SiteName must be given"),
        (VM | {"MachineName": "n" * 5000}, "more than 2000 bytes"),
    ],
)
def test_a_bad_record_stays_behind_and_the_others_go(record, why):
    batch = batches(CLOUD, [VM, record, VM | {"VMUUID": "u-2"}], NOW, limit=2000)
    (reject,) = batch.rejects
    assert reject.record == record
    assert why in reject.reason
    assert [r["VMUUID"] for text in batch.messages for r in read(text, NOW).records] == ["u-1", "u-2"]


@pytest.mark.parametrize("limit", [100, 333, 1000])
def test_messages_stay_below_their_limit_and_lose_nothing(limit):
    some = [VM | {"VMUUID": f"u-{n}", "MachineName": "é" * (n % 13)} for n in range(1, 60)]
    batch = batches(CLOUD, some, NOW, limit=limit)
    assert all(len(text.encode()) <= limit for text in batch.messages)
    found = [r["VMUUID"] for text in batch.messages for r in read(text, NOW).records]
    assert found == [r["VMUUID"] for r in some]
    assert (batch.records, batch.rejects) == (59, ())


def test_no_message_has_more_records_than_are_to_be_risked_at_once():
    batch = batches(CLOUD, [VM] * 25, NOW, most=10)
    assert [text.count("VMUUID") for text in batch.messages] == [10, 10, 5]


def test_nothing_makes_no_message():
    assert [batches(form, [], NOW).messages for form in (CLOUD, JOB, SUMMARY, NORMALISED, SYNC, CLOUD_SUMMARY)] == [
        ()
    ] * 6
