"""Clusters wait for the images that are brought to their cloud: made after them, and taken away before them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import orjson

from reconciler.kinds.virtualcluster.connect import target_id
from reconciler.model import Edge, Ref, Resource


def awaited(resources: Mapping[Ref, Resource]) -> Iterator[tuple[Ref, Edge]]:
    """(cluster, edge to the image) for each image that stands, or shall, in the project that a cluster is in."""
    brought: dict[str, dict[str, Ref]] = {}
    for ref, resource in resources.items():
        if ref.startswith("SiteImage/"):
            said = orjson.loads(resource.content)
            brought.setdefault(target_id(said["site"], said["cloud"], said["vo"]), {})[said["image"]] = ref
    if not brought:
        return
    for ref in [ref for ref, r in resources.items() if ref.startswith("VirtualCluster/") and r.target in brought]:
        cluster = orjson.loads(resources[ref].content)
        used = {machine["image"]: path for path, machine in reversed(list(_machines(cluster)))}
        here = brought[resources[ref].target]
        for image in sorted(used.keys() & here.keys()):
            yield ref, Edge(here[image], "exists", f"{used[image]}.image")


def _machines(cluster: Mapping[str, object]) -> Iterator[tuple[str, Mapping[str, str]]]:
    frontend, workers = cluster["frontend"], cluster.get("workers") or []
    assert isinstance(frontend, dict)  # noqa: S101 (it was validated)
    assert isinstance(workers, list)  # noqa: S101
    yield "spec.frontend", frontend
    yield from ((f"spec.workers[{n}]", group) for n, group in enumerate(workers))
