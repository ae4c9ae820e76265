"""What must hold for a site beyond the types of its fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from reconciler.kinds.base import Fault, Rule, between
from reconciler.kinds.gocdb import SHORT_NAME
from reconciler.kinds.repeated import repeated
from reconciler.kinds.site.cloud import Cloud
from reconciler.kinds.site.links import RULE
from reconciler.kinds.site.own import own_machine
from reconciler.kinds.site.service import Extension, Service, ServiceExtension
from reconciler.kinds.site.spec import SiteSpec
from reconciler.kinds.vocabulary.types import SERVICE_TYPES
from reconciler.kinds.vocabulary.words import RESERVED_SCOPES
from reconciler.model import Ref
from reconciler.nearest import meant

__all__ = ["RESERVED_SCOPES", "RULES", "UNMONITORED_TYPES"]

UNMONITORED_TYPES = frozenset({"VOMS", "emi.ARGUS", "org.squid-cache.Squid"})
"""Service types that may be in production without being monitored."""
SECRET = re.compile(r"(secret|password|token)$", re.IGNORECASE)
"""Keys of connection data whose values are secrets."""
SERVICES = frozenset(
    {"compute", "network", "image", "volume", "volumev3", "block-storage", "placement", "object-store", "dns"}
)
"""Types of services whose address may be given instead of the catalogue's."""
_HIGHEST_OCTET = 255


def _short_name(ref: Ref, _spec: SiteSpec) -> Iterator[Fault]:
    fault = SHORT_NAME.fault(ref.name)
    if fault:
        yield Fault("metadata.name", fault)


def _unique_names(_ref: Ref, spec: SiteSpec) -> Iterator[Fault]:
    yield from repeated([i.name for i in spec.services], "name", "spec.services", ".name")
    yield from repeated([i.name for i in spec.clouds], "name", "spec.clouds", ".name")
    yield from repeated([i.name for i in spec.storage], "name", "spec.storage", ".name")
    yield from repeated([i.name for i in spec.batch], "name", "spec.batch", ".name")
    for n, service in enumerate(spec.services):
        yield from repeated([e.name for e in service.endpoints], "name", f"spec.services[{n}].endpoints", ".name")


def _unique_clouds(_ref: Ref, spec: SiteSpec) -> Iterator[Fault]:
    yield from repeated([c.endpoint for c in spec.clouds], "endpoint", "spec.clouds", ".endpoint")


def _unique_shares(_ref: Ref, spec: SiteSpec) -> Iterator[Fault]:
    for n, cloud in enumerate(spec.clouds):
        yield from repeated(_share_keys(cloud), "share", f"spec.clouds[{n}].shares")


def _share_keys(cloud: Cloud) -> list[tuple[str | None, ...]]:
    return [(s.vo_name, s.projectId, s.projectName, s.region) for s in cloud.shares]


def _unique_extensions(_ref: Ref, spec: SiteSpec) -> Iterator[Fault]:
    yield from _pairs("spec", spec.extensions)
    for s, service in enumerate(spec.services):
        yield from _pairs(f"spec.services[{s}]", service.extensions)
        for e, endpoint in enumerate(service.endpoints):
            yield from _pairs(f"spec.services[{s}].endpoints[{e}]", endpoint.extensions)


def _pairs(path: str, extensions: Sequence[Extension | ServiceExtension]) -> Iterator[Fault]:
    yield from repeated([(x.key, x.value) for x in extensions], "extension", f"{path}.extensions")


def _monitored(_ref: Ref, spec: SiteSpec) -> Iterator[Fault]:
    for n, service in enumerate(spec.services):
        own = service.type not in SERVICE_TYPES  # a Vocabulary may excuse it: see kinds/site/words.py
        if service.production and not service.monitored and not own and service.type not in UNMONITORED_TYPES:
            yield Fault(
                f"spec.services[{n}].monitored",
                f"{service.type} at {service.hostname} is in production and not monitored",
                "set monitored: true, or production: false",
            )


def _reserved_scopes(_ref: Ref, spec: SiteSpec) -> Iterator[Fault]:
    held = set(spec.scopes)
    for n, service in enumerate(spec.services):
        for scope in sorted(RESERVED_SCOPES & set(service.scopes) - held):
            yield Fault(
                f"spec.services[{n}].scopes",
                f"the scope {scope} is reserved and the site does not have it",
                "give it to the site, or take it from the service",
            )


def _mandatory(_ref: Ref, spec: SiteSpec) -> Iterator[Fault]:
    """Only of sites that state where they stand in certification: a site known by its cloud alone is no GOCDB entry."""
    if spec.certification is None:
        return
    needed = {
        "officialName": spec.officialName,
        "ngi": spec.ngi,
        "country": spec.country,
        "domain": spec.domain,
        "timezone": spec.timezone,
        "infrastructure": spec.infrastructure,
        "scopes": spec.scopes,
        "contacts.email": spec.contacts.email,
        "contacts.telephone": spec.contacts.telephone,
        "contacts.csirtEmail": spec.contacts.csirtEmail,
        "contacts.csirtTelephone": spec.contacts.csirtTelephone,
    }
    for field, value in needed.items():
        if not value:
            article = "an" if spec.certification[0] in "AEIOU" else "a"
            yield Fault(f"spec.{field}", f"{article} {spec.certification} site must have it", "add it")


