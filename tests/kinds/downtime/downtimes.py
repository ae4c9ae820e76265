"""Downtimes and sites for tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from reconciler.kinds import registry
from reconciler.kinds.downtime import DowntimeSpec
from reconciler.model import Location, Ref, Resource

NOON = datetime(2026, 10, 12, 12, tzinfo=UTC)
REF = Ref("Downtime/works")
HOUR = timedelta(hours=1)


def at(hours: float) -> datetime:
    """So many hours after a noon."""
    return NOON + hours * HOUR


def downtime(start: float = 48, end: float = 52, affects: list[dict] | None = None, **more: object) -> DowntimeSpec:
    """A downtime by hours after noon."""
    said = {
        "description": "works",
        "severity": "OUTAGE",
        "start": at(start).isoformat(),
        "end": at(end).isoformat(),
        "affects": affects or [{"site": "NORTH"}],
        **more,
    }
    return DowntimeSpec.model_validate(said, strict=False)


def site(*services: tuple[str, str], **more: object) -> dict:
    """A site's spec with services by name and type."""
    some = [{"name": name, "type": kind, "hostname": f"{name}.example.org"} for name, kind in services]
    return {"services": some, **more}


def resources(
    specs: Mapping[str, object], labels: Mapping[str, Mapping[str, str]] | None = None, files: Mapping[str, str] = {}
) -> dict[Ref, Resource]:
    """Resources by ``Kind/name``, each in a file of its own."""
    made = {}
    for name, spec in specs.items():
        ref = Ref(name)
        kind = registry()[ref.kind]
        whole = spec if isinstance(spec, kind.Spec) else kind.Spec.model_validate(spec, strict=False)
        content = whole.canonical()
        where = Location(files.get(name, f"manifests/{ref.name}.yaml"), 1)
        decode = kind.Spec.model_validate_json
        made[ref] = Resource(
            ref, whole.digest(), content, (), "registry:x", where, decode, labels=(labels or {}).get(name)
        )
    return made


NORTH = site(("nova", "org.openstack.nova"), ("dav", "webdav"), ("dav2", "webdav"), ngi="NGI_X", country="DE")
SOUTH = site(("ce", "CE"), ngi="NGI_Y", country="DE", scopes=["EGI"])
SITES = {"Site/NORTH": NORTH, "Site/SOUTH": SOUTH}
