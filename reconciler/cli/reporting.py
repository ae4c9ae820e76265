"""Commands about data: rule, report storage, export star."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reconciler.cli import console
from reconciler.cli.exchanging import exporting
from reconciler.cli.options import Form, Output, Revision

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from reconciler.exchange.storageuse import LogicalUse, PhysicalUse
    from reconciler.model.data import DarkRecord, LockRecord, ReplicaRecord, RuleRecord
    from reconciler.ports import Space

reporting = typer.Typer(name="report", help="Tell what is used.", no_args_is_help=True)
_SHOWN = 50


class ReportForm(StrEnum):
    """How a report is written."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"


@reporting.callback()
def _report() -> None:
    """Tell what is used."""


def rule(
    context: typer.Context,
    resource: Annotated[str, typer.Argument(metavar="[DatasetRule/]NAME", help="One rule; all when left out.")] = "",
    *,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many files.")] = _SHOWN,
    retry: Annotated[bool, typer.Option("--retry", help="Let the next run try what is stuck.")] = False,
    output: Output = Form.TEXT,
) -> int:
    """Say how rules over data stand: their state, their copies, and each file that is not there yet, with the reason.

    From the records: nothing is asked of the world. The exit code is 3 while a rule is stuck or suspended.

    Examples: `hanse rule`; `hanse rule ocean/waves`; `hanse rule DatasetRule/ocean/waves -o json`.
    """
    from reconciler.cli.house import now, records, told
    from reconciler.errors import RecordsError
    from reconciler.model import Ref
    from reconciler.model.data import RuleState

    ref = Ref(resource if resource.startswith("DatasetRule/") else f"DatasetRule/{resource}") if resource else None
    if retry:
        if ref is None:
            raise typer.BadParameter("which rule is to be tried is not said: give its name")
        with records(context.obj, write=True) as store:
            console.note(f"{store.data.retry(ref):,} files are tried in the next run")
    with told(context.obj) as store:
        rules = store.data.rules(ref)
        if ref is not None and not rules:
            raise RecordsError(f"nothing is known of {ref}: see hanse rule, or hanse apply first")
        replicas = store.data.replicas(ref) if ref else ()
        locks = store.data.open_locks(ref, limit) if ref else ()
    if output is Form.JSON:
        console.data({"rule": rules[0], "replicas": replicas, "locks": locks} if ref else rules)
    elif ref is None:
        console.say(_rules(rules, now()) if rules else "no rules yet: hanse apply")
    else:
        console.say(_one(rules[0], replicas, locks, now()))
    return 3 if any(one.state in (RuleState.STUCK, RuleState.SUSPENDED) for one in rules) else 0


def _rules(rules: Sequence[RuleRecord], now: datetime) -> str:
    from reconciler.cli.standing import age

    rows = [
        (r.ref, r.state, f"{r.ok:,}", f"{r.replicating:,}", f"{r.stuck:,}", size(r.bytes), age(r.since, now), r.message)
        for r in rules
    ]
    roles = [("", _role(r.state), "", "", "bad" if r.stuck else "", "", "quiet", "") for r in rules]
    return console.table(("RULE", "STATE", "OK", "REPLICATING", "STUCK", "BYTES", "FOR", "MESSAGE"), rows, roles)


def _one(record: RuleRecord, replicas: Sequence[ReplicaRecord], locks: Sequence[LockRecord], now: datetime) -> str:
    from reconciler.cli.standing import age

    blocks = [_rules([record], now)]
    rows = [(r.ref, r.storage, r.state, f"{r.files:,}", size(r.bytes), age(r.since, now)) for r in replicas]
    paint = [("", "", "good" if r.state == "AVAILABLE" else "doubt", "", "", "quiet") for r in replicas]
    blocks += [console.table(("COPY", "STORAGE", "STATE", "FILES", "BYTES", "FOR"), rows, paint)] if rows else []
    table = [(k.path, k.storage, k.state, age(k.since, now), str(k.tries), _when(k.next_try), k.error) for k in locks]
    head = ("FILE", "STORAGE", "STATE", "FOR", "TRIES", "NEXT TRY (UTC)", "WHY")
    roles = [("", "", "bad" if k.state == "STUCK" else "doubt", "quiet", "", "quiet", "") for k in locks]
    blocks += [console.table(head, table, roles)] if table else []
    left = record.stuck + record.replicating - len(locks)
    blocks += [f"{left:,} files more (--limit)"] if left > 0 else []
    if record.failing_seconds:
        blocks.append(f"It has failed for {record.failing_seconds / 3600:.1f} h in all since git changed it last.")
    return "\n\n".join(blocks)


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "-"


