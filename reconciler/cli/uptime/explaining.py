"""What explain availability tells: minutes that were lost, and to what."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import typer

from reconciler.cli import console
from reconciler.cli.options import Form, Place
from reconciler.cli.uptime.asked import asking, day_of
from reconciler.cli.uptime.tables import percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.uptime import Explained

_SOFT = 20
"""So many results that did not count are told."""


def explain_availability(place: Place, site: str, day: str, report: str, output: Form) -> int:
    """Tell which minutes of a site's day were lost, to which check, by which result."""
    from reconciler.cli.house import now
    from reconciler.uptime import explained

    if not site:
        raise typer.BadParameter("give a site: hanse explain availability SITE --day 2026-10-12")
    wanted = day_of(day) if day else now().date() - timedelta(days=1)
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
