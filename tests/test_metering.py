"""What stands is looked at and noted; a month of it adds up, however often and however seldom one has looked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pytest

from reconciler import metering, suppose
from reconciler.model import Ref
from reconciler.model.machine import Machine
from reconciler.records.store import open_store
from tests.house import applied, commit, opened

VM = Machine(
    "compute:BAY/bay/vo-x", "n-1", Ref("VirtualCluster/vo-x/c"), "BAY", "bay", "vo-x", "c-frontend-0", "started", cpus=2
)
START = datetime(2026, 10, 30, tzinfo=UTC)
HOUR = 3600
NO_BENCHMARK = {}

SITE = """apiVersion: hanse/v1
kind: Site
metadata: {name: BAY}
spec:
  clouds:
    - {name: bay, driver: simulated, endpoint: https://bay.example.org:5000/v3, shares: [{vo: vo-x}]}
---
{apiVersion: hanse/v1, kind: VO, metadata: {name: vo-x}, spec: {}}
"""
CLUSTER = """apiVersion: hanse/v1
kind: VirtualCluster
metadata: {name: c, namespace: vo-x}
spec: {vo: vo-x, site: BAY, frontend: {cpus: 2, ramMiB: 2048, image: debian-12}, workers: [{name: w, count: 2, image: debian-12}]}
"""


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: START) as store:
        yield store


def of(store, month="2026-10", now=START + timedelta(days=60)):
    return list(metering.records(store.machines.between(*metering.bounds(month)), month, now, NO_BENCHMARK))


def seen(store, hours, *machines, complete=True):
    for hour in hours:
        store.machines.saw(VM.target, machines, START + timedelta(hours=hour), complete=complete)


def test_a_machine_counts_from_the_first_look_to_the_last(store):
    seen(store, range(5), VM)
    seen(store, [5])
    (record,) = of(store)
    assert (record.start, record.end, record.status) == (START, START + timedelta(hours=4), "completed")
    assert (record.wall_seconds, record.cpu_seconds, record.cpu_count) == (4 * HOUR, 8 * HOUR, 2)


def test_a_month_has_its_own_part_and_the_whole_until_then(store):
    seen(store, [0, 47, 49, 72], VM)
    (october,), (november,) = of(store), of(store, "2026-11")
    assert (october.wall_seconds, october.total_wall_seconds, october.end) == (48 * HOUR, 48 * HOUR, None)
    assert (november.wall_seconds, november.total_wall_seconds) == (24 * HOUR, 72 * HOUR)
    assert october.start == november.start == START
    assert of(store, "2026-12") == []


def test_a_machine_that_was_switched_off_is_suspended_meanwhile(store):
    seen(store, [0, 1], VM)
    seen(store, [2, 3], replace(VM, state="suspended"))
    seen(store, [4, 5], VM)
    (record,) = of(store)
    assert (record.wall_seconds, record.suspend_seconds, record.status) == (3 * HOUR, 2 * HOUR, "started")


def test_a_machine_that_got_more_cores_counts_with_those_it_had(store):
    seen(store, [0, 1], VM)
    seen(store, [2, 3], replace(VM, cpus=4))
    (record,) = of(store)
    assert (record.wall_seconds, record.cpu_seconds) == (3 * HOUR, 2 * 2 * HOUR + 4 * HOUR)


def test_a_look_that_saw_a_part_or_came_late_ends_nothing(store):
    seen(store, [0, 2], VM)
    seen(store, [3], complete=False)
    seen(store, [1])
    seen(store, [9], VM)
    (record,) = of(store)
    assert (record.wall_seconds, record.end) == (9 * HOUR, None)


def test_another_look_at_the_same_moment_changes_nothing(store):
    seen(store, [0, 0, 1, 1, 1], VM)
    assert of(store)[0].wall_seconds == HOUR


def test_a_month_that_is_not_over_is_partial(store):
    seen(store, [0, 1], VM)
    assert of(store, now=START + timedelta(hours=2))[0].partial
    assert not of(store, now=datetime(2026, 11, 1, tzinfo=UTC))[0].partial


def test_a_month_may_be_made_again_and_leaves_jobs_alone(store):
    seen(store, [0, 1], VM)
    now = START + timedelta(days=9)
    job = replace(of(store)[0], kind="job", record="slurm/1")
    store.usage.rebuild("2026-10", [job], site="BAY", kind="job")
    for _ in range(2):
        assert metering.rebuild(store, "2026-10", now, {("BAY", "bay"): ("hepscore23", 12.5)}) == 1
    vm, again = sorted(store.usage.month("2026-10"), key=lambda r: r.kind, reverse=True)
    assert (vm.kind, vm.benchmark_type, vm.benchmark, again) == ("vm", "hepscore23", 12.5, job)


def test_the_machines_of_a_cluster_are_seen_and_are_gone_with_it(tmp_path):
    commit(tmp_path, {"site.yaml": SITE, "cluster.yaml": CLUSTER})
    applied(tmp_path, until_quiet=True)
    with opened(tmp_path) as house:
        now = datetime.now(UTC)
        assert metering.uncounted(house.store, now) == [
            "VirtualCluster/vo-x/c: none of its machines was seen yet: hanse meter"
        ]
        found = metering.look(house.store, house.drivers, now)
        assert (found.machines, found.unread) == (3, {})
        assert metering.uncounted(house.store, now + timedelta(hours=1)) == []
        (said,) = metering.uncounted(house.store, now + timedelta(hours=2))
        assert said.startswith("compute:BAY/bay/vo-x: 3 machines were last seen ")
        machines = [span.machine for span in house.store.machines.current()]
        assert {(m.site, m.cloud, m.vo, m.ref, m.state) for m in machines} == {
            ("BAY", "bay", "vo-x", Ref("VirtualCluster/vo-x/c"), "started")
        }
        assert all(m.cpus and m.memory_mib and m.flavour for m in machines)
    commit(tmp_path, {"cluster.yaml": None})
    applied(tmp_path, until_quiet=True)
    with opened(tmp_path) as house:
        assert house.store.inventory.entries().keys() & {Ref("VirtualCluster/vo-x/c")} == set()
        assert metering.look(house.store, house.drivers, now + timedelta(hours=1)).machines == 0
        assert house.store.machines.current() == ()


def test_whose_machines_are_is_noted_as_the_operator_lets_the_cloud_tell_it_now(tmp_path):
    commit(tmp_path, {"site.yaml": SITE, "cluster.yaml": CLUSTER})
    applied(tmp_path, until_quiet=True)
    now = datetime.now(UTC)
    with opened(tmp_path) as house:
        metering.look(house.store, house.drivers, now)
        assert {span.machine.user for span in house.store.machines.current()} == {""}
    told = '\n[targets."compute:BAY/bay/vo-x".simulate]\nuser = "9f2c"\nuser_name = "ada"\n'
    with (tmp_path / "hanse.toml").open("a") as settings:
        settings.write(told)
    with opened(tmp_path) as house:
        metering.look(house.store, house.drivers, now + timedelta(hours=1))
        used = metering.stood(house.store, f"{now:%Y-%m}", now + timedelta(hours=2), NO_BENCHMARK)
        assert {(one.user, one.user_name) for one in used} == {("9f2c", "ada")}
        assert metering.rebuild(house.store, f"{now:%Y-%m}", now + timedelta(hours=2), NO_BENCHMARK) == 3
        assert list(house.store.usage.month(f"{now:%Y-%m}")) == sorted(used, key=lambda one: one.record)


def test_what_machines_carry_is_told_of_their_month_and_of_others_not(store):
    store.machines.saw(VM.target, [VM, replace(VM, node="n-2")], START)
    for hour in (1, 49):
        store.machines.saw(VM.target, [VM, replace(VM, node="n-2")], START + timedelta(hours=hour))
        store.machines.traffic.saw(VM.target, {"n-1": (hour * 10, hour)}, START + timedelta(hours=hour))
    one, other = metering.stood(store, "2026-11", START + timedelta(days=60), NO_BENCHMARK)
    assert (one.received_bytes, one.sent_bytes, one.total_received_bytes, one.total_sent_bytes) == (480, 48, 480, 48)
    assert (other.record, other.received_bytes, other.total_sent_bytes) == ("n-2", None, None)
    metering.rebuild(store, "2026-11", START + timedelta(days=60), NO_BENCHMARK)
    assert store.usage.month("2026-11") == (one, other)


def test_in_a_month_in_which_nothing_was_read_the_sum_is_told_as_it_was(store):
    """The receiver takes the month before away: without it, all of it would count again in the month after."""
    for day, received in ((0, 0), (1, 7), (40, None), (80, 12)):
        store.machines.saw(VM.target, [VM], START + timedelta(days=day))
        if received is not None:
            store.machines.traffic.saw(VM.target, {"n-1": (received, 0)}, START + timedelta(days=day))
    months = metering.months(START, START + timedelta(days=80))
    found = [metering.stood(store, month, START + timedelta(days=99), NO_BENCHMARK) for month in months]
    assert [one.total_received_bytes for (one,) in found] == list(accumulate(one.received_bytes for (one,) in found))
    assert found[-1][0].total_received_bytes == 12


def carrying(tmp_path, **simulate):
    commit(tmp_path, {"site.yaml": SITE, "cluster.yaml": CLUSTER})
    said = "\n".join(f"{name} = {value}" for name, value in simulate.items())
    (tmp_path / "hanse.toml").write_text(f'[targets."compute:BAY/bay/vo-x".simulate]\n{said}\n')
    applied(tmp_path, until_quiet=True)


def test_traffic_that_a_cloud_counts_is_read_at_each_look(tmp_path):
    carrying(tmp_path, received_per_second=10**9, sent_per_second=10**6)
    with opened(tmp_path) as house:
        month, now = f"{datetime.now(UTC):%Y-%m}", datetime.now(UTC)
        for later in range(2):
            metering.look(house.store, house.drivers, now + timedelta(seconds=later))
        used = metering.stood(house.store, month, now + timedelta(hours=1), NO_BENCHMARK)
        assert all(one.received_bytes > one.sent_bytes > 0 for one in used)
        assert [one.total_sent_bytes for one in used] == [one.sent_bytes for one in used]


def test_traffic_that_cannot_be_read_is_told_and_hides_no_machine(tmp_path):
    carrying(tmp_path, received_per_second=1, faults='[{on = "traffic", kind = "503", every = 1}]')
    with opened(tmp_path) as house:
        now = datetime.now(UTC)
        found = metering.look(house.store, house.drivers, now)
        assert found.machines == 3
        assert found.unread["compute:BAY/bay/vo-x"].startswith("the traffic of its machines: ")
        assert {one.received_bytes for one in metering.stood(house.store, f"{now:%Y-%m}", now, NO_BENCHMARK)} == {None}


def test_a_cloud_that_does_not_answer_ends_no_machine_and_is_told(tmp_path):
    commit(tmp_path, {"site.yaml": SITE, "cluster.yaml": CLUSTER})
    applied(tmp_path, until_quiet=True)
    with opened(tmp_path) as house:
        now = datetime.now(UTC)
        metering.look(house.store, house.drivers, now)
        down = suppose.drivers(house.drivers, [suppose.Down("cloud", "BAY", "bay")])
        found = metering.look(house.store, down, now + timedelta(hours=1))
        assert list(found.unread) == ["compute:BAY/bay/vo-x"]
        assert [span.until for span in house.store.machines.current()] == [now] * 3
