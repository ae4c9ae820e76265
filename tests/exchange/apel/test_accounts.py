"""Usage as APEL is told of it: machines, accelerators, addresses, jobs, and their sums."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from reconciler.exchange.apel import CLOUD, CLOUD_SUMMARY, JOB, NORMALISED, SUMMARY, SYNC, batches, read
from reconciler.exchange.apel.accounts import (
    Naming,
    accelerators,
    addresses,
    cloud_record,
    cloud_summaries,
    counts,
    job_record,
    summaries,
    summed,
)
from reconciler.exchange.apel.documents import ACCELERATORS, ADDRESSES, check
from reconciler.exchange.apel.export import month
from reconciler.exchange.usage import totals
from reconciler.model import Ref, UsageRecord
from reconciler.records.store import open_store

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BAY = Naming("BAY-LCG2", {"bay": "cloud.bay.example.org"}, {"bay": "openstack"}, {"vo-x": "/x/y"})
VM = UsageRecord(
    month="2026-10",
    record="7d6f",
    ref=Ref("VirtualCluster/vo-x/c"),
    vo="vo-x",
    site="BAY",
    cloud="bay",
    kind="vm",
    start=datetime(2026, 10, 1, tzinfo=UTC),
    end=None,
    status="started",
    wall_seconds=7200,
    cpu_seconds=14400,
    cpu_count=2,
    memory_mib=4096,
    disk_gib=20,
    image="debian-12",
    name="c-frontend-0",
    total_wall_seconds=7200,
    total_cpu_seconds=14400,
    benchmark_type="hepscore23",
    benchmark=12.5,
)
WORK = UsageRecord(
    month="2026-10",
    record="slurm/17/1793404800",
    ref=Ref("Site/BAY"),
    vo="vo-x",
    site="BAY",
    cloud="slurm",
    kind="job",
    start=datetime(2026, 10, 30, tzinfo=UTC),
    end=datetime(2026, 10, 30, 1, tzinfo=UTC),
    status="completed",
    wall_seconds=3600,
    cpu_seconds=10_800,
    cpu_count=4,
    name="main",
    user="ada",
    benchmark_type="hepspec",
    benchmark=10.0,
)


def again(form, record):
    (text,) = batches(form, [record], NOW).messages
    return read(text, NOW).records[0]


def test_a_machine_is_told_with_all_that_is_known_of_it():
    record = again(CLOUD, cloud_record(VM, BAY, NOW))
    assert record == {
        "RecordCreateTime": datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC),
        "VMUUID": "7d6f",
        "SiteName": "BAY-LCG2",
        "CloudComputeService": "cloud.bay.example.org",
        "MachineName": "c-frontend-0",
        "LocalUserId": "vo-x/c",
        "LocalGroupId": "vo-x",
        "FQAN": "/x/y",
        "VO": "/x/y",
        "Status": "started",
        "StartTime": VM.start,
        "SuspendDuration": 0,
        "WallDuration": 7200,
        "CpuDuration": 14400,
        "CpuCount": 2.0,
        "PublicIPCount": 0,
        "Memory": 4096,
        "Disk": 20,
        "BenchmarkType": "hepscore23",
        "Benchmark": 12.5,
        "ImageId": "debian-12",
        "CloudType": "hanse (openstack)",
    }


def test_a_month_that_goes_on_is_measured_now_and_one_that_is_over_at_its_end():
    assert cloud_record(replace(VM, month="2026-11"), BAY, NOW)["RecordCreateTime"] == NOW
    assert cloud_record(VM, BAY, NOW)["RecordCreateTime"] == datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)


def test_a_machine_that_is_gone_is_told_with_its_end():
    gone = replace(VM, end=datetime(2026, 10, 2, tzinfo=UTC), status="completed")
    assert again(CLOUD, cloud_record(gone, BAY, NOW))["EndTime"] == gone.end


def test_accelerators_and_addresses_are_told_of_machines_that_have_them():
    rich = replace(VM, gpus=2, public_ips=1)
    (gpu,) = accelerators([VM, rich, WORK], BAY)
    assert (gpu["Count"], gpu["AvailableDuration"], gpu["AssociatedRecord"]) == (2, 7200, "7d6f")
    check(ACCELERATORS, gpu)
    ended = replace(rich, record="gone", end=NOW)
    (held,) = addresses([rich, replace(rich, record="other"), ended], BAY, NOW)
    assert (held["IPCount"], held["IPVersion"], held["FQAN"]) == (2, 4, "/x/y")
    check(ADDRESSES, held)


def test_whose_a_machine_is_is_told_by_the_cloud_s_identifier_and_by_name_where_it_is_known():
    known = replace(VM, user="9f2c", user_name="ada@example.org")
    for use, name in ((replace(known, user_name=""), None), (known, "ada@example.org")):
        record = again(CLOUD, cloud_record(use, BAY, NOW))
        assert (record["LocalUserId"], record.get("GlobalUserName")) == ("9f2c", name)
    (gpu,) = accelerators([replace(known, gpus=1)], BAY)
    assert gpu["GlobalUserName"] == "ada@example.org"
    check(ACCELERATORS, gpu)


def test_machines_and_addresses_of_different_users_are_told_apart_and_those_of_one_name_together():
    ada, other = replace(VM, user="9f2c", user_name="ada", public_ips=1), replace(VM, user="77aa", public_ips=2)
    namesake = replace(ada, user="0b11")
    sums = cloud_summaries([ada, other, namesake, VM], BAY)
    assert {s.get("GlobalUserName"): s["NumberOfVMs"] for s in sums} == {None: 1, "77aa": 1, "ada": 2}
    held = list(addresses([ada, other, ada], BAY, NOW))
    assert [(a["LocalUser"], a["GlobalUserName"], a["IPCount"]) for a in held] == [
        ("77aa", "77aa", 2),
        ("9f2c", "ada", 2),
    ]
    for one in held:
        check(ADDRESSES, one)


def test_a_job_is_told_and_without_a_benchmark_is_refused_here_and_not_there():
    record = again(JOB, job_record(WORK, BAY))
    assert (record["LocalJobId"], record["Processors"], record["ServiceLevel"]) == ("17", 4, 10.0)
    (told,) = month([replace(WORK, benchmark_type="")], BAY, NOW)[:1]
    assert (told.messages, [why for _, why in told.rejects]) == (
        (),
        ["ServiceLevelType and ServiceLevel must both be given: without them nothing is loaded"],
    )


@pytest.mark.parametrize(
    ("kind", "value", "work"), [("hepspec", 10.0, 72_000), ("si2k", 2500.0, 72_000), ("hepscore23", 12.5, 90_000)]
)
def test_work_is_time_by_benchmark_and_si2k_counts_250_to_one(kind, value, work):
    jobs = [replace(WORK, record=f"slurm/{n}/0", benchmark_type=kind, benchmark=value) for n in range(2)]
    (record,) = summaries(summed(jobs), BAY, normalised=True)
    assert again(NORMALISED, record)["NormalisedWallDuration"] == work
    assert record["NormalisedCpuDuration"] == 3 * work


def test_a_duration_below_nothing_is_no_work():
    jobs = [WORK, replace(WORK, record="slurm/18/0", wall_seconds=-3600)]
    (record,) = summaries(summed(jobs), BAY, normalised=True)
    assert (record["NormalisedWallDuration"], record["NumberOfJobs"]) == (36_000, 2)


def test_jobs_are_summed_by_who_and_where_and_how_large():
    others = {"vo": "vo-y", "user": "ben", "cloud": "slurm2", "nodes": 2, "cpu_count": 8, "benchmark": 11.0}
    jobs = [WORK, replace(WORK, record="slurm/18/0", end=datetime(2026, 10, 31, tzinfo=UTC))]
    jobs += [replace(WORK, record=f"slurm/{name}/0", **{name: value}) for name, value in others.items()]
    found = summaries(summed(jobs), BAY)
    assert len(found) == 1 + len(others)
    (two,) = [record for record in found if record["NumberOfJobs"] == 2]
    assert (two["WallDuration"], two["EarliestEndTime"], two["LatestEndTime"]) == (7200, WORK.end, jobs[1].end)
    assert all(again(SUMMARY, record) for record in found)


def test_jobs_are_counted_for_the_receiver_to_compare():
    jobs = [replace(WORK, record=f"slurm/{n}/0") for n in range(3)]
    assert counts(summed([*jobs, VM]), BAY) == [
        {"Site": "BAY-LCG2", "SubmitHost": "slurm", "NumberOfJobs": 3, "Month": 10, "Year": 2026}
    ]
    assert again(SYNC, counts(summed(jobs), BAY)[0])


def test_a_month_of_a_site_is_told_whole_and_each_goes_to_its_topic():
    told = month([VM, replace(VM, record="g", gpus=1, public_ips=1), WORK], BAY, NOW)
    assert {one.name: one.topic for one in told} == {
        "cloud": "eu-egi-cloud-accounting",
        "accelerators": "eu-egi-cloud-accounting",
        "addresses": "eu-egi-cloud-accounting",
        "job": "gLite-APEL",
        "sync": "gLite-APEL",
    }
    assert not any(one.rejects for one in told)
    assert [one.name for one in month([WORK], BAY, NOW, jobs="summaries")] == ["summary", "sync"]


def test_machines_are_summed_by_what_they_used_in_their_month():
    older = replace(VM, record="old", total_wall_seconds=90_000, start=datetime(2026, 9, 1, tzinfo=UTC))
    two, one = cloud_summaries([VM, older, replace(VM, record="other", vo="vo-y"), WORK], BAY)
    assert (two["NumberOfVMs"], two["WallDuration"], two["CpuDuration"]) == (2, 14_400, 28_800)
    assert (two["Memory"], two["Disk"], two["EarliestStartTime"]) == (8192, 40, older.start)
    assert (one["NumberOfVMs"], one["VO"]) == (1, "vo-y")
    assert again(CLOUD_SUMMARY, two) == two


GB = 10**9


def carried(month_in, total_in, month_out=0, total_out=0):
    figures = {"received_bytes": month_in, "total_received_bytes": total_in}
    return replace(VM, **figures, sent_bytes=month_out, total_sent_bytes=total_out)


def test_traffic_is_told_in_whole_gigabytes_since_the_start_and_not_where_nobody_counted():
    record = again(CLOUD, cloud_record(carried(0, 3 * GB // 2, 5, 499_999_999), BAY, NOW))
    assert (record["NetworkInbound"], record["NetworkOutbound"]) == (2, 0)
    assert not {"NetworkInbound", "NetworkOutbound"} & cloud_record(VM, BAY, NOW).keys()


def test_sums_of_traffic_are_what_the_receiver_reckons_from_records():
    months = [carried(4 * GB // 10, total) for total in (4 * GB // 10, 8 * GB // 10, 12 * GB // 10)]
    told = [cloud_record(one, BAY, NOW)["NetworkInbound"] for one in months]
    sums = [cloud_summaries([one, VM], BAY)[0]["NetworkInbound"] for one in months]
    assert (told, sums) == ([0, 1, 1], [0, 1, 0])
    assert again(CLOUD_SUMMARY, cloud_summaries(months, BAY)[0])["NetworkOutbound"] == 0
    assert "NetworkInbound" not in cloud_summaries([VM], BAY)[0]


def test_traffic_is_added_up_and_not_told_where_nobody_counted():
    (both,) = totals([carried(GB // 2, GB, GB, GB), VM, carried(GB, GB)], ["vo"])
    assert (both.told()["received_gb"], both.told()["sent_gb"]) == (1.5, 1.0)
    (none,) = totals([VM], ["vo"])
    assert not {"received_gb", "sent_gb"} & none.told().keys()


def test_usage_is_added_up_by_what_is_asked():
    (jobs, vms) = totals([VM, WORK, replace(WORK, record="slurm/18/0", partial=True)], ["country"], {"BAY": "ES"})
    assert (jobs.country, jobs.kind, jobs.count, jobs.wall_hours, jobs.core_hours, jobs.cpu_hours) == (
        "ES",
        "job",
        2,
        2.0,
        8.0,
        6.0,
    )
    assert (jobs.efficiency, jobs.work, jobs.cpu_work, jobs.partial) == (0.75, 80.0, 60.0, True)
    assert (vms.core_hours, vms.work, vms.efficiency, vms.partial) == (4.0, 50.0, None, False)


def test_cores_without_a_benchmark_are_not_counted_as_work():
    (one,) = totals([replace(WORK, benchmark_type="", benchmark=0.0)], ["vo"])
    assert (one.work, one.unmeasured_core_hours) == (0.0, 4.0)


def test_usage_is_grouped_by_nothing_else():
    with pytest.raises(ValueError, match="colour: usage is grouped by month, site, vo, country, user"):
        totals([WORK], ["colour"])


def test_the_database_adds_jobs_up_as_the_records_do(tmp_path):
    others = {"vo": "vo-y", "user": "ben", "cpu_count": 8, "benchmark": 11.0, "site": "CAP", "wall_seconds": -5}
    jobs = [WORK, *(replace(WORK, record=f"slurm/{name}/0", **{name: value}) for name, value in others.items())]
    with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: NOW) as store:
        store.usage.rebuild("2026-10", [*jobs, VM])
        assert list(store.usage.sums("2026-10")) == summed(jobs)
        assert [one.site for one in store.usage.sums("2026-10", site="CAP")] == ["CAP"]


def test_sums_of_jobs_are_added_up_as_the_jobs_are():
    jobs = [
        WORK,
        replace(WORK, record="slurm/18/0", gpus=2),
        replace(WORK, record="slurm/19/0", vo="vo-y", partial=True),
    ]
    for by in (["vo"], ["month", "site"], ["country", "user"]):
        assert totals(summed(jobs), by) == totals(jobs, by)


def test_a_month_may_be_told_of_sums_of_jobs():
    jobs = [WORK, replace(WORK, record="slurm/18/0")]
    for how in ("summaries", "normalised"):
        assert month([VM, *summed(jobs)], BAY, NOW, jobs=how) == month([VM, *jobs], BAY, NOW, jobs=how)
