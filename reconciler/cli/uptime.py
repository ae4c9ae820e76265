"""Commands of availability: report availability, export argo, and what explain availability tells."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import console
from reconciler.cli.exchanging import exporting
from reconciler.cli.options import Form, Place, Revision
from reconciler.cli.plotting import Plot, draw
from reconciler.cli.reporting import ReportForm, reporting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from matplotlib.figure import Figure

    from reconciler.drawing import Part
    from reconciler.kinds.report import ReportSpec
    from reconciler.model.uptime import UptimeLevel, UptimeRecord
    from reconciler.records.store import Store
    from reconciler.uptime import Asked, Explained, NgiRow, SummaryRow

_HEAD = ("AVAILABILITY", "RELIABILITY", "UP", "UNKNOWN", "DOWN")
_LONGEST = 400
"""Days of one report."""
_SOFT = 20
"""So many results that did not count are told."""


class By(StrEnum):
    """What a report is about."""

    SITE = "site"
    FUNCTION = "function"
    SERVICE = "service"
    ENDPOINT = "endpoint"
    NGI = "ngi"


ReportName = Annotated[
    str, typer.Option("--report", metavar="NAME", help="A Report; the only one, or Default.", show_default=False)
]


@reporting.command("availability")
def availability(
    context: typer.Context,
    revision: Revision = "",
    *,
    report: ReportName = "",
    month: Annotated[
        str, typer.Option("--month", "-m", metavar="YYYY-MM", help="A month; the present one when left out.")
    ] = "",
    day: Annotated[str, typer.Option("--day", metavar="YYYY-MM-DD", help="One day.", show_default=False)] = "",
    since: Annotated[
        str, typer.Option("--since", metavar="YYYY-MM-DD", help="From this day on.", show_default=False)
    ] = "",
    until: Annotated[
        str, typer.Option("--until", metavar="YYYY-MM-DD", help="Up to this day.", show_default=False)
    ] = "",
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
        _tell_ngis([replace(one, partial=last >= today) for one in ngis(rows)], asked.report, first, last, output)
        return 0
    found = _by_day(rows, spec, today) if daily else _summed(rows, spec, partial=last >= today)
    if output is ReportForm.JSON:
        told = [{"day": one_day, **_plain(row)} if one_day else _plain(row) for one_day, row in found]
        console.data({"report": asked.report, "since": first, "until": last, "rows": told})
    elif output is ReportForm.CSV:
        console.say(_csv(found).rstrip("\n"))
    elif not found:
        console.say(f"no availability of {first} to {last}: no check of a monitored service has a result")
    else:
        console.say(_trends(found) if trends else _text(found))
    return 0


def _draw(file: Path, rows: Sequence[UptimeRecord], spec: ReportSpec, days: tuple[date, date], report: str) -> None:
    def figure() -> Figure:
        from reconciler.cli.house import now
        from reconciler.drawing import availability

        return availability(rows, *days, now().date(), f"Availability ({report})")

    def parts() -> list[Part]:
        from reconciler.cli.house import now
        from reconciler.drawing import Part, Table

        head, cells, roles = _cells_of(_summed(rows, spec, partial=days[1] >= now().date()))
        said = "Availability and reliability are percent of the known time; up, unknown and down are parts of the time."
        return [Part("By site", said, table=Table(head, cells, roles))]

    draw(file, f"Availability, {days[0]} to {days[1]}", f"Report {report}.", figure, parts)


def span(today: date, month: str, day: str, since: str, until: str) -> tuple[date, date]:
    """The days that are asked for: one, a range, or a month (the present one). Raises BadParameter."""
    if sum(map(bool, (month, day, since or until))) > 1:
        raise typer.BadParameter("give one of --month, --day, or --since and --until")
    if day:
        return _day(day), _day(day)
    if since or until:
        last = _day(until) if until else today
        first = _day(since) if since else last.replace(day=1)
        if not 0 <= (last - first).days < _LONGEST:
            raise typer.BadParameter(f"{first} to {last}: give from 1 to {_LONGEST} days")
        return first, last
    first = _day(f"{month}-01") if month else today.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _day(text: str) -> date:
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


def _plain(row: SummaryRow) -> dict[str, object]:
    from dataclasses import asdict

    shown = {name: value for name, value in asdict(row).items() if name != "trends"}
    return shown | {"trends": [one._asdict() for one in row.trends]}


def percent(value: float | None) -> str:
    return "-" if value is None or value < 0 else f"{value:.3f}"


def _name(row: SummaryRow) -> str:
    return " ".join(part for part in (row.site, row.service or row.function, row.hostname) if part)


def _text(found: Sequence[tuple[str, SummaryRow]]) -> str:
    return console.table(*_cells_of(found))


def _cells_of(
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


def _trends(found: Sequence[tuple[str, SummaryRow]]) -> str:
    head = ("DAY", "NAME", "STATUS", "MINUTES", "TIMES")
    rows = [
        (day or "all", _name(row), one.status, f"{one.minutes:,}", f"{one.occurrences:,}")
        for day, row in found
        for one in row.trends
    ]
    return console.table(head, rows)


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


def _tell_ngis(found: Sequence[NgiRow], report: str, first: date, last: date, output: ReportForm) -> None:
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


def _cells(row: NgiRow) -> list[str]:
    values = (row.ngi, row.availability, row.reliability, row.days, row.sites, int(row.partial))
    return ["" if value is None else str(value) for value in values]


# -- ARGO's shapes -----------------------------------------------------------------------------------------------------


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
    month: Annotated[
        str, typer.Option("--month", "-m", metavar="YYYY-MM", help="A month; the present one when left out.")
    ] = "",
    since: Annotated[
        str, typer.Option("--since", metavar="YYYY-MM-DD", help="From this day on.", show_default=False)
    ] = "",
    until: Annotated[
        str, typer.Option("--until", metavar="YYYY-MM-DD", help="Up to this day.", show_default=False)
    ] = "",
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


# -- explain -----------------------------------------------------------------------------------------------------------


def explain_availability(place: Place, site: str, day: str, report: str, output: Form) -> int:
    """Tell which minutes of a site's day were lost, to which check, by which result."""
    from reconciler.cli.house import now
    from reconciler.uptime import explained

    if not site:
        raise typer.BadParameter("give a site: hanse explain availability SITE --day 2026-10-12")
    wanted = _day(day) if day else now().date() - timedelta(days=1)
    with asking(place, "", report) as (store, asked, _spec):
        found = explained(store, asked, site, wanted, now())
    if output is Form.JSON:
        console.data(found)
    else:
        console.say(_explanation(found))
    return 0


