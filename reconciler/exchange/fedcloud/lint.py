"""What is odd about VOs, entitlements and mappings: said in the report and in the manifests, never mended silently."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.kinds.vo.entitlement import EntitlementError, GroupEntitlement, parse
from reconciler.kinds.vo.group import vo_name
from reconciler.kinds.vo.mapped import Odd, shared, unmapped, unused

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
        everywhere = {vo for vos in supported.values() for vo in vos}
        findings += _told("fedcloud-shared", shared(mapped))
        findings += _told("fedcloud-unmapped", unmapped(everywhere, mapped))
        findings += _told("fedcloud-unused", unused(everywhere, mapped))
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


def _told(rule: str, odd: Iterable[Odd]) -> Iterator[Finding]:
    """What the rules about VOs find, told of the files."""
    for group, message, cure in odd:
        yield Finding(rule, ("VO", vo_name(group)), group, message, cure)
