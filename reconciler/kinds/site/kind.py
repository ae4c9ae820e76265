"""How a site behaves: it is registered, and it needs the VOs that it gives a share to.

The edge runs from Site to VO alone. A VO's allocations name sites too, without an order: see ``kinds/vo``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, TypeVar

from reconciler.kinds.base import Derived, Fault, Federation, Rule, Stated
from reconciler.kinds.registered import Registered
from reconciler.kinds.site import certification, words
from reconciler.kinds.site.links import quarrels
from reconciler.kinds.site.rules import RULES
from reconciler.kinds.site.service import Service
from reconciler.kinds.site.shares import derived
from reconciler.kinds.site.spec import SiteSpec
from reconciler.kinds.vo.group import vo_name
from reconciler.model import Edge, Ref, Resource

ScopedT = TypeVar("ScopedT", SiteSpec, Service)


class SiteKind(Registered[SiteSpec]):
    """A resource centre of the federation."""

    name = "Site"
    plural = "sites"
    Spec = SiteSpec
    federation_wide: ClassVar[bool] = True
    describes_targets: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = (*RULES, *words.RULES, *certification.RULES)

    def canonical(self, spec: SiteSpec) -> SiteSpec:
        """Scopes are a set: sorted, each once."""
        services = tuple(_scopes_sorted(s) for s in spec.services)
        if any(a is not b for a, b in zip(services, spec.services, strict=True)):
            spec = spec.model_copy(update={"services": services})
        return _scopes_sorted(spec)

    def references(self, ref: Ref, spec: SiteSpec) -> Iterable[Edge]:  # noqa: ARG002
        first: dict[str, str] = {}
        for vo, path in _vos(spec):
            first.setdefault(vo_name(vo), path)
        return [Edge(Ref.of("VO", name), "exists", path) for name, path in first.items()]

    def quarrels(self, resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterable[tuple[Ref, str, Fault]]:
        return [*quarrels(resources, changed), *words.quarrels(resources, changed)]

    def remembers(self, resource: Resource) -> bool:
        """Of a suspended site it matters since when."""
        return b'"certification":"Suspended"' in resource.content

    def hindsight(
        self, resources: Mapping[Ref, Resource], stated: Mapping[Ref, Sequence[Stated[SiteSpec]]], now: datetime
    ) -> Iterable[tuple[Ref, str, Fault]]:
        return certification.suspended_long(resources, stated, now)

    def turned(self, before: SiteSpec, wanted: SiteSpec | None, now: datetime) -> Iterable[tuple[str, Fault]]:
        return certification.steps(before, wanted, now)

    def step(self, before: SiteSpec, wanted: SiteSpec) -> str:
        return certification.meaning(before, wanted)

    def derive(self, ref: Ref, spec: SiteSpec, federation: Federation) -> Iterable[Derived]:
        """A Share for each share of a cloud that is to be onboarded."""
        return derived(ref.name, spec, federation)


def _vos(spec: SiteSpec) -> Iterator[tuple[str, str]]:
    """Every VO that the site names, and where."""
    for c, cloud in enumerate(spec.clouds):
        yield from ((s.vo, f"spec.clouds[{c}].shares[{n}].vo") for n, s in enumerate(cloud.shares))
        for k, network in enumerate(cloud.networks):
            yield from _listed(network.vos, f"spec.clouds[{c}].networks[{k}].vos")
    for s, storage in enumerate(spec.storage):
        yield from _listed(storage.vos, f"spec.storage[{s}].vos")
        yield from ((quota.vo, f"spec.storage[{s}].quotas[{n}].vo") for n, quota in enumerate(storage.quotas))
    for b, batch in enumerate(spec.batch):
        for q, queue in enumerate(batch.queues):
            yield from _listed(queue.vos, f"spec.batch[{b}].queues[{q}].vos")


def _listed(vos: Sequence[str], path: str) -> Iterator[tuple[str, str]]:
    return ((vo, f"{path}[{n}]") for n, vo in enumerate(vos))


def _scopes_sorted(item: ScopedT) -> ScopedT:
    scopes = tuple(sorted(set(item.scopes)))
    return item if scopes == item.scopes else item.model_copy(update={"scopes": scopes})
