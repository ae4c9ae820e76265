"""How a service group behaves: it is registered, after the sites that it names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import ClassVar

from reconciler.kinds.base import Fault, Rule, between
from reconciler.kinds.downtime.affected import Places
from reconciler.kinds.downtime.astray import astray, unchosen
from reconciler.kinds.gocdb import GROUP_NAME
from reconciler.kinds.registered import Registered
from reconciler.kinds.repeated import repeated
from reconciler.kinds.servicegroup.spec import ServiceGroupSpec
from reconciler.kinds.vocabulary.words import words
from reconciler.model import Edge, Ref, Resource


def _name(ref: Ref, _spec: ServiceGroupSpec) -> Iterator[Fault]:
    fault = GROUP_NAME.fault(ref.name)
    if fault:
        yield Fault("metadata.name", fault)


def _members(_ref: Ref, spec: ServiceGroupSpec) -> Iterator[Fault]:
    for n, entry in enumerate(spec.members):
        yield from unchosen(f"spec.members[{n}]", entry)


def _extensions(_ref: Ref, spec: ServiceGroupSpec) -> Iterator[Fault]:
    pairs = [(one.key, one.value) for one in spec.extensions]
    yield from repeated(pairs, "extension", "spec.extensions", cure="remove one")


class ServiceGroupKind(Registered[ServiceGroupSpec]):
    """Services that belong together across sites."""

    name = "ServiceGroup"
    plural = "servicegroups"
    Spec = ServiceGroupSpec
    federation_wide: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("group-name", "A service group's name has letters, digits and _ (GOCDB).", _name),
        Rule("group-members", "Each entry of members names one site, or selects sites by something.", _members),
        Rule("group-extensions", "An extension key may be repeated, with another value (GOCDB).", _extensions),
        Rule("group-scopes", "A group has the scopes that a Vocabulary asks for.", between),
        Rule("group-scopes-unknown", "Scopes of a group are known.", between, "warning"),
        Rule("group-services", "The services of a group are declared.", between),
    )

    def canonical(self, spec: ServiceGroupSpec) -> ServiceGroupSpec:
        """Scopes are a set: sorted, each once."""
        scopes = tuple(sorted(set(spec.scopes)))
        return spec if scopes == spec.scopes else spec.model_copy(update={"scopes": scopes})

    def references(self, ref: Ref, spec: ServiceGroupSpec) -> Iterable[Edge]:  # noqa: ARG002
        first: dict[str, int] = {}
        for n, entry in enumerate(spec.members):
            if entry.site is not None:
                first.setdefault(entry.site, n)
        return [Edge(Ref.of("Site", site), "exists", f"spec.members[{n}].site") for site, n in first.items()]

    def quarrels(self, resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterable[tuple[Ref, str, Fault]]:
        mine = [ref for ref in resources if ref.startswith("ServiceGroup/")]
        if not mine or not any(ref.startswith(("ServiceGroup/", "Site/", "Vocabulary/")) for ref in changed):
            return
        places, known = Places(resources), words(resources)
        for ref in sorted(mine):
            scopes = resources[ref].spec.scopes
            rule = "group-scopes" if known.closed else "group-scopes-unknown"
            yield from ((ref, rule, fault) for fault in known.scope_faults("spec.scopes", scopes))
            yield from ((ref, "group-scopes", fault) for fault in known.too_few("spec.scopes", scopes))
            for n, entry in enumerate(resources[ref].spec.members):
                if entry.site is None or places.found(entry):  # a site that is not declared dangles, and is told so
                    yield from ((ref, "group-services", f) for f in astray(f"spec.members[{n}]", entry, places))
