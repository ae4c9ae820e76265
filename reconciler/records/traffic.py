"""Traffic: bytes that machines received and sent, added up by month from counters that begin anew at every restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, case, func, select

from reconciler.model.machine import Carried
from reconciler.records.database import Database, chunks
from reconciler.records.tables import MachineSpanRow, MachineTrafficRow, table

_TRAFFIC = table(MachineTrafficRow)
_SPANS = table(MachineSpanRow)
_YOUNG = timedelta(hours=1)
"""What a machine's counters show when they are first read counts, if it came so shortly before."""
Counters = tuple[int, int]
"""Bytes received, and sent."""


@dataclass(frozen=True)
class TrafficSums:
    """The traffic in one database."""

    database: Database

    def saw(self, target: str, counters: Mapping[str, Counters], at: datetime) -> None:
        """Add what machines' counters show more than when they were read last to the month of this look.

        Counters that fell began anew. Those of a machine that may have stood for longer count from here on: what was
        there at the first look at ``target`` may be years old. An older look than the last one changes nothing.
        """
        if not counters:
            return
        month = f"{at:%Y-%m}"
        with self.database.writing() as connection:
            last = _last(connection, target, counters)
            came = _came(connection, target, counters.keys() - last.keys())
            rows = []
            for node, now in counters.items():
                before = last.get(node)
                if before is None:
                    young = node in came and at - came[node] <= _YOUNG
                    added, carried = (now if young else (0, 0)), (0, 0)
                elif before["seen"] >= at:
                    continue
                else:
                    added = _more((before["counter_received"], before["counter_sent"]), now)
                    carried = (before["received"], before["sent"]) if before["month"] == month else (0, 0)
                rows.append(_row(target, node, month, (carried[0] + added[0], carried[1] + added[1]), now, at))
            if rows:
                connection.execute(self.database.upsert(_TRAFFIC), rows)

    def carried(self, month: str) -> dict[tuple[str, str], Carried]:
        """What each machine carried in a month and until its end, by target and node, if its counters were ever read.

        Where they were not read in that month, nothing was added; the receiver of sums needs them all the same.
        """
        row = _TRAFFIC.c
        both = (row.received, row.sent)
        own = [func.sum(case((row.month == month, one), else_=0)) for one in both]
        whole = [func.sum(one) for one in both]
        found = select(row.target, row.node, *own, *whole).where(row.month <= month).group_by(row.target, row.node)
        with self.database.reading() as connection:
            rows = connection.execute(found).all()
        return {(target, node): Carried(*(int(number) for number in numbers)) for target, node, *numbers in rows}


def _row(target: str, node: str, month: str, carried: Counters, now: Counters, at: datetime) -> dict[str, Any]:
    received, sent = carried
    sums = {"target": target, "node": node, "month": month, "received": received, "sent": sent}
    return sums | {"counter_received": now[0], "counter_sent": now[1], "seen": at}


def _more(before: Counters, now: Counters) -> Counters:
    """Both counters of a machine begin anew at the same moment."""
    if now[0] < before[0] or now[1] < before[1]:
        return now
    return now[0] - before[0], now[1] - before[1]


def _last(connection: Connection, target: str, nodes: Mapping[str, Counters]) -> dict[str, RowMapping]:
    """The newest row of each node, kept from others who would add to it meanwhile."""
    row = _TRAFFIC.c
    found: dict[str, RowMapping] = {}
    for some in chunks(nodes):
        ours = select(_TRAFFIC).where(row.target == target, row.node.in_(some)).order_by(row.node, row.month)
        found.update((one["node"], one) for one in connection.execute(ours.with_for_update()).mappings())
    return found


def _came(connection: Connection, target: str, nodes: set[str]) -> dict[str, datetime]:
    """When each node was first seen, of those that were not there when ``target`` was first looked at."""
    row = _SPANS.c
    found: dict[str, datetime] = {}
    if not nodes:
        return found
    begun = connection.execute(select(func.min(row.since)).where(row.target == target)).scalar()
    for some in chunks(sorted(nodes)):
        first = select(row.node, func.min(row.since)).where(row.target == target, row.node.in_(some))
        found.update((node, since) for node, since in connection.execute(first.group_by(row.node)) if since > begun)
    return found
