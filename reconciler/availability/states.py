"""Statuses and truth tables: which words there are, and how those of many make one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import product
from typing import Any

OK, WARNING, UNKNOWN, MISSING = "OK", "WARNING", "UNKNOWN", "MISSING"
CRITICAL, DOWNTIME, EXCLUDED = "CRITICAL", "DOWNTIME", "EXCLUDED"
UP = frozenset({OK, WARNING})
"""What counts as up."""
NOT_KNOWN = frozenset({UNKNOWN, MISSING})

Table = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Operations:
    """Truth tables by the name of their operation. EXCLUDED is always there, and neutral."""

    name: str
    states: tuple[str, ...]
    tables: Mapping[str, Table]
    down: str = DOWNTIME
    missing: str = MISSING
    unknown: str = UNKNOWN
    _folded: dict[str, dict[Any, str]] = field(default_factory=dict, init=False, compare=False, repr=False)
    _plain: dict[str, bool] = field(default_factory=dict, init=False, compare=False, repr=False)

    @classmethod
    def of_rows(
        cls,
        name: str,
        states: Sequence[str],
        operations: Mapping[str, Iterable[tuple[str, str, str]]],
        **defaults: str,
    ) -> Operations:
        """Tables of rows (a, b, what they make); a row holds for (b, a) too unless that has its own.

        Raises ValueError for a status that is not among ``states`` and for a pair that no row is about.
        """
        known = tuple(state for state in states if state != EXCLUDED)
        strange = {*defaults.values()} - {*known, EXCLUDED}
        if strange:
            raise ValueError(f"{', '.join(sorted(strange))}: not a status of {name}")
        tables = {operation: _table(f"{name} {operation}", known, rows) for operation, rows in operations.items()}
        return cls(name, known, tables, **defaults)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Operations:
        """An operations profile as ARGO's web API holds it."""
        rows = {
            one["name"]: [(row["a"], row["b"], row["x"]) for row in one["truth_table"]] for one in data["operations"]
        }
        return cls.of_rows(data["name"], data["available_states"], rows, **data.get("defaults", {}))

    def to_json(self) -> dict[str, Any]:
        """The same as ARGO's web API holds it: each pair once."""
        order = {state: n for n, state in enumerate(self.states)}
        return {
            "name": self.name,
            "available_states": list(self.states),
            "defaults": {"down": self.down, "missing": self.missing, "unknown": self.unknown},
            "operations": [
                {
                    "name": operation,
                    "truth_table": [
                        {"a": a, "b": b, "x": x}
                        for (a, b), x in table.items()
                        if order[a] <= order[b] or table[b, a] != x
                    ],
                }
                for operation, table in self.tables.items()
            ],
        }

    def fold(self, operation: str, states: Iterable[str]) -> str:
        """What ``states`` make together, from the left; all EXCLUDED makes EXCLUDED."""
        table = self.tables[operation]
        counted = [state for state in states if state != EXCLUDED]
        return reduce(lambda a, b: table[a, b], counted) if counted else EXCLUDED

    def fold_some(self, operation: str, states: frozenset[str]) -> str:
        """The same where order and number do not matter (``is_plain``); remembered."""
        known = self._folded.setdefault(operation, {})
        if states not in known:
            known[states] = self.fold(operation, sorted(states))
        return known[states]

    def is_plain(self, operation: str) -> bool:
        """Whether it matters neither in which order statuses come nor how often: then a set of them is enough."""
        if operation not in self._plain:
            self._plain[operation] = _plain(self.tables[operation], self.states)
        return self._plain[operation]


def _table(name: str, states: Sequence[str], rows: Iterable[tuple[str, str, str]]) -> Table:
    given: dict[tuple[str, str], str] = {}
    for row in rows:
        strange = [state for state in row if state not in states]
        if strange and EXCLUDED not in row:
            raise ValueError(f"{name}: {strange[0]} is not a status")
        if not strange:
            given[row[0], row[1]] = row[2]
    whole = {(b, a): x for (a, b), x in given.items()} | given
    lacking = [pair for pair in product(states, states) if pair not in whole]
    if lacking:
        raise ValueError(f"{name}: no row is about {lacking[0][0]} and {lacking[0][1]}")
    return whole


def _plain(table: Table, states: Sequence[str]) -> bool:
    idle = all(table[a, a] == a for a in states)
    turns = all(table[a, b] == table[b, a] for a, b in product(states, states))
    groups = all(table[table[a, b], c] == table[a, table[b, c]] for a, b, c in product(states, states, states))
    return idle and turns and groups


def _ranked(order: Sequence[str]) -> list[tuple[str, str, str]]:
    """Rows in which the later one of ``order`` wins."""
    return [(a, b, b) for n, a in enumerate(order) for b in order[n:]]


EGI = Operations.of_rows(
    "egi_ops",
    (OK, WARNING, UNKNOWN, MISSING, CRITICAL, DOWNTIME),
    {
        "AND": _ranked((OK, WARNING, UNKNOWN, MISSING, DOWNTIME, CRITICAL)),
        "OR": _ranked((MISSING, DOWNTIME, UNKNOWN, CRITICAL, WARNING, OK)),
    },
)
"""EGI's: with AND the worst wins, with OR the best."""
