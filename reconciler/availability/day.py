"""One day: samples, topology and profiles in; the timelines of metrics, endpoints, services and sites out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from reconciler.availability.downtime import Downtime, counts, overlaid
from reconciler.availability.numbers import Numbers, numbers
from reconciler.availability.profiles import AggregationProfile, MetricProfile
from reconciler.availability.quirks import ARGO, Quirks
from reconciler.availability.recomputation import Recomputation, Rewriting
from reconciler.availability.samples import Sample, Series, timeline_of, without
from reconciler.availability.thresholds import NO_THRESHOLDS, ThresholdRule, Thresholds, raised
from reconciler.availability.timeline import DAY, Timeline, combined
from reconciler.availability.topology import Endpoint, Group

Level = Literal["group", "function", "service", "endpoint", "metric"]
Name = tuple[str, ...]


@dataclass(frozen=True)
class Inputs:
    """What a day is computed from, besides samples."""

    groups: Sequence[Group]
    endpoints: Sequence[Endpoint]
    metrics: MetricProfile
    aggregation: AggregationProfile
    metrics_before: MetricProfile | None = None
    """The metric profile of the day before; None: the same."""
    downtimes: Sequence[Downtime] = ()
    recomputations: Sequence[Recomputation] = ()
    thresholds: Thresholds = NO_THRESHOLDS
    now: int = DAY
    """Up to which second the day has come."""
    quirks: Quirks = ARGO


class Item(NamedTuple):
    """One thing on one day: its timeline, and its numbers."""

    level: Level
    group: str
    function: str
    service: str
    hostname: str
    metric: str
    timeline: Timeline
    counted: Timeline
    """What the numbers are from; another one than ``timeline`` where a group is excluded."""

    def numbers(self, quirks: Quirks = ARGO) -> Numbers:
        """Availability and the rest."""
        return numbers(self.counted.seconds(), quirks)


@dataclass(frozen=True)
class Day:
    """Timelines by their names: (group, service, host, metric), and so on upwards."""

    metrics: Mapping[tuple[str, str, str, str], Timeline] = field(default_factory=dict)
    endpoints: Mapping[tuple[str, str, str], Timeline] = field(default_factory=dict)
    services: Mapping[tuple[str, str], Timeline] = field(default_factory=dict)
    functions: Mapping[tuple[str, str], Timeline] = field(default_factory=dict)
    groups: Mapping[str, Timeline] = field(default_factory=dict)
    counted: Mapping[str, Timeline] = field(default_factory=dict)
    """The timelines of groups that numbers are from, where they are others."""
    recomputed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The requests that had a part in each group."""
    functions_of: Mapping[str, str] = field(default_factory=dict)
    """The function of each service."""

    def items(self) -> Iterator[Item]:
        """Groups, functions, services and endpoints: what there are numbers of."""
        for name, one in self.groups.items():
            yield Item("group", name, "", "", "", "", one, self.counted.get(name, one))
        for (group, function), one in self.functions.items():
            yield Item("function", group, function, "", "", "", one, one)
        for (group, service), one in self.services.items():
            yield Item("service", group, self.functions_of[service], service, "", "", one, one)
        for (group, service, host), one in self.endpoints.items():
            yield Item("endpoint", group, self.functions_of[service], service, host, "", one, one)


def computed(series: Iterable[Series], inputs: Inputs) -> Day:
    """A day, from all samples of it and of the day before. Samples of what nobody asks for are passed over."""
    rewriting = Rewriting(inputs.recomputations)
    metrics = _metrics(series, inputs, rewriting)
    endpoints = _endpoints(metrics, inputs, rewriting)
    aggregation = inputs.aggregation
    operations = aggregation.operations
    functions_of = {service: place[0] for _, service, _ in endpoints if (place := aggregation.place(service))}
    by_service: dict[tuple[str, str], list[Timeline]] = {}
    for (group, service, _), one in endpoints.items():
        by_service.setdefault((group, service), []).append(one)
    services = {}
    by_function: dict[tuple[str, str], list[Timeline]] = {}
    for (group, service), some in by_service.items():
        function, operation = aggregation.place(service) or ("", "")
        folded = rewriting.applied(combined(some, operation, operations), "service", group, service)
        services[group, service] = folded
        by_function.setdefault((group, function), []).append(folded)
    functions = {k: combined(some, aggregation.operation(k[1]), operations) for k, some in by_function.items()}
    by_group: dict[str, list[Timeline]] = {}
    for (group, _), one in functions.items():
        by_group.setdefault(group, []).append(one)
    groups = {
        group: rewriting.applied(combined(some, aggregation.profile_operation, operations), "group", group)
        for group, some in by_group.items()
    }
    counted = {group: rewriting.counted(one, group) for group, one in groups.items()}
    recomputed = {group: sorted(used) for group, used in rewriting.used.items()}
    changed = {group: one for group, one in counted.items() if one is not groups[group]}
    return Day(metrics, endpoints, services, functions, groups, changed, recomputed, functions_of)


