"""How availability is told: tables, CSV, JSON."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from reconciler.cli import console
from reconciler.cli.reporting import ReportForm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.uptime import NgiRow, SummaryRow

_HEAD = ("AVAILABILITY", "RELIABILITY", "UP", "UNKNOWN", "DOWN")


def tell(
    found: Sequence[tuple[str, SummaryRow]], report: str, first: date, last: date, output: ReportForm, *, trends: bool
) -> None:
    """Tell a line for each; the day is "" where it is of all days."""
    if output is ReportForm.JSON:
        told = [{"day": day, **_plain(row)} if day else _plain(row) for day, row in found]
        console.data({"report": report, "since": first, "until": last, "rows": told})
    elif output is ReportForm.CSV:
        console.say(_csv(found).rstrip("\n"))
    elif not found:
        console.say(f"no availability of {first} to {last}: no check of a monitored service has a result")
    else:
        console.say(_trends(found) if trends else console.table(*cells_of(found)))


def tell_ngis(found: Sequence[NgiRow], report: str, first: date, last: date, output: ReportForm) -> None:
    """Tell a line for each NGI."""
    head = ("ngi", "availability", "reliability", "days", "sites", "partial")
    if output is ReportForm.JSON:
        console.data({"report": report, "since": first, "until": last, "rows": found})
    elif output is ReportForm.CSV:
        console.say("\n".join([",".join(head), *(",".join(_cells(one)) for one in found)]))
    else:
        rows = [
            (
                n.ngi or "-",
                percent(n.availability),
                percent(n.reliability),
                str(n.days),
                str(n.sites),
                "partial" if n.partial else "",
            )
            for n in found
        ]
        console.say(console.table((*(name.upper() for name in head[:-1]), "FINDING"), rows))


def cells_of(
    found: Sequence[tuple[str, SummaryRow]],
) -> tuple[tuple[str, ...], list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Head, rows and roles."""
    dated = any(day for day, _ in found)
    head = (*(("DAY",) if dated else ()), "NAME", "NGI", *_HEAD, "DAYS", "CHANGES", "FINDING")
    rows, roles = [], []
    for day, row in found:
        numbers = (percent(row.availability), percent(row.reliability))
        parts = tuple(f"{part:.5f}" for part in (row.up, row.unknown, row.down))
        missed = "misses its target so far" if row.partial else "misses its target"
        finding = "; ".join(
            (
                *(("partial",) if row.partial else ()),
                *(f"{one} {missed}" for one in row.below),
                *(f"recomputed: {one}" for one in row.recomputations),
            )
        )
        rows.append(
            (*((day,) if dated else ()), _name(row), row.ngi, *numbers, *parts, str(row.days), str(row.flips), finding)
        )
        roles.append(("",) * (len(head) - 1) + ("bad" if row.below else "quiet",))
    return head, rows, roles


def percent(value: float | None) -> str:
    """As it is shown; - where it is not defined."""
    return "-" if value is None or value < 0 else f"{value:.3f}"


def _trends(found: Sequence[tuple[str, SummaryRow]]) -> str:
    head = ("DAY", "NAME", "STATUS", "MINUTES", "TIMES")
    rows = [
        (day or "all", _name(row), one.status, f"{one.minutes:,}", f"{one.occurrences:,}")
        for day, row in found
        for one in row.trends
    ]
    return console.table(head, rows)


def _plain(row: SummaryRow) -> dict[str, object]:
    from dataclasses import asdict

    shown = {name: value for name, value in asdict(row).items() if name != "trends"}
    return shown | {"trends": [one._asdict() for one in row.trends]}


def _csv(found: Sequence[tuple[str, SummaryRow]]) -> str:
    import csv
    from io import StringIO

    from reconciler.inert import cell

    written = StringIO()
    lines = csv.writer(written, lineterminator="\n")
    names = ("level", "site", "function", "service", "hostname", "ngi")
    numbers = ("availability", "reliability", "up", "unknown", "down", "days", "flips")
    lines.writerow(("day", *names, *numbers, "below", "recomputations", "partial"))
    for day, row in found:
        values = [cell(getattr(row, name)) for name in (*names, *numbers)]
        lines.writerow((day, *values, " ".join(row.below), " ".join(row.recomputations), int(row.partial)))
    return written.getvalue()


def _cells(row: NgiRow) -> list[str]:
    values = (row.ngi, row.availability, row.reliability, row.days, row.sites, int(row.partial))
    return ["" if value is None else str(value) for value in values]


def _name(row: SummaryRow) -> str:
    return " ".join(part for part in (row.site, row.service or row.function, row.hostname) if part)
