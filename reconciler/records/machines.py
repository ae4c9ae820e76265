"""Machines: from when to when each was seen to stand, and as what. All accounting of machines rests on it.

A machine counts for as long as it was seen. A look that failed neither ends nor extends anything: when the machine is
seen again it stood all the time, for no cloud gives an identifier twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, insert, select, update

from reconciler.model import Ref
from reconciler.model.machine import Machine, Span
from reconciler.records.database import Database
from reconciler.records.tables import MachineSpanRow, table
from reconciler.records.traffic import TrafficSums

_SPANS = table(MachineSpanRow)
_FIELDS = tuple(field.name for field in fields(Machine))


@dataclass(frozen=True)
class Machines:
    """The spans of one database."""

    database: Database

    @property
    def traffic(self) -> TrafficSums:
        """What they carried."""
        return TrafficSums(self.database)

    def saw(self, target: str, machines: Iterable[Machine], at: datetime, *, complete: bool = True) -> None:
        """Note what stood on a target. Machines that a ``complete`` look does not show are gone since the one before.

        A look that is older than one that was noted already changes nothing.
        """
        row = _SPANS.c
        with self.database.writing() as connection:
            rows = connection.execute(select(_SPANS).where(row.target == target, row.current)).mappings()
            before = {found["node"]: _span(found) for found in rows}
            if any(span.until > at for span in before.values()):
                return
            there = {machine.node: machine for machine in machines}
            same = [node for node, machine in there.items() if node in before and before[node].machine == machine]
            others = [node for node in before.keys() & there.keys() if node not in set(same)]
            gone = list(before.keys() - there.keys()) if complete else []
            current = (row.target == target) & row.current
            for some, values in (
                (same, {"until": at}),
                (others, {"until": at, "current": False}),
                (gone, {"current": False}),
            ):
                for node in some:
                    connection.execute(update(_SPANS).where(current, row.node == node).values(**values))
            new = [
                asdict(m) | {"since": at, "until": at, "current": True} for n, m in there.items() if n not in set(same)
            ]
            fresh = [made for made in new if made["node"] not in before or before[made["node"]].since < at]
            if fresh:
                connection.execute(insert(_SPANS), [made | {"ref": str(made["ref"])} for made in fresh])

    def between(self, start: datetime, end: datetime) -> tuple[Span, ...]:
        """Every span of every machine that stood some time between, from its first one on; in a stable order."""
        row = _SPANS.c
        stood = select(row.target, row.node).where(row.until >= start, row.since < end).distinct().subquery()
        whole = select(_SPANS).join(stood, (stood.c.target == row.target) & (stood.c.node == row.node))
        ordered = whole.where(row.since < end).order_by(row.target, row.node, row.since)
        with self.database.reading() as connection:
            return tuple(_span(found) for found in connection.execute(ordered).mappings())

    def current(self) -> tuple[Span, ...]:
        """The last span of every machine that was there when its cloud was last read."""
        ordered = select(_SPANS).where(_SPANS.c.current).order_by(_SPANS.c.target, _SPANS.c.node)
        with self.database.reading() as connection:
            return tuple(_span(found) for found in connection.execute(ordered).mappings())


def _span(row: RowMapping) -> Span:
    given: dict[str, Any] = {name: row[name] for name in _FIELDS}
    machine = Machine(**{**given, "ref": Ref(row["ref"])})
    return Span(machine, row["since"], row["until"], row["current"])
