"""Command of allocations: what VOs were granted at sites, and what they use of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from reconciler.cli import console
from reconciler.cli.options import Form, Output, Revision
from reconciler.cli.reporting import reporting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.taken import Amounts, Grant


@reporting.command("allocations")
def allocations(
    context: typer.Context,
    revision: Revision = "",
    *,
    site: Annotated[str, typer.Option("--site", metavar="SITE", help="At one site.", show_default=False)] = "",
    vo: Annotated[str, typer.Option("--vo", metavar="VO", help="Of one VO.", show_default=False)] = "",
    output: Output = Form.TEXT,
) -> int:
    """Say what VOs use of what sites granted them: machines, cores, memory, storage, and core hours with a forecast.

    From the records: nothing is asked of the world. What stands is what was applied last. The exit code is 3 where more
    is used, or will be, than was granted.

    Examples: `hanse report allocations`; `hanse report allocations --vo tides -o json`.
    """
    from reconciler import granted, keeping
    from reconciler.cli.house import declared, now, settings_of, told
    from reconciler.kinds import NOWHERE, registry
    from reconciler.model import Graph, Observed, Policy
    from reconciler.plan.terms import Book

    settings, at = settings_of(context.obj), now()
    read, resources = declared(settings, revision or settings.source.revision)
    with told(context.obj) as store:
        grants = granted.grants(resources.items, store.usage.month, at)
        graph = Graph(read.commit, resources.items, {}, {})
        inventory = keeping.inventory(store)
        used = Book(graph, Observed({}, {}, {}), inventory, Policy(at), registry(), NOWHERE).used
    wanted = {key: one for key, one in sorted(grants.items()) if site in ("", key[0]) and vo in ("", key[1])}
    rows = [row for key, one in wanted.items() for row in _rows(one, used, at)]
    if output is Form.JSON:
        console.data(rows)
    else:
        console.say(_table(rows) if rows else "No VO has an allocation in force that says how much.")
    return 3 if any(row["used"] + row.get("forecast", 0) > row["granted"] for row in rows) else 0


def _rows(grant: Grant, used: Mapping[tuple[str, str], Amounts], at: Any) -> list[dict[str, Any]]:
    """One row for each amount that was granted, in the units that people state it in."""
    from reconciler.model.taken import WORDS, Amounts, shown
    from reconciler.plan.hours import hours

    stand = used.get((grant.site, grant.vo), Amounts())
    whose = {"vo": grant.vo, "site": grant.site, "until": grant.last_day or None}
    rows = [
        {
            **whose,
            "what": WORDS[what],
            "granted": float(shown(what, n)),
            "used": float(shown(what, getattr(stand, what))),
        }
        for what, n in grant.amounts.items()
    ]
    if grant.core_hours is not None:
        forecast = round(hours(stand.vcpus, at, grant.end, None), 1)
        spent = {"granted": float(grant.core_hours), "used": round(grant.core_hours_used, 1), "forecast": forecast}
        rows.append({**whose, "what": "core hours", **spent})
    return rows


def _table(rows: list[dict[str, Any]]) -> str:
    head = ("VO", "SITE", "WHAT", "GRANTED", "USED", "FORECAST", "UNTIL")
    told = [
        (r["vo"], r["site"], r["what"], f"{r['granted']:g}", f"{r['used']:g}", _more(r), r["until"] or "") for r in rows
    ]
    return console.table(head, told)


def _more(row: dict[str, Any]) -> str:
    return f"+{row['forecast']:g}" if "forecast" in row else ""
