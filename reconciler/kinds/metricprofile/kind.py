"""How a metric profile behaves: it is registered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from reconciler.kinds.base import Fault, Rule
from reconciler.kinds.metricprofile.spec import MetricProfileSpec
from reconciler.kinds.registered import Registered
from reconciler.model import Ref


def _once(_ref: Ref, spec: MetricProfileSpec) -> Iterator[Fault]:
    times = Counter(one.service for one in spec.services)
    for n, one in enumerate(spec.services):
        if times[one.service] > 1:
            yield Fault(
                f"spec.services[{n}].service", f"{one.service} stands here {times[one.service]} times", "join them"
            )
        for metric, number in Counter(one.metrics).items():
            if number > 1:
                yield Fault(f"spec.services[{n}].metrics", f"{metric} stands here {number} times", "name it once")


class MetricProfileKind(Registered[MetricProfileSpec]):
    """Metrics by service type."""

    name = "MetricProfile"
    plural = "metricprofiles"
    Spec = MetricProfileSpec
    federation_wide: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("metric-profile-once", "A profile names a service type once, and a metric of it once.", _once),
    )

    def canonical(self, spec: MetricProfileSpec) -> MetricProfileSpec:
        """Service types and metrics in the order of their names."""
        services = tuple(
            one.model_copy(update={"metrics": tuple(sorted(one.metrics))})
            for one in sorted(spec.services, key=lambda one: one.service)
        )
        return spec if services == spec.services else spec.model_copy(update={"services": services})
