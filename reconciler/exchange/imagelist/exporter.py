"""Giving a VO's images out as an image list, for sites that take them with other tools; signed where a key is given."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson

from reconciler.exchange.imagelist.form import DATE, YEAR, entry
from reconciler.exchange.imagelist.signed import Signer
from reconciler.kinds.image import ImageSpec
from reconciler.model import Ref, Resource


def endorsed(resources: Mapping[Ref, Resource], vo: str, now: datetime) -> list[tuple[str, dict[str, Any]]]:
    """The images that a VO endorses and that are offered, by name."""
    listed = resources[Ref.of("VO", vo)].spec.images
    found = []
    for wanted in sorted(listed, key=lambda image: image.name):
        resource = resources.get(Ref.of("Image", wanted.name))
        if resource is None:
            continue
        spec: ImageSpec = resource.spec
        if not spec.withdrawn and spec.expires > now and wanted.tag in (None, spec.version):
            found.append((wanted.name, orjson.loads(resource.content)))
    return found


def image_list(
    vo: str, images: Sequence[tuple[str, Mapping[str, Any]]], now: datetime, signer: Signer, source: str
) -> bytes:
    """The list in JSON. It expires with the first of its images, a year from ``now`` at the latest."""
    ends = [datetime.fromisoformat(spec["expires"]) for _, spec in images]
    whole = {
        "ad:vo": vo,
        "dc:date:created": now.strftime(DATE),
        "dc:date:expires": min([*ends, now + YEAR]).strftime(DATE),
        "dc:description": f"Images that the VO {vo} endorses",
        "dc:identifier": str(uuid5(NAMESPACE_URL, f"hanse:{source}:{vo}")),
        "dc:source": source,
        "dc:title": f"Images of {vo}",
        "hv:endorser": {"hv:x509": _endorser(signer)},
        "hv:images": [entry(name, spec) for name, spec in images],
        "hv:version": now.strftime("%Y%m%d.%H%M%S"),
    }
    return json.dumps({"hv:imagelist": whole}, indent=1, ensure_ascii=False).encode() + b"\n"


def _endorser(signer: Signer) -> dict[str, str]:
    name = signer.subject.rpartition("CN=")[2]
    return {"dc:creator": name, "hv:ca": signer.issuer, "hv:dn": signer.subject}
