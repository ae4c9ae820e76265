"""Where a cluster could go: every cloud of every site, or those of the one site that is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.kinds.base import Federation
from reconciler.kinds.virtualcluster.connect import target_id
from reconciler.kinds.virtualcluster.sites import Cloud, Site, site_of, sites
from reconciler.kinds.virtualcluster.spec import AUTO, VirtualClusterSpec


@dataclass(frozen=True, slots=True)
class Place:
    """One cloud of one site, seen by one cluster."""

    name: str
    """As the choice names it: ``site/cloud``, or the cloud alone where the site is given."""
    site_name: str
    site: Site
    cloud: Cloud
    target: str
    """Target id of the VO's project there."""


def places(spec: VirtualClusterSpec, federation: Federation) -> Sequence[Place]:
    """Every place that the spec leaves open."""
    if spec.site == AUTO:
        found = sites(federation)
    else:
        named = site_of(federation, spec.site)
        found = [(spec.site, named)] if named else []
    return [
        Place(
            f"{name}/{cloud.name}" if spec.site == AUTO else cloud.name,
            name,
            site,
            cloud,
            target_id(name, cloud.name, spec.vo),
        )
        for name, site in found
        for cloud in site.clouds
    ]


def picked_place(filled: VirtualClusterSpec) -> str:
    """The place that a filled spec was made with."""
    return f"{filled.site}/{filled.cloud}"
