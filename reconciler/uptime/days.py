"""Days of a report brought up to date: what is there and still holds is left alone, the rest is computed and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta

from reconciler.availability import Day, Downtime, Inputs, MetricProfile, Recomputation, computed
from reconciler.kinds.downtime import Interval
from reconciler.model import digest_of, encode
from reconciler.model.uptime import UptimeDay, UptimeRecord
from reconciler.records.store import Store
from reconciler.uptime.declared import Declaration, Resources, declaration, recomputations, report_named
from reconciler.uptime.results import series

_DAY = timedelta(days=1)
_PROFILES = frozenset({"Report", "MetricProfile", "AggregationProfile"})
ENGINE = 1
"""Another number computes every day anew."""


def no_outages(_start: datetime) -> Sequence[Downtime]:
    """None at all."""
    return ()


def no_downtimes(_start: datetime) -> Sequence[Interval]:
    """None at all."""
    return ()


@dataclass(frozen=True)
class Asked:
    """How to get at what was declared: ``now`` as it stands, ``at`` a commit, ``commit_at`` a time ("" for none)."""

    report: str
    now: Resources
    commit: str
    """The commit of ``now``."""
    at: Callable[[str], Resources | None]
    """None where that commit cannot be read any more."""
    commit_at: Callable[[datetime], str]
    outages: Callable[[datetime], Sequence[Downtime]] = no_outages
    """The downtimes of severity OUTAGE that touch the day which begins at a time, by service type and host."""
    told: Callable[[datetime], Sequence[Interval]] = no_downtimes
    """All downtimes that touch that day, also those that excuse nothing."""


@dataclass(frozen=True)
class Computed:
    """A day that was computed."""

    day: date
    commit: str
    past: bool
    """False: there was no commit yet, or it cannot be read: topology and profiles are those of now."""


@dataclass(frozen=True)
class Skipped:
    """A day that was left as it is, and why."""

    day: date
    why: str


def start_of(day: date) -> datetime:
    """Its first second, UTC."""
    return datetime.combine(day, time(), UTC)


def brought_up(
    store: Store, asked: Asked, first: date, last: date, now: datetime, *, rebuild: bool = False
) -> Iterator[Computed | Skipped]:
    """Compute and keep each day from ``first`` to ``last`` that needs it, and tell of those that were touched.

    A day needs it when it was not over, was never computed, or when topology, profiles, downtimes or recomputations
    have changed since. Days whose results are not kept any more stay as they are.
    """
    oldest, trimmed = store.uptime.first_result(), store.uptime.trimmed
    kept = store.uptime.days(asked.report, first, last)
    for n in range((min(last, now.date()) - first).days + 1):
        day = first + n * _DAY
        if oldest is None or start_of(day) + _DAY <= oldest:
            if rebuild or day not in kept:
                yield Skipped(day, "there are no results of it" if day not in kept else "its results are gone")
            continue
        inputs, about, made = _prepared(asked, day, now)
        before = kept.get(day)
        if before and before.complete and before.basis == made.basis and not rebuild:
            continue
        if before and trimmed and oldest > start_of(day) - _DAY:
            yield Skipped(day, "some of its results are gone")
            continue
        found = computed(series(store, about, inputs.recomputations, start_of(day)), inputs)
        store.uptime.rebuild(made, records(found, about, day))
        yield Computed(day, made.commit, past=made.commit != asked.commit or asked.commit_at(start_of(day)) != "")


def day_of(store: Store, asked: Asked, day: date, now: datetime) -> tuple[Day, Declaration, Inputs]:
    """A day with everything in it, down to metrics; nothing is kept."""
    inputs, about, _ = _prepared(asked, day, now)
    return computed(series(store, about, inputs.recomputations, start_of(day)), inputs), about, inputs


def _prepared(asked: Asked, day: date, now: datetime) -> tuple[Inputs, Declaration, UptimeDay]:
    start = start_of(day)
    commit, resources = _then(asked, start)
    about = _declared(asked, resources)
    _, yesterday = _then(asked, start - _DAY)
    before = _declared(asked, yesterday).metrics if yesterday is not resources else None
    inputs = Inputs(
        about.groups,
        about.endpoints,
        about.metrics,
        about.aggregation,
        before,
        asked.outages(start),
        recomputations(asked.now, asked.report, start),
        about.thresholds,
        int((now - start).total_seconds()),
        about.spec.argo.quirks(),
    )
    complete = now >= start + _DAY
    return inputs, about, UptimeDay(asked.report, day, _basis(inputs, about), commit, complete, now)


def _then(asked: Asked, moment: datetime) -> tuple[str, Resources]:
    """What was declared at a time; where that cannot be told, what is declared now."""
    commit = asked.commit_at(moment)
    found = asked.at(commit) if commit and commit != asked.commit else None
    return (commit, found) if found is not None else (asked.commit, asked.now)


def _declared(asked: Asked, then: Resources) -> Declaration:
    """The report as it was declared then; a report or a profile that is younger, as it is now."""
    younger = {ref: one for ref, one in asked.now.items() if ref.kind in _PROFILES and ref not in then}
    resources = {**then, **younger} if younger else then
    return declaration(resources, *report_named(resources, asked.report))


def _basis(inputs: Inputs, about: Declaration) -> str:
    told = {
        "engine": ENGINE,
        "spec": about.spec.canonical().decode(),
        "groups": sorted([[*one[:3], one.weight] for one in inputs.groups]),
        "endpoints": sorted([list(one[:3]) for one in inputs.endpoints]),
        "sources": sorted([str(one.ref), one.service, one.hostname, one.metric] for one in about.sources),
        "metrics": _plain(inputs.metrics),
        "before": _plain(inputs.metrics_before) if inputs.metrics_before else None,
        "aggregation": [asdict(one) for one in inputs.aggregation.functions],
        "operations": inputs.aggregation.operations.to_json(),
        "steps": [
            inputs.aggregation.metric_operation,
            inputs.aggregation.profile_operation,
            inputs.aggregation.others,
        ],
        "downtimes": sorted([list(one) for one in inputs.downtimes]),
        "recomputations": [_asked_for(one) for one in inputs.recomputations],
    }
    return digest_of(encode(told))


def _plain(profile: MetricProfile) -> list[object]:
    return [
        sorted([service, sorted(some)] for service, some in profile.services.items()),
        sorted([*key, sorted(some)] for key, some in profile.hosts.items()),
    ]


def _asked_for(one: Recomputation) -> dict[str, object]:
    return {k: sorted(v) if isinstance(v, frozenset) else repr(v) for k, v in vars(one).items()}


def records(found: Day, about: Declaration, day: date) -> list[UptimeRecord]:
    """The rows of a day."""
    groups = {one.subgroup: one for one in about.groups}
    quirks = about.spec.argo.quirks()
    return [
        UptimeRecord(
            about.report,
            day,
            item.level,  # type: ignore[arg-type]
            item.group,
            item.function,
            item.service,
            item.hostname,
            groups[item.group].group,
            groups[item.group].weight,
            *item.numbers(quirks),
            tuple(zip(*item.timeline, strict=True)),
            tuple(found.recomputed.get(item.group, ())),
        )
        for item in found.items()
    ]
