"""Metering: what stands in the clouds of the inventory is looked at and noted; a month of it becomes usage records.

A month is made whole from what was seen, and so may be made again at any time: the same looks give the same records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from types import MappingProxyType

from reconciler.errors import DriverError
from reconciler.kinds.virtualcluster import marks
from reconciler.kinds.virtualcluster.beside import target_at
from reconciler.kinds.virtualcluster.connect import BESIDE
from reconciler.model import Details, Ref, Target, UsageRecord, digest_of
from reconciler.model.job import JobUse
from reconciler.model.machine import Carried, Machine, Span, Standing
from reconciler.model.usage import JobSum
from reconciler.ports import Compute, Drivers, Node, Size, Traffic
from reconciler.records.store import Store

CLUSTER = "VirtualCluster"
_COMPUTE = "compute:"
_DECEMBER = 12
_LATE = timedelta(hours=1)
"""A machine that was not seen for so long is told of."""
_NOWHERE = Size("", "", 0, 0, 0)
Benchmark = tuple[str, float]
"""Its name and its value for one core."""


@dataclass(frozen=True)
class Look:
    """What one look at the clouds found."""

    machines: int
    unread: Mapping[str, str]
    """Target -> why nothing is known of it now."""


def look(store: Store, drivers: Drivers, now: datetime) -> Look:
    """Note which machines of clusters stand now. What cannot be read is told, and the other clouds are looked at."""
    entries = store.inventory.entries()
    clusters = {entry.uid: ref for ref, entry in entries.items() if ref.kind == CLUSTER}
    places = _places(store.inventory.details(list(clusters.values())).values(), drivers)
    seen, unread = 0, {}
    for place in places:
        try:
            compute = drivers.compute(place.target)
            machines, complete = _standing(place, compute, clusters)
        except DriverError as error:
            unread[place.target.id] = str(error)
            continue
        store.machines.saw(place.target.id, machines, now, complete=complete)
        seen += len(machines)
        try:
            store.machines.traffic.saw(place.target.id, _traffic(compute, machines, now), now)
        except DriverError as error:
            unread[place.target.id] = f"the traffic of its machines: {error}"
    looked_at = {place.target.id for place in places}
    for left in {span.machine.target for span in store.machines.current()} - looked_at:
        store.machines.saw(left, (), now)  # the inventory keeps a cluster until its machines are proved gone
    return Look(seen, unread)


@dataclass(frozen=True)
class _Place:
    """A project to look at, and the targets whose clusters may have machines there."""

    target: Target
    homes: frozenset[str]


def _places(details: Iterable[Details], drivers: Drivers) -> list[_Place]:
    """Projects as their clusters were made, with what the operator says of them now."""
    targets: dict[str, Target] = {}
    homes: dict[str, set[str]] = {}
    for held in details:
        home = Target(held.target, held.driver, held.options)
        for place in ("", *held.options.get(BESIDE, {})):
            target = target_at(home, place)
            if target.id not in targets:
                _, said = drivers.options(target.id, target.driver)
                targets[target.id] = Target(target.id, target.driver, {**target.options, **said})
            homes.setdefault(target.id, set()).add(home.id)
    return [_Place(targets[name], frozenset(homes[name])) for name in sorted(targets)]


def _standing(place: _Place, compute: Compute, clusters: Mapping[str, Ref]) -> tuple[list[Machine], bool]:
    listing = compute.nodes()
    ours = [node for node in listing.nodes if _is_ours(node, place)]
    sizes = {name: size for size in compute.sizes() for name in (size.name, size.id)} if ours else {}
    return [_machine(place.target, node, sizes.get(node.size, _NOWHERE), clusters) for node in ours], listing.complete


def _traffic(compute: Compute, machines: Iterable[Machine], now: datetime) -> Mapping[str, Traffic]:
    """Counters of what runs. Where a cloud is asked about some only, they are others at each look."""
    running = [machine.node for machine in machines if machine.state == "started"]
    by_lot = sorted(running, key=lambda node: digest_of(f"{now.isoformat()} {node}".encode()))
    return compute.traffic(by_lot) if by_lot else {}


def _is_ours(node: Node, place: _Place) -> bool:
    told = node.metadata
    return (
        bool(told.get(marks.UID))
        and told.get(marks.TARGET, place.target.id) in place.homes
        and node.state != "deleting"
    )


def _machine(target: Target, node: Node, size: Size, clusters: Mapping[str, Ref]) -> Machine:
    site, cloud, vo = target.id.removeprefix(_COMPUTE).split("/", 2)
    return Machine(
        target=target.id,
        node=node.id,
        ref=clusters.get(node.metadata[marks.UID]) or Ref(node.metadata.get(marks.REF) or f"{CLUSTER}/{node.name}"),
        site=site,
        cloud=cloud,
        vo=vo,
        name=node.name,
        state=_state(node),
        flavour=node.size,
        image=node.image,
        cpus=size.cpus,
        memory_mib=size.ram_mib,
        disk_gib=size.disk_gib,
        gpus=size.gpus,
        public_ips=sum(":" not in address for address in node.public_addresses),
        user=node.user,
        user_name=node.user_name,
    )


def _state(node: Node) -> Standing:
    """A machine that boots, or of which the cloud says nothing, is held to run: its cores are taken."""
    if node.state == "error":
        return "error"
    return "suspended" if node.state == "stopped" else "started"


def uncounted(store: Store, now: datetime) -> list[str]:
    """What runs, as far as is known, and yields no record now: clusters never looked at, clouds not seen of late."""
    spans = store.machines.current()
    known = {span.machine.ref for span in spans}
    entries = store.inventory.entries()
    said = [
        f"{ref}: none of its machines was seen yet: hanse meter"
        for ref in entries
        if ref.kind == CLUSTER and ref not in known
    ]
    late: dict[str, list[Span]] = {}
    for span in spans:
        if now - span.until > _LATE:
            late.setdefault(span.machine.target, []).append(span)
    for target, held in late.items():
        last = max(span.until for span in held)
        said.append(
            f"{target}: {len(held)} machines were last seen {last:%Y-%m-%d %H:%M} UTC and are not counted since"
        )
    return sorted(said)


# -- a month -----------------------------------------------------------------------------------------------------------


def bounds(month: str) -> tuple[datetime, datetime]:
    """First moment of ``YYYY-MM``, and the first after it, UTC. Raises ValueError for what is no month."""
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    after = (first.year + 1, 1) if first.month == _DECEMBER else (first.year, first.month + 1)
    return first, datetime(*after, 1, tzinfo=UTC)


def months(since: datetime, until: datetime) -> Iterator[str]:
    """Every month that has a part between, the first first."""
    year, month = since.year, since.month
    while (year, month) <= (until.year, until.month):
        yield f"{year:04}-{month:02}"
        year, month = (year + 1, 1) if month == _DECEMBER else (year, month + 1)


def rebuild(store: Store, month: str, now: datetime, benchmarks: Mapping[tuple[str, str], Benchmark]) -> int:
    """Make a month's records of machines from what was seen, in place of those that there are; says how many.

    ``benchmarks`` by site and cloud.
    """
    made = stood(store, month, now, benchmarks)
    store.usage.rebuild(month, made, kind="vm")
    return len(made)


def stood(
    store: Store, month: str, now: datetime, benchmarks: Mapping[tuple[str, str], Benchmark]
) -> list[UsageRecord]:
    """A month's machines, from what was seen. Writes nothing."""
    carried = store.machines.traffic.carried(month)
    return list(records(store.machines.between(*bounds(month)), month, now, benchmarks, carried))