def _service_mandatory(_ref: Ref, spec: SiteSpec) -> Iterator[Fault]:
    for n, service in enumerate(spec.services):
        for field in _missing(service):
            yield Fault(f"spec.services[{n}].{field}", "a registered service must have it", "add it")


def _missing(service: Service) -> list[str]:
    return [f for f, v in (("description", service.description), ("email", service.email)) if not v]


def _octets(_ref: Ref, spec: SiteSpec) -> Iterator[Fault]:
    for n, written in enumerate(spec.ipRanges):
        if any(int(octet) > _HIGHEST_OCTET for octet in written.replace("/", ".").split(".")):
            yield Fault(f"spec.ipRanges[{n}]", f"{written} has a part above {_HIGHEST_OCTET}")


def _closed_with_reason(_ref: Ref, spec: SiteSpec) -> Iterator[Fault]:
    for n, storage in enumerate(spec.storage):
        for way in ("read", "write", "delete"):
            access = getattr(storage.availability, way)
            if not access.allowed and not access.reason:
                yield Fault(f"spec.storage[{n}].availability.{way}", "it is closed without a reason", "add reason")


def _quotas(_ref: Ref, spec: SiteSpec) -> Iterator[Fault]:
    for n, storage in enumerate(spec.storage):
        yield from repeated([quota.vo for quota in storage.quotas], "VO", f"spec.storage[{n}].quotas", ".vo")
        yield from repeated([link.to for link in storage.links], "link to", f"spec.storage[{n}].links", ".to")


def _secrets(_ref: Ref, spec: SiteSpec) -> Iterator[Fault]:
    for c, cloud in enumerate(spec.clouds):
        held = {f"spec.clouds[{c}].options": cloud.options}
        held |= {f"spec.clouds[{c}].shares[{s}].auth": share.auth for s, share in enumerate(cloud.shares)}
        for path, keys in held.items():
            for key in (key for key, value in keys.items() if SECRET.search(key) and isinstance(value, str) and value):
                yield Fault(f"{path}.{key}", "a secret stands in the manifest", "write {env: NAME} or {file: PATH}")


def _overrides(_ref: Ref, spec: SiteSpec) -> Iterator[Fault]:
    for c, cloud in enumerate(spec.clouds):
        for service in sorted(cloud.apiOverrides.keys() - SERVICES):
            cure = meant(service, SERVICES, f"it is one of {', '.join(sorted(SERVICES))}")
            yield Fault(f"spec.clouds[{c}].apiOverrides.{service}", f"{service} is no type of service", cure)


RULES = (
    Rule("site-short-name", "A site's name is a GOCDB short name: letters, digits, - . _, at most 255.", _short_name),
    Rule(
        "site-unique-names",
        "Services, endpoints, clouds, storages and batch systems have names of their own.",
        _unique_names,
    ),
    Rule(
        "site-unique-endpoints", "A site and an endpoint identify a cloud, so no endpoint stands twice.", _unique_clouds
    ),
    Rule("site-unique-shares", "A VO has a project in a cloud once.", _unique_shares),
    Rule("site-unique-extensions", "An extension key may be repeated, with another value (GOCDB).", _unique_extensions),
    Rule(
        "site-production-monitored",
        "A production service is monitored, except VOMS, emi.ARGUS and org.squid-cache.Squid (GOCDB).",
        _monitored,
    ),
    Rule("site-reserved-scopes", "A service has a reserved scope only if its site has it (GOCDB).", _reserved_scopes),
    Rule(
        "site-mandatory",
        "A site with a certification status has all that GOCDB makes mandatory.",
        _mandatory,
        "warning",
    ),
    Rule("site-service-mandatory", "A service has a description and a contact (GOCDB).", _service_mandatory, "warning"),
    Rule("site-ip-range", "The parts of an IP range are at most 255 (GOCDB does not check it).", _octets, "warning"),
    Rule("site-closed-reason", "A storage that is closed says why.", _closed_with_reason, "warning"),
    Rule("site-storage-limits", "Of a storage each VO has one quota, each other end one link.", _quotas),
    Rule(RULE, "A link of a storage leads to a storage or site that is declared.", between, "warning"),
    Rule("site-secrets", "Connection data name secrets and do not hold them.", _secrets),
    Rule("site-own-machine", "What belongs to the operator's machine stands in hanse.toml alone.", own_machine),
    Rule("site-api-overrides", "An address is given for a type of service that there is.", _overrides, "warning"),
)
