"""Jobs of the batch systems that sites declare: a month of them is read whole, and kept in place of what was known.

A batch system is reached as ``hanse.toml`` says under ``[targets."batch:SITE/NAME"]``. One that does not answer leaves
the month as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.errors import DriverError
from reconciler.exchange.apel.export import benchmarks
from reconciler.kinds.site import SiteSpec
from reconciler.metering import bounds, of_jobs
from reconciler.model import Target, UsageRecord
from reconciler.ports import Drivers
from reconciler.records.store import Store

DRIVER = "slurm"


@dataclass(frozen=True)
class JobLook:
    """What one look at the batch systems found, each by ``SITE/NAME``."""

    jobs: Mapping[str, int]
    unread: Mapping[str, str]
    """Why nothing was taken in."""
    unreached: tuple[str, ...]
    """Batch systems of which nobody has said how they are reached."""


def target_id(site: str, name: str) -> str:
    """As ``hanse.toml`` names it."""
    return f"batch:{site}/{name}"


def read_month(store: Store, drivers: Drivers, sites: Mapping[str, SiteSpec], month: str, now: datetime) -> JobLook:
    """Take in a month of every Slurm that is reached. Raises ValueError for what is no month."""
    bounds(month)
    counts: dict[str, int] = {}
    unread: dict[str, str] = {}
    unreached: list[str] = []
    for site, spec in sorted(sites.items()):
        found: dict[str, list[UsageRecord]] = {}
        for name, target in _targets(site, spec, drivers):
            if target is None:
                unreached.append(name)
                continue
            try:
                made = _asked(drivers, target, site, spec, month, now)
            except DriverError as error:
                unread[name] = str(error)
                continue
            if shared := {one.cloud for one in made} & {one.cloud for some in found.values() for one in some}:
                unread[name] = f"another batch system of {site} is called {', '.join(sorted(shared))} too"
                continue
            found[name] = made
        counts |= {name: len(made) for name, made in found.items()}
        _keep(store, site, month, [one for made in found.values() for one in made])
    return JobLook(counts, unread, tuple(unreached))


def _targets(site: str, spec: SiteSpec, drivers: Drivers) -> Iterator[tuple[str, Target | None]]:
    for one in spec.batch:
        if one.type == DRIVER:
            driver, options = drivers.options(target_id(site, one.name), DRIVER)
            target = Target(target_id(site, one.name), driver, options) if options.get("address") else None
            yield f"{site}/{one.name}", target


def _asked(drivers: Drivers, target: Target, site: str, spec: SiteSpec, month: str, now: datetime) -> list[UsageRecord]:
    known = benchmarks(site, spec).get((site, ""), ("", 0.0))
    vos = {str(account): str(vo) for account, vo in target.options.get("accounts", {}).items()}
    jobs = drivers.batch(target).accounted(*bounds(month))
    return of_jobs(jobs, site, now, vos, known).get(month, [])


def _keep(store: Store, site: str, month: str, made: list[UsageRecord]) -> None:
    """In place of the jobs of the same clusters; a cluster that told of no job keeps what is known of it."""
    clusters = {one.cloud for one in made}
    if clusters:
        kept = [r for r in store.usage.month(month, site=site) if r.kind == "job" and r.cloud not in clusters]
        store.usage.rebuild(month, [*kept, *made], site=site, kind="job")
