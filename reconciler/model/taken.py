"""What resources take of sites, what a site lets the federation do there, and what a VO was granted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta

GIB = 2**30
MIB_PER_GIB = 2**10
_MOMENT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Amounts:
    """Machines, cores, RAM (MiB) and storage (bytes)."""

    instances: int = 0
    vcpus: int = 0
    ram_mib: int = 0
    storage_bytes: int = 0

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(*(getattr(self, name) + getattr(other, name) for name in WHAT))

    def __sub__(self, other: Amounts) -> Amounts:
        return Amounts(*(getattr(self, name) - getattr(other, name) for name in WHAT))

    @property
    def more(self) -> Amounts:
        """What of it is above nothing."""
        return Amounts(*(max(0, getattr(self, name)) for name in WHAT))


WHAT = tuple(one.name for one in fields(Amounts))
WORDS = {"instances": "machines", "vcpus": "cores", "ram_mib": "GiB RAM", "storage_bytes": "GiB storage"}
_PER_UNIT = {"ram_mib": MIB_PER_GIB, "storage_bytes": GIB}


def shown(what: str, amount: float) -> str:
    """An amount in the unit that people state it in: ``12``, ``1.5``."""
    return f"{amount / _PER_UNIT.get(what, 1):.6g}"


@dataclass(frozen=True, slots=True)
class Taken:
    """What one resource takes of one site, for one VO or for several that share it."""

    site: str
    vos: tuple[str, ...]
    amounts: Amounts


@dataclass(frozen=True, slots=True)
class SiteTerms:
    """What a site lets the federation do there. Nothing lifts it: no Approval, no pause, no consent."""

    site: str
    observe_only: bool = False
    deletes: bool = True
    kinds: frozenset[str] | None = None
    """Kinds that may be made there; None: all."""
    total: Mapping[str, int] = field(default_factory=dict)
    """Names of ``Amounts`` -> the most that all VOs together may take."""
    each: Mapping[str, int] = field(default_factory=dict)
    """The most that any one VO may take."""
    vos: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """The most that a VO may take, where the site says so of it."""
    needs_grant: bool = False
    """True: without an allocation in force a VO gets nothing."""

    def of(self, vo: str) -> Mapping[str, int]:
        """The limits of one VO."""
        return {**self.each, **self.vos.get(vo, {})}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a VO was granted at a site, in force at the time of the plan."""

    vo: str
    site: str
    amounts: Mapping[str, int]
    """Names of ``Amounts`` -> how much."""
    core_hours: int | None = None
    core_hours_used: float = 0.0
    """Since ``start``, by the usage records."""
    start: datetime | None = None
    end: datetime | None = None
    """When the core hours are reckoned up: end of the allocation, or of the month."""

    @property
    def last_day(self) -> str:
        """The last one on which it holds, YYYY-MM-DD; "" without an end."""
        return f"{self.end - _MOMENT:%Y-%m-%d}" if self.end else ""
