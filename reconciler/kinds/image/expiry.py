"""Time and images: what has expired is withdrawn, and whoever uses it is told, a while before too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from reconciler.kinds.base import Candidate, Fault, OpenChoice
from reconciler.kinds.image.spec import ImageSpec
from reconciler.model import Ref, Resource

FIELD = "standing"
OFFERED = "offered"
WITHDRAWN = "withdrawn"
SOON = timedelta(days=30)
"""How long before it expires whoever uses an image is told."""


def expired(spec: ImageSpec) -> str:
    """Why an image that is past its time is withdrawn."""
    return f"it expired on {_day(spec.expires)}"


def choice(spec: ImageSpec) -> OpenChoice:
    """What becomes of an image that is past its time: the one choice that the clock makes."""
    why = expired(spec)
    return OpenChoice(FIELD, (Candidate(OFFERED, why), Candidate(WITHDRAWN, reason=f"because {why}")))


def reminders(resources: Mapping[Ref, Resource], now: datetime) -> Iterator[tuple[Ref, str, Fault]]:
    """Images that expire soon or have been withdrawn, and the clusters that use them."""
    ending = {}
    for ref, resource in resources.items():
        if ref.startswith("Image/"):
            spec: ImageSpec = resource.spec
            if spec.withdrawn or spec.expires - now <= SOON:
                ending[ref.name] = spec
                yield ref, "image-expiring", Fault("spec.expires", _said(spec, now), _cure(spec))
    yield from _users(resources, ending, now) if ending else ()


def _users(
    resources: Mapping[Ref, Resource], ending: Mapping[str, ImageSpec], now: datetime
) -> Iterator[tuple[Ref, str, Fault]]:
    """Clusters whose VO endorses an image that ends; a cloud's own image by the same name is none of ours."""
    for ref in sorted(ref for ref in resources if ref.startswith("VirtualCluster/")):
        cluster = orjson.loads(resources[ref].content)
        listed = _listed(resources.get(Ref.of("VO", cluster["vo"])))
        for path, machine in machines(cluster):
            spec = ending.get(machine["image"])
            if spec is not None and machine["image"] in listed:
                said = f"the image {machine['image']}: {_said(spec, now)}"
                yield ref, "image-in-use", Fault(f"{path}.image", said, "name another image, or have it renewed")


def machines(cluster: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The machines of a cluster's manifest, and where they stand in it."""
    yield "spec.frontend", cluster["frontend"]
    for n, group in enumerate(cluster.get("workers") or ()):
        yield f"spec.workers[{n}]", group


def _listed(vo: Resource | None) -> set[str]:
    return {image["name"] for image in orjson.loads(vo.content).get("images") or ()} if vo else set()


def _said(spec: ImageSpec, now: datetime) -> str:
    if spec.expires <= now:
        return f"{expired(spec)}: no new machine can be made from it"
    if spec.withdrawn:
        return f"it is withdrawn ({spec.withdrawn}): no new machine can be made from it"
    return f"it expires on {_day(spec.expires)}"


def _cure(spec: ImageSpec) -> str:
    return "have a new version endorsed, or take it out" if spec.withdrawn else "have it endorsed anew"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
