"""Profiles: which metrics are expected of a service, and how metrics make a site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.availability.states import EGI, Operations


@dataclass(frozen=True)
class MetricProfile:
    """Metrics by service type; those of one host alone by (service type, host)."""

    name: str
    services: Mapping[str, frozenset[str]] = field(default_factory=dict)
    hosts: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)
    """Hanse's addition, for a federation that declares no profile: what is looked at there is expected there."""

    def metrics(self, service: str, hostname: str = "") -> frozenset[str]:
        """What is expected of a service at a host."""
        return self.services.get(service, frozenset()) | self.hosts.get((service, hostname), frozenset())

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MetricProfile:
        """A profile as ARGO's web API holds it."""
        return cls(data["name"], {one["service"]: frozenset(one["metrics"]) for one in data["services"]})


@dataclass(frozen=True)
class Function:
    """Services that stand in for each other: ``compute``, ``storage``."""

    name: str
    operation: str
    services: Mapping[str, str]
    """The operation over the endpoints of each service type."""


@dataclass(frozen=True)
class AggregationProfile:
    """Metric to endpoint to service to function to site: the operation of each step."""

    name: str
    functions: tuple[Function, ...]
    metric_operation: str = "AND"
    profile_operation: str = "AND"
    others: str = ""
    """Hanse's addition: the operation of services that no function names, each a function of its own; "": ignored."""
    operations: Operations = EGI
    _of: dict[str, tuple[str, str]] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        used = {self.metric_operation, self.profile_operation, *([self.others] if self.others else [])}
        used |= {one.operation for one in self.functions}
        used |= {operation for one in self.functions for operation in one.services.values()}
        if strange := used - self.operations.tables.keys():
            raise ValueError(f"{self.name}: {self.operations.name} has no operation {', '.join(sorted(strange))}")
        for one in self.functions:  # a service belongs to one function: the last that names it
            self._of.update({service: (one.name, operation) for service, operation in one.services.items()})

    def place(self, service: str) -> tuple[str, str] | None:
        """(function, operation over its endpoints) of a service; None when it does not count."""
        return self._of.get(service) or ((service, self.others) if self.others else None)

    def operation(self, function: str) -> str:
        """The operation over the services of a function; of several with one name the last counts."""
        return next((one.operation for one in reversed(self.functions) if one.name == function), self.others)

    @classmethod
    def from_json(cls, data: Mapping[str, Any], operations: Operations = EGI) -> AggregationProfile:
        """A profile as ARGO's web API holds it."""
        functions = [Function(one["name"], one["operation"], _operations(one["services"])) for one in data["groups"]]
        return cls(
            data["name"],
            tuple(functions),
            data["metric_operation"],
            data["profile_operation"],
            operations=operations,
        )


def _operations(services: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {one["name"]: one["operation"] for one in services}
