"""Command report availability."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.options import Revision
from reconciler.cli.plotting import Plot, draw
from reconciler.cli.reporting import ReportForm, reporting
from reconciler.cli.uptime.asked import Month, ReportName, Since, Until, asking, bring_up, span
from reconciler.cli.uptime.tables import cells_of, tell, tell_ngis

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.figure import Figure

    from reconciler.drawing import Part
    from reconciler.kinds.report import ReportSpec
    from reconciler.model.uptime import UptimeLevel, UptimeRecord
    from reconciler.uptime import SummaryRow


class By(StrEnum):
    """What a report is about."""

    SITE = "site"
    FUNCTION = "function"
    SERVICE = "service"
    ENDPOINT = "endpoint"
    NGI = "ngi"


@reporting.command("availability")
def availability(
    context: typer.Context,
    revision: Revision = "",
    *,
    report: ReportName = "",
    month: Month = "",
    day: Annotated[str, typer.Option("--day", metavar="YYYY-MM-DD", help="One day.", show_default=False)] = "",
    since: Since = "",
    until: Until = "",
    site: Annotated[str, typer.Option("--site", metavar="SITE", help="Of one site.", show_default=False)] = "",
    by: Annotated[By, typer.Option("--by", help="What a line is about.")] = By.SITE,
    daily: Annotated[bool, typer.Option("--daily", help="A line for each day.")] = False,
    trends: Annotated[bool, typer.Option("--trends", help="How long and how often in each status.")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Compute the days anew, changed or not.")] = False,
    plot: Plot = None,
    output: Annotated[ReportForm, typer.Option("-o", "--output", help="Text, JSON, or CSV.")] = ReportForm.TEXT,
) -> int:
    """Say how available and reliable sites and their services were, as ARGO computes it.

    Days that are not computed yet are computed from the results of probes, with the topology of the commit that was
    current at their start; so are those that a downtime or a recomputation has changed since. A month is made of the
    fractions of its days, and not of their percentages.

    Examples: `hanse report availability`; `hanse report availability --month 2026-10 --site TIDE-CLOUD --by service`;
    `hanse report availability --day 2026-10-12 --trends -o json`.
    """
    from dataclasses import replace

    from reconciler.cli.house import now
    from reconciler.uptime import ngis

    today = now().date()
    first, last = span(today, month, day, since, until)
    with asking(context.obj, revision, report) as (store, asked, spec):
        bring_up(store, asked, first, last, now(), rebuild=rebuild)
        level: UptimeLevel = "group" if by in (By.SITE, By.NGI) else by.value  # type: ignore[assignment]
        rows = store.uptime.rows(asked.report, first, last, (level,), site or None)
        if plot:
            days = rows if level == "group" else store.uptime.rows(asked.report, first, last, ("group",), site or None)
            _draw(plot, days, spec, (first, last), asked.report)
    if rows and last >= today:
        console.note(f"{first} to {last} is not over: days up to {today} are counted, and that one as far as it went")
    if by is By.NGI:
        tell_ngis([replace(one, partial=last >= today) for one in ngis(rows)], asked.report, first, last, output)
    else:
        found = _by_day(rows, spec, today) if daily else _summed(rows, spec, partial=last >= today)
        tell(found, asked.report, first, last, output, trends=trends)
    return 0


def _draw(file: Path, rows: Sequence[UptimeRecord], spec: ReportSpec, days: tuple[date, date], report: str) -> None:
    def figure() -> Figure:
        from reconciler.cli.house import now
        from reconciler.drawing import availability

        return availability(rows, *days, now().date(), f"Availability ({report})")

    def parts() -> list[Part]:
        from reconciler.cli.house import now
        from reconciler.drawing import Part, Table

        head, cells, roles = cells_of(_summed(rows, spec, partial=days[1] >= now().date()))
        said = "Availability and reliability are percent of the known time; up, unknown and down are parts of the time."
        return [Part("By site", said, table=Table(head, cells, roles))]

    draw(file, f"Availability, {days[0]} to {days[1]}", f"Report {report}.", figure, parts)


def _summed(rows: Iterable[UptimeRecord], spec: ReportSpec, *, partial: bool) -> list[tuple[str, SummaryRow]]:
    """A line for all days."""
    from dataclasses import replace

    from reconciler.uptime import summaries

    return [("", replace(one, partial=partial)) for one in summaries(rows, spec.targets)]


def _by_day(rows: Iterable[UptimeRecord], spec: ReportSpec, today: date) -> list[tuple[str, SummaryRow]]:
    """A line for each day, with the day's own numbers."""
    from dataclasses import replace

    from reconciler.uptime import summaries

    found = []
    for row in rows:
        (one,) = summaries([row], spec.targets)
        numbers = {"availability": row.availability, "reliability": row.reliability}
        found.append((f"{row.day}", replace(one, **numbers, below=(), partial=row.day >= today)))  # type: ignore[arg-type]
    return sorted(found, key=lambda one: (one[1].site, one[1].function, one[1].service, one[1].hostname, one[0]))