def _metrics(
    series: Iterable[Series], inputs: Inputs, rewriting: Rewriting
) -> dict[tuple[str, str, str, str], Timeline]:
    """Every metric that is expected, in the order of its group: measured, or MISSING (UNKNOWN when it is new)."""
    operations = inputs.aggregation.operations
    wanted = _wanted(inputs)
    measured: dict[tuple[str, str, str, str], Timeline] = {}
    for one in series:
        groups = wanted.get((one.service, one.hostname))
        if not groups or one.metric not in inputs.metrics.metrics(one.service, one.hostname):
            continue
        samples = without(one.samples, rewriting.hidden)
        plain = timeline_of(samples, operations.missing)
        for group in groups:
            rule = inputs.thresholds.rule(group, one.hostname, one.metric)
            found = timeline_of(_graded(samples, rule, inputs), operations.missing) if rule else plain
            if found is not None:
                measured[group, one.service, one.hostname, one.metric] = found
    whole = {}
    for (service, hostname), groups in wanted.items():
        for group in groups:
            for metric in sorted(inputs.metrics.metrics(service, hostname)):
                name = (group, service, hostname, metric)
                one_ = measured.get(name) or Timeline.always(_unsampled(service, hostname, metric, inputs))
                whole[name] = rewriting.applied(one_, "metric", *name)
    return whole


def _wanted(inputs: Inputs) -> dict[tuple[str, str], list[str]]:
    """The groups of each (service, host) that counts."""
    known = {group.subgroup for group in inputs.groups}
    found: dict[tuple[str, str], list[str]] = {}
    for one in inputs.endpoints:
        if one.group in known and inputs.aggregation.place(one.service):
            groups = found.setdefault((one.service, one.hostname), [])
            if one.group not in groups:
                groups.append(one.group)
    return found


def _unsampled(service: str, hostname: str, metric: str, inputs: Inputs) -> str:
    before = inputs.metrics_before
    new = before is not None and metric not in before.metrics(service, hostname)
    operations = inputs.aggregation.operations
    return operations.unknown if new and inputs.quirks.new_metric_is_unknown else operations.missing


def _graded(samples: Sequence[Sample], rule: ThresholdRule, inputs: Inputs) -> list[Sample]:
    """Samples with the status that thresholds give them; without data, and outside every range, their own."""
    operations = inputs.aggregation.operations
    return [s._replace(status=raised(rule, s.data, operations) or s.status) if s.data else s for s in samples]


def _endpoints(
    metrics: Mapping[tuple[str, str, str, str], Timeline], inputs: Inputs, rewriting: Rewriting
) -> dict[tuple[str, str, str], Timeline]:
    aggregation = inputs.aggregation
    by_endpoint: dict[tuple[str, str, str], list[Timeline]] = {}
    for (group, service, hostname, _), one in metrics.items():
        by_endpoint.setdefault((group, service, hostname), []).append(one)
    down: dict[tuple[str, str], list[Downtime]] = {}
    for downtime in sorted(inputs.downtimes, key=lambda one: (one.start, one.end)):
        if counts(downtime, inputs.quirks):
            down.setdefault((downtime.service, downtime.hostname), []).append(downtime)
    found = {}
    for name, some in by_endpoint.items():
        whole = combined(some, aggregation.metric_operation, aggregation.operations)
        for one_ in down.get(name[1:], ()):
            state = aggregation.operations.down
            whole = overlaid(whole, one_.start, one_.end, state, inputs.now, inputs.quirks)
        found[name] = rewriting.applied(whole, "endpoint", *name)
    return found
