"""Sites use words that are known: service types, scopes, time zones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from reconciler.kinds.base import Fault, Rule, between
from reconciler.kinds.site.spec import SiteSpec
from reconciler.kinds.vocabulary.types import SERVICE_TYPES
from reconciler.kinds.vocabulary.words import RESERVED_SCOPES, Words, words
from reconciler.model import Ref, Resource
from reconciler.nearest import meant

Found = tuple[str, Fault]


def quarrels(resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterator[tuple[Ref, str, Fault]]:
    """Words of sites that nobody defines, as far as ``changed`` touches a site or a vocabulary."""
    every = any(ref.startswith("Vocabulary/") for ref in changed)
    mine = sorted(ref for ref in (resources if every else changed) if ref.startswith("Site/") and ref in resources)
    if not mine:
        return
    known = words(resources)
    for ref in mine:
        yield from ((ref, rule, fault) for rule, fault in _faults(resources[ref].spec, known))


def _faults(spec: SiteSpec, known: Words) -> Iterator[Found]:
    word = "site-words" if known.closed else "site-words-unknown"
    yield from ((word, fault) for fault in known.scope_faults("spec.scopes", spec.scopes))
    registered = spec.certification is not None
    if registered:
        yield from (("site-minimum-scopes", fault) for fault in known.too_few("spec.scopes", spec.scopes))
    for n, service in enumerate(spec.services):
        path = f"spec.services[{n}]"
        yield from ((word, fault) for fault in known.type_fault(f"{path}.type", service.type))
        yield from ((word, fault) for fault in known.scope_faults(f"{path}.scopes", service.scopes))
        if registered:
            yield from (("site-minimum-scopes", f) for f in known.too_few(f"{path}.scopes", service.scopes))
        for scope in sorted((known.reserved - RESERVED_SCOPES) & set(service.scopes) - set(spec.scopes)):
            message = f"the scope {scope} is reserved and the site does not have it"
            cure = "give it to the site, or take it from the service"
            yield "site-own-reserved-scopes", Fault(f"{path}.scopes", message, cure)
        own = service.type not in SERVICE_TYPES and service.type not in known.unmonitored
        if own and service.production and not service.monitored:
            message = f"{service.type} at {service.hostname} is in production and not monitored"
            yield "site-own-monitored", Fault(f"{path}.monitored", message, "set monitored: true, or production: false")


def _timezone(_ref: Ref, spec: SiteSpec) -> Iterator[Fault]:
    if spec.timezone and not _is_zone(spec.timezone) and _is_zone("Europe/London"):
        cure = meant(spec.timezone, available_timezones(), "take one of the IANA's, such as Europe/Madrid")
        yield Fault("spec.timezone", f"there is no time zone {spec.timezone}", cure)


@cache
def _is_zone(name: str) -> bool:
    """Whether this machine knows a time zone; where it knows none at all, nothing is told."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


RULES = (
    Rule("site-timezone", "A site's time zone is one of the IANA's.", _timezone, "warning"),
    Rule("site-words", "Service types and scopes are known, where a Vocabulary is closed.", between),
    Rule("site-words-unknown", "Service types and scopes are known.", between, "warning"),
    Rule("site-minimum-scopes", "Registered sites and services have as many scopes as a Vocabulary asks.", between),
    Rule("site-own-reserved-scopes", "A service has a scope that a Vocabulary reserves only with its site.", between),
    Rule(
        "site-own-monitored",
        "A production service of the federation's own type is monitored, unless its Vocabulary says otherwise.",
        between,
    ),
)
