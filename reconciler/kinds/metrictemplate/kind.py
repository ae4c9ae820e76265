"""How a metric template behaves: it is registered."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import ClassVar

from reconciler.kinds.base import Fault, Rule
from reconciler.kinds.metrictemplate.spec import MetricTemplateSpec
from reconciler.kinds.registered import Registered
from reconciler.model import Edge, Ref

_GROUPS = ("flags", "dependency", "attribute", "parameter", "fileAttribute", "fileParameter")


def _once(_ref: Ref, spec: MetricTemplateSpec) -> Iterator[Fault]:
    for group in _GROUPS:
        for name, number in Counter(one.name for one in getattr(spec, group)).items():
            if number > 1:
                yield Fault(f"spec.{group}", f"{name} stands here {number} times", "name it once")


def _words(_ref: Ref, spec: MetricTemplateSpec) -> Iterator[Fault]:
    for n, one in enumerate(spec.parameter):
        try:
            shlex.split(one.value)
        except ValueError:
            yield Fault(f"spec.parameter[{n}].value", "a quotation mark is not closed", "close it")


def _parent(_ref: Ref, spec: MetricTemplateSpec) -> Iterator[Fault]:
    if spec.passive and not spec.parent:
        yield Fault("spec.parent", "nobody tells its results", "name the metric whose plugin tells them")


class MetricTemplateKind(Registered[MetricTemplateSpec]):
    """How a metric is measured."""

    name = "MetricTemplate"
    plural = "metrictemplates"
    Spec = MetricTemplateSpec
    federation_wide: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("template-once", "A template names an option once in each group.", _once),
        Rule("template-words", "A parameter's value can be told apart into words.", _words),
        Rule("template-parent", "A passive metric names the one that tells its results.", _parent, "warning"),
    )

    def references(self, ref: Ref, spec: MetricTemplateSpec) -> Iterable[Edge]:  # noqa: ARG002
        return [Edge(Ref.of("MetricTemplate", spec.parent), "exists", "spec.parent")] if spec.parent else []
