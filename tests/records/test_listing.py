"""Lists of what is kept, a portion at a time, the same on both databases."""

from __future__ import annotations

from sqlalchemy import insert

from reconciler.model import ConditionType
from reconciler.records import listing
from reconciler.records.listing import Wanted
from reconciler.records.tables import ConditionRow, table
from tests.records.conftest import Clock

REFS = {
    "DNSRecord/tides/mail": "False",
    "DNSRecord/tides/www": "True",
    "DNSRecord/waves/a_b": "True",
    "DNSRecord/waves/axb": "Unknown",
    "Site/NORTH": "True",
    "VO/tides": "True",
}


def kept(store):
    rows = [
        {
            "ref": ref,
            "type": kind.value,
            "status": status if kind is ConditionType.READY else "False" if kind is ConditionType.STALLED else "True",
            "reason": "R",
            "message": "",
            "since": Clock()(),
            "observed_generation": 1,
            "at_rest": status == "True",
        }
        for ref, status in REFS.items()
        for kind in (ConditionType.READY, ConditionType.STALLED)
    ]
    with store.database.writing() as connection:
        connection.execute(insert(table(ConditionRow)), rows)
    return store.database


def found(database, wanted=Wanted(), after="", most=100):  # noqa: B008
    return [str(one.ref) for one in listing.resources(database, wanted, after, most)]


def test_portions_add_up_and_filters_compare_letter_by_letter(store):
    database = kept(store)
    whole = found(database)
    assert set(whole) == set(REFS)
    assert found(database, most=4) + found(database, after=whole[3]) == whole
    assert found(database, Wanted(kind="Site")) == ["Site/NORTH"]
    assert found(database, Wanted(kind="site")) == []
    assert set(found(database, Wanted(namespace="tides"))) == {"DNSRecord/tides/mail", "DNSRecord/tides/www"}
    assert found(database, Wanted(contains="A_B")) == ["DNSRecord/waves/a_b"]
    assert found(database, Wanted(condition=("Ready", "Unknown"))) == ["DNSRecord/waves/axb"]


def test_kinds_are_counted_and_what_failed_stands_first(store):
    database = kept(store)
    counted = listing.counts(database)
    assert counted == {"DNSRecord": {"False": 1, "True": 2, "Unknown": 1}, "Site": {"True": 1}, "VO": {"True": 1}}
    first, number = listing.troubled(database, 1)
    assert ([str(one.ref) for one in first], number) == (["DNSRecord/tides/mail"], 2)


def test_runs_come_in_portions_the_latest_first(store, clock):
    made = []
    for _ in range(3):
        made.append(store.runs.begin("c" * 40, "d" * 32, "me", "apply"))
        clock.pass_by(1)
    assert [run.id for run in listing.runs(store.database, "", 2)] == made[:0:-1]
    assert [run.id for run in listing.runs(store.database, made[1], 2)] == made[:1]
    assert listing.latest(store.database) == (0, made[2], "running")
    assert listing.events(store.database, None, 5) == listing.events(store.database, 7, 5, ref="x", run="y") == ()
    assert listing.outcomes(store.database, made[0]) == {}
