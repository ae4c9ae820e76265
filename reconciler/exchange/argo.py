"""Availability and status in the shapes of ARGO's web API (v3), so that its readers can read ours.

Numbers are text, as Go prints them; ``nan`` where an NGI has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Literal

from reconciler.availability import Mean, Numbers, mean, supergroup, supergroup_mean
from reconciler.model.uptime import UptimeRecord

Granularity = Literal["daily", "monthly", "custom"]
_LAST = "23:59:59"
_PERIODS: Mapping[Granularity, Callable[[date], str]] = {
    "daily": lambda day: f"{day}",
    "monthly": lambda day: f"{day:%Y-%m}",
    "custom": lambda _day: "",
}


def results(rows: Iterable[UptimeRecord], granularity: Granularity = "daily") -> dict[str, Any]:
    """``/api/v3/results/{report}``: NGIs, and their sites, from rows of sites."""
    return {
        "results": [
            {
                "name": ngi,
                "type": "NGI",
                "results": dated(found, granularity, ngi=True),
                "groups": [
                    {
                        "name": site,
                        "type": "SITES",
                        "results": dated(mine, granularity),
                    }
                    for site, mine in grouped(found, lambda row: row.site)
                ],
            }
            for ngi, found in grouped(rows, lambda row: row.ngi)
        ]
    }


def statuses(groups: Iterable[UptimeRecord], endpoints: Iterable[UptimeRecord], over: Callable[[date], bool]) -> Any:
    """``/api/v3/status/{report}``: sites and their endpoints with every change; ``over`` says which days are closed.

    Each day begins with a point of its own, and one that is over ends with a point at 23:59:59.
    """
    of_site: dict[str, dict[tuple[str, str], list[UptimeRecord]]] = {}
    for row in endpoints:
        of_site.setdefault(row.site, {}).setdefault((row.hostname, row.service), []).append(row)
    return {
        "groups": [
            {
                "name": site,
                "type": "SITES",
                "statuses": points(mine, over),
                "endpoints": [
                    {"hostname": host, "service": service, "statuses": points(some, over)}
                    for (host, service), some in sorted(of_site.get(site, {}).items())
                ],
            }
            for site, mine in grouped(groups, lambda row: row.site)
        ]
    }


def points(rows: Iterable[UptimeRecord], over: Callable[[date], bool]) -> list[dict[str, str]]:
    """Every change of status; ``over`` says which days are closed."""
    found = []
    for row in sorted(rows, key=lambda one: one.day):
        for second, status in row.points:
            clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
            found.append({"timestamp": f"{row.day}T{clock}Z", "value": status})
        if over(row.day) and not found[-1]["timestamp"].endswith(f"{_LAST}Z"):
            found.append({"timestamp": f"{row.day}T{_LAST}Z", "value": row.points[-1][1]})
    return found


def grouped(rows: Iterable[UptimeRecord], key: Callable[[UptimeRecord], str]) -> list[tuple[str, list[UptimeRecord]]]:
    """Rows that have the same ``key``, in its order."""
    found: dict[str, list[UptimeRecord]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return sorted(found.items())


def dated(
    rows: Sequence[UptimeRecord], granularity: Granularity, *, ngi: bool = False, key: str = "date"
) -> list[dict[str, str]]:
    """The numbers of one thing, or of an NGI from those of its sites, for each period; it is told as ``key``."""
    period = _PERIODS[granularity]
    parts = grouped(rows, lambda row: period(row.day))
    made = [(name, _of_ngi(some) if ngi else _of_site(some, granularity)) for name, some in parts]
    return [{key: name, **numbers} if name else numbers for name, numbers in made]


def _of_site(rows: Sequence[UptimeRecord], granularity: Granularity) -> dict[str, str]:
    days = [_numbers(row) for row in rows]
    made: Numbers | Mean = days[0] if granularity == "daily" else mean(days) or days[0]
    return {
        "availability": number(made.availability),
        "reliability": number(made.reliability),
        "unknown": number(made.unknown),
        "uptime": number(made.up),
        "downtime": number(made.down),
    }


def _of_ngi(rows: Sequence[UptimeRecord]) -> dict[str, str]:
    days: dict[date, list[UptimeRecord]] = {}
    for row in rows:
        days.setdefault(row.day, []).append(row)
    daily = [supergroup((_numbers(row), row.weight) for row in some) for some in days.values()]
    made = daily[0] if len(daily) == 1 else supergroup_mean(daily)
    return {"availability": number(made.availability), "reliability": number(made.reliability)}


def _numbers(row: UptimeRecord) -> Numbers:
    return Numbers(row.availability, row.reliability, row.up, row.unknown, row.down)


def number(value: float) -> str:
    """As Go prints it: ``100``, ``66.7``, ``nan``."""
    if math.isnan(value):
        return "nan"
    return f"{value:.0f}" if value == int(value) else repr(value)
