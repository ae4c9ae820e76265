"""How an aggregation profile behaves: it is registered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from reconciler.kinds.aggregationprofile.profile import profile_of
from reconciler.kinds.aggregationprofile.spec import AggregationProfileSpec
from reconciler.kinds.base import Fault, Rule
from reconciler.kinds.registered import Registered
from reconciler.model import Ref


def _computable(ref: Ref, spec: AggregationProfileSpec) -> Iterator[Fault]:
    try:
        profile_of(ref.name, spec)
    except ValueError as error:
        where = "spec.operations" if spec.operations else "spec"
        yield Fault(where, str(error), "every pair of statuses needs a row, every operation a table")


def _twice(_ref: Ref, spec: AggregationProfileSpec) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for n, group in enumerate(spec.groups):
        for m, service in enumerate(group.services):
            if service.name in seen:
                where = f"spec.groups[{n}].services[{m}].name"
                yield Fault(where, f"{service.name} is in {seen[service.name]} too; only {group.name} counts")
            seen[service.name] = group.name


class AggregationProfileKind(Registered[AggregationProfileSpec]):
    """From checks to sites."""

    name = "AggregationProfile"
    plural = "aggregationprofiles"
    Spec = AggregationProfileSpec
    federation_wide: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "aggregation-tables",
            "Truth tables say what every pair of statuses makes, and every operation that is used has one.",
            _computable,
        ),
        Rule("aggregation-once", "A service type belongs to one function.", _twice, "warning"),
    )
