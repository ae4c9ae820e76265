"""What a plan means for data: which bytes go where, from where, in what time, at what price, and what stays.

Pure: only the plan, the graph and what was observed count. A replica is read from the nearest of its sources that
stands whole; where none does, from the addresses that its dataset gives; else it cannot be made now.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import orjson

from reconciler.kinds.base import Federation
from reconciler.kinds.dataset.brought import replica_ref
from reconciler.kinds.dataset.distance import Atlas
from reconciler.kinds.dataset.index import Datasets
from reconciler.kinds.dataset.spec import DatasetSpec
from reconciler.kinds.datasetrule.spec import DatasetRuleSpec
from reconciler.kinds.replica import ReplicaFile, ReplicaSpec
from reconciler.kinds.replica.connect import target_id
from reconciler.kinds.replica.spec import source_at
from reconciler.kinds.site.storage import Storage
from reconciler.kinds.world import World
from reconciler.model import (
    Action,
    DataAccount,
    Flow,
    Graph,
    Observed,
    Present,
    QuotaAccount,
    Reason,
    Ref,
    RuleAccount,
    StorageAccount,
    Unknown,
    Verb,
)

_TB = 1e12
_MAKES = (Verb.CREATE, Verb.UPDATE, Verb.REPLACE)


@dataclass(frozen=True, slots=True)
class _Due:
    """One replica that has something to do."""

    action: Action
    spec: ReplicaSpec
    files: int
    bytes: int
    """To be copied; of an update what it has less than it should."""

    @property
    def storage(self) -> str:
        """``site/storage``."""
        return str(self.spec.storage)


def account(
    actions: Sequence[Action],
    graph: Graph,
    observed: Observed,
    federation: Federation,
    world: World,
) -> DataAccount | None:
    """The account of a plan; None when it moves no data and refuses none."""
    mine = [a for a in actions if a.ref.kind in ("Replica", "DatasetRule") and a.verb is not Verb.NOOP]
    if not mine:
        return None
    return _Account(mine, graph, observed, federation, world).made()


@dataclass
class _Account:
    actions: Sequence[Action]
    graph: Graph
    observed: Observed
    federation: Federation
    world: World
    by_ref: dict[Ref, Action] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_ref = {action.ref: action for action in self.actions}
        self.atlas = Atlas.of(self.federation)
        self.datasets = Datasets.of(self.federation)
        self.unreachable: list[tuple[Ref, str]] = []

    def made(self) -> DataAccount:
        """Everything together."""
        due = [found for action in self.actions if (found := self._due(action)) is not None]
        gone = [(a, self._seen(a.ref)) for a in self.actions if a.ref.kind == "Replica" and a.verb is Verb.DELETE]
        away = [spec for a, spec in gone if spec is not None and a.blocked is None and not spec.origin]
        going = [(*_size(spec), str(spec.storage)) for spec in away]
        going += [less for one in due if (less := self._shed(one)) is not None]
        flows = tuple(self._flows(due))
        arriving, leaving = Counter[str](), Counter[str]()
        busy: dict[str, float] = defaultdict(float)
        for flow in flows:
            arriving[flow.target] += flow.bytes
            busy[flow.target] += flow.seconds
        for _, size, storage in going:
            leaving[storage] += size
        return DataAccount(
            rules=tuple(self._rules(due, gone)),
            flows=flows,
            storages=tuple(self._storages(arriving, leaving)),
            unreachable=tuple(self.unreachable),
            last=tuple((a.ref, a.message) for a, _ in gone if a.blocked is Reason.LAST_COPY),
            gone_files=sum(files for files, _, _ in going),
            gone_bytes=sum(size for _, size, _ in going),
            seconds=max(busy.values(), default=0.0),
            cost=sum(flow.cost for flow in flows),
            monthly=sum(self._keeping(name, n) for name, n in arriving.items())
            - sum(self._keeping(name, n) for name, n in leaving.items()),
        )

    # -- bytes -----------------------------------------------------------------------------------------------------

    def _due(self, action: Action) -> _Due | None:
        """What an action copies; None when it copies nothing."""
        if action.ref.kind != "Replica" or action.verb not in _MAKES or action.blocked or not action.spec:
            return None
        spec = ReplicaSpec.model_validate_json(orjson.dumps(action.spec))
        seen = self.observed.results.get(action.ref)
        files, size = _size(spec)
        if action.verb is Verb.UPDATE and isinstance(seen, Present):
            there = _size(cast("ReplicaSpec", seen.spec))
            files, size = seen.due or (max(0, files - there[0]), max(0, size - there[1]))
        return _Due(action, spec, files, size)

    def _shed(self, one: _Due) -> tuple[int, int, str] | None:
        """(files, bytes, storage) that an update takes away: what a copy has more than it should."""
        seen = self._seen(one.action.ref) if one.action.verb is Verb.UPDATE else None
        if seen is None:
            return None
        (files, size), there = _size(one.spec), _size(seen)
        more = there[0] - files, there[1] - size
        return (*more, str(seen.storage)) if min(more) > 0 else None

    def _seen(self, ref: Ref) -> ReplicaSpec | None:
        seen = self.observed.results.get(ref)
        return cast("ReplicaSpec", seen.spec) if isinstance(seen, Present) else None

    def _whole(self, ref: Ref) -> bool:
        """Whether a replica stands with all of its files."""
        seen = self.observed.results.get(ref)
        return isinstance(seen, Present) and seen.healthy is not False

    def _changes(self, ref: Ref) -> bool:
        """Whether the plan brings files to a replica, so that it may lack those that others need."""
        action = self.by_ref.get(ref)
        return action is not None and action.verb in _MAKES

    def _flows(self, due: Iterable[_Due]) -> Iterator[Flow]:
        found: dict[tuple[str, str], list[_Due]] = defaultdict(list)
        for one in due:
            if not one.files or one.spec.origin:
                continue
            source = self._source(one)
            if source:
                found[source, one.storage].append(one)
            else:
                self.unreachable.append((one.action.ref, _unreadable(one.spec)))
        for (source, target), those in sorted(found.items()):
            size = sum(one.bytes for one in those)
            yield Flow(source, target, sum(one.files for one in those), size, *self._way(source, target, size))

    def _source(self, due: _Due) -> str:
        """Where a replica's files are read; "" when nowhere now."""
        owner = self._owner(due.action.ref)
        around = (source_at(place, due.spec.dataset or "")[0] for place in due.spec.sources)
        standing = [name for name in around if self._readable(owner, name)]
        settled = [name for name in standing if owner is not None and not self._changes(replica_ref(owner, name))]
        if standing:
            return (*settled, *standing)[0]
        if isinstance(due.spec.source, str):
            return _host(due.spec.source)
        if due.spec.source is not None:
            return f"{due.spec.source.site}/{due.spec.source.storage}"
        urls = [file.source for file in (*due.spec.files, *self._addresses(owner)) if file.source]
        hosts = sorted({_host(url) for url in urls})
        return hosts[0] if len(hosts) == 1 else f"{len(hosts)} addresses" if hosts else ""

    def _readable(self, owner: Ref | None, name: str) -> bool:
        """Whether a copy of the dataset stands whole at a storage that may be read."""
        storage = self.atlas.storage(name)
        may = storage is None or storage.availability.read.allowed
        return owner is not None and may and self._whole(replica_ref(owner, name))

    def _owner(self, ref: Ref) -> Ref | None:
        resource = self.graph.resources.get(ref)
        return resource.owner if resource is not None else None

    def _addresses(self, owner: Ref | None) -> tuple[ReplicaFile, ...]:
        dataset = self.federation.get(owner) if owner is not None else None
        return dataset.files if isinstance(dataset, DatasetSpec) else ()

    def _way(self, source: str, target: str, size: int) -> tuple[float, float]:
        """(seconds, cost) of a copy."""
        link = self.atlas.link(source, target)
        rate = link.bytesPerSecond if link and link.bytesPerSecond else self.world.policy.bytes_per_second
        storage = self.atlas.storage(source)
        price = storage.price.readPerTB if storage and storage.price else None
        return size / rate, size / _TB * (price or 0.0)

    def _keeping(self, name: str, size: int) -> float:
        """What ``size`` bytes cost there in a month."""
        storage = self.atlas.storage(name)
        price = storage.price.storedPerTBMonth if storage and storage.price else None
        return size / _TB * (price or 0.0)

    # -- rules -----------------------------------------------------------------------------------------------------

    def _rules(self, due: Sequence[_Due], gone: Sequence[tuple[Action, ReplicaSpec | None]]) -> Iterator[RuleAccount]:
        """Every rule that the plan has something to do with."""
        making = {one.action.ref for one in due if one.spec.lies is None}  # there nothing is mended
        held = {action.ref: spec.rules for action, spec in gone if spec is not None}
        let_go = {Ref(rule) for rules in held.values() for rule in rules}
        concerned = {Ref(rule) for one in due for rule in one.spec.rules} | let_go
        concerned |= {action.ref for action in self.actions if action.ref.kind == "DatasetRule"}
        for ref in sorted(concerned):
            resource = self.graph.resources.get(ref)
            applied = self._applied(ref)
            spec: DatasetRuleSpec | None = resource.spec if resource is not None else applied
            if spec is None:
                continue
            held_names = spec.replicas or (applied.replicas if applied is not None else ())  # undecided: it keeps them
            wanted = [Ref(f"Replica/{name}") for name in (held_names if resource is not None else ())]
            leaving = [action for action, _ in gone if ref in held.get(action.ref, ())]
            data = [dataset.fileset for _, _, dataset in self.datasets.leaves(spec.dataset) if dataset.fileset]
            files = sum(part.count for part in data)
            yield RuleAccount(
                ref=ref,
                data=spec.dataset,
                copies=_most(spec) if resource is not None else 0,
                files=files,
                bytes=sum(part.bytes for part in data),
                kept=self._kept(spec, wanted, making, files),
                made=sum(r in making for r in wanted),
                released=sum(action.blocked is None for action in leaving),
                protected=sum(action.blocked is Reason.LAST_COPY for action in leaving),
                refused=self._refused(ref),
            )

    def _kept(self, spec: DatasetRuleSpec, wanted: Sequence[Ref], making: Collection[Ref], files: int) -> int:
        """Whole copies that stand; of files placed one by one as many as what stands would make."""
        if spec.grouping != "NONE":
            return sum(ref not in making and self._whole(ref) for ref in wanted)
        there = sum(_size(seen)[0] for ref in wanted if (seen := self._seen(ref)) is not None)
        return min(_most(spec), there // files) if files else 0

    def _applied(self, ref: Ref) -> DatasetRuleSpec | None:
        """A rule as it was applied; None when it was not, or is not looked at in this run."""
        held = self.observed.applied.get(ref)
        return DatasetRuleSpec.model_validate_json(held.content) if held else None

    def _is(self, ref: Ref, verb: Verb) -> bool:
        action = self.by_ref.get(ref)
        return action is not None and action.verb is verb

    def _refused(self, ref: Ref) -> str:
        action = self.by_ref.get(ref)
        return action.message if action and action.verb is Verb.DEFER and action.reason is Reason.NO_PLACE else ""

    # -- storages --------------------------------------------------------------------------------------------------

    def _storages(self, arriving: Mapping[str, int], leaving: Mapping[str, int]) -> Iterator[StorageAccount]:
        used = Counter[str]()
        for ref, seen in self.observed.results.items():
            if ref.kind == "Replica" and isinstance(seen, Present):
                spec = cast("ReplicaSpec", seen.spec)
                used[str(spec.storage)] += _size(spec)[1]
        before, after = self._held()
        for name in sorted({*arriving, *leaving}):
            storage = self.atlas.storage(name)
            yield StorageAccount(
                name,
                arriving.get(name, 0),
                leaving.get(name, 0),
                used[name],
                self._free(name, storage, used[name]),
                tuple(
                    QuotaAccount(q.vo, before[name, q.vo], after[name, q.vo], q.maxBytes)
                    for q in (storage.quotas if storage else ())
                ),
            )

    def _free(self, name: str, storage: Storage | None, used: int) -> int | None:
        """What may still be put there, by what the storage says and by its limit."""
        site, _, own = name.partition("/")
        space = self.world.space(target_id(site, own))
        said = None if isinstance(space, Unknown) else space.free
        most = storage.limits.maxBytes if storage else None
        known = [n for n in (said, most - used if most is not None else None) if n is not None]
        return min(known) if known else None

    def _held(self) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
        """Bytes by (storage, VO) that rules hold, before and after; those that end are not declared any more."""
        before, after = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for ref, found in self.federation.of_kind("DatasetRule"):
            rule = cast("DatasetRuleSpec", found)
            self._add(after, rule)
            if not self._is(ref, Verb.CREATE):
                self._add(before, self._applied(ref) or rule)
        for ref in self.by_ref:
            ended = self._applied(ref) if ref.kind == "DatasetRule" and self._is(ref, Verb.DELETE) else None
            if ended is not None:
                self._add(before, ended)
        return before, after

    def _add(self, held: Counter[tuple[str, str]], rule: DatasetRuleSpec) -> None:
        vo = rule.vo or self.datasets.vo(rule.dataset)
        for places in rule.placed.values():
            for storage, part in places.items():
                held[storage, vo] += part.bytes


def _size(spec: ReplicaSpec) -> tuple[int, int]:
    """(files, bytes) of a replica, as far as sizes are known."""
    if spec.fileset is not None:
        return spec.fileset.count, spec.fileset.bytes
    parts = list(spec.parts())
    return len(parts), sum(part.size or 0 for part in parts)


def _most(spec: DatasetRuleSpec) -> int:
    """The copies that a rule wants: as many as it has placed, or else as it says."""
    placed = max((len(places) for places in spec.placed.values()), default=0)
    return max(spec.copies or 0, 0 if spec.grouping == "NONE" else placed)


def _host(url: str) -> str:
    parts = urlsplit(url)
    return parts.hostname or ("the manifest" if parts.scheme == "data" else "a file of the reconciler")


def _unreadable(spec: ReplicaSpec) -> str:
    if not spec.sources:
        return "no copy of it is known and its dataset gives no address: add source to its files"
    return f"none of its sources stands whole or may be read: {', '.join(spec.sources[:3])}"
