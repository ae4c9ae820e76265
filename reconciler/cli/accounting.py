"""Commands of accounting: meter, report usage, export apel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import reconciler.cli.allocations
import reconciler.cli.jobs
import reconciler.cli.ola
import reconciler.cli.publishing  # noqa: F401 (their commands register themselves)
from reconciler.cli import console
from reconciler.cli.exchanging import exporting
from reconciler.cli.options import Form, Output, Revision
from reconciler.cli.plotting import Plot, draw
from reconciler.cli.reporting import ReportForm, reporting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

    from reconciler.drawing import Part
    from reconciler.exchange.apel.export import Clouds, Jobs, Outgoing
    from reconciler.exchange.usage import Total, Used
    from reconciler.model import UsageRecord
    from reconciler.records.store import Store

Month = Annotated[
    str, typer.Option("--month", "-m", metavar="YYYY-MM", help="The month; the present one when left out.")
]


def meter(
    context: typer.Context,
    *,
    jobs: Annotated[bool, typer.Option("--jobs", help="Take in a month of the jobs of sites' batch systems.")] = False,
    month: Month = "",
    output: Output = Form.TEXT,
) -> int:
    """Note which machines of clusters stand now, for accounting; hanse run does so by itself every few minutes.

    With --jobs a month of jobs is read from each Slurm of a Site that [targets] says how to reach, in place of what was
    known of it. What cannot be read is told on stderr, and nothing is concluded from it; the exit code is 1 then.

    Examples: `hanse meter`; `hanse meter --jobs --month 2026-10`.
    """
    from reconciler import metering
    from reconciler.cli.house import now, records, settings_of
    from reconciler.wiring import Wired

    if jobs:
        return _read_jobs(context, month, output)
    if month:
        raise typer.BadParameter("machines are looked at now: --month goes with --jobs")
    settings = settings_of(context.obj)
    with records(context.obj, write=True) as store:
        found = metering.look(store, Wired(settings, catalogue=store.catalogue), now())
    if output is Form.JSON:
        console.data(found)
    else:
        console.say(f"{found.machines:,} machines stand")
    for target, why in found.unread.items():
        console.note(f"{target}: {why}")
    return 1 if found.unread else 0


def _read_jobs(context: typer.Context, month: str, output: Form) -> int:
    from reconciler.batchjobs import read_month
    from reconciler.cli.house import now, records, settings_of
    from reconciler.wiring import Wired

    (one,) = _months("", month)
    sites, _ = _declared(context, "")
    with records(context.obj, write=True) as store:
        found = read_month(store, Wired(settings_of(context.obj)), sites, one, now())
    if output is Form.JSON:
        console.data(found)
    else:
        for name, count in found.jobs.items():
            console.say(f"{name}: {count:,} jobs of {one}")
    for name in found.unreached:
        console.note(f'{name}: not read: address in [targets."batch:{name}"] says how it is reached')
    for name, why in found.unread.items():
        console.note(f"{name}: {why}")
    return 1 if found.unread else 0


# -- report ------------------------------------------------------------------------------------------------------------


@reporting.command("usage")
def usage(
    context: typer.Context,
    revision: Revision = "",
    *,
    month: Month = "",
    since: Annotated[
        str, typer.Option("--since", metavar="YYYY-MM", help="From this month on, up to --month.", show_default=False)
    ] = "",
    by: Annotated[str, typer.Option("--by", metavar="NAMES", help="Of month,site,vo,country,user.")] = "month,site,vo",
    vo: Annotated[str, typer.Option("--vo", metavar="VO", help="Of one VO.", show_default=False)] = "",
    site: Annotated[str, typer.Option("--site", metavar="SITE", help="Of one site.", show_default=False)] = "",
    plot: Plot = None,
    output: Annotated[ReportForm, typer.Option("-o", "--output", help="Text, JSON, or CSV.")] = ReportForm.TEXT,
) -> int:
    """Say what machines and jobs used: hours, core hours, CPU time, efficiency, and work by the benchmark of cores.

    A month that is not over is marked. Machines count for as long as they were seen; those of which nothing was seen
    of late are told on stderr.

    Examples: `hanse report usage`; `hanse report usage --since 2026-01 --by country,vo -o csv`.
    """
    from reconciler.cli.house import now, told
    from reconciler.exchange.usage import totals
    from reconciler.metering import counted, uncounted

    sites, _ = _declared(context, revision)
    with told(context.obj) as store:
        known = _benchmarks(sites)
        found = [use for one in _months(since, month) for use in counted(store, one, now(), known, site or None)]
        for missing in uncounted(store, now()):
            console.note(missing)
    wanted = [use for use in found if vo in ("", use.vo)]
    countries = {name: str(spec.country or "") for name, spec in sites.items()}
    names = [name.strip() for name in by.split(",")]
    try:
        groups = totals(wanted, names, countries)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    _draw(plot, wanted, groups, names, _months(since, month))
    if output is ReportForm.JSON:
        console.data([total.told() for total in groups])
    elif output is ReportForm.CSV:
        console.say(_csv(groups).rstrip("\n"))
    else:
        console.say(_table(groups, names) if groups else "nothing was used: hanse meter, or hanse run, notes machines")
    return 0


def _draw(
    file: Path | None, uses: Sequence[Used], groups: Sequence[Total], names: Sequence[str], months: list[str]
) -> None:
    span = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"

    def figure() -> Figure:
        from reconciler.drawing import usage
        from reconciler.exchange.usage import totals

        return usage(totals(uses, ("month", "vo")), f"Usage, {span}")

    def parts() -> list[Part]:
        from reconciler.drawing import Part, Table

        head, rows, roles = _cells(groups, names)
        said = "Work is core hours times the benchmark of a core; of cores that have none it is not counted (+?)."
        return [Part(f"By {', '.join(names)}", said, table=Table(head, rows, roles))]

    partial = " The last month is not over." if any(group.partial for group in groups) else ""
    draw(file, f"Usage, {span}", f"{sum(one.count for one in groups):,} machines and jobs.{partial}", figure, parts)


def _cells(groups: Sequence[Total], names: Sequence[str]) -> tuple[tuple[str, ...], list[tuple[str, ...]], list[Any]]:
    """Head, rows and roles."""
    counted = any(one.received_gb is not None for one in groups)
    last = ("IN GB", "OUT GB", "") if counted else ("",)
    head = (*(n.upper() for n in names), "KIND", "COUNT", "WALL H", "CORE H", "CPU H", "EFFICIENCY", "WORK", *last)
    rows = []
    for one in groups:
        efficiency = "-" if one.efficiency is None else f"{one.efficiency:.1%}"
        work = f"{one.work:,.1f}" + ("+?" if one.unmeasured_core_hours else "")
        numbers = [f"{n:,.1f}" for n in (one.wall_hours, one.core_hours, one.cpu_hours)]
        told = [str(getattr(one, name)) or "-" for name in names]
        carried = [_gigabytes(n) for n in (one.received_gb, one.sent_gb)] if counted else []
        partial = "partial" if one.partial else ""
        rows.append((*told, one.kind, f"{one.count:,}", *numbers, efficiency, work, *carried, partial))
    return head, rows, [(*([""] * (len(head) - 1)), "doubt" if one.partial else "") for one in groups]


def _gigabytes(number: float | None) -> str:
    return "-" if number is None else f"{number:,.3f}"


def _table(groups: Sequence[Total], names: Sequence[str]) -> str:
    lines = console.table(*_cells(groups, names))
    if any(one.unmeasured_core_hours for one in groups):
        lines += "\n+? some cores have no benchmark: their work is not counted"
    return lines


def _csv(groups: Sequence[Total]) -> str:
    import csv
    from dataclasses import asdict
    from io import StringIO

    from reconciler.exchange.usage import Total
    from reconciler.inert import cell

    written = StringIO()
    told = [total.told() for total in groups]
    named = {name for one in told for name in one} | Total().told().keys()
    head = [name for name in (*asdict(Total()), "efficiency") if name in named]
    lines = csv.DictWriter(written, head, lineterminator="\n")
    lines.writeheader()
    lines.writerows({name: cell(value) for name, value in one.items()} for one in told)
    return written.getvalue()


# -- export ------------------------------------------------------------------------------------------------------------


@exporting.command("apel")
def export_apel(
    context: typer.Context,
    revision: Revision = "",
    *,
    into: Annotated[Path, typer.Option("--into", metavar="DIR", help="Queues are made in there, one for each topic.")],
    month: Month = "",
    site: Annotated[str, typer.Option("--site", metavar="SITE", help="Of one site.", show_default=False)] = "",
    jobs: Annotated[
        str, typer.Option("--jobs", metavar="HOW", help="Jobs as records, summaries or normalised.")
    ] = "records",
    clouds: Annotated[
        str, typer.Option("--clouds", metavar="HOW", help="Machines as records or summaries.")
    ] = "records",
    certificate: Annotated[
        Path | None, typer.Option("--certificate", metavar="FILE", help="Sign with this one.", show_default=False)
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="The certificate's key.", show_default=False)
    ] = None,
) -> int:
    """Write a month as APEL's messages into queues that SSM sends from (dirq), always the whole month.

    Every message is read back with the verdicts of APEL's loader before it is queued. What would be refused is kept in
    the folder `rejected`, with the reason; the exit code is 1 then. SSM signs what it sends; with a certificate it is
    signed here.

    Examples: `hanse export apel --into /var/spool/apel`; `hanse export apel -m 2026-10 --into out --jobs normalised`.
    """
    from reconciler.cli.house import now, told
    from reconciler.exchange.apel.export import month as messages
    from reconciler.exchange.apel.export import namings
    from reconciler.metering import counted

    if (certificate is None) is not (key is None):
        raise typer.BadParameter("--certificate and --key go together")
    how, machines = _jobs(jobs), _clouds(clouds)
    sites, vos = _declared(context, revision)
    _named(site, sites)
    if certificate is not None and key is not None:
        _unlisted(certificate, key, sites)
    (one,) = _months("", month)
    with told(context.obj) as store:
        known = _benchmarks(sites)
        uses: list[Used] = [*counted(store, one, now(), known)] if how != "records" else [*_uses(store, one, sites)]
    refused = 0
    for name, spec in sites.items():
        if site in ("", name):
            own = [use for use in uses if use.site == name]
            _untold(name, spec, own)
            for under, (naming, told_of) in namings(name, spec, vos, _made_by()).items():
                here = [u for u in own if (_cloud(u) in told_of if u.kind == "vm" else under == name)]
                refused += _put(
                    into, under, one, messages(here, naming, now(), jobs=how, clouds=machines), certificate, key
                )
    return 1 if refused else 0


def _unlisted(certificate: Path, key: Path, sites: Mapping[str, Any]) -> None:
    """A signature that receivers will refuse, since no site names its certificate, is told of."""
    from reconciler.cli.house import now
    from reconciler.exchange.apel.signing import Signer
    from reconciler.exchange.rendered import is_listed

    dn = Signer.of(certificate, key, now()).dn
    if not is_listed(dn, sites):
        console.note(f"{dn} is the hostDn of no accounting service of a certified production site: it may be refused")


def _cloud(use: Used) -> str:
    return getattr(use, "cloud", "")


def _untold(name: str, spec: Any, uses: Sequence[Used]) -> None:
    """Machines that run and yield no record are told of."""
    from reconciler.exchange.apel.export import is_told

    for cloud in spec.clouds:
        machines = sum(use.kind == "vm" and _cloud(use) == cloud.name for use in uses)
        if machines and not is_told(cloud):
            console.note(f"{name}/{cloud.name}: accounting is not enabled: {machines} machines are left out")


def _put(
    into: Path, site: str, month: str, told: Sequence[Outgoing], certificate: Path | None, key: Path | None
) -> int:
    import secrets

    from reconciler.cli.house import now
    from reconciler.exchange.apel.queue import put
    from reconciler.exchange.apel.signing import Signer

    signer = Signer.of(certificate, key, now()) if certificate and key else None
    for earlier in (into / "rejected" / month / site).glob("*.json"):
        earlier.unlink()  # the month is told anew, and so is what is wrong with it
    for one in told:
        for message in one.messages:
            content = signer.signed(message) if signer else message.encode()
            put(into / one.topic, content, now, secrets.token_hex)
        if one.messages:
            console.say(f"{site} {month}: {one.name}: {len(one.messages)} messages in {into / one.topic}")
        _keep_rejects(into, site, month, one)
    return sum(len(one.rejects) for one in told)


def _keep_rejects(into: Path, site: str, month: str, told: Outgoing) -> None:
    """The records that were refused, as JSON."""
    import orjson

    file = into / "rejected" / month / site / f"{told.name}.json"
    if told.rejects:
        file.parent.mkdir(parents=True, exist_ok=True)
        kept = [{"reason": reason, "record": record} for record, reason in told.rejects]
        file.write_bytes(orjson.dumps(kept, option=orjson.OPT_INDENT_2))
        console.note(f"{site} {month}: {told.name}: {len(told.rejects)} records refused: see {file}")


# -- what both need ----------------------------------------------------------------------------------------------------


def _made_by() -> str:
    from reconciler import __version__

    return f"hanse/{__version__}"


def _jobs(how: str) -> Jobs:
    match how:
        case "records" | "summaries" | "normalised":
            return how
        case _:
            raise typer.BadParameter("jobs are told as records, summaries or normalised")


def _clouds(how: str) -> Clouds:
    match how:
        case "records" | "summaries":
            return how
        case _:
            raise typer.BadParameter("machines are told as records or summaries")


def _months(since: str, until: str) -> list[str]:
    """The months asked for, checked."""
    from reconciler import metering
    from reconciler.cli.house import now

    last = until or f"{now():%Y-%m}"
    try:
        return list(metering.months(metering.bounds(since or last)[0], metering.bounds(last)[0]))
    except ValueError as error:
        raise typer.BadParameter(f"a month is YYYY-MM: {error}") from error


def _uses(store: Store, month: str, sites: Mapping[str, Any]) -> list[UsageRecord]:
    from reconciler import metering
    from reconciler.cli.house import now

    return metering.used(store, month, now(), _benchmarks(sites))


def _benchmarks(sites: Mapping[str, Any]) -> dict[tuple[str, str], tuple[str, float]]:
    """Of a core, by site and cloud."""
    from reconciler.exchange.apel.export import benchmarks

    return {place: found for name, spec in sites.items() for place, found in benchmarks(name, spec).items()}


def _declared(context: typer.Context, revision: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Sites and VOs by name."""
    from reconciler.cli.house import declared, settings_of

    settings = settings_of(context.obj)
    _, resources = declared(settings, revision or settings.source.revision)
    sites = {ref.name: item.spec for ref, item in resources.items.items() if ref.kind == "Site"}
    return sites, {ref.name: item.spec for ref, item in resources.items.items() if ref.kind == "VO"}


def _named(site: str, sites: Mapping[str, Any]) -> None:
    from reconciler.errors import SettingsError
    from reconciler.nearest import or_meant

    if site and site not in sites:
        raise SettingsError(f"there is no Site {site}" + or_meant(site, sites))
