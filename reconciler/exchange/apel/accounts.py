"""From usage records to what APEL is told of them: machines, accelerators, addresses, jobs and their summaries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from reconciler.exchange.apel.checks import month_of
from reconciler.exchange.apel.forms import Value
from reconciler.model import UsageRecord
from reconciler.model.usage import JobSum

_SI2K = 250
"""So many SI2K make one HEP-SPEC."""
GB = 10**9
"""Bytes."""
Record = dict[str, Value]


@dataclass(frozen=True)
class Naming:
    """What a site is called where its usage goes, and what is told of its clouds."""

    site: str
    """Name to account under."""
    services: Mapping[str, str]
    """Host of a cloud's endpoint, by the cloud's name."""
    kinds: Mapping[str, str]
    """Driver of a cloud, by the cloud's name."""
    groups: Mapping[str, str]
    """The group that a VO is known by, by the VO's name."""
    made_by: str = "hanse"


def measured_at(month: str, now: datetime) -> datetime:
    """When a month's figures hold: now, or the last second of a month that is over. APEL counts by this moment."""
    year, number = (int(part) for part in month.split("-"))
    return min(now.replace(microsecond=0), month_of(year, number)[1] - timedelta(seconds=1))


def cloud_record(use: UsageRecord, naming: Naming, now: datetime) -> Record:
    """One machine. Durations count from its start: APEL takes the month before away by itself."""
    kind = naming.kinds.get(use.cloud, "")
    record: Record = {
        "RecordCreateTime": measured_at(use.month, now),
        "VMUUID": use.record,
        "SiteName": naming.site,
        "CloudComputeService": naming.services.get(use.cloud),
        "MachineName": use.name or None,
        "LocalUserId": use.user or use.ref.partition("/")[2],
        "LocalGroupId": use.vo,
        "GlobalUserName": use.user_name or None,
        "FQAN": naming.groups.get(use.vo, use.vo),
        "Status": use.status,
        "StartTime": use.start.replace(microsecond=0),
        "EndTime": use.end.replace(microsecond=0) if use.end else None,
        "SuspendDuration": use.total_suspend_seconds,
        "WallDuration": use.total_wall_seconds,
        "CpuDuration": use.total_cpu_seconds,
        "CpuCount": use.cpu_count,
        "NetworkInbound": gigabytes(use.total_received_bytes),
        "NetworkOutbound": gigabytes(use.total_sent_bytes),
        "PublicIPCount": use.public_ips,
        "Memory": use.memory_mib,
        "Disk": use.disk_gib,
        "ImageId": use.image or None,
        "CloudType": f"{naming.made_by} ({kind})" if kind else naming.made_by,
    }
    if use.benchmark_type:
        record |= {"BenchmarkType": use.benchmark_type, "Benchmark": use.benchmark}
    return _given(record)


def cloud_summaries(uses: Iterable[UsageRecord], naming: Naming) -> list[Record]:
    """A month's machines as APEL sums them: what they used in this month alone, by user, place, make and state."""
    groups: defaultdict[tuple[Any, ...], list[UsageRecord]] = defaultdict(list)
    for use in uses:
        if use.kind == "vm":
            groups[_alike_machines(use)].append(use)
    return [_cloud_summary(groups[key], naming) for key in sorted(groups)]


_alike_machines = attrgetter(
    "month", "cloud", "vo", "known_as", "status", "image", "cpu_count", "benchmark_type", "benchmark"
)


