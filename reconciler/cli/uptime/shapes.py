"""Command export argo: the shapes of ARGO's web API."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import console
from reconciler.cli.exchanging import exporting
from reconciler.cli.options import Revision
from reconciler.cli.uptime.asked import Month, ReportName, Since, Until, asking, bring_up, span


class Shape(StrEnum):
    """What of ARGO's web API."""

    RESULTS = "results"
    STATUS = "status"


class Grain(StrEnum):
    """How results are summed up."""

    DAILY = "daily"
    MONTHLY = "monthly"
    CUSTOM = "custom"


@exporting.command("argo")
def export_argo(
    context: typer.Context,
    revision: Revision = "",
    *,
    what: Annotated[Shape, typer.Option("--what", help="Results, or every change of status.")] = Shape.RESULTS,
    granularity: Annotated[Grain, typer.Option("--granularity", help="Of results.")] = Grain.DAILY,
    report: ReportName = "",
    month: Month = "",
    since: Since = "",
    until: Until = "",
    into: Annotated[
        Path | None, typer.Option("--into", metavar="FILE", help="A file, in place of standard output.")
    ] = None,
) -> int:
    """Write availability, or statuses, as ARGO's web API answers (v3, JSON).

    Examples: `hanse export argo --month 2026-10 --granularity monthly`; `hanse export argo --what status`.
    """
    import orjson

    from reconciler.cli.house import now
    from reconciler.exchange.argo import results, statuses

    first, last = span(now().date(), month, "", since, until)
    with asking(context.obj, revision, report) as (store, asked, _spec):
        bring_up(store, asked, first, last, now(), rebuild=False)
        rows = store.uptime.rows(asked.report, first, last)
        if what is Shape.RESULTS:
            told = results(rows, granularity.value)
        else:
            days = store.uptime.days(asked.report, first, last)
            endpoints = store.uptime.rows(asked.report, first, last, ("endpoint",))
            told = statuses(rows, endpoints, lambda day: day in days and days[day].complete)
    text = orjson.dumps(told, option=orjson.OPT_INDENT_2).decode()
    if into is not None:
        into.write_text(f"{text}\n", encoding="utf-8")
    else:
        console.say(text)
    return 0
