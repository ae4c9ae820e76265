"""What glance shows of images, in the port's words, and what it is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.ports.images import CONTENT, OWNER, ImageRequest, ImageState, ImageUpdate, StoredImage

_STATES: Mapping[str, ImageState] = {
    "queued": "empty",
    "saving": "filling",
    "uploading": "filling",
    "importing": "filling",
    "active": "active",
    "deactivated": "deactivated",
}
"""What is killed, deleted or about to be is not there."""
_OWN = frozenset(
    {
        "id", "name", "status", "visibility", "protected", "checksum", "os_hash_algo", "os_hash_value", "os_hidden",
        "owner", "size", "virtual_size", "disk_format", "container_format", "created_at", "updated_at", "min_disk",
        "min_ram", "tags", "self", "file", "schema", "stores", "locations", "direct_url",
    }
)  # fmt: skip
"""Glance's own fields; whatever else an image says are properties."""
_FIELDS = {"name": "name", "hidden": "os_hidden", "visibility": "visibility", "min_disk_gib": "min_disk",
           "min_ram_mib": "min_ram"}  # fmt: skip


def stored(shown: Mapping[str, Any]) -> StoredImage | None:
    """An image of ``/v2/images``; None when it is going."""
    state = _STATES.get(str(shown.get("status")))
    if state is None:
        return None
    sums = {shown.get("os_hash_algo"): shown.get("os_hash_value"), "md5": shown.get("checksum")}
    return StoredImage(
        id=str(shown["id"]),
        name=shown.get("name") or "",
        state=state,
        format=shown.get("disk_format") or "",
        properties={k: str(v) for k, v in shown.items() if k not in _OWN and v is not None},
        checksums=frozenset(f"{name}:{value}" for name, value in sums.items() if name and value),
        size=shown.get("size"),
        hidden=bool(shown.get("os_hidden")),
        visibility=shown.get("visibility") or "",
        min_disk_gib=shown.get("min_disk") or 0,
        min_ram_mib=shown.get("min_ram") or 0,
        created=shown.get("created_at") or "",
    )


def body(request: ImageRequest) -> dict[str, Any]:
    """What registers an image."""
    own = {
        "name": request.name,
        "disk_format": request.appliance.format,
        "container_format": "ova" if request.appliance.format == "ova" else "bare",
        "visibility": request.visibility,
        "min_disk": request.min_disk_gib,
        "min_ram": request.min_ram_mib,
    }
    return {**request.properties, OWNER: request.owner, CONTENT: request.appliance.content, **own}


def patch(update: ImageUpdate) -> list[dict[str, Any]]:
    """An update as a JSON patch, in glance's dialect: ``add`` also replaces a property that is there."""
    made: list[dict[str, Any]] = []
    for name, value in sorted(update.properties.items()):
        path = "/" + name.replace("~", "~0").replace("/", "~1")
        made.append({"op": "remove", "path": path} if value is None else {"op": "add", "path": path, "value": value})
    for field, name in _FIELDS.items():
        value = getattr(update, field)
        if value is not None:
            made.append({"op": "replace", "path": f"/{name}", "value": value})
    return made
