"""From manifests to what is expected: the targets of a report, other agreements, and what VOs were promised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from reconciler.kinds.report import Agreement, ReportSpec
from reconciler.kinds.site import SiteSpec
from reconciler.kinds.vo import VOSpec
from reconciler.kinds.vo.allocation import Allocation
from reconciler.metering import bounds
from reconciler.model import UsageRecord
from reconciler.ola.months import Key
from reconciler.ola.nouns import Measured, Promise, Subject, Use

CORE = 99.0
"""EGI's target for core services, of availability and of reliability."""
CORE_TYPES = frozenset({"Top-BDII"})
"""Types that are core services wherever they are."""


def core_services(sites: Mapping[str, SiteSpec], spec: ReportSpec) -> dict[str, frozenset[tuple[str, str]]]:
    """Type and host of the core services of each site: those that say so, and those of types that are."""
    types = CORE_TYPES | {one.serviceType for one in spec.agreements if one.serviceType}
    found = {
        name: frozenset((s.type, s.hostname) for s in site.services if s.monitored and (s.core or s.type in types))
        for name, site in sites.items()
    }
    return {name: services for name, services in found.items() if services}


def promises(
    spec: ReportSpec,
    measured: Mapping[Key, Measured],
    core: Mapping[str, frozenset[tuple[str, str]]],
    vos: Iterable[Promise] = (),
) -> list[Promise]:
    """Everything that is expected in a month: of sites that were measured, of their core services, and for VOs."""
    found = []
    for key in sorted(measured):
        site, service, hostname = key
        if not service:
            found.append(_of_site(spec, site))
        elif (service, hostname) in core.get(site, ()):
            found.append(_of_core(spec, Subject("core", site, service, hostname)))
    return [replace(one, ngi=_ngi(one, measured)) for one in (*found, *vos)]


def _ngi(promise: Promise, measured: Mapping[Key, Measured]) -> str:
    one = measured.get((promise.subject.site, "", ""))
    return one.ngi if one else promise.ngi


def _of_site(spec: ReportSpec, site: str) -> Promise:
    own, targets = _agreed(spec, site=site), spec.targets
    return Promise(
        Subject("site", site),
        _first(own.availability, targets.availability),
        _first(own.reliability, targets.reliability),
        _first(own.unknown, targets.unknown) * 100,
    )


def _of_core(spec: ReportSpec, subject: Subject) -> Promise:
    own = _agreed(spec, service=subject.service)
    return Promise(
        subject,
        _first(own.availability, CORE),
        _first(own.reliability, CORE),
        _first(own.unknown, spec.targets.unknown) * 100,
    )


def _agreed(spec: ReportSpec, site: str | None = None, service: str | None = None) -> Agreement:
    """The last agreement that names it; one without any number where none does."""
    named = [one for one in spec.agreements if (one.site, one.serviceType) == (site, service)]
    return named[-1] if named else Agreement.model_construct()


def _first(own: float | None, common: float) -> float:
    return common if own is None else own


# -- VOs ---------------------------------------------------------------------------------------------------------------


def granted(vos: Mapping[str, VOSpec], uses: Sequence[UsageRecord], month: str, now: datetime) -> list[Promise]:
    """What each VO was promised at each site in a month, with what it used of it so far."""
    first, after = bounds(month)
    used = _used(uses)
    found = []
    for vo, spec in sorted(vos.items()):
        by_site: dict[str, list[tuple[Allocation, float]]] = {}
        for one in spec.allocations:
            if seconds := _overlap(one, first, min(after, max(now, first))):
                by_site.setdefault(one.site, []).append((one, seconds))
        for site, held in sorted(by_site.items()):
            found.append(_promised(vo, site, held, used.get((vo, site), {})))
    return found


def _overlap(one: Allocation, first: datetime, after: datetime) -> float:
    """Seconds of a time in which an allocation holds."""
    start = datetime.combine(one.start, time(), UTC) if one.start else first
    end = datetime.combine(one.end, time(), UTC) + timedelta(days=1) if one.end else after
    return max(0.0, (min(end, after) - max(start, first)).total_seconds())


def _promised(vo: str, site: str, held: Sequence[tuple[Allocation, float]], used: Mapping[str, float]) -> Promise:
    """Where several allocations hold in a month, the highest target counts, and grants are added up."""
    whole = max(seconds for _, seconds in held)
    return Promise(
        Subject("vo", site, vo=vo),
        max((one.availabilityTarget for one, _ in held if one.availabilityTarget is not None), default=None),
        max((one.reliabilityTarget for one, _ in held if one.reliabilityTarget is not None), default=None),
        None,
        tuple(_uses(held, used, whole)),
    )


def _uses(held: Sequence[tuple[Allocation, float]], used: Mapping[str, float], whole: float) -> Iterator[Use]:
    for what, field in (("cores", "vcpus"), ("memory", "ramGiB"), ("machines", "instances")):
        grants = [(amount, seconds) for one, seconds in held if (amount := getattr(one, field)) is not None]
        if grants:
            mean = sum(amount * seconds for amount, seconds in grants) / whole
            yield Use(what, round(mean, 3), round(used.get(what, 0.0) / whole, 3))  # type: ignore[arg-type]


def _used(uses: Iterable[UsageRecord]) -> dict[tuple[str, str], dict[str, float]]:
    """By VO and site: seconds of cores, of GiB and of machines."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for use in uses:
        if use.kind == "vm":
            sums = found.setdefault((use.vo, use.site), {"cores": 0.0, "memory": 0.0, "machines": 0.0})
            sums["cores"] += use.cpu_seconds
            sums["memory"] += use.wall_seconds * use.memory_mib / 1024
            sums["machines"] += use.wall_seconds
    return found