def _role(state: str) -> str:
    return {"OK": "good", "STUCK": "bad", "SUSPENDED": "bad"}.get(state, "doubt")


# -- storage -----------------------------------------------------------------------------------------------------------


@reporting.command("storage")
def storage(
    context: typer.Context,
    revision: Revision = "",
    *,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no storage how full it is.")] = False,
    dark: Annotated[bool, typer.Option("--dark", help="List dark files too.")] = False,
    star: Annotated[
        Path | None, typer.Option("--star", metavar="FILE", help="Write StAR records there too.", show_default=False)
    ] = None,
    output: Annotated[ReportForm, typer.Option("-o", "--output", help="Text, JSON, or CSV.")] = ReportForm.TEXT,
) -> int:
    """Say what is used of storages: by the locks of rules, by what lies there, and the difference.

    Logical use is counted from locks, for each VO and owner. Physical use is what copies take, beside what each storage
    says of itself; dark is what lies in folders of Hanse and nothing wants.

    Examples: `hanse report storage`; `hanse report storage -o csv`; `hanse report storage --star usage.xml`.
    """
    from reconciler.cli.house import told
    from reconciler.exchange.storageuse import logical, physical

    with told(context.obj) as store:
        replicas, holds, scans, files = store.data.replicas(), store.data.holds(), store.data.scans(), store.data.dark()
    names = sorted({replica.storage for replica in replicas} | {scan.storage for scan in scans})
    spaces: Mapping[str, Space | str] = {} if offline else _spaces(context, revision, names)
    by_vo, by_storage = logical(holds), physical(replicas, holds, scans, spaces)
    if star is not None:
        star.write_text(_star(context, revision, 24.0), encoding="utf-8")
    if output is ReportForm.JSON:
        console.data({"logical": by_vo, "physical": by_storage, **({"dark": files} if dark else {})})
    elif output is ReportForm.CSV:
        console.say(_csv(by_vo, by_storage).rstrip("\n"))
    else:
        console.say(_report_text(by_vo, by_storage, files if dark else ()))
    return 0


def _report_text(by_vo: Sequence[LogicalUse], by_storage: Sequence[PhysicalUse], dark: Sequence[DarkRecord]) -> str:
    if not by_storage:
        return "no copies yet: hanse apply"
    rows = [(u.vo or "-", u.owner or "-", f"{u.rules:,}", f"{u.files:,}", size(u.bytes)) for u in by_vo]
    plain: list[tuple[str, ...]] = [("",) * 5 for _ in rows]
    blocks = [console.style("heading", "Logical, by the locks of rules")]
    blocks.append(console.table(("VO", "OWNER", "RULES", "FILES", "BYTES"), rows, plain) if rows else "no locks")
    head = ("STORAGE", "COPIES", "FILES", "BYTES", "NOT HELD", "DARK", "USED", "FREE", "DIFFERENCE")
    table = [
        (
            u.storage,
            f"{u.replicas:,}",
            f"{u.files:,}",
            *(size(n) for n in (u.bytes, u.unheld, u.dark)),
            *(u.unknown if u.unknown and n == 0 else size(x) for n, x in enumerate((u.used, u.free, u.difference))),
        )
        for u in by_storage
    ]
    roles: list[tuple[str, ...]] = [("", "", "", "", "", "doubt" if u.dark else "", "", "", "") for u in by_storage]
    blocks += ["", console.style("heading", "Physical, by storage"), console.table(head, table, roles)]
    if dark:
        lines = [(d.storage, d.path, size(d.size), f"{d.first_seen:%Y-%m-%d}", d.uid or "no mark") for d in dark]
        blocks += ["", console.style("heading", "Dark files")]
        blocks.append(console.table(("STORAGE", "FILE", "BYTES", "SINCE", "MARK"), lines, [("",) * 5 for _ in lines]))
    return "\n".join(blocks)


