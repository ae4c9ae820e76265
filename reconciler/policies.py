"""The Policy of one plan: limits from hanse.toml, approvals from git, pauses from the records, and the time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from reconciler import granted
from reconciler.kinds import registry
from reconciler.kinds.downtime import outages
from reconciler.kinds.site import SiteSpec
from reconciler.kinds.window import WindowSpec
from reconciler.kinds.world import Outage
from reconciler.model import Approval, Graph, Limit, PlacePolicy, Policy, Reason, Ref, Timing, Weights, digest_of
from reconciler.plan.budget import WINDOW
from reconciler.records.store import Store
from reconciler.settings import LimitSettings, Settings


def policy(settings: Settings, graph: Graph, store: Store, now: datetime, *, unverified: str) -> Policy:
    """Everything a plan must respect."""
    return Policy(
        now=now,
        deletes=_limit(settings.limits.deletes),
        updates=_limit(settings.limits.updates),
        approvals=tuple(_approvals(graph, store)),
        pauses=tuple(store.pauses.list()),
        timings=(*_windows(graph, now), *_works(graph, now)),
        unverified=unverified,
        playbooks=playbooks_digest(playbooks(settings)),
        mended=store.journal.mended(now - WINDOW),
        terms=granted.terms(graph.resources),
        grants=(held := granted.grants(graph.resources, store.usage.month, now)),
        ends=_ends(graph, store) if any(one.core_hours is not None for one in held.values()) else {},
    )


def _ends(graph: Graph, store: Store) -> dict[Ref, datetime]:
    """When what has a lifetime will end."""
    kinds = registry()
    lifetimes = {
        ref: kinds[ref.kind].lifetime(graph.resources[ref].spec) for ref in sorted(graph.timed & graph.resources.keys())
    }
    made = store.events.made([ref for ref, one in lifetimes.items() if one and one.days is not None])
    ends = {ref: one.end(made.get(ref)) for ref, one in lifetimes.items() if one}
    return {ref: end for ref, end in ends.items() if end is not None}


def placing(settings: Settings) -> PlacePolicy:
    """How places are chosen."""
    given = settings.place
    return PlacePolicy(
        weights=Weights(**given.weights.model_dump()),
        sites=given.sites,
        retry=timedelta(hours=given.retry_hours),
        availability=given.availability_percent / 100,
        downtime=timedelta(hours=given.downtime_hours),
        bytes_per_second=given.megabytes_per_second * 1e6,
        gain=given.rebalance_gain,
    )


def playbooks(settings: Settings) -> Path:
    """Where the playbooks are: the operator's, or those that come with Hanse."""
    if settings.playbooks:
        return Path(settings.playbooks)
    here = Path(__file__).parent
    installed = here / "_playbooks"
    return installed if installed.is_dir() else here.parent / "playbooks"


def playbooks_digest(directory: Path) -> str:
    """Digest over every file that a playbook run may read."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    said = "".join(f"{path.relative_to(directory)}={digest_of(path.read_bytes())}\n" for path in files)
    return digest_of(said.encode())


def _limit(settings: LimitSettings) -> Limit:
    return Limit(settings.absolute, settings.percent, settings.minimum_population)


def _windows(graph: Graph, now: datetime) -> Iterator[Timing]:
    """The windows that are declared, as they stand."""
    for ref in sorted(ref for ref in graph.resources if ref.startswith("Window/")):
        spec: WindowSpec = graph.resources[ref].spec
        open_, until = spec.times.at(now)
        allows = spec.type == "allow"
        when = f"{until:%Y-%m-%d %H:%MZ}" if until else "now"
        told = f"{ref} allows it from {when} on" if allows else f"{ref} forbids it until {when}"
        scope = spec.scope.model_dump(exclude_none=True)
        yield Timing(scope, open_ is not allows, allows, until, Reason.WINDOW_CLOSED, f"{told}: {spec.reason}")


def _works(graph: Graph, now: datetime) -> Iterator[Timing]:
    """Outages that stand: at clouds and storages that they strike nothing is done until they are over."""
    for site, found in outages(graph.resources, now, timedelta()).items():
        resource = graph.resources.get(Ref.of("Site", site))
        for one in found:
            targets = tuple(_struck(site, resource.spec, one)) if resource is not None else ()
            if targets:
                told = f"{site} {one.told(now)}"
                yield Timing({"targets": targets}, True, False, one.end, Reason.SITE_IN_DOWNTIME, told)


def _struck(site: str, spec: SiteSpec, outage: Outage) -> Iterator[str]:
    """Patterns for the ids of the back ends that an outage strikes."""
    for cloud in spec.clouds:
        if outage.strikes(spec.services_at(cloud.endpoint)):
            yield from (f"*:{site}/{cloud.name}", f"*:{site}/{cloud.name}/*")
    for storage in spec.storage:
        if outage.strikes(spec.services_at(*filter(None, (storage.url, *storage.endpoints.values())))):
            yield f"storage:{site}/{storage.name}"


def _approvals(graph: Graph, store: Store) -> Iterator[Approval]:
    """What is approved, and what of it was used; one with other words is another one."""
    refs = sorted(ref for ref in graph.resources if ref.startswith("Approval/"))
    lifted = store.approvals.lifted() if refs else {}
    for ref in refs:
        spec = graph.resources[ref].spec
        scope = spec.scope.model_dump(exclude_none=True)
        used = lifted.get((ref, spec.by, spec.reason), frozenset())
        yield Approval(ref, scope, spec.atMost, spec.expires, spec.reason, spec.by, used)