def _explanation(found: Explained) -> str:
    numbers = found.numbers
    spent = ", ".join(f"{state} {minutes:,.0f} min" for state, minutes in found.minutes.items())
    said = f"{found.site} on {found.day} ({found.report}): availability {percent(numbers.availability)} %"
    lines = [console.style("heading", f"{said}, reliability {percent(numbers.reliability)} %"), f"  {spent}"]
    lines += [f"  recomputed: {name}" for name in found.recomputations]
    lines += [*_downtimes(found)]
    if not found.lost:
        return "\n".join([*lines, "  no minute was lost", *_soft(found)])
    lines += ["", console.style("heading", "Minutes lost")]
    for one in found.lost:
        until = "24:00" if one.end.date() > one.start.date() else f"{one.end:%H:%M}"
        lines.append(f"  {one.start:%H:%M} to {until}  {one.minutes:,.0f} min  {console.style('bad', one.status)}")
        for guilty in one.because:
            what = " ".join(part for part in (guilty.service, guilty.hostname, guilty.metric) if part)
            lines.append(f"    {what or found.site}: {_why(guilty.cause, guilty.status)}")
            if guilty.at:
                result = f"{guilty.probe} at {guilty.at:%Y-%m-%d %H:%M:%S}: {guilty.summary}"
                lines.append(console.style("quiet", f"      {result}"))
    lines += ["", console.style("heading", "By check")]
    rows = [(name, f"{minutes:,.0f}") for name, minutes in found.by_check.items()]
    return "\n".join([*lines, console.table(("CHECK", "MINUTES"), rows), *_soft(found)])


def _soft(found: Explained) -> Iterator[str]:
    """Bad results that did not count: the first ones, and how many more."""
    if found.soft:
        yield ""
        yield console.style("heading", "Bad results that did not count (see attempts of a probe)")
    for one in found.soft[:_SOFT]:
        yield f"  {one.at:%H:%M:%S}  {one.status}  {one.probe}, attempt {one.attempt}: {one.summary}"
    if len(found.soft) > _SOFT:
        yield f"  and {len(found.soft) - _SOFT:,} more: -o json has all"


def _downtimes(found: Explained) -> Iterator[str]:
    """A line for each downtime of the site, with what it does to the numbers."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for one in found.downtimes:
        said = "excuses" if one.counts else "excuses nothing: " + ("at risk" if one.severity == "WARNING" else one.why)
        span = f"{one.start:%Y-%m-%d %H:%M} to {one.end:%Y-%m-%d %H:%M}"
        alike.setdefault((one.ref.name, span, one.severity, one.classification, said), []).append(one.service)
    for (name, span, severity, kind, said), services in alike.items():
        yield f"  downtime {name}: {span}  {severity} {kind}, of {', '.join(services)}: {said}"


def _why(cause: str, status: str) -> str:
    said = {
        "result": status,
        "missing": "MISSING: no result that counts",
        "downtime": "in downtime",
        "recomputation": f"{status} by a recomputation",
        "excluded": "excluded by a recomputation",
    }
    return said[cause]
