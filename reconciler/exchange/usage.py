"""Usage by site, VO, country, user and month: what was used, the work that it was worth, and how well it was used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from reconciler.exchange.apel.accounts import GB, factor
from reconciler.model import UsageRecord
from reconciler.model.usage import JobSum

Used = UsageRecord | JobSum

GROUPS = ("month", "site", "vo", "country", "user")
_HOUR = 3600


@dataclass(slots=True)
class Total:
    """What one group used. Hours; work is core hours times the benchmark of a core."""

    month: str = ""
    site: str = ""
    vo: str = ""
    country: str = ""
    user: str = ""
    kind: str = ""
    """``vm`` or ``job``."""
    count: int = 0
    """Machines or jobs."""
    wall_hours: float = 0.0
    core_hours: float = 0.0
    """Wall time times cores."""
    cpu_hours: float = 0.0
    """What jobs computed; of machines it is not known, and stands for their core hours."""
    work: float = 0.0
    cpu_work: float = 0.0
    unmeasured_core_hours: float = 0.0
    """Of cores that nobody benchmarked: their work is not known and not counted."""
    gpu_hours: float = 0.0
    received_gb: float | None = None
    """Of the network, GB of 10^9 bytes; None where nobody counted."""
    sent_gb: float | None = None
    partial: bool = False
    """A month in it was not over."""

    @property
    def efficiency(self) -> float | None:
        """CPU time over core time, of jobs; None for machines, and where there is nothing to divide by."""
        return self.cpu_hours / self.core_hours if self.kind == "job" and self.core_hours else None

    def told(self) -> dict[str, Any]:
        """As plain data, without a network that nobody counted."""
        numbers = {k: round(v, 3) if isinstance(v, float) else v for k, v in asdict(self).items()}
        numbers = {k: v for k, v in numbers.items() if v is not None}
        return {**numbers, "efficiency": None if self.efficiency is None else round(self.efficiency, 4)}


def totals(
    records: Iterable[Used], by: Iterable[str] = GROUPS[:3], countries: Mapping[str, str] | None = None
) -> tuple[Total, ...]:
    """Machines and jobs by groups, in their order. ``countries`` by site. Raises ValueError for no such group.

    Jobs may be records, or sums that the database has made of them.
    """
    names = tuple(by)
    if strange := [name for name in names if name not in GROUPS]:
        raise ValueError(f"{', '.join(strange)}: usage is grouped by {', '.join(GROUPS)}")
    where = countries or {}
    keyed = tuple(_keys(where)[name] for name in names)
    found: dict[tuple[str, ...], Total] = {}
    for record in records:
        key = (record.kind, *(told(record) for told in keyed))
        total = found.get(key)
        if total is None:
            total = found[key] = Total(kind=key[0])
            for name, value in zip(names, key[1:], strict=True):
                setattr(total, name, value)
        _add(total, record)
    return tuple(found[key] for key in sorted(found, key=lambda key: (*key[1:], key[0])))


def _keys(countries: Mapping[str, str]) -> dict[str, Callable[[Used], str]]:
    return {
        "month": lambda r: r.month,
        "site": lambda r: r.site,
        "vo": lambda r: r.vo,
        "country": lambda r: countries.get(r.site, ""),
        "user": lambda r: r.known_as,
    }


def _add(total: Total, record: Used) -> None:
    cores = record.wall_seconds * record.cpu_count if record.kind == "job" else record.cpu_seconds
    cards = record.gpu_seconds if isinstance(record, JobSum) else record.wall_seconds * record.gpus
    total.count += record.jobs if isinstance(record, JobSum) else 1
    total.wall_hours += record.wall_seconds / _HOUR
    total.core_hours += cores / _HOUR
    total.cpu_hours += record.cpu_seconds / _HOUR
    total.gpu_hours += cards / _HOUR
    total.partial |= record.partial
    if isinstance(record, UsageRecord):
        total.received_gb = _added(total.received_gb, record.received_bytes)
        total.sent_gb = _added(total.sent_gb, record.sent_bytes)
    if record.benchmark_type:
        of = factor(record)
        total.work += cores * of / _HOUR
        total.cpu_work += record.cpu_seconds * of / _HOUR
    else:
        total.unmeasured_core_hours += cores / _HOUR


def _added(gigabytes: float | None, count: int | None) -> float | None:
    return gigabytes if count is None else (gigabytes or 0.0) + count / GB
