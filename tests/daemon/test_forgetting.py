"""Old results are forgotten where the operator wants that, and none of which something may still be computed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import ValidationError

from reconciler.daemon.forgetting import forget
from reconciler.model import Ref
from reconciler.model.uptime import UptimeDay
from reconciler.ports import CheckResult
from reconciler.records.store import open_store
from reconciler.records.told import Told
from reconciler.settings.work import ProbeSettings

TODAY = date(2026, 11, 10)
PROBE = Ref("Probe/vo-x/dav")


@pytest.fixture
def store(tmp_path):
    """One result a day from the 1st of August on."""
    with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: datetime(2026, 11, 10, tzinfo=UTC)) as made:
        noons = [datetime(2026, 8, 1, 12, tzinfo=UTC) + timedelta(days=n) for n in range(101)]
        made.telling.add([Told(PROBE, noon, CheckResult("OK", "x"), 1) for noon in noons])
        yield made


def computed(store, report: str, first: date, *but: date) -> None:
    for n in range((TODAY - first).days):
        day = first + timedelta(days=n)
        made = UptimeDay(report, day, "b", "c", complete=day not in but, computed_at=datetime(2026, 11, 10, tzinfo=UTC))
        store.uptime.rebuild(made, [])


def oldest(store) -> date:
    return store.uptime.first_result().date()


def test_results_of_days_that_are_computed_go_when_they_are_old(store):
    computed(store, "Default", date(2026, 8, 1))
    assert forget(store, ["Default"], 70, TODAY) == 31
    assert oldest(store) == date(2026, 9, 1)  # 70 whole days before today
    assert forget(store, ["Default"], 70, TODAY) == 0


def test_all_are_kept_where_nobody_says_for_how_long(store):
    computed(store, "Default", date(2026, 8, 1))
    assert forget(store, ["Default"], 0, TODAY) == 0


def test_a_day_that_is_not_computed_whole_is_kept_with_all_after_it(store):
    computed(store, "Default", date(2026, 8, 1), date(2026, 8, 9))
    assert forget(store, ["Default"], 70, TODAY) == 8
    assert oldest(store) == date(2026, 8, 9)


def test_a_report_that_is_behind_keeps_what_it_needs(store):
    computed(store, "Default", date(2026, 8, 1))
    computed(store, "Critical", date(2026, 8, 5), date(2026, 8, 6))
    assert forget(store, ["Default", "Critical"], 70, TODAY) == 5
    computed(store, "Critical", date(2026, 8, 5))
    assert forget(store, ["Default", "Critical", "Begins-now"], 70, TODAY) == 26


def test_results_that_a_recomputation_may_still_reach_cannot_be_forgotten():
    with pytest.raises(ValidationError, match="30 days are too few"):
        ProbeSettings(keep_days=30)
