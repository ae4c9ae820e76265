"""The two forms of the same data: a site file, and a cloud of a Site manifest. Nothing is lost on either way.

What the site file's schema does not know is kept under ``properties`` (and ``auth``, for keys of a share's
authentication), and stands where it stood when it is given back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.manifest.roundtrip import Document

DRIVER = "openstack"
_TEXTS = ("auth", "region", "protocol")
_SHARE = {"project_id": "projectId", "project_name": "projectName", "region": "region"}
_KNOWN = ("gocdb", "endpoint", *_TEXTS, "images", "accounting", "vos")


def cloud_of(document: Document, name: str) -> dict[str, Any]:
    """The cloud that a checked site file describes."""
    data, written = document.data, document.scalars
    cloud: dict[str, Any] = {"name": name, "driver": DRIVER, "endpoint": written["endpoint",]}
    cloud |= {key: written[key,] for key in _TEXTS if key in data}
    images = data.get("images", {})
    if "formats" in images:
        cloud["imageFormats"] = [written["images", "formats", n] for n in range(len(images["formats"]))]
    if "sync" in images:
        cloud["imageSync"] = images["sync"]
    if "accounting" in data:
        cloud["accounting"] = _accounting(data["accounting"])
    if data.get("vos"):
        cloud["shares"] = [_share(document, path, entry) for path, entry in entries(data["vos"])]
    rest = _rest(data, _KNOWN)
    odd = _rest(images, ("formats", "sync"))
    if odd:
        rest["images"] = odd
    return cloud | ({"properties": rest} if rest else {})


def entries(vos: Any) -> list[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Shares with their paths, from either form of ``vos``: a list of entries, or (until 2021) VO -> entry."""
    if isinstance(vos, Mapping):
        return [(("vos", name), entry or {}) for name, entry in vos.items()]
    return [(("vos", n), entry) for n, entry in enumerate(vos)]


def vo_of(document: Document, path: tuple[str | int, ...]) -> str:
    """The VO of a share, as it is written."""
    return document.scalars[(*path, "name")] if isinstance(path[-1], int) else str(path[-1])


def site_file_of(site: str, cloud: Mapping[str, Any]) -> dict[str, Any]:
    """The site file of one cloud, given as manifest data."""
    data: dict[str, Any] = {"gocdb": site, "endpoint": cloud["endpoint"]}
    data |= {key: cloud[key] for key in _TEXTS if key in cloud}
    properties = dict(cloud.get("properties", {}))
    images = {"sync": cloud.get("imageSync"), "formats": cloud.get("imageFormats"), **properties.pop("images", {})}
    images = {key: value for key, value in images.items() if value is not None}
    if images:
        data["images"] = images
    if "accounting" in cloud:
        accounting = cloud["accounting"]
        known = {"enabled": accounting.get("enabled"), "site_name": accounting.get("siteName")}
        data["accounting"] = {k: v for k, v in known.items() if v is not None} | accounting.get("properties", {})
    data["vos"] = [_entry(share) for share in cloud.get("shares", ())]
    return {**data, **properties}


def _accounting(accounting: Mapping[str, Any]) -> dict[str, Any]:
    found = {"enabled": accounting.get("enabled"), "siteName": accounting.get("site_name")}
    rest = _rest(accounting, ("enabled", "site_name"))
    return {**{k: v for k, v in found.items() if v is not None}, **({"properties": rest} if rest else {})}


def _share(document: Document, path: tuple[str | int, ...], entry: Mapping[str, Any]) -> dict[str, Any]:
    auth = entry.get("auth") or {}
    share: dict[str, Any] = {"vo": vo_of(document, path)}
    share |= {ours: document.scalars[(*path, "auth", key)] for key, ours in _SHARE.items() if key in auth}
    more = _rest(auth, tuple(_SHARE))
    rest = _rest(entry, ("name", "auth") if isinstance(path[-1], int) else ("auth",))
    return share | ({"auth": more} if more else {}) | ({"properties": rest} if rest else {})


def _entry(share: Mapping[str, Any]) -> dict[str, Any]:
    auth = {key: share[ours] for key, ours in _SHARE.items() if ours in share} | share.get("auth", {})
    return {"name": share["vo"], "auth": auth, **share.get("properties", {})}


def _rest(data: Mapping[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in known}
