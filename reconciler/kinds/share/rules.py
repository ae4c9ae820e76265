"""What must hold for a share beyond its types, alone and beside others."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import cast

from reconciler.kinds.base import Fault, Rule, between
from reconciler.kinds.share.connect import Site
from reconciler.kinds.share.spec import ShareSpec
from reconciler.model import Ref, Resource
from reconciler.nearest import meant

Quarrel = tuple[Ref, str, Fault]


def _observed_only(_ref: Ref, spec: ShareSpec) -> Iterator[Fault]:
    if spec.deviations:
        yield Fault("spec.deviations", "deviations are observed, never wanted", "leave them out")


def _separator(_ref: Ref, spec: ShareSpec) -> Iterator[Fault]:
    for n, entitlement in enumerate(spec.entitlements):
        if ";" in entitlement:
            said = f"{entitlement!r} has a ;, which separates entitlements on their way to keystone"
            yield Fault(f"spec.entitlements[{n}]", f"{said}: its bearers are never recognised", "use one without")


def _period(_ref: Ref, spec: ShareSpec) -> Iterator[Fault]:
    for n, quota in enumerate(spec.quotas):
        if quota.start and quota.end and quota.end < quota.start:
            yield Fault(f"spec.quotas[{n}].end", f"{quota.end} is before the start, {quota.start}")


RULES = (
    Rule("share-deviations", "deviations are what is observed; manifests leave them out.", _observed_only),
    Rule("share-entitlement", "An entitlement can be told from its neighbours: it has no ;.", _separator),
    Rule("share-quota-period", "A quota ends after it starts.", _period),
    Rule("share-cloud", "A share is of a cloud that its site declares.", between),
    Rule("share-once", "A project is declared by one share.", between),
)


def quarrels(resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterator[Quarrel]:
    """What is wrong between shares and sites, as far as ``changed`` touches it."""
    if not any(ref.startswith(("Share/", "Site/")) for ref in changed):
        return
    shares = {ref: cast("ShareSpec", held.spec) for ref, held in sorted(resources.items()) if ref.startswith("Share/")}
    for ref, spec in shares.items():
        site = resources.get(Ref.of("Site", spec.site))
        clouds = [cloud.name for cloud in cast("Site", site.spec).clouds] if site else [spec.cloud]
        if spec.cloud not in clouds:
            cure = meant(spec.cloud, clouds, "add it to the site")
            yield ref, "share-cloud", Fault("spec.cloud", f"the site {spec.site} has no cloud {spec.cloud}", cure)
    first: dict[tuple[str, ...], Ref] = {}
    for ref, spec in shares.items():
        for path, key in _claims(spec):
            other = first.setdefault((spec.site, spec.cloud, *key), ref)
            if other != ref:
                yield ref, "share-once", Fault(path, f"{other} has {key[-1]} already", "declare it once")


def _claims(spec: ShareSpec) -> Iterator[tuple[str, tuple[str, ...]]]:
    domain = spec.domain or ""
    yield "spec.project", ("project", domain, spec.project or "")
    yield "spec.group", ("group", domain, spec.group or "")
    if spec.projectId:
        yield "spec.projectId", ("id", spec.projectId)
