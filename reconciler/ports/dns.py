"""The DNS port: whole zones in, one atomic message out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RRset:
    """All records of one name and type. ``name`` is absolute (ends in a dot), lower case; values canonical, sorted."""

    name: str
    type: str
    ttl: int
    """Seconds."""
    values: tuple[str, ...]
    uid: str = ""
    """The uid of our ownership mark for this (name, type); "" when it carries none."""


@dataclass(frozen=True, slots=True)
class ZoneReading:
    """One complete zone."""

    rrsets: Mapping[tuple[str, str], RRset]
    """(name, type) -> RRset, ownership marks already folded in and left out."""
    token: str
    """The zone's SOA serial, as text."""
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class ZoneChange:
    """One RRset's change. ``expect`` is what must still be there (None: nothing), or the message has no effect."""

    rrset: RRset | None
    """What shall be there; None to remove."""
    expect: RRset | None
    uid: str


class DNS(Protocol):
    """One zone of one name server."""

    def read(self, token: str = "") -> ZoneReading:
        """Read the whole zone; with the token of an earlier reading it may answer ``unchanged``.

        Raises Transient or Terminal; never returns a part of a zone.
        """
        ...

    def change(self, changes: Sequence[ZoneChange]) -> None:
        """Do all of ``changes`` in one atomic message, ownership marks included.

        Raises Conflict when an expectation does not hold (nothing was changed), Transient, Terminal, OutcomeUnknown.
        """
        ...