def used(store: Store, month: str, now: datetime, benchmarks: Mapping[tuple[str, str], Benchmark]) -> list[UsageRecord]:
    """A month's machines, from what was seen, and its jobs, as they were told. Writes nothing."""
    return [
        *stood(store, month, now, benchmarks),
        *(record for record in store.usage.month(month) if record.kind != "vm"),
    ]


def counted(
    store: Store, month: str, now: datetime, benchmarks: Mapping[tuple[str, str], Benchmark], site: str | None = None
) -> list[UsageRecord | JobSum]:
    """A month's machines, from what was seen, and its jobs, added up by the database: a million cost no memory."""
    known = stood(store, month, now, benchmarks)
    return [*(use for use in known if site in (None, use.site)), *store.usage.sums(month, site)]


def of_jobs(
    jobs: Iterable[JobUse], site: str, now: datetime, vos: Mapping[str, str], benchmark: Benchmark = ("", 0.0)
) -> dict[str, list[UsageRecord]]:
    """Records of jobs by the month in which they ended. ``vos`` by account; others are named as their account is."""
    found: dict[str, dict[str, UsageRecord]] = {}
    for job in jobs:
        month = f"{job.end:%Y-%m}"
        record = UsageRecord(
            month=month,
            record=f"{job.cluster}/{job.id}/{int(job.end.timestamp())}",
            ref=Ref.of("Site", site),
            vo=vos.get(job.account, job.account),
            site=site,
            cloud=job.cluster,
            kind="job",
            start=job.start,
            end=job.end,
            status=job.state.lower(),
            wall_seconds=job.wall_seconds,
            cpu_seconds=job.cpu_seconds,
            cpu_count=job.cpus,
            memory_mib=job.memory_mib,
            name=job.partition,
            user=job.user,
            suspend_seconds=job.suspend_seconds,
            gpus=job.gpus,
            nodes=job.nodes,
            benchmark_type=benchmark[0],
            benchmark=benchmark[1],
            partial=now < bounds(month)[1],
        )
        found.setdefault(month, {})[record.record] = record
    return {month: list(records.values()) for month, records in sorted(found.items())}


