"""What is odd about VOs, entitlements and mappings: said in the report and in the manifests, never mended silently."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from reconciler.kinds.vo.entitlement import EntitlementError, GroupEntitlement, parse
from reconciler.kinds.vo.group import vo_name

_NEAR = 0.93
OPS = "ops"
"""The VO of the infrastructure's own monitoring, which every site supports."""


@dataclass(frozen=True, slots=True)
class Finding:
    """``about`` is ``("VO", name)`` or ``("Site", name)``; ``group`` is the VO as it is written, "" for a site's."""

    rule: str
    about: tuple[str, str]
    group: str
    message: str
    cure: str = ""
    offset: int = 0
    """Characters into the entitlement."""


def lint(supported: Mapping[str, list[str]], mapped: Mapping[str, str] | None) -> list[Finding]:
    """Findings over site -> VOs and group -> entitlement; without mappings only those about sites."""
    findings = list(_without_ops(supported))
    if mapped is not None:
        findings += _malformed(mapped)
        findings += _shared(mapped)
        findings += _unmapped(supported, mapped)
        findings += _unused(supported, mapped)
    return findings


def _without_ops(supported: Mapping[str, list[str]]) -> Iterator[Finding]:
    for site, vos in supported.items():
        if OPS not in vos:
            message = f"the VO {OPS} is not supported, so the site cannot be monitored"
            yield Finding("fedcloud-no-ops", ("Site", site), "", message, f"add a share of {OPS}")


def _malformed(mapped: Mapping[str, str]) -> Iterator[Finding]:
    for group, text in mapped.items():
        about = ("VO", vo_name(group))
        try:
            found = parse(text)
        except EntitlementError as error:
            message = f"{error}: its bearers are never recognised"
            yield Finding("fedcloud-malformed", about, group, message, "mend the entitlement", error.at)
            continue
        root = group.strip("/").partition("/")[0]
        if not isinstance(found, GroupEntitlement):
            yield Finding("fedcloud-other-group", about, group, "the entitlement is a capability, not a group")
        elif found.group != root:
            yield Finding("fedcloud-other-group", about, group, f"the entitlement is of the group {found.group}")


def _shared(mapped: Mapping[str, str]) -> Iterator[Finding]:
    groups = defaultdict(list)
    for group, text in mapped.items():
        groups[text].append(group)
    for sharing in groups.values():
        for group in sharing if len(sharing) > 1 else ():
            others = ", ".join(g for g in sharing if g != group)
            message = f"it shares its entitlement with {others}: who is in one is in the other"
            yield Finding("fedcloud-shared", ("VO", vo_name(group)), group, message)


def _unmapped(supported: Mapping[str, list[str]], mapped: Mapping[str, str]) -> Iterator[Finding]:
    known = {vo_name(group) for group in mapped}
    for vo in sorted({vo for vos in supported.values() for vo in vos if vo_name(vo) not in known}):
        yield Finding("fedcloud-unmapped", ("VO", vo_name(vo)), vo, "no entitlement is mapped to it", _cure(vo, mapped))


def _cure(vo: str, mapped: Mapping[str, str]) -> str:
    """Points to a mapping whose path ends in the VO, whose name is near, or whose part the VO seems to be."""
    ends = [group for group in mapped if group.rpartition("/")[2] == vo.strip("/")]
    for meant in ends or get_close_matches(vo, mapped, n=1, cutoff=_NEAR):
        return f"did you mean {meant}?"
    whole = next((group for group in mapped if vo.startswith(f"{group}-")), "")
    return f"is it a part of {whole}?" if whole else "map it, or take its shares away"


def _unused(supported: Mapping[str, list[str]], mapped: Mapping[str, str]) -> Iterator[Finding]:
    used = {vo_name(vo) for vos in supported.values() for vo in vos}
    for group in mapped:
        if vo_name(group) not in used:
            yield Finding("fedcloud-unused", ("VO", vo_name(group)), group, "it is mapped, and no site supports it")
