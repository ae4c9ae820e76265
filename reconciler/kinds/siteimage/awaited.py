"""Clusters wait for the images that are brought to their clouds: made after them, and taken away before them.

They do not wait in vain: where an image cannot be brought, the cloud may have one of its own by that name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from reconciler.kinds.virtualcluster.connect import PREFIX
from reconciler.model import Edge, Ref, Resource

Brought = Mapping[tuple[str, str], Mapping[str, Ref]]
"""(site, cloud) -> image -> its SiteImage, of one VO."""


def awaited(resources: Mapping[Ref, Resource]) -> Iterator[tuple[Ref, Edge]]:
    """(cluster, edge to the image) for each image that stands, or shall, in a project that a cluster is in."""
    by_vo: dict[str, dict[tuple[str, str], dict[str, Ref]]] = {}
    for ref, resource in resources.items():
        if ref.startswith("SiteImage/"):
            said = orjson.loads(resource.content)
            here = by_vo.setdefault(said["vo"], {}).setdefault((said["site"], said["cloud"]), {})
            here[said["image"]] = ref
    clusters = [ref for ref in resources if ref.startswith("VirtualCluster/")] if by_vo else []
    for ref in clusters:
        site, _, rest = resources[ref].target.removeprefix(PREFIX).partition("/")
        cloud, _, vo = rest.partition("/")
        if vo in by_vo:
            needs = dict(_needs(orjson.loads(resources[ref].content), (site, cloud), by_vo[vo]))
            yield from ((ref, Edge(image, "after", path)) for image, path in sorted(needs.items()))


def _needs(cluster: Mapping[str, Any], home: tuple[str, str], brought: Brought) -> Iterator[tuple[Ref, str]]:
    """(image, where it is named), the front end's last: of several that name one the first counts."""
    groups = [(f"spec.workers[{n}]", group) for n, group in enumerate(cluster.get("workers") or ())]
    for path, machine in reversed([("spec.frontend", cluster["frontend"]), *groups]):
        site, cloud = (machine["site"], machine.get("cloud")) if machine.get("site") else home
        for place, images in brought.items():
            if place[0] == site and cloud in (None, place[1]) and machine["image"] in images:
                yield images[machine["image"]], f"{path}.image"