def records(
    spans: Iterable[Span],
    month: str,
    now: datetime,
    benchmarks: Mapping[tuple[str, str], Benchmark],
    carried: Mapping[tuple[str, str], Carried] = MappingProxyType({}),
) -> Iterator[UsageRecord]:
    """One record for each machine that stood in the month; ``spans`` are in order, each machine's from its first.

    ``carried`` by target and node.
    """
    for key, held in groupby(spans, lambda span: (span.machine.target, span.machine.node)):
        yield _with_traffic(_record(_joined(list(held)), month, now, benchmarks), carried.get(key))


def _with_traffic(record: UsageRecord, carried: Carried | None) -> UsageRecord:
    if carried is None:
        return record
    return replace(
        record,
        received_bytes=carried.received,
        sent_bytes=carried.sent,
        total_received_bytes=carried.total_received,
        total_sent_bytes=carried.total_sent,
    )


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Spans without the gaps between looks: a machine that changed stood as before until it was seen changed."""
    after = [span.since for span in spans[1:]]
    until = [*after, spans[-1].until]
    return [Span(s.machine, s.since, end, s.current) for s, end in zip(spans, until, strict=True)]


def _record(
    spans: list[Span], month: str, now: datetime, benchmarks: Mapping[tuple[str, str], Benchmark]
) -> UsageRecord:
    first, after = bounds(month)
    last, machine = spans[-1], spans[-1].machine
    ended = not last.current and last.until < after
    kind, value = benchmarks.get((machine.site, machine.cloud), ("", 0.0))
    started = [span for span in spans if span.machine.state == "started"]
    still = [span for span in spans if span.machine.state == "suspended"]
    return UsageRecord(
        month=month,
        record=machine.node,
        ref=machine.ref,
        vo=machine.vo,
        site=machine.site,
        cloud=machine.cloud,
        kind="vm",
        start=spans[0].since,
        end=last.until if ended else None,
        status="completed" if ended else machine.state,
        wall_seconds=_seconds(started, first, after),
        cpu_seconds=_seconds(started, first, after, cores=True),
        cpu_count=machine.cpus,
        memory_mib=machine.memory_mib,
        disk_gib=machine.disk_gib,
        image=machine.image,
        name=machine.name,
        user=machine.user,
        user_name=machine.user_name,
        suspend_seconds=_seconds(still, first, after),
        total_wall_seconds=_seconds(started, spans[0].since, after),
        total_cpu_seconds=_seconds(started, spans[0].since, after, cores=True),
        total_suspend_seconds=_seconds(still, spans[0].since, after),
        gpus=machine.gpus,
        public_ips=machine.public_ips,
        benchmark_type=kind,
        benchmark=value,
        partial=now < after,
    )


def _seconds(spans: Iterable[Span], first: datetime, after: datetime, *, cores: bool = False) -> int:
    """Of the part between; for ``cores`` once for each core."""
    parts = ((max(s.since, first), min(s.until, after), s.machine.cpus if cores else 1) for s in spans)
    return sum(int((end - start).total_seconds()) * n for start, end, n in parts if end > start)
