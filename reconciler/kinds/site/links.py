"""Links of storages lead to storages that there are."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from reconciler.kinds.base import Fault
from reconciler.kinds.site.spec import SiteSpec
from reconciler.model import Ref, Resource
from reconciler.nearest import meant

RULE = "site-link"


def quarrels(resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterator[tuple[Ref, str, Fault]]:
    """Links to a storage or site that nobody declares, as far as ``changed`` touches a site."""
    if not any(ref.startswith("Site/") for ref in changed):
        return
    linking = {
        ref: held.spec for ref, held in resources.items() if ref.startswith("Site/") and b'"links":[{' in held.content
    }
    if not linking:
        return
    sites = {ref.name: held.spec for ref, held in resources.items() if ref.startswith("Site/")}
    known = {*sites, *(f"{name}/{storage.name}" for name, spec in sites.items() for storage in spec.storage)}
    for ref in sorted(linking):
        yield from ((ref, RULE, fault) for fault in _astray(ref.name, linking[ref], known))


def _astray(site: str, spec: SiteSpec, known: Collection[str]) -> Iterator[Fault]:
    for s, storage in enumerate(spec.storage):
        for n, link in enumerate(storage.links):
            path = f"spec.storage[{s}].links[{n}].to"
            if link.to == f"{site}/{storage.name}":
                yield Fault(path, f"{link.to} is linked to itself", "take the link out")
            elif link.to not in known:
                cure = meant(link.to, known, "declare it, or take the link out")
                yield Fault(path, f"there is no storage and no site {link.to}", cure)
