"""From usage records to what APEL is told of them: machines, accelerators, addresses, jobs and their summaries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from reconciler.exchange.apel.checks import month_of
from reconciler.exchange.apel.forms import Value
from reconciler.model import UsageRecord

_SI2K = 250
"""So many SI2K make one HEP-SPEC."""
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
        "FQAN": naming.groups.get(use.vo, use.vo),
        "Status": use.status,
        "StartTime": use.start.replace(microsecond=0),
        "EndTime": use.end.replace(microsecond=0) if use.end else None,
        "SuspendDuration": use.total_suspend_seconds,
        "WallDuration": use.total_wall_seconds,
        "CpuDuration": use.total_cpu_seconds,
        "CpuCount": use.cpu_count,
        "PublicIPCount": use.public_ips,
        "Memory": use.memory_mib,
        "Disk": use.disk_gib,
        "ImageId": use.image or None,
        "CloudType": f"{naming.made_by} ({kind})" if kind else naming.made_by,
    }
    if use.benchmark_type:
        record |= {"BenchmarkType": use.benchmark_type, "Benchmark": use.benchmark}
    return _given(record)


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
                "FQAN": naming.groups.get(use.vo, use.vo),
                "SiteName": naming.site,
                "Count": use.gpus,
                "AvailableDuration": use.wall_seconds,
                "Type": "GPU",
            }


def addresses(uses: Iterable[UsageRecord], naming: Naming, now: datetime) -> Iterator[dict[str, Any]]:
    """How many addresses each VO holds in each cloud at the end of the month, or now."""
    held: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    months: dict[tuple[str, str, str], str] = {}
    for use in uses:
        if use.kind == "vm" and use.end is None and use.public_ips:
            held[use.cloud, use.vo, use.user] += use.public_ips
            months[use.cloud, use.vo, use.user] = use.month
    for (cloud, vo, user), count in sorted(held.items()):
        service = naming.services.get(cloud)
        yield {
            "MeasurementTime": int(measured_at(months[cloud, vo, user], now).timestamp()),
            "SiteName": naming.site,
            **({"CloudComputeService": service} if service else {}),
            "CloudType": naming.made_by,
            "LocalUser": user or vo,
            "LocalGroup": vo,
            "GlobalUserName": user or vo,
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


def factor(use: UsageRecord) -> float:
    """Work of a core second, in the units of its benchmark."""
    return use.benchmark / _SI2K if use.benchmark_type.lower() == "si2k" else use.benchmark


@dataclass(slots=True)
class _Sum:
    wall: int = 0
    cpu: int = 0
    jobs: int = 0
    work_wall: float = 0.0
    work_cpu: float = 0.0
    first: datetime | None = None
    last: datetime | None = None

    def add(self, use: UsageRecord, of: float) -> None:
        """Count a job. A duration below nothing counts nothing in work."""
        self.wall += use.wall_seconds
        self.cpu += use.cpu_seconds
        self.jobs += 1
        self.work_wall += max(use.wall_seconds, 0) * of
        self.work_cpu += max(use.cpu_seconds, 0) * of
        end = use.end
        if end is not None:
            self.first = end if self.first is None or end < self.first else self.first
            self.last = end if self.last is None or end > self.last else self.last


def summaries(uses: Iterable[UsageRecord], naming: Naming, *, normalised: bool = False) -> list[Record]:
    """Jobs by month, user, VO, cluster, nodes and cores, as APEL summarises them: plain, or with normalised work."""
    sums: dict[tuple[Any, ...], _Sum] = {}
    for use in uses:
        if use.kind != "job":
            continue
        key = (use.month, use.vo, use.user, use.cloud, use.benchmark_type, use.benchmark, use.nodes, use.cpu_count)
        found = sums.get(key)
        if found is None:
            found = sums[key] = _Sum()
        found.add(use, factor(use))
    return [_summary(key, found, naming, normalised) for key, found in sorted(sums.items(), key=lambda one: one[0])]


def _summary(key: tuple[Any, ...], found: _Sum, naming: Naming, normalised: bool) -> Record:
    month, vo, user, cluster, kind, level, nodes, cores = key
    year, number = (int(part) for part in month.split("-"))
    record: Record = {
        "Site": naming.site,
        "Month": number,
        "Year": year,
        "GlobalUserName": user or None,
        "VO": naming.groups.get(vo, vo),
        "SubmitHost": cluster,
        "ServiceLevelType": kind or None,
        "NodeCount": nodes,
        "Processors": cores,
        "EarliestEndTime": found.first,
        "LatestEndTime": found.last,
        "WallDuration": found.wall,
        "CpuDuration": found.cpu,
        "NumberOfJobs": found.jobs,
    }
    if not normalised:
        return _given(record | {"InfrastructureType": "grid", "ServiceLevel": level if kind else None})
    work = {"NormalisedWallDuration": round(found.work_wall), "NormalisedCpuDuration": round(found.work_cpu)}
    return _given(record | {"Infrastructure": "grid"} | work)


def counts(uses: Iterable[UsageRecord], naming: Naming) -> list[Record]:
    """Sync records: how many jobs of each cluster there are in a month, against which the receiver counts its own."""
    found: defaultdict[tuple[str, str], int] = defaultdict(int)
    for use in uses:
        if use.kind == "job":
            found[use.month, use.cloud] += 1
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
