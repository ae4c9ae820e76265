"""Machines as they were seen, and jobs added up: the same on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.exchange.apel.accounts import summed
from reconciler.model import Ref, UsageRecord
from reconciler.model.machine import Carried, Machine

START = datetime(2026, 10, 30, tzinfo=UTC)
VM = Machine(
    "compute:BAY/bay/vo-x", "n-1", Ref("VirtualCluster/vo-x/c"), "BAY", "bay", "vo-x", "c-0", "started", cpus=2
)
JOB = UsageRecord(
    month="2026-10",
    record="slurm/1/1",
    ref=Ref("Site/BAY"),
    vo="vo-x",
    site="BAY",
    cloud="slurm",
    kind="job",
    start=START,
    end=START + timedelta(hours=1),
    wall_seconds=3600,
    cpu_seconds=1800,
    cpu_count=2,
    benchmark_type="hepspec",
    benchmark=10.5,
)


def test_spans_grow_while_nothing_changes_and_end_when_a_whole_look_shows_nothing(store):
    for hour in range(3):
        store.machines.saw(VM.target, [VM, replace(VM, node="n-2")], START + timedelta(hours=hour))
    store.machines.saw(VM.target, [VM], START + timedelta(hours=3))
    one, two = store.machines.between(START, START + timedelta(days=1))
    assert (one.machine, one.since, one.until, one.current) == (VM, START, START + timedelta(hours=3), True)
    assert (two.machine.node, two.until, two.current) == ("n-2", START + timedelta(hours=2), False)
    assert store.machines.current() == (one,)
    assert store.machines.between(START + timedelta(hours=4), START + timedelta(hours=5)) == ()


def test_a_target_says_nothing_of_another(store):
    store.machines.saw(VM.target, [VM], START)
    store.machines.saw("compute:CAP/cap/vo-x", [], START + timedelta(hours=1))
    assert [span.machine for span in store.machines.current()] == [VM]


def test_jobs_are_added_up_as_in_memory(store):
    jobs = [
        JOB,
        replace(JOB, record="slurm/2/1", wall_seconds=-9, end=START),
        replace(JOB, record="slurm/3/1", nodes=2),
    ]
    store.usage.rebuild("2026-10", jobs, kind="job")
    assert list(store.usage.sums("2026-10")) == summed(jobs)
    assert store.usage.sums("2026-09") == ()


def read(store, hour, received, sent, node="n-1"):
    store.machines.traffic.saw(VM.target, {node: (received, sent)}, START + timedelta(hours=hour))


@pytest.fixture
def young(store):
    """A machine that came when its project had been looked at for an hour."""
    store.machines.saw(VM.target, [replace(VM, node="n-0")], START - timedelta(hours=1))
    store.machines.saw(VM.target, [replace(VM, node="n-0"), VM], START)


@pytest.mark.usefixtures("young")
def test_traffic_is_added_to_the_month_in_which_it_was_seen_and_a_restart_begins_anew(store):
    for hour, counters in enumerate([(100, 10), (150, 15), (30, 3), (30, 40)]):
        read(store, hour, *counters)
    assert store.machines.traffic.carried("2026-10") == {(VM.target, "n-1"): Carried(180, 55, 180, 55)}
    read(store, 49, 90, 41)
    assert store.machines.traffic.carried("2026-10") == {(VM.target, "n-1"): Carried(180, 55, 180, 55)}
    assert store.machines.traffic.carried("2026-11") == {(VM.target, "n-1"): Carried(60, 1, 240, 56)}
    assert store.machines.traffic.carried("2026-12") == {(VM.target, "n-1"): Carried(0, 0, 240, 56)}


@pytest.mark.usefixtures("young")
def test_a_look_that_was_noted_and_one_that_is_older_add_nothing(store):
    for hour, counters in ((0, (5, 5)), (2, (9, 9)), (2, (9, 9)), (1, (7, 7))):
        read(store, hour, *counters)
    assert store.machines.traffic.carried("2026-10")[VM.target, "n-1"] == Carried(9, 9, 9, 9)


@pytest.mark.parametrize("hour", [0, 2])
def test_what_a_machine_that_may_have_stood_for_long_carried_before_it_was_first_read_is_not_counted(store, hour):
    store.machines.saw(VM.target, [VM], START)
    read(store, hour, 10**15, 10**14)
    assert store.machines.traffic.carried("2026-10")[VM.target, "n-1"] == Carried(0, 0, 0, 0)
    read(store, 3, 10**15 + 7, 10**14)
    assert store.machines.traffic.carried("2026-10")[VM.target, "n-1"] == Carried(7, 0, 7, 0)
