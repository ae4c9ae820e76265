"""What sites let the federation do and what VOs were granted there, as manifests and usage records say: for plans."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from reconciler.kinds.site import SiteSpec
from reconciler.kinds.vo import VOSpec
from reconciler.kinds.vo.allocation import Allocation
from reconciler.model import Ref, Resource, UsageRecord
from reconciler.model.taken import GIB, MIB_PER_GIB, Grant, SiteTerms

_HOUR = 3600.0
_DECEMBER = 12
Records = Callable[[str, str, str], Sequence[UsageRecord]]
"""(month, VO, site) -> the usage records."""


def terms(resources: Mapping[Ref, Resource]) -> dict[str, SiteTerms]:
    """Site -> its terms, of those that state any."""
    return {ref.name: spec.limits.terms(ref.name) for ref, spec in _sites(resources) if spec.limits is not None}


def _sites(resources: Mapping[Ref, Resource]) -> Iterator[tuple[Ref, SiteSpec]]:
    for ref, resource in resources.items():
        if ref.startswith("Site/") and b'"limits":{' in resource.content:
            spec: SiteSpec = resource.spec
            yield ref, spec


def grants(resources: Mapping[Ref, Resource], records: Records, now: datetime) -> dict[tuple[str, str], Grant]:
    """(site, VO) -> what is in force now. ``records`` are asked for only where core hours were granted."""
    return {
        (one.site, vo): _grant(vo, one, records, now) for vo, one in _allocations(resources) if _holds(one, now.date())
    }


def _allocations(resources: Mapping[Ref, Resource]) -> Iterator[tuple[str, Allocation]]:
    for ref, resource in resources.items():
        if ref.startswith("VO/") and b'"allocations":[{' in resource.content:
            spec: VOSpec = resource.spec
            yield from ((ref.name, one) for one in spec.allocations)


def _holds(one: Allocation, today: date) -> bool:
    return (one.start is None or one.start <= today) and (one.end is None or today <= one.end)


def _grant(vo: str, one: Allocation, records: Records, now: datetime) -> Grant:
    said = {
        "instances": one.instances,
        "vcpus": one.vcpus,
        "ram_mib": None if one.ramGiB is None else one.ramGiB * MIB_PER_GIB,
        "storage_bytes": None if one.storageGiB is None else one.storageGiB * GIB,
    }
    period = _Period.of(one, now)
    used = period.used(records, vo, one.site) if one.coreHours is not None else 0.0
    end = period.end if one.coreHours is not None or one.end is not None else None
    amounts = {what: amount for what, amount in said.items() if amount is not None}
    return Grant(vo, one.site, amounts, one.coreHours, used, period.start, end)


@dataclass(frozen=True)
class _Period:
    """The time that core hours are granted for: the allocation's, or without a first day the month."""

    start: datetime
    end: datetime
    now: datetime

    @classmethod
    def of(cls, one: Allocation, now: datetime) -> _Period:
        first = datetime(now.year, now.month, 1, tzinfo=UTC)
        start = datetime.combine(one.start, time(), UTC) if one.start else first
        end = datetime.combine(one.end, time(), UTC) + timedelta(days=1) if one.end else _after(first)
        return cls(start, end, now)

    def used(self, records: Records, vo: str, site: str) -> float:
        """Core hours of machines by the usage records. A record that began earlier counts whole."""
        month, seconds = datetime(self.start.year, self.start.month, 1, tzinfo=UTC), 0
        while month <= self.now:
            told = records(f"{month:%Y-%m}", vo, site)
            seconds += sum(one.wall_seconds * one.cpu_count for one in told if one.kind == "vm")
            month = _after(month)
        return seconds / _HOUR


def _after(first: datetime) -> datetime:
    """The first day of the next month."""
    year, month = (first.year + 1, 1) if first.month == _DECEMBER else (first.year, first.month + 1)
    return datetime(year, month, 1, tzinfo=UTC)
