"""What must hold for an image beyond the types of its fields, and between it and those who use it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import Any

import orjson

from reconciler.kinds.base import Fault, Rule, between
from reconciler.kinds.image.expiry import machines
from reconciler.kinds.image.spec import ImageSpec
from reconciler.kinds.siteimage.rules import own_properties
from reconciler.model import Ref, Resource
from reconciler.nearest import meant

LONGEST = timedelta(days=366)
"""A year, leap years included."""
_KINDS = ("Image/", "VO/", "Site/", "VirtualCluster/")

Quarrel = tuple[Ref, str, Fault]


def _validity(_ref: Ref, spec: ImageSpec) -> Iterator[Fault]:
    if spec.expires <= spec.created:
        yield Fault("spec.expires", "it would expire before it was made", "give a later time")
    elif spec.expires - spec.created > LONGEST:
        latest = spec.created + LONGEST
        said = f"an image is endorsed for a year at most, this one for {(spec.expires - spec.created).days} days"
        yield Fault("spec.expires", said, f"give {latest:%Y-%m-%dT%H:%M:%SZ} or earlier")


def _weak(_ref: Ref, spec: ImageSpec) -> Iterator[Fault]:
    if spec.url.startswith("http:") and spec.checksum.sha512 is None:
        yield Fault("spec.checksum", "it comes by plain http, without a sha512", "add sha512, or use https")


def quarrels(resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterator[Quarrel]:
    """What is odd between images, VOs, clouds and clusters; nothing is said where nobody declares an image."""
    if not any(ref.startswith(_KINDS) for ref in changed):
        return
    images = sorted(ref for ref in resources if ref.startswith("Image/"))
    if not images:
        return
    specs: dict[str, ImageSpec] = {ref.name: resources[ref].spec for ref in images}
    vos = {ref.name: orjson.loads(r.content) for ref, r in resources.items() if ref.startswith("VO/")}
    yield from _endorsed(vos, specs)
    yield from _formats(resources, vos, specs)
    yield from _minimum(resources, vos, specs)


def _endorsed(vos: Mapping[str, Any], specs: Mapping[str, ImageSpec]) -> Iterator[Quarrel]:
    """A VO lists what nobody declares, or a version that is not the declared one."""
    for vo, content in sorted(vos.items()):
        for n, wanted in enumerate(content.get("images") or ()):
            name, tag, path = wanted["name"], wanted.get("tag"), f"spec.images[{n}]"
            if name not in specs and not wanted.get("source"):
                cure = meant(name, specs, "declare it, or say where it comes from (source)")
                yield Ref.of("VO", vo), "image-undeclared", Fault(f"{path}.name", f"no Image is called {name}", cure)
            elif name in specs and tag not in (None, specs[name].version):
                said = f"the version {tag} of {name} is wanted, {specs[name].version} is declared: it goes nowhere"
                yield (
                    Ref.of("VO", vo),
                    "image-version",
                    Fault(f"{path}.tag", said, "endorse that one, or leave tag out"),
                )


def _formats(
    resources: Mapping[Ref, Resource], vos: Mapping[str, Any], specs: Mapping[str, ImageSpec]
) -> Iterator[Quarrel]:
    """A cloud supports the VO and does not take images of that format."""
    listed = {vo: {i["name"] for i in content.get("images") or ()} & specs.keys() for vo, content in vos.items()}
    for ref in sorted(ref for ref in resources if ref.startswith("Site/")):
        for cloud in orjson.loads(resources[ref].content).get("clouds") or ():
            formats = cloud.get("imageFormats")
            if not cloud.get("imageSync") or not formats:
                continue
            wanted = {name for share in cloud.get("shares") or () for name in listed.get(_name(share["vo"]), ())}
            for name in sorted(name for name in wanted if specs[name].format not in formats):
                said = (
                    f"{ref.name}/{cloud['name']} takes {', '.join(formats)}, not {specs[name].format}: it is left out"
                )
                yield Ref.of("Image", name), "image-format", Fault("spec.format", said, "offer it in such a format")


def _minimum(
    resources: Mapping[Ref, Resource], vos: Mapping[str, Any], specs: Mapping[str, ImageSpec]
) -> Iterator[Quarrel]:
    """A cluster asks for machines that are too small for their image."""
    for ref in sorted(ref for ref in resources if ref.startswith("VirtualCluster/")):
        cluster = orjson.loads(resources[ref].content)
        listed = {image["name"] for image in vos.get(cluster["vo"], {}).get("images") or ()}
        for path, machine in machines(cluster):
            spec = specs.get(machine["image"]) if machine["image"] in listed else None
            if spec is None or machine.get("flavour"):
                continue
            least = {"cpus": spec.minimum.cores, "ramMiB": spec.minimum.memoryMiB, "diskGiB": spec.minimum.diskGiB}
            for field, number in ((f, n) for f, n in least.items() if n is not None and machine.get(f, 0) < n):
                said = f"{machine['image']} needs at least {number}"
                yield ref, "image-minimum", Fault(f"{path}.{field}", said, f"give {number}")


def _name(group: str) -> str:
    return group.strip("/").replace("/", "_")


RULES = (
    Rule(
        "image-validity",
        "An image is endorsed for a year at most (EGI's policy on the endorsement of virtual machine images).",
        _validity,
    ),
    Rule("image-plain", "What comes without encryption has a strong checksum.", _weak, "warning"),
    Rule(
        "image-properties",
        "Properties that Hanse writes are not given by hand.",
        lambda _ref, spec: own_properties(spec.properties),
    ),
    Rule("image-undeclared", "What a VO endorses is declared, or says where it comes from.", between, "warning"),
    Rule("image-version", "A VO endorses the version that is declared.", between, "warning"),
    Rule("image-format", "An image has a format that the clouds of its VOs take.", between, "warning"),
    Rule("image-minimum", "Machines have what their image needs.", between, "warning"),
    Rule("image-expiring", "An image that expires within 30 days is renewed.", between, "warning"),
    Rule("image-in-use", "No cluster uses an image that has expired, or will within 30 days.", between, "warning"),
)
