"""downtimes: which there are, of what, and why each counts as scheduled or not."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from reconciler.cli import console
from reconciler.cli.options import Form, Output, Revision, Worktree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.kinds.downtime import Interval
    from reconciler.model import Ref, Resource


class _Asked(NamedTuple):
    """Which downtimes are asked for: those with any time between the two, of the sites."""

    since: datetime
    until: datetime
    sites: frozenset[str]


def downtimes(
    context: typer.Context,
    revision: Revision = "",
    *,
    ongoing: Annotated[bool, typer.Option("--ongoing", help="Only what is under way now.")] = False,
    site: Annotated[
        list[str] | None, typer.Option("--site", metavar="SITE", help="Of this site; may be repeated.")
    ] = None,
    since: Annotated[
        str,
        typer.Option(
            "--since",
            metavar="DAY|TIME",
            help="From then on, also what is over.",
            show_default=False,
        ),
    ] = "",
    until: Annotated[
        str, typer.Option("--until", metavar="DAY|TIME", help="Up to then; a day to its end.", show_default=False)
    ] = "",
    worktree: Worktree = False,
    output: Output = Form.TEXT,
) -> int:
    """List downtimes that are under way or to come, with the class that their commits give them.

    SCHEDULED is what begins more than 24 hours after the commit that stated it; what was added to its end counts from
    the commit that added it. Only scheduled outages excuse a site in reports of availability.

    Examples: `hanse downtimes`; `hanse downtimes --site TIDE-CLOUD --since 2026-10-01 -o json`;
    `hanse downtimes --worktree --ongoing`.
    """
    from reconciler.cli.house import declared, now, settings_of
    from reconciler.downtimes import declarations
    from reconciler.errors import SettingsError

    if ongoing and (since or until):
        raise typer.BadParameter("give --ongoing, or --since and --until")
    moment = now()
    first = moment if not since else _time(since)
    last = moment if ongoing else _time(until, end=True) if until else datetime.max.replace(tzinfo=UTC)
    settings = settings_of(context.obj)
    read, resources = declared(settings, revision or settings.source.revision, worktree=worktree)
    unknown = _unknown(site or (), resources.items)
    if unknown:
        raise SettingsError(unknown)
    stated = declarations(Path(settings.source.repository), read, resources.items, Path(settings.cache))
    found = _found(resources.items, stated, moment, _Asked(first, last, frozenset(site or ())))
    if output is Form.JSON:
        console.data([_plain(some, moment) for some in found])
    elif found:
        console.say(_table(found, moment))
    else:
        console.say("no downtime" + (" is under way" if ongoing else ""))
    return 0


def _found(
    resources: Mapping[Ref, Resource], stated: Mapping[Ref, Any], moment: datetime, asked: _Asked
) -> list[list[Interval]]:
    """What is asked for: the services of one id and class together."""
    from reconciler.kinds.downtime import intervals, whole_sites

    services = intervals(resources, stated, moment)
    told = {(one.ref, one.site) for one in services}
    bare = [one for one in whole_sites(resources, stated, moment) if (one.ref, one.site) not in told]
    alike: dict[tuple[str, datetime], list[Interval]] = {}
    for one in sorted([*services, *bare], key=lambda each: (each.start, each.id, each.site, each.service)):
        if one.end > asked.since and one.start <= asked.until and (not asked.sites or one.site in asked.sites):
            alike.setdefault((one.id, one.declared), []).append(one)
    return [*alike.values()]


def _unknown(sites: Iterable[str], resources: Mapping[Ref, Resource]) -> str:
    from reconciler.nearest import or_meant

    known = {ref.name for ref in resources if ref.kind == "Site"}
    for name in sites:
        if name not in known:
            return f"there is no Site {name}" + or_meant(name, known)
    return ""


def _time(text: str, *, end: bool = False) -> datetime:
    """A day (its start, or its end) or a time, UTC. Raises BadParameter."""
    try:
        if len(text) <= len("2026-10-12"):
            day = datetime.combine(date.fromisoformat(text), time(), UTC)
            return day + timedelta(days=1, seconds=-1) if end else day
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text} is not a day such as 2026-10-12, nor a time such as 2026-10-12T08:00Z"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _affected(some: Sequence[Interval]) -> str:
    """``SITE: nova, dav; OTHER``."""
    sites: dict[str, list[str]] = {}
    for one in some:
        sites.setdefault(one.site, []).extend([one.service] if one.service else [])
    return "; ".join(f"{name}: {', '.join(services)}" if services else name for name, services in sites.items())


def _standing(one: Interval, moment: datetime) -> str:
    return "over" if one.end <= moment else "ongoing" if one.start <= moment else "to come"


def _table(found: Sequence[Sequence[Interval]], moment: datetime) -> str:
    head = ("ID", "NAME", "CLASS", "SEVERITY", "START", "END", "STANDS", "AFFECTS", "WHY")
    rows, roles = [], []
    for some in found:
        one = some[0]
        times = (f"{one.start:%Y-%m-%d %H:%M}", f"{one.end:%Y-%m-%d %H:%M}")
        stands = _standing(one, moment)
        about = (one.id, one.ref.name, one.classification, one.severity, *times, stands, _affected(some), one.why)
        rows.append(about)
        late = "bad" if one.classification == "UNSCHEDULED" and one.severity == "OUTAGE" else ""
        roles.append(("quiet", "", late, "", "", "", "", "", "quiet"))
    return console.table(head, rows, roles)


def _plain(some: Sequence[Interval], moment: datetime) -> dict[str, object]:
    one = some[0]
    return {
        "id": one.id,
        "name": one.ref.name,
        "classification": one.classification,
        "severity": one.severity,
        "start": one.start,
        "end": one.end,
        "declared": one.declared,
        "why": one.why,
        "description": one.description,
        "stands": _standing(one, moment),
        "excuses": one.counts,
        "affects": [
            {"site": each.site, "service": each.service, "type": each.type, "hostname": each.hostname} for each in some
        ],
    }
