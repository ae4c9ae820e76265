"""A federation as the tests of GOCDB's interface want it: sites and services made in a line each."""

from __future__ import annotations

from typing import Any

from reconciler.kinds import registry
from reconciler.model import Location, Ref, Resource, encode

CONTACTS = {
    "email": "grid@a.example.org",
    "telephone": "+34 1",
    "csirtEmail": "csirt@a.example.org",
    "csirtTelephone": "+34 2",
}


def resource(kind: str, name: str, spec: dict[str, Any], annotations: dict[str, str] | None = None) -> Resource:
    one = registry()[kind]
    made = one.canonical(one.Spec.model_validate_json(encode(spec)))
    return Resource(
        Ref.of(kind, name),
        made.digest(),
        made.canonical(),
        (),
        "",
        Location(f"{name}.yaml", 1),
        one.Spec.model_validate_json,
        annotations=annotations,
    )


def site(name: str, *services: dict[str, Any], key: str = "", **more: Any) -> Resource:
    spec = {
        "officialName": f"Centre {name}",
        "ngi": "NGI_IBERGRID",
        "country": "ES",
        "domain": "example.org",
        "timezone": "Europe/Madrid",
        "infrastructure": "Production",
        "certification": "Certified",
        "scopes": ["EGI"],
        "contacts": CONTACTS,
        "services": services,
    }
    return resource("Site", name, spec | more, {"gocdb/key": key} if key else None)


def service(name: str, type: str = "org.openstack.nova", **more: Any) -> dict[str, Any]:
    said = {"name": name, "type": type, "hostname": f"{name}.example.org", "email": "a@example.org", "scopes": ["EGI"]}
    return said | {"description": "x", "production": True} | more


def federation(*resources: Resource) -> dict[Ref, Resource]:
    return {one.ref: one for one in resources}