def _cloud_summary(uses: Sequence[UsageRecord], naming: Naming) -> Record:
    one = uses[0]
    year, month = (int(part) for part in one.month.split("-"))
    record: Record = {
        "SiteName": naming.site,
        "CloudComputeService": naming.services.get(one.cloud),
        "Month": month,
        "Year": year,
        "GlobalUserName": one.known_as or None,
        "VO": naming.groups.get(one.vo, one.vo),
        "Status": one.status,
        "CloudType": naming.made_by,
        "ImageId": one.image or None,
        "EarliestStartTime": min(use.start for use in uses).replace(microsecond=0),
        "LatestStartTime": max(use.start for use in uses).replace(microsecond=0),
        "WallDuration": sum(use.wall_seconds for use in uses),
        "CpuDuration": sum(use.cpu_seconds for use in uses),
        "CpuCount": one.cpu_count,
        "NetworkInbound": _gained((use.received_bytes, use.total_received_bytes) for use in uses),
        "NetworkOutbound": _gained((use.sent_bytes, use.total_sent_bytes) for use in uses),
        "Memory": sum(use.memory_mib for use in uses),
        "Disk": sum(use.disk_gib for use in uses),
        "BenchmarkType": one.benchmark_type or None,
        "Benchmark": one.benchmark if one.benchmark_type else None,
        "NumberOfVMs": len(uses),
    }
    return _given(record)


