"""The shares of a site with the ids of their projects: as declared, or as Hanse made them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.kinds.share import ShareSpec
from reconciler.kinds.site import Cloud, Share, SiteSpec, share_name
from reconciler.kinds.vo import VOSpec
from reconciler.model import Ref, Resource


@dataclass(frozen=True, slots=True)
class Known:
    """One share. ``project_id`` is "" while nobody knows it."""

    cloud: Cloud
    share: Share
    group: str
    """The VO as its members' group is called: ``/biomed/vip``."""
    project_id: str
    project: str
    """The project's name, "" when it is not known."""


def shares_of(
    site: str, resources: Mapping[Ref, Resource], outputs: Mapping[Ref, Mapping[str, Any]]
) -> Iterator[Known]:
    """Every share of a site's clouds. ``outputs`` are those of Shares that have been made."""
    spec = resources[Ref.of("Site", site)].spec
    assert isinstance(spec, SiteSpec)  # noqa: S101 (its kind's own)
    for cloud in spec.clouds:
        for share in cloud.shares:
            vo = resources.get(Ref.of("VO", share.vo_name))
            group = (vo.spec.group if vo and isinstance(vo.spec, VOSpec) else None) or share.vo
            made = _made(site, cloud, share, resources, outputs)
            project = share.projectName or str(made.get("project", ""))
            yield Known(cloud, share, group, share.projectId or str(made.get("project_id", "")), project)


def _made(
    site: str, cloud: Cloud, share: Share, resources: Mapping[Ref, Resource], outputs: Mapping[Ref, Mapping[str, Any]]
) -> Mapping[str, Any]:
    """The outputs of the Share that the site brought along for a share; else of the one that is declared for its VO."""
    derived = Ref.of("Share", share_name(site, cloud, share))
    if derived in outputs:
        return outputs[derived]
    wanted = (site, cloud.name, share.vo_name)
    for ref, given in sorted(outputs.items()):
        spec = resources[ref].spec if ref in resources else None
        if isinstance(spec, ShareSpec) and (spec.site, spec.cloud, spec.vo) == wanted:
            return given
    return {}
