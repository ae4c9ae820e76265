"""The loop reads jobs of batch systems: this month, early in it the last one too, and what fails is logged."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from reconciler.daemon.metering import keep_reading_jobs, read_jobs
from reconciler.errors import RecordsError
from reconciler.model import Ref
from reconciler.records.store import open_store
from tests.cli.test_batch_accounting import Batches, job, site

LATER = datetime(2026, 10, 20, tzinfo=UTC)


@pytest.fixture
def house(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: LATER) as store:
        yield SimpleNamespace(store=store, drivers=Batches(a=[job(1), job(2, day=20)]), clock=lambda: LATER)


RESOURCES = {Ref("Site/BAY"): SimpleNamespace(spec=site("a")["BAY"]), Ref("VO/x"): None}


def test_this_month_is_read_and_in_its_first_days_the_last_one_too(house):
    (look,) = read_jobs(house, RESOURCES, LATER)
    assert look.jobs == {"BAY/a": 2}
    last, this = read_jobs(house, RESOURCES, datetime(2026, 11, 3, tzinfo=UTC))
    assert (last.jobs, this.jobs) == ({"BAY/a": 2}, {"BAY/a": 0})
    assert len(house.store.usage.month("2026-10")) == 2


def test_what_fails_is_logged_and_read_the_next_time(house):
    house.settings = SimpleNamespace(run=SimpleNamespace(jobs_seconds=0.01))
    stop, asked = threading.Event(), []

    def declared():
        asked.append(1)
        if len(asked) == 1:
            raise RecordsError("locked")
        stop.set()
        return RESOURCES

    keep_reading_jobs(house, declared, stop)
    assert len(house.store.usage.month("2026-10")) == 2


def test_nothing_is_read_where_nobody_wants_it(house):
    house.settings = SimpleNamespace(run=SimpleNamespace(jobs_seconds=0))
    keep_reading_jobs(house, lambda: pytest.fail("asked"), threading.Event())
