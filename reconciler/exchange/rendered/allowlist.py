"""The list of certificates that an SSM receiver takes messages from: those of the sites' accounting services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciler.exchange.rendered.files import Rendered, header
from reconciler.kinds.site import SiteSpec

ACCOUNTING_TYPES: Final = ("gLite-APEL", "eu.egi.cloud.accounting", "eu.egi.storage.accounting")
"""Service types whose hosts send accounting messages."""


def is_listed(dn: str, sites: Mapping[str, SiteSpec]) -> bool:
    """Whether a certificate of that name is among those that receivers take messages from."""
    return dn in ssm_allowlist(sites).text.splitlines()


def ssm_allowlist(sites: Mapping[str, SiteSpec]) -> Rendered:
    """One DN on each line, with the services whose it is as comments; of certified production sites alone."""
    owners: dict[str, list[str]] = {}
    untold: list[str] = []
    for name, site in sorted(sites.items()):
        if site.certification != "Certified" or site.infrastructure != "Production":
            continue
        for service in site.services:
            if service.type in ACCOUNTING_TYPES and service.hostDn:
                owners.setdefault(service.hostDn, []).append(f"{name} {service.type} {service.hostname}")
            elif service.type in ACCOUNTING_TYPES:
                untold.append(f"{name}: {service.name} ({service.type}) has no hostDn: its messages will be refused")
    said = header("ssm-allowlist", "Site manifests", f"Services: {', '.join(ACCOUNTING_TYPES)}.")
    for dn, services in sorted(owners.items()):
        said += "".join(f"# {service}\n" for service in sorted(services)) + f"{dn}\n"
    return Rendered({"dns": said}, tuple(untold))
