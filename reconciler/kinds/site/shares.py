"""The Shares that a site brings along: one for each share of a cloud that is to be onboarded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import cast

from reconciler.kinds.base import Derived, Federation
from reconciler.kinds.share.spec import Quota, ShareSpec
from reconciler.kinds.site.cloud import Cloud, Share
from reconciler.kinds.site.onboarding import Onboarding
from reconciler.kinds.site.spec import SiteSpec
from reconciler.kinds.vo.allocation import Allocation
from reconciler.kinds.vo.spec import VOSpec
from reconciler.model import Ref

_MIB_PER_GIB = 1024
_SHUT_OUT = frozenset({"Suspended", "Deleted"})
"""Standings of a VO whose members do not come in."""
_LONGEST = 64


def derived(site: str, spec: SiteSpec, federation: Federation) -> Iterator[Derived]:
    """A Share for each share of a cloud with ``onboarding``. The site does not wait for them."""
    for cloud in spec.clouds:
        if cloud.onboarding is None:
            continue
        for share in cloud.shares:
            vo = cast("VOSpec | None", federation.get(Ref.of("VO", share.vo_name)))
            if vo is not None:
                made = share_of(site, cloud, cloud.onboarding, share, vo)
                yield Derived("Share", share_name(site, cloud, share), made, "none")


def share_name(site: str, cloud: Cloud, share: Share) -> str:
    """Name of the Share that a site brings along: site, cloud, VO; of a VO's several projects, each its own too."""
    more = share.projectName or share.projectId or share.region
    several = len(cloud.shares_of(share.vo)) > 1
    plain = ".".join([site, cloud.name, share.vo_name, *([more] if several and more else [])])
    return re.sub(r"[^A-Za-z0-9._-]", "-", plain)


def share_of(site: str, cloud: Cloud, how: Onboarding, share: Share, vo: VOSpec) -> ShareSpec:
    """What a share of a cloud is in its keystone, where it is made as ``how`` says."""
    entitlement = None if vo.status in _SHUT_OUT else vo.entitlement()
    return ShareSpec(
        site=site,
        cloud=cloud.name,
        vo=share.vo_name,
        domain=how.domain,
        project=share.projectName or share.vo_name[:_LONGEST],
        projectId=share.projectId,
        property=(vo.group or share.vo_name).strip("/"),
        role=how.role,
        entitlements=(entitlement,) if entitlement else (),
        issuer=how.issuer,
        identityProvider=cloud.identityProvider,
        protocol=cloud.protocol,
        mapping=how.mapping,
        claims=how.claims,
        quotas=tuple(_quotas(site, how.quota, vo.allocations)),
    )


def _quotas(site: str, base: Quota | None, allocations: Iterable[Allocation]) -> Iterator[Quota]:
    """What was promised in each period on top of the limits for all; those alone outside of any period."""
    for allocation in allocations:
        if allocation.site == site:
            promised = {
                "instances": allocation.instances,
                "vcpus": allocation.vcpus,
                "ramMiB": None if allocation.ramGiB is None else allocation.ramGiB * _MIB_PER_GIB,
                "storageGiB": allocation.storageGiB,
                "start": allocation.start,
                "end": allocation.end,
            }
            given = {name: value for name, value in promised.items() if value is not None}
            yield (base or Quota()).model_copy(update=given)
    if base is not None:
        yield base
