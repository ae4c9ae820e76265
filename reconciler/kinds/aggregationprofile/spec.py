"""What an aggregation profile is: an operation for each step from a check to a site."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.kinds.gocdb import PlainText, ServiceType, ShortName
from reconciler.model import Spec, Strict

Operation = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
"""``AND`` (the worst counts), ``OR`` (the best), or one of ``operations``."""
Status = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Z][A-Z0-9_]*$")]


class ServiceOperation(Strict):
    """One service type of a function."""

    name: ServiceType
    operation: Operation = "OR"
    """Over its hosts."""


class FunctionGroup(Strict):
    """Service types that stand in for each other, or need each other."""

    name: Annotated[PlainText, Field(min_length=1)]
    operation: Operation = "OR"
    """Over its service types."""
    services: Annotated[tuple[ServiceOperation, ...], Field(min_length=1)]


class TruthRow(Strict):
    """What two statuses make."""

    a: Status
    b: Status
    x: Status


class TruthTable(Strict):
    """One operation, a row for each pair of statuses; a row counts for the pair turned round too."""

    name: Operation
    truthTable: Annotated[tuple[TruthRow, ...], Field(min_length=1)]


class Defaults(Strict):
    """The statuses that are put in where nothing was measured."""

    down: Status = "DOWNTIME"
    missing: Status = "MISSING"
    unknown: Status = "UNKNOWN"


class OperationsProfile(Strict):
    """Statuses and truth tables, as ARGO's operations profiles."""

    name: ShortName
    availableStates: Annotated[tuple[Status, ...], Field(min_length=2)]
    """Every status but EXCLUDED, which is always there."""
    defaults: Defaults = Defaults()
    operations: Annotated[tuple[TruthTable, ...], Field(min_length=1)]


class AggregationProfileSpec(Spec):
    """From checks to sites."""

    description: Annotated[str, Field(max_length=1000)] = ""
    metricOperation: Operation = "AND"
    """Over the checks of one service at one host."""
    profileOperation: Operation = "AND"
    """Over the functions of a site."""
    groups: tuple[FunctionGroup, ...] = ()
    """Functions. A service type belongs to one: the last that names it."""
    others: Operation | None = None
    """Operation over the hosts of service types that no function names, each a function of its own; left out, they do
    not count, as with ARGO."""
    operations: OperationsProfile | None = None
    """Other truth tables than EGI's."""
