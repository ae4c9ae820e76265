"""Entitlements and the clouds that support the VOs, side by side: what is shared, unmapped or unused.

Told by the rules of this kind about manifests, and by the import about the files it reads.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import NamedTuple

import orjson

from reconciler.kinds.base import Fault
from reconciler.kinds.vo.group import vo_name
from reconciler.model import Ref, Resource

_NEAR = 0.93
_OPENSTACK = "openstack"
"""The driver of clouds that let members in by a mapping."""


class Odd(NamedTuple):
    """What is odd about a VO. ``group`` is the VO as it is written."""

    group: str
    message: str
    cure: str = ""


def shared(mapped: Mapping[str, str]) -> Iterator[Odd]:
    """Groups with the same entitlement as another; ``mapped`` is group -> entitlement."""
    groups = defaultdict(list)
    for group, text in mapped.items():
        groups[text].append(group)
    for sharing in groups.values():
        for group in sharing if len(sharing) > 1 else ():
            others = ", ".join(g for g in sharing if g != group)
            yield Odd(group, f"it shares its entitlement with {others}: who is in one is in the other")


def unmapped(supported: Collection[str], mapped: Mapping[str, str]) -> Iterator[Odd]:
    """VOs that clouds support and that have no entitlement."""
    known = {vo_name(group) for group in mapped}
    for vo in sorted(vo for vo in supported if vo_name(vo) not in known):
        yield Odd(vo, "no entitlement is mapped to it", _cure(vo, mapped))


def unused(supported: Collection[str], mapped: Mapping[str, str]) -> Iterator[Odd]:
    """Groups that have an entitlement and are supported nowhere."""
    used = {vo_name(vo) for vo in supported}
    for group in mapped:
        if vo_name(group) not in used:
            yield Odd(group, "it is mapped, and no site supports it")


def _cure(vo: str, mapped: Mapping[str, str]) -> str:
    """Points to a mapping whose path ends in the VO, whose name is near, or whose part the VO seems to be."""
    ends = [group for group in mapped if group.rpartition("/")[2] == vo.strip("/")]
    for meant in ends or get_close_matches(vo, mapped, n=1, cutoff=_NEAR):
        return f"did you mean {meant}?"
    whole = next((group for group in mapped if vo.startswith(f"{group}-")), "")
    return f"is it a part of {whole}?" if whole else "map it, or take its shares away"


def quarrels(resources: Mapping[Ref, Resource], role: str) -> Iterator[tuple[Ref, str, Fault]]:
    """What is odd among the declared VOs; ``role`` is the one whose entitlement clouds map.

    Contents are read as plain JSON, since every site of the federation is looked at. Where no cloud supports anybody,
    nobody is told that none supports him.
    """
    entries: dict[str, tuple[Ref, int]] = {}
    mapped: dict[str, str] = {}
    refs: dict[str, Ref] = {}
    for ref in sorted(ref for ref in resources if ref.startswith("VO/")):
        content = orjson.loads(resources[ref].content)
        group = content.get("group") or ref.name
        refs[ref.name] = ref
        for n, entitlement in enumerate(content.get("entitlements") or ()):
            if entitlement["role"] == role:
                mapped[group], entries[group] = entitlement["value"], (ref, n)
    supported = set(_supported(resources))
    for odd in shared(mapped):
        yield _told(entries[odd.group], "vo-entitlement-shared", odd)
    for odd in unmapped({vo for vo in supported if vo_name(vo) in refs}, mapped):
        cure = odd.cure or "give it an entitlement"
        yield refs[vo_name(odd.group)], "vo-entitlement-unmapped", Fault("spec.entitlements", odd.message, cure)
    for odd in unused(supported, mapped) if supported else ():
        yield _told(entries[odd.group], "vo-entitlement-unused", odd)


def _told(entry: tuple[Ref, int], rule: str, odd: Odd) -> tuple[Ref, str, Fault]:
    ref, n = entry
    return ref, rule, Fault(f"spec.entitlements[{n}].value", odd.message, odd.cure)


def _supported(resources: Mapping[Ref, Resource]) -> Iterator[str]:
    for ref, resource in resources.items():
        if ref.startswith("Site/"):
            clouds = orjson.loads(resource.content).get("clouds") or ()
            yield from (s["vo"] for c in clouds if c["driver"] == _OPENSTACK for s in c.get("shares") or ())
