"""Command of agreements: report ola; and what the commands of tickets need of it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reconciler.cli import console
from reconciler.cli.options import Revision
from reconciler.cli.plotting import Plot, draw
from reconciler.cli.reporting import ReportForm, reporting
from reconciler.cli.uptime import ReportName, asking, bring_up, percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

    from reconciler.drawing import Part
    from reconciler.kinds.report import ReportSpec
    from reconciler.ola import Evaluation, Measured
    from reconciler.records.store import Store
    from reconciler.uptime import Asked

USUAL = "Critical"
"""The report that agreements are about, where none is named and not exactly one is declared."""
Month = Annotated[
    str,
    typer.Option("--month", "-m", metavar="YYYY-MM", help="The month; the last one that is over when left out."),
]


@reporting.command("ola")
def ola(
    context: typer.Context,
    revision: Revision = "",
    *,
    report: ReportName = "",
    month: Month = "",
    site: Annotated[str, typer.Option("--site", metavar="SITE", help="Of one site.", show_default=False)] = "",
    vo: Annotated[str, typer.Option("--vo", metavar="VO", help="What one VO was promised.", show_default=False)] = "",
    failed: Annotated[bool, typer.Option("--failed", help="Only what was not kept.")] = False,
    plot: Plot = None,
    output: Annotated[ReportForm, typer.Option("-o", "--output", help="Text, JSON, or CSV.")] = ReportForm.TEXT,
) -> int:
    """Say which agreements were kept in a month: of sites (OLA), of core services, and with VOs (SLA).

    Availability, reliability and unknown time are held against targets, a VO's use of machines against what it was
    granted. Months in a row that missed are counted from what is kept of earlier months. What is undefined misses
    nothing. The report is the only one that is declared, or else Critical.

    Examples: `hanse report ola`; `hanse report ola --month 2026-10 --failed`; `hanse report ola --vo tides -o json`.
    """
    with asking(context.obj, revision, report, USUAL) as (store, asked, spec):
        found = evaluations(store, asked, spec, month)
    wanted = [
        one
        for one in found
        if site in ("", one.subject.site) and vo in ("", one.subject.vo) and not (failed and one.is_kept)
    ]
    kept = f"{sum(one.is_kept for one in found)} of {len(found)} agreements were kept."
    _draw(plot, wanted, month or last_month(), kept)
    if output is ReportForm.JSON:
        console.data([plain(one) for one in wanted])
    elif output is ReportForm.CSV:
        console.say(_csv(wanted).rstrip("\n"))
    else:
        console.say(_table(wanted) if wanted else _nothing(bool(found)))
    return 0


def _draw(file: Path | None, found: Sequence[Evaluation], month: str, kept: str) -> None:
    def figure() -> Figure:
        from reconciler.drawing import agreements

        return agreements(found, month)

    def parts() -> list[Part]:
        from reconciler.drawing import Part, Table

        said = "Each number stands beside its target; USED is the average over the month, of what was granted."
        return [Part("Agreements", said, table=Table(_HEAD, [cells(one) for one in found], _roles(found)))]

    partial = " The month is not over." if found and found[0].partial else ""
    draw(file, f"Agreements in {month}", kept + partial, figure, parts)


def _nothing(known: bool) -> str:
    if known:
        return "every agreement was kept, or is of others"
    return "nothing is known of that month: no site of the report has a result (--report Default: every site)"


# -- evaluation --------------------------------------------------------------------------------------------------------


def evaluations(store: Store, asked: Asked, spec: ReportSpec, month: str) -> list[Evaluation]:
    """Every agreement in a month, which is brought up to date first; where nothing is kept, so are the two before."""
    from reconciler.cli.house import now
    from reconciler.metering import stood
    from reconciler.ola import core_services, evaluated, granted, month_before, month_days, promises, stored

    month = month or last_month()
    try:
        first, last = month_days(month)
    except ValueError as error:
        raise typer.BadParameter(f"a month is YYYY-MM: {error}") from error
    for earlier in (month_before(month_before(month)), month_before(month)):
        if not store.database.is_fleeting and not store.uptime.days(asked.report, *month_days(earlier)):
            bring_up(store, asked, *month_days(earlier), now(), rebuild=False)
    bring_up(store, asked, first, last, now(), rebuild=False)
    sites = _specs(asked, "Site")
    core = core_services(sites, spec)

    @cache
    def measured(of: str) -> Mapping[tuple[str, str, str], Measured]:
        return stored(store, asked.report, of, core)

    vos = granted(_specs(asked, "VO"), stood(store, month, now(), {}), month, now())
    vos = [replace(one, ngi=_ngi(sites, one.subject.site)) for one in vos]
    wanted = promises(spec, measured(month), core, vos)
    return evaluated(wanted, month, measured, partial=now().date() <= last)


def _ngi(sites: Mapping[str, Any], site: str) -> str:
    return str(sites[site].ngi or "") if site in sites else ""


def last_month() -> str:
    """The last month that is over."""
    from reconciler.cli.house import now
    from reconciler.ola import month_before

    return month_before(f"{now():%Y-%m}")


def _specs(asked: Asked, kind: str) -> dict[str, Any]:
    return {ref.name: item.spec for ref, item in asked.now.items() if ref.kind == kind}


# -- output ------------------------------------------------------------------------------------------------------------


def plain(one: Evaluation) -> dict[str, object]:
    """One evaluation as plain data."""
    from dataclasses import asdict

    told = asdict(one)
    subject, promise, measured = told.pop("subject"), told.pop("promise"), told.pop("measured")
    uses = [
        {**use, "percent": None if held.percent is None else round(held.percent, 2)}
        for use, held in zip(promise["uses"], one.promise.uses, strict=True)
    ]
    targets = {name: promise[name] for name in ("availability", "reliability", "unknown")}
    months = [month for month, _ in one.misses]
    told.pop("misses")
    return {**told, **subject, "name": one.subject.name, "targets": targets, "measured": measured} | {
        "uses": uses,
        "missed": months,
        "kept": one.is_kept,
    }


_HEAD = ("AGREEMENT", "OF", "NGI", "AVAILABILITY", "RELIABILITY", "UNKNOWN", "USED", "MISSED", "FINDING")


def _table(found: Sequence[Evaluation]) -> str:
    lines = console.table(_HEAD, [cells(one) for one in found], _roles(found))
    return lines + ("\nthe month is not over: nothing follows from this yet" if found[0].partial else "")


def _roles(found: Sequence[Evaluation]) -> list[tuple[str, ...]]:
    roles = []
    for one in found:
        bad = {finding.rule for finding in one.findings}
        paint = ["bad" if rule in bad else "" for rule in ("availability", "reliability", "unknown", "use")]
        roles.append(("", "", "", *paint, "bad" if "three-misses" in bad else "", "bad" if bad else "good"))
    return roles


def cells(one: Evaluation) -> tuple[str, ...]:
    """One evaluation as the words of a table: each number with its target, and whether all was kept."""
    promise, measured = one.promise, one.measured
    numbers = [
        _against(getattr(measured, name) if measured else None, getattr(promise, name))
        for name in ("availability", "reliability", "unknown")
    ]
    uses = "; ".join(f"{use.what} {'-' if use.percent is None else f'{use.percent:.1f} %'}" for use in promise.uses)
    wanted = promise.availability is not None or promise.reliability is not None
    kept = "not measured" if wanted and measured is None else "kept"
    finding = "; ".join(finding.text for finding in one.findings) or kept
    months = f"{len(one.misses)} months" if len(one.misses) > 1 else "1 month" if one.misses else ""
    return (one.subject.agreement, one.subject.name, one.ngi, *numbers, uses, months, finding)


def _against(value: float | None, target: float | None) -> str:
    said = percent(value)
    return said if target is None else f"{said} ({target:g})"


def _csv(found: Sequence[Evaluation]) -> str:
    import csv
    from io import StringIO

    from reconciler.inert import cell

    written = StringIO()
    lines = csv.writer(written, lineterminator="\n")
    names = ("availability", "reliability", "unknown")
    whose = ("agreement", "site", "service", "hostname", "vo")
    targeted = tuple(f"{name}_target" for name in names)
    rest = ("days", "missed_months", "partial", "kept", "findings")
    lines.writerow(("month", *whose, "ngi", *names, *targeted, *rest))
    for one in found:
        numbers = [getattr(one.measured, n) if one.measured else None for n in names]
        targets = [getattr(one.promise, n) for n in names]
        days = one.measured.days if one.measured else 0
        said = "; ".join(finding.text for finding in one.findings)
        told = (days, len(one.misses), int(one.partial), int(one.is_kept), said)
        names_of = (one.month, *(getattr(one.subject, w) for w in whose), one.ngi)
        lines.writerow([cell(value) for value in (*names_of, *numbers, *targets, *told)])
    return written.getvalue()
