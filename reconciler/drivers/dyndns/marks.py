"""Ownership marks that a service has no place for, kept in Hanse's own state: who put which address where, and when.

A row that is lost makes a record look like somebody else's, which is safe: it is then left alone until its manifest
says ``adopt: true``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.drivers.remembered import remembered
from reconciler.drivers.zonedata import Key
from reconciler.errors import Terminal
from reconciler.model import Target

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS mark (name TEXT, type TEXT, uid TEXT, value TEXT, at REAL, PRIMARY KEY (name, type))"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """``value`` is what was sent last, ``at`` (seconds since the epoch) when; "" and 0 when nothing was."""

    uid: str
    value: str = ""
    at: float = 0.0


class Marks:
    """The marks of one zone."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @classmethod
    def of(cls, target: Target, state: str) -> Marks:
        """The marks behind ``target``, in the state folder. Raises Terminal when there is none."""
        if not state:
            raise Terminal(f"{target.id}: without a state folder there is no place for ownership marks")
        return cls(Path(state) / f"{target.name.replace('/', '_')}marks.sqlite")

    def read(self) -> Mapping[Key, Mark]:
        """All of them."""
        if not self._file.exists():
            return {}
        with remembered(self._file, _SCHEMA) as connection:
            rows = connection.execute("SELECT name, type, uid, value, at FROM mark").fetchall()
        return {(name, rdtype): Mark(uid, value, at) for name, rdtype, uid, value, at in rows}

    def keep(self, key: Key, mark: Mark) -> None:
        """Remember ``mark``, durably."""
        with remembered(self._file, _SCHEMA) as connection:
            row = (*key, mark.uid, mark.value, mark.at)
            connection.execute("INSERT OR REPLACE INTO mark VALUES (?, ?, ?, ?, ?)", row)

    def forget(self, key: Key) -> None:
        """Drop the mark of a record that is gone."""
        with remembered(self._file, _SCHEMA) as connection:
            connection.execute("DELETE FROM mark WHERE name = ? AND type = ?", key)
