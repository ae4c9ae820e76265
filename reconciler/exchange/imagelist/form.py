"""The fields of an image list, and those of an Image: one table for both ways.

Dates are ``2026-11-21T12:00:00Z``; numbers are text; RAM is MiB. What a list has more is not kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from reconciler.exchange.imagelist.signed import Signer

DATE = "%Y-%m-%dT%H:%M:%SZ"
YEAR = timedelta(days=366)
_FORMATS = {"qcow2": "qcow2", "qcow": "qcow2", "raw": "raw", "img": "raw", "vmdk": "vmdk", "vdi": "vdi", "vhd": "vhd",
            "vhdx": "vhdx", "iso": "iso", "ova": "ova"}  # fmt: skip
_TEXT = {"dc:title": ("title",), "dc:description": ("description",), "hv:uri": ("url",), "hv:version": ("version",),
         "ad:mpuri": ("identifier",), "dc:identifier": ("uuid",), "sl:osname": ("system", "distribution"),
         "sl:osversion": ("system", "version"), "sl:arch": ("system", "architecture"),
         "sl:checksum:sha512": ("checksum", "sha512"), "sl:checksum:sha256": ("checksum", "sha256")}  # fmt: skip
_LOWER = {"sl:os": ("system", "type"), "hv:format": ("format",)}
_NUMBERS = {"hv:size": ("sizeBytes",), "hv:ram_minimum": ("minimum", "memoryMiB"),
            "hv:core_minimum": ("minimum", "cores"), "ad:ram_recommended": ("recommended", "memoryMiB"),
            "ad:core_recommended": ("recommended", "cores")}  # fmt: skip
OWNED = ("title", "description", "url", "version", "identifier", "uuid", "system", "checksum", "format", "sizeBytes",
         "minimum", "recommended", "created", "expires", "list")  # fmt: skip
"""Fields that a list has the say in; all others are people's."""


class FormFault(ValueError):
    """A field that cannot be taken in: its name and what is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


def moment(text: Any, field: str) -> datetime:
    """A date of a list. Raises FormFault."""
    try:
        return datetime.strptime(str(text), DATE).replace(tzinfo=UTC)
    except ValueError as error:
        raise FormFault(field, f"{text!r} is not a date such as 2026-11-21T12:00:00Z") from error


def spec_of(image: Mapping[str, Any], whole: Mapping[str, Any], signer: Signer) -> tuple[dict[str, Any], list[str]]:
    """The spec that an image of a list makes, and what had to be made fit. Raises FormFault for what cannot be."""
    _complete(image)
    spec = _fields(image)
    if spec["format"] not in _FORMATS:
        raise FormFault("hv:format", f"{image['hv:format']} is not a format that clouds take")
    spec["format"] = _FORMATS[spec["format"]]
    created, expires, told = _validity(image, whole)
    spec |= {"created": created.strftime(DATE), "expires": expires.strftime(DATE)}
    spec["list"] = {"identifier": str(whole["dc:identifier"]), "endorser": signer.subject, "authority": signer.issuer}
    if whole.get("hv:version"):
        spec["list"]["version"] = str(whole["hv:version"])
    return spec, told


def _complete(image: Mapping[str, Any]) -> None:
    for field in ("dc:identifier", "hv:uri", "hv:version", "hv:format"):
        if not image.get(field):
            raise FormFault(field, f"{field} is missing")
    if not image.get("sl:checksum:sha512") and not image.get("sl:checksum:sha256"):
        raise FormFault("sl:checksum:sha512", "there is no checksum: it could not be verified")


def _fields(image: Mapping[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    for name, path in {**_TEXT, **_LOWER}.items():
        if image.get(name):
            text = str(image[name]).strip()
            _put(spec, path, text.lower() if name in _LOWER else text)
    for name, path in _NUMBERS.items():
        if _number(image.get(name), name):
            _put(spec, path, _number(image.get(name), name))
    return spec


def _validity(image: Mapping[str, Any], whole: Mapping[str, Any]) -> tuple[datetime, datetime, list[str]]:
    """An image ends with its list at the latest, and a year after it was made."""
    dates = [moment(one["dc:date:created"], "dc:date:created") for one in (image, whole) if one.get("dc:date:created")]
    ends = [moment(one["dc:date:expires"], "dc:date:expires") for one in (image, whole) if one.get("dc:date:expires")]
    if not ends:
        raise FormFault("dc:date:expires", "nobody says when it expires")
    expires = min(ends)
    created = dates[0] if dates else expires - YEAR
    if expires <= created:
        raise FormFault("dc:date:expires", "it would expire before it was made")
    if expires - created > YEAR:
        latest = created + YEAR
        return created, latest, [f"endorsed for more than a year: taken in until {latest:%Y-%m-%d}"]
    return created, expires, []


def _number(value: Any, name: str) -> int:
    if value in (None, ""):
        return 0
    try:
        return int(str(value))
    except ValueError as error:
        raise FormFault(name, f"{value!r} is not a number") from error


def _put(spec: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        spec = spec.setdefault(part, {})
    spec[path[-1]] = value


def name_of(image: Mapping[str, Any]) -> str:
    """A name for a manifest: of the title ``Image for CernVM [Scientific Linux/6.0/KVM]`` that is ``cernvm``."""
    title = str(image.get("dc:title") or image.get("dc:identifier"))
    plain = re.sub(r"^Image (for )?", "", re.sub(r"\[.*\]", "", title).strip()).strip(" .") or title
    made = re.sub(r"[^a-z0-9._]+", "-", plain.lower()).strip("-._")
    return made[:200] or str(image["dc:identifier"]).lower()


def entry(name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    """An Image as an entry of a list."""
    said: dict[str, Any] = {"dc:identifier": spec.get("uuid") or name, "dc:title": spec.get("title") or name}
    for field, path in {**_TEXT, **_LOWER, **_NUMBERS}.items():
        value = _at(spec, path)
        if value is not None:
            said[field] = str(value)
    said |= {"hv:hypervisor": "KVM,QEMU", "ad:mpuri": spec.get("identifier") or spec["url"]}
    said |= {"dc:date:created": _date(spec["created"]), "dc:date:expires": _date(spec["expires"])}
    return {"hv:image": dict(sorted(said.items()))}


def _at(spec: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = spec
    for part in path:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _date(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).strftime(DATE)


def entries(whole: Mapping[str, Any]) -> Iterator[tuple[int, Any]]:
    """The images of a list, numbered."""
    for n, one in enumerate(whole.get("hv:images") or ()):
        yield n, one.get("hv:image") if isinstance(one, Mapping) else None
