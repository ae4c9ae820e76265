"""What is asked of availability: which report, which days, and the records that know of them."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.options import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from reconciler.kinds.report import ReportSpec
    from reconciler.records.store import Store
    from reconciler.uptime import Asked

_LONGEST = 400
"""Days of one report."""
ReportName = Annotated[
    str, typer.Option("--report", metavar="NAME", help="A Report; the only one, or Default.", show_default=False)
]
Month = Annotated[str, typer.Option("--month", "-m", metavar="YYYY-MM", help="A month; the present one when left out.")]
Since = Annotated[str, typer.Option("--since", metavar="YYYY-MM-DD", help="From this day on.", show_default=False)]
Until = Annotated[str, typer.Option("--until", metavar="YYYY-MM-DD", help="Up to this day.", show_default=False)]


def span(today: date, month: str, day: str, since: str, until: str) -> tuple[date, date]:
    """The days that are asked for: one, a range, or a month (the present one). Raises BadParameter."""
    if sum(map(bool, (month, day, since or until))) > 1:
        raise typer.BadParameter("give one of --month, --day, or --since and --until")
    if day:
        return day_of(day), day_of(day)
    if since or until:
        last = day_of(until) if until else today
        first = day_of(since) if since else last.replace(day=1)
        if not 0 <= (last - first).days < _LONGEST:
            raise typer.BadParameter(f"{first} to {last}: give from 1 to {_LONGEST} days")
        return first, last
    first = day_of(f"{month}-01") if month else today.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def day_of(text: str) -> date:
    """A day as it was written. Raises BadParameter."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text} is not a day such as 2026-10-12, nor its month 2026-10") from error


@contextmanager
def asking(
    place: Place, revision: str, report: str, otherwise: str = "Default"
) -> Iterator[tuple[Store, Asked, ReportSpec]]:
    """The records, and how to get at what was declared when; for "" the only report, or else ``otherwise``."""
    from reconciler.cli.house import declared, now, records, settings_of, writable
    from reconciler.uptime import report_named
    from reconciler.uptime.past import asked_of

    settings = settings_of(place)
    base = revision or settings.source.revision
    read, resources = declared(settings, base)
    name, spec = report_named(resources.items, report, otherwise)
    with records(place, write=writable(settings.records.url)) as store:
        yield store, asked_of(settings, read, resources.items, name, now(), console.note), spec


def bring_up(store: Store, asked: Asked, first: date, last: date, now: datetime, *, rebuild: bool) -> None:
    """Compute the days that are not computed yet, or not from what is known now; notes what is odd about them."""
    from reconciler.uptime import Computed, brought_up

    if store.database.is_fleeting:
        console.note("nothing has been recorded yet: hanse run lets probes run")
        return
    touched = list(brought_up(store, asked, first, last, now, rebuild=rebuild))
    young = [one for one in touched if isinstance(one, Computed) and not one.past]
    if young:
        days = f"{young[0].day} to {young[-1].day}" if len(young) > 1 else f"{young[0].day}"
        console.note(f"{days}: nothing was committed yet, or it cannot be read; topology and profiles are those of now")
    for one in touched:
        if rebuild and not isinstance(one, Computed):
            console.note(f"{one.day} stays as it is: {one.why}")