def _csv(by_vo: Sequence[LogicalUse], by_storage: Sequence[PhysicalUse]) -> str:
    """One line for each, the first column saying what it is about."""
    import csv
    from io import StringIO

    from reconciler.inert import cell

    written = StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(
        ("use", "vo", "owner", "storage", "files", "bytes", "not_held", "dark", "used", "free", "difference")
    )
    for one in by_vo:
        lines.writerow(("logical", cell(one.vo), cell(one.owner), "", one.files, one.bytes, "", "", "", "", ""))
    for two in by_storage:
        rest = (two.unheld, two.dark, two.used, two.free, two.difference)
        lines.writerow(("physical", "", "", cell(two.storage), two.files, two.bytes, *rest))
    return written.getvalue()


def _spaces(context: typer.Context, revision: str, names: Sequence[str]) -> dict[str, Space | str]:
    """How full each storage says it is, or why it does not."""
    from reconciler.cli.house import declared, settings_of
    from reconciler.errors import DriverError
    from reconciler.kinds import Declared
    from reconciler.kinds.replica.connect import connect, described, target_id
    from reconciler.wiring import Wired

    settings = settings_of(context.obj)
    drivers = Wired(settings)
    _, resources = declared(settings, revision or settings.source.revision)
    federation = Declared(resources.items)
    found: dict[str, Space | str] = {}
    for name in names:
        identity = target_id(*name.split("/", 1))
        if not described(identity, federation):
            found[name] = "no site declares it"
            continue
        try:
            found[name] = drivers.storage(connect(identity, federation, drivers)).space()
        except DriverError as error:
            found[name] = str(error)
    return found


# -- StAR --------------------------------------------------------------------------------------------------------------


@exporting.command("star")
def export_star(
    context: typer.Context,
    revision: Revision = "",
    *,
    hours: Annotated[
        float, typer.Option("--hours", metavar="N", min=0.0, help="How long the figures hold for.")
    ] = 24.0,
    into: Annotated[
        Path | None, typer.Option("--into", metavar="FILE", help="A file, in place of standard output.")
    ] = None,
) -> int:
    """Write StAR records (OGF GFD.201): what each VO uses of each storage, from the same rows as the report.

    Example: `hanse export star --into usage.xml`.
    """
    text = _star(context, revision, hours)
    if into is not None:
        into.write_text(text, encoding="utf-8")
    else:
        console.say(text.rstrip("\n"))
    return 0


def _star(context: typer.Context, revision: str, hours: float) -> str:
    from datetime import timedelta

    from reconciler.cli.house import declared, now, settings_of, told
    from reconciler.errors import Terminal
    from reconciler.exchange.apel.reading import Refused
    from reconciler.exchange.apel.storage import parsed
    from reconciler.exchange.star import star
    from reconciler.exchange.storageuse import shares

    with told(context.obj) as store:
        found = shares(store.data.replicas(), store.data.holds())
    settings = settings_of(context.obj)
    _, resources = declared(settings, revision or settings.source.revision)
    sites: list[Any] = [(ref.name, item.spec) for ref, item in resources.items.items() if ref.kind == "Site"]
    media = {f"{site}/{storage.name}": storage.type for site, spec in sites for storage in spec.storage}
    end = now()
    text = star(found, media, end - timedelta(hours=hours), end)
    if found:
        try:
            parsed(text)
        except Refused as error:
            raise Terminal(f"APEL would take no storage record: {error}") from error
    return text


def size(count: int | None) -> str:
    """Bytes for people; "-" when not known."""
    if count is None:
        return "-"
    value = float(count)
    if abs(value) < 1000:  # noqa: PLR2004
        return f"{count} B"
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if abs(value) < 1000:  # noqa: PLR2004
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"
