"""From a storage's name to the way there: what its site declares, completed by the operator's settings."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from reconciler.errors import Terminal
from reconciler.kinds.base import Federation
from reconciler.kinds.site import SiteSpec
from reconciler.kinds.site.own import given
from reconciler.kinds.site.storage import Storage
from reconciler.model import Ref, Spec, Target
from reconciler.ports import Drivers

PREFIX = "storage:"


class Closed(NamedTuple):
    """Why a storage may not be used in some way, and until when (None: until somebody opens it)."""

    reason: str
    until: datetime | None


def target_id(site: str, storage: str) -> str:
    """``storage:<site>/<storage>``."""
    return f"{PREFIX}{site}/{storage}"


def connect(identity: str, federation: Federation, drivers: Drivers) -> Target:
    """The storage behind a target id."""
    site = identity.removeprefix(PREFIX).partition("/")[0]
    return reached(identity, federation.get(Ref.of("Site", site)), drivers)


def described(identity: str, federation: Federation) -> bool:
    """Whether a site still declares the storage behind a target id."""
    site, _, storage = identity.removeprefix(PREFIX).partition("/")
    spec = federation.get(Ref.of("Site", site))
    return isinstance(spec, SiteSpec) and spec.storage_named(storage) is not None


def reached(identity: str, site: Spec | None, drivers: Drivers) -> Target:
    """The storage behind a target id of a site known already. The operator's options win over the manifest's."""
    declared = site.storage_named(identity.partition("/")[2]) if isinstance(site, SiteSpec) else None
    driver, options = drivers.options(identity, declared.driver if declared else "")
    return Target(identity, driver, {**(_options(declared) if declared else {}), **options})


def closed(target: Target, way: Literal["read", "write", "delete"], now: datetime) -> Closed | None:
    """Why ``target`` is closed for reading, writing or deleting; None when it is open. ``now`` is UTC."""
    said = target.options.get("closed", {}).get(way)
    if said is None:
        return None
    until = datetime.fromisoformat(said["until"]) if said.get("until") else None
    return None if until is not None and until <= now else Closed(said["reason"], until)


def permitted(target: Target, url: str) -> None:
    """Of the reconciler's own disk only what the operator has named may be read. Raises Terminal for anything else."""
    if urlsplit(url).scheme != "file":
        return
    path = Path(unquote(urlsplit(url).path)).resolve()
    folders = [Path(str(folder)).resolve() for folder in target.options.get("fileSources", ())]
    if not any(path.is_relative_to(folder) for folder in folders):
        cure = f'add its folder to fileSources of [targets."{target.id}"] in hanse.toml'
        raise Terminal(f"{url} is on the reconciler's own disk and may not be copied: {cure}")


def _options(storage: Storage) -> dict[str, Any]:
    """What the manifest says about the way to a storage, as plain JSON data."""
    said = {
        "url": storage.url,
        "protocol": storage.protocol,
        "capacity": storage.limits.maxBytes,
        "minFreeBytes": storage.limits.minFreeBytes,
        "highPercent": getattr(storage.limits, "highPercent", None),
        "lowPercent": getattr(storage.limits, "lowPercent", None),
        "closed": _closures(storage),
        "links": {link.to: link.atOnce for link in getattr(storage, "links", ()) if link.atOnce},
    }
    return {name: value for name, value in {**said, **given(storage.options)}.items() if value not in (None, {})}


def _closures(storage: Storage) -> dict[str, dict[str, str]]:
    ways = (
        ("read", storage.availability.read),
        ("write", storage.availability.write),
        ("delete", storage.availability.delete),
    )
    return {
        way: {"reason": access.reason or "closed", **({"until": access.until.isoformat()} if access.until else {})}
        for way, access in ways
        if not access.allowed
    }
