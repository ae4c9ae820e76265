"""Entries that choose services which there are not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.kinds.base import Fault
from reconciler.kinds.downtime.affected import Places
from reconciler.kinds.downtime.spec import Chosen
from reconciler.nearest import meant


def unchosen(path: str, entry: Chosen) -> Iterator[Fault]:
    """What is wrong with an entry by itself: it names one site, or selects some by something."""
    chooser = entry.selector
    if (entry.site is None) == (chooser is None):
        yield Fault(path, "it names both a site and a selector, or neither", "give exactly one of site, selector")
    elif chooser is not None and not (chooser.labels or chooser.ngi or chooser.country or chooser.scopes):
        yield Fault(
            f"{path}.selector", "it selects every site of the federation", "give labels, ngi, country or scopes"
        )


def astray(path: str, entry: Chosen, places: Places) -> Iterator[Fault]:
    """What an entry at ``path`` names and nobody declares."""
    found = places.found(entry)
    if entry.site is not None and not found:
        yield _unknown(f"{path}.site", "Site", entry.site, places.names)
    elif not found:
        yield Fault(f"{path}.selector", "it selects no site", "labels, ngi, country and scopes must all fit one")
    else:
        yield from _names(path, entry, found, places)


def _names(path: str, entry: Chosen, found: Sequence[str], places: Places) -> Iterator[Fault]:
    services = [one for site in found for one in places.of(site).spec.services]
    where = entry.site or f"any of {len(found)} sites"
    names, types = {one.name for one in services}, {one.type for one in services}
    for k, name in enumerate(entry.services):
        if name not in names:
            yield _unknown(f"{path}.services[{k}]", "service", name, names, f" of {where}")
    for k, kind in enumerate(entry.serviceTypes):
        if kind not in types:
            yield _unknown(f"{path}.serviceTypes[{k}]", "service of type", kind, types, f" at {where}")


def _unknown(path: str, what: str, name: str, known: Iterable[str], where: str = "") -> Fault:
    cure = meant(name, known, "declare it, or take it out")
    return Fault(path, f"there is no {what} {name}{where}", cure)
