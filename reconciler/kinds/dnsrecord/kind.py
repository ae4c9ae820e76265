"""How a DNS record behaves: it lives in a zone, is read with the whole zone, and changed with its batch."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from reconciler.kinds.base import Fault, Kind, Rule
from reconciler.kinds.dnsrecord.batch import Batch, unwanted, wanted
from reconciler.kinds.dnsrecord.delegation import named, trespasses
from reconciler.kinds.dnsrecord.names import canonical_zone
from reconciler.kinds.dnsrecord.reading import Zone
from reconciler.kinds.dnsrecord.rules import RULES, conflicts
from reconciler.kinds.dnsrecord.spec import DNSRecordSpec, canonical, filled
from reconciler.model import Answer, Change, Edge, Reading, Ref, Resource, Stray, Target, ValueFrom, Wanted
from reconciler.ports import Drivers

_VALUES_FROM = "spec.valuesFrom"
_BETWEEN = {"spec.name": "dns-declared-once", "spec.type": "dns-cname-alone"}
"""Where a fault between records shows -> the rule's id."""


class DNSRecordKind(Kind[DNSRecordSpec]):
    """All records of one name and type in a zone."""

    name = "DNSRecord"
    plural = "dnsrecords"
    Spec = DNSRecordSpec
    immutable: ClassVar[frozenset[str]] = frozenset({"spec.zone", "spec.name", "spec.type"})
    batch: ClassVar[int] = 1000
    searchable: ClassVar[bool] = True
    follows: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def canonical(self, spec: DNSRecordSpec) -> DNSRecordSpec:
        return canonical(spec)

    def references(self, ref: Ref, spec: DNSRecordSpec) -> Iterable[Edge]:
        source = spec.valuesFrom
        return [] if source is None else [Edge(_source(ref, source), "ready", _VALUES_FROM, source.output)]

    def target(self, ref: Ref, spec: DNSRecordSpec) -> str:  # noqa: ARG002
        return f"dns:{canonical_zone(spec.zone)}"

    def quarrels(self, resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterable[tuple[Ref, str, Fault]]:
        found = list(trespasses(resources, changed))
        names = {named(resources[ref]) for ref in changed if ref.startswith("DNSRecord/") and ref in resources}
        if not names:
            return found
        beside = {r: held for r, held in resources.items() if r.startswith("DNSRecord/") and named(held) in names}
        return found + [(ref, _BETWEEN[fault.path], fault) for ref, fault in conflicts(beside)]

    def fill(self, spec: DNSRecordSpec, values: Mapping[str, Any]) -> DNSRecordSpec:
        return filled(spec, values[_VALUES_FROM]) if _VALUES_FROM in values else spec

    def observe(self, target: Target, wanted: Sequence[Wanted], drivers: Drivers, token: str = "") -> Reading:
        reading = drivers.dns(target).read(token)
        if reading.unchanged:
            return Reading({}, token=reading.token, unchanged=True)
        zone = Zone(reading.rrsets)
        results = {one.ref: zone.look(one) for one in wanted}
        strays = [Stray(target.id, held.uid, f"{held.name} {held.type}", self.name) for held in zone.strays(wanted)]
        return Reading(results, tuple(strays), reading.token)

    def put(self, target: Target, changes: Sequence[Change], drivers: Drivers) -> Mapping[Ref, Answer]:
        return Batch(drivers.dns(target), wanted).settle(changes)

    def remove(self, target: Target, changes: Sequence[Change], drivers: Drivers) -> Mapping[Ref, Answer]:
        return Batch(drivers.dns(target), unwanted).settle(changes)


def _source(ref: Ref, source: ValueFrom) -> Ref:
    """What ``valuesFrom`` names: in the record's own namespace unless it says another, or its kind has none."""
    from reconciler.kinds import registry

    kind = registry().get(source.kind)
    if kind is not None and kind.federation_wide:
        return Ref.of(source.kind, source.name)
    return Ref.of(source.kind, source.name, source.namespace or ref.namespace)
