"""The properties that an image bears: what it is, for people and machines, and whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from reconciler.kinds.siteimage.appliance import Checksums, Minimum, System
from reconciler.kinds.siteimage.spec import SiteImageSpec
from reconciler.model import Ref
from reconciler.ports import StoredImage
from reconciler.ports.images import CONTENT, OWNER

REF = "hanse_ref"
TARGET = "hanse_target"
VERSION = "hanse_version"
EXPIRES = "hanse_expires"
CORES = "hanse_min_cores"
IDENTIFIER = "ad:mpuri"
"""As EGI's image lists call it; accounting looks for it."""
SYSTEM = {"type": "os_type", "distribution": "os_distro", "version": "os_version", "architecture": "architecture"}
OURS = frozenset({OWNER, CONTENT, REF, TARGET, VERSION, EXPIRES, CORES, IDENTIFIER, *SYSTEM.values()})
"""Properties that follow from other fields of the spec."""


def properties(ref: Ref, target: str, spec: SiteImageSpec) -> dict[str, str]:
    """What an image says of itself besides whose it is and what its content is, which its driver writes."""
    said = {
        **spec.properties,
        **{name: getattr(spec.system, field) for field, name in SYSTEM.items()},
        VERSION: spec.version,
        EXPIRES: spec.expires.astimezone(UTC).isoformat() if spec.expires else None,
        CORES: str(spec.minimum.cores) if spec.minimum.cores else None,
        IDENTIFIER: spec.identifier,
        REF: str(ref),
        TARGET: target,
    }
    return {name: value for name, value in said.items() if value is not None}


def as_seen(spec: SiteImageSpec, image: StoredImage, former: Mapping[str, str]) -> SiteImageSpec:
    """The spec as an image shows it. ``former`` are properties applied last: one that still stands is seen."""
    shown, looked_for = image.properties, {**former, **spec.properties}
    return spec.model_copy(
        update={
            "image": image.name or "unnamed",
            "format": image.format,
            "checksum": _checksum(spec, image),
            "version": shown.get(VERSION) or None,
            "system": System(**{field: shown.get(name) or None for field, name in SYSTEM.items()}),
            "minimum": _minimum(image),
            "identifier": shown.get(IDENTIFIER) or None,
            "expires": _instant(shown.get(EXPIRES, "")),
            "visibility": image.visibility or "unknown",
            "properties": {name: shown[name] for name in looked_for if name in shown},
            "hidden": image.hidden,
            "withdrawn": None,
        }
    )


def _checksum(spec: SiteImageSpec, image: StoredImage) -> Checksums | None:
    """As wanted where that is its content, else what it is instead; None while it has none."""
    if spec.checksum and image.has(spec.checksum.listed()):
        return spec.checksum
    sums = dict(c.split(":", 1) for c in (*image.checksums, image.properties.get(CONTENT, "")) if ":" in c)
    known: dict[str, Any] = {name: sums[name] for name in ("sha512", "sha256") if name in sums}
    try:
        return Checksums(**known) if known and image.state not in ("empty", "filling") else None
    except ValidationError:  # somebody has written something else there
        return None


def _minimum(image: StoredImage) -> Minimum:
    cores = image.properties.get(CORES, "")
    return Minimum(
        cores=int(cores) if cores.isdecimal() and int(cores) else None,
        memoryMiB=image.min_ram_mib or None,
        diskGiB=image.min_disk_gib or None,
    )


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None
