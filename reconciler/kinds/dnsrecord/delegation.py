"""Whose names stand where: parts of the name space that VOs were given, and wildcards, which need a permission."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

import orjson

from reconciler.kinds.base import Fault
from reconciler.kinds.dnsrecord.names import canonical_zone
from reconciler.model import Ref, Resource

_RECORD, _VO = "DNSRecord/", "VO/"


class Share(NamedTuple):
    """A name with all that is below it, and who may hold names there."""

    name: str
    vo: Ref
    namespaces: tuple[str, ...]
    wildcards: bool


def shares(resources: Mapping[Ref, Resource]) -> dict[str, list[Share]]:
    """What VOs were given, by absolute name."""
    found: dict[str, list[Share]] = {}
    for ref, resource in resources.items():
        if ref.startswith(_VO):
            for one in orjson.loads(resource.content).get("zones", ()):
                name = canonical_zone(one["name"])
                namespaces = tuple(one["namespaces"]) or (ref.name,)
                found.setdefault(name, []).append(Share(name, ref, namespaces, one["wildcards"]))
    return found


def trespasses(resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterator[tuple[Ref, str, Fault]]:
    """(resource, rule id, fault) for names where others alone may hold some, and for wildcards where none may stand."""
    vos = any(ref.startswith(_VO) for ref in changed)
    looked_at: Iterable[Ref] = resources if vos else changed
    suspects = [ref for ref in looked_at if ref.startswith(_RECORD) and ref in resources]
    if not suspects and not vos:
        return
    given = shares(resources)
    yield from _given_twice(given)
    for ref in suspects:
        if not given and not resources[ref].content.startswith(b'{"name":"*.'):
            continue
        name = named(resources[ref])
        share = _covering(name.removeprefix("*."), given)
        if share and ref.namespace not in share.namespaces:
            yield ref, "dns-delegated", _elsewhere(name, ref, share)
        if name.startswith("*.") and not (share and share.wildcards):
            yield ref, "dns-wildcard", _wild(name, share)


def named(resource: Resource) -> str:
    """The absolute name of a canonical record, read without decoding it: a zone holds 100,000."""
    start = len(b'{"name":"')
    return resource.content[start : resource.content.index(b'"', start)].decode()


def _covering(name: str, given: Mapping[str, list[Share]]) -> Share | None:
    """The closest share above ``name``, or at it."""
    while name:
        if name in given:
            return given[name][0]
        name = name.partition(".")[2]
    return None


def _given_twice(given: Mapping[str, list[Share]]) -> Iterator[tuple[Ref, str, Fault]]:
    for name, all_of_it in given.items():
        first, *others = sorted(all_of_it)
        for other in others:
            message = f"{name} was given to {first.vo} already"
            yield other.vo, "dns-delegated", Fault("spec.zones", message, "give each VO a name of its own")


def _elsewhere(name: str, ref: Ref, share: Share) -> Fault:
    message = f"{name} is in {share.name}, which is {share.vo}'s: the namespace {ref.namespace} may hold no names there"
    allowed = ", ".join(share.namespaces)
    return Fault("spec.name", message, f"move it to the namespace {allowed}, or add {ref.namespace} in {share.vo}")


def _wild(name: str, share: Share | None) -> Fault:
    message = f"{name} answers for every name there, also for those that nobody meant"
    if share:
        return Fault("spec.name", message, f"write wildcards: true for {share.name} in {share.vo}, or give full names")
    return Fault("spec.name", message, "give full names, or have a VO's zones allow wildcards there")