def gigabytes(count: int | None) -> int | None:
    """Bytes in whole GB, to the nearest: what is told of a machine counts from its start, so that no remainder is lost.

    APEL says GB and no more; these have 10^9 bytes, as networks' have.
    """
    return None if count is None else (count + GB // 2) // GB


def _gained(counts: Iterable[tuple[int | None, int | None]]) -> int | None:
    """What machines' figures rose by in a month, as the receiver of their records reckons; None if none is known.

    ``counts``: bytes in the month, and until its end.
    """
    rises = [
        (gigabytes(whole) or 0) - (gigabytes(whole - month) or 0)
        for month, whole in counts
        if month is not None and whole is not None
    ]
    return sum(rises) if rises else None


def accelerators(uses: Iterable[UsageRecord], naming: Naming) -> Iterator[dict[str, Any]]:
    """One record for each machine that has some."""
    for use in uses:
        if use.kind == "vm" and use.gpus:
            year, month = (int(part) for part in use.month.split("-"))
            yield {
                "MeasurementMonth": month,
                "MeasurementYear": year,
                "AssociatedRecordType": "cloud",
                "AssociatedRecord": use.record,
                **({"GlobalUserName": use.user_name} if use.user_name else {}),
                "FQAN": naming.groups.get(use.vo, use.vo),
                "SiteName": naming.site,
                "Count": use.gpus,
                "AvailableDuration": use.wall_seconds,
                "Type": "GPU",
            }


def addresses(uses: Iterable[UsageRecord], naming: Naming, now: datetime) -> Iterator[dict[str, Any]]:
    """How many addresses each VO holds in each cloud at the end of the month, or now."""
    held: defaultdict[tuple[str, str, str, str], int] = defaultdict(int)
    months: dict[tuple[str, str, str, str], str] = {}
    for use in uses:
        if use.kind == "vm" and use.end is None and use.public_ips:
            whose = use.cloud, use.vo, use.user, use.known_as
            held[whose] += use.public_ips
            months[whose] = use.month
    for (cloud, vo, user, name), count in sorted(held.items()):
        service = naming.services.get(cloud)
        yield {
            "MeasurementTime": int(measured_at(months[cloud, vo, user, name], now).timestamp()),
            "SiteName": naming.site,
            **({"CloudComputeService": service} if service else {}),
            "CloudType": naming.made_by,
            "LocalUser": user or vo,
            "LocalGroup": vo,
            "GlobalUserName": name or vo,
            "FQAN": naming.groups.get(vo, vo),
            "IPVersion": 4,
            "IPCount": count,
        }


def job_record(use: UsageRecord, naming: Naming) -> Record:
    """One job. Its identifier stands in the middle of the record's name."""
    return _given(
        {
            "Site": naming.site,
            "SubmitHost": use.cloud,
            "MachineName": use.cloud,
            "Queue": use.name or None,
            "LocalJobId": use.record.split("/")[1],
            "LocalUserId": use.user or None,
            "FQAN": naming.groups.get(use.vo, use.vo),
            "WallDuration": use.wall_seconds,
            "CpuDuration": use.cpu_seconds,
            "Processors": use.cpu_count,
            "NodeCount": use.nodes,
            "StartTime": use.start,
            "EndTime": use.end,
            "InfrastructureDescription": naming.made_by,
            "InfrastructureType": "grid",
            "MemoryReal": use.memory_mib * 1024 or None,
            "ServiceLevelType": use.benchmark_type or None,
            "ServiceLevel": use.benchmark if use.benchmark_type else None,
        }
    )


def _given(record: Record) -> Record:
    return {name: value for name, value in record.items() if value is not None}


# -- summaries ---------------------------------------------------------------------------------------------------------


def factor(use: UsageRecord | JobSum) -> float:
    """Work of a core second, in the units of its benchmark."""
    return use.benchmark / _SI2K if use.benchmark_type.lower() == "si2k" else use.benchmark


def summed(uses: Iterable[UsageRecord]) -> list[JobSum]:
    """Jobs added up by month, site, VO, user, cluster, benchmark, nodes and cores, in that order."""
    groups: defaultdict[tuple[Any, ...], list[UsageRecord]] = defaultdict(list)
    for use in uses:
        if use.kind == "job":
            groups[_alike(use)].append(use)
    return [_added(key, groups[key]) for key in sorted(groups)]


_alike = attrgetter("month", "site", "vo", "user", "cloud", "benchmark_type", "benchmark", "nodes", "cpu_count")
_ALIKE = ("month", "site", "vo", "user", "cluster", "benchmark_type", "benchmark", "nodes", "cpu_count")


def _added(key: tuple[Any, ...], uses: Sequence[UsageRecord]) -> JobSum:
    walls, cpus = [use.wall_seconds for use in uses], [use.cpu_seconds for use in uses]
    ends = [use.end for use in uses if use.end is not None]
    return JobSum(
        **dict(zip(_ALIKE, key, strict=True)),
        jobs=len(uses),
        wall_seconds=sum(walls),
        cpu_seconds=sum(cpus),
        worked_wall_seconds=sum(n for n in walls if n > 0),
        worked_cpu_seconds=sum(n for n in cpus if n > 0),
        earliest_end=min(ends, default=None),
        latest_end=max(ends, default=None),
        gpu_seconds=sum(use.wall_seconds * use.gpus for use in uses),
        partial=any(use.partial for use in uses),
    )


def summaries(sums: Iterable[JobSum], naming: Naming, *, normalised: bool = False) -> list[Record]:
    """Sums of jobs as APEL's summaries: plain, or with normalised work."""
    return [_summary(one, naming, normalised) for one in sums]


def _summary(one: JobSum, naming: Naming, normalised: bool) -> Record:
    year, month = (int(part) for part in one.month.split("-"))
    record: Record = {
        "Site": naming.site,
        "Month": month,
        "Year": year,
        "GlobalUserName": one.user or None,
        "VO": naming.groups.get(one.vo, one.vo),
        "SubmitHost": one.cluster,
        "ServiceLevelType": one.benchmark_type or None,
        "NodeCount": one.nodes,
        "Processors": one.cpu_count,
        "EarliestEndTime": one.earliest_end,
        "LatestEndTime": one.latest_end,
        "WallDuration": one.wall_seconds,
        "CpuDuration": one.cpu_seconds,
        "NumberOfJobs": one.jobs,
    }
    if not normalised:
        level = one.benchmark if one.benchmark_type else None
        return _given(record | {"InfrastructureType": "grid", "ServiceLevel": level})
    of = factor(one)
    work = {
        "NormalisedWallDuration": round(one.worked_wall_seconds * of),
        "NormalisedCpuDuration": round(one.worked_cpu_seconds * of),
    }
    return _given(record | {"Infrastructure": "grid"} | work)


def counts(sums: Iterable[JobSum], naming: Naming) -> list[Record]:
    """Sync records: how many jobs of each cluster there are in a month, against which the receiver counts its own."""
    found: defaultdict[tuple[str, str], int] = defaultdict(int)
    for one in sums:
        found[one.month, one.cluster] += one.jobs
    return [
        {
            "Site": naming.site,
            "SubmitHost": cluster,
            "NumberOfJobs": count,
            "Month": int(month.split("-")[1]),
            "Year": int(month.split("-")[0]),
        }
        for (month, cluster), count in sorted(found.items())
    ]
