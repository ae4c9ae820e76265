"""What a feed says of sites and services, in the words of manifests: plain data, and remarks on what was not as it is.

Nothing is judged here: that is done where a manifest is made of it, against the kind's own rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from xml.etree.ElementTree import Element

from reconciler.exchange.gocdb import mending
from reconciler.exchange.gocdb.mending import Mend

Remark = Callable[[str, str], None]
"""Told of an element and what was done to it."""
_SITE: tuple[tuple[str, str, Mend], ...] = (
    ("OFFICIAL_NAME", "officialName", mending.as_it_is),
    ("SITE_DESCRIPTION", "description", mending.prose),
    ("HOME_URL", "homeUrl", mending.as_it_is),
    ("GIIS_URL", "giisUrl", mending.as_it_is),
    ("ROC", "ngi", mending.as_it_is),
    ("SUBGRID", "subgrid", mending.as_it_is),
    ("DOMAIN/DOMAIN_NAME", "domain", mending.as_it_is),
    ("TIMEZONE", "timezone", mending.timezone),
    ("CERTIFICATION_STATUS", "certification", mending.as_it_is),
    ("PRODUCTION_INFRASTRUCTURE", "infrastructure", mending.as_it_is),
)
_CONTACTS: tuple[tuple[str, str, Mend], ...] = (
    ("CONTACT_EMAIL", "email", mending.addresses),
    ("CONTACT_TEL", "telephone", mending.as_it_is),
    ("CSIRT_EMAIL", "csirtEmail", mending.as_it_is),
    ("ALARM_EMAIL", "alarmEmail", mending.addresses),
)
_SERVICE: tuple[tuple[str, str, Mend], ...] = (
    ("SERVICE_TYPE", "type", mending.as_it_is),
    ("HOSTNAME", "hostname", mending.as_it_is),
    ("URL", "url", mending.as_it_is),
    ("DESCRIPTION", "description", mending.prose),
    ("CONTACT_EMAIL", "email", mending.addresses),
    ("HOSTDN", "hostDn", mending.as_it_is),
    ("HOST_OS", "hostOs", mending.as_it_is),
    ("HOST_ARCH", "hostArch", mending.as_it_is),
)
_ENDPOINT: tuple[tuple[str, str, Mend], ...] = (
    ("NAME", "name", mending.as_it_is),
    ("URL", "url", mending.as_it_is),
    ("INTERFACENAME", "interface", mending.as_it_is),
)
_ELEMENTS = {manifest: element for table in (_SITE, _CONTACTS, _SERVICE, _ENDPOINT) for element, manifest, _ in table}
_ELEMENTS |= {
    "ips": "HOST_IP",
    "ipRanges": "SITE_IP",
    "ipv6Ranges": "SITE_IPV6",
    "country": "COUNTRY_CODE",
    "tier": "TIER",
    "latitude": "LATITUDE",
    "longitude": "LONGITUDE",
    "scopes": "SCOPES",
    "extensions": "EXTENSIONS",
}
_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?")


def element_of(field: str) -> str:
    """The element that a field of a manifest comes from."""
    return _ELEMENTS.get(field, field)


def text_of(element: Element, path: str) -> str:
    """What an element says, without spaces around it; "" when it is not there."""
    return (element.findtext(path) or "").strip()


def site(element: Element, remark: Remark) -> dict[str, Any]:
    """The spec of a site, without its services."""
    spec = _told(element, _SITE[:6], remark)
    spec |= {"tier": int(tier)} if (tier := mending.last_digit(text_of(element, "TIER"))[0]).isdigit() else {}
    code, done = mending.country(text_of(element, "COUNTRY_CODE"), text_of(element, "COUNTRY"))
    if done:
        remark("COUNTRY_CODE", done)
    spec |= {"country": code} if code else {}
    spec |= _told(element, _SITE[6:8], remark)
    for name in ("latitude", "longitude"):
        if said := text_of(element, name.upper()):
            spec[name] = float(said) if _DECIMAL.fullmatch(said) else said
    contacts = _told(element, _CONTACTS, remark)
    spec |= {"contacts": contacts} if contacts else {}
    spec |= _told(element, _SITE[8:], remark)
    spec |= {"notifications": True} if text_of(element, "NOTIFICATIONS").upper() in ("TRUE", "Y") else {}
    spec |= lists(element)
    spec |= {"ipRanges": kept} if (kept := _ranges(element, remark)) else {}
    spec |= {"ipv6Ranges": held} if (held := mending.listed(text_of(element, "SITE_IPV6"))) else {}
    return spec


def service(element: Element, remark: Remark) -> dict[str, Any]:
    """A service, without its name."""
    told = _told(element, _SERVICE, remark)
    flags = {"production": "IN_PRODUCTION", "beta": "BETA", "notifications": "NOTIFICATIONS", "core": "CORE"}
    told |= {name: True for name, said in flags.items() if text_of(element, said).upper() == "Y"}
    told |= {"monitored": False} if text_of(element, "NODE_MONITORED").upper() == "N" else {}
    ips = [*mending.listed(text_of(element, "HOST_IP")), *mending.listed(text_of(element, "HOST_IPV6"))]
    told |= {"ips": ips} if ips else {}
    told |= lists(element)
    endpoints = [_endpoint(one, remark) for one in element.findall("ENDPOINTS/ENDPOINT")]
    return told | ({"endpoints": endpoints} if endpoints else {})


def _endpoint(element: Element, remark: Remark) -> dict[str, Any]:
    told = _told(element, _ENDPOINT, remark)
    told |= {"monitored": False} if text_of(element, "ENDPOINT_MONITORED").upper() == "N" else {}
    pairs = _pairs(element)
    return told | ({"extensions": pairs} if pairs else {})


def _told(element: Element, table: Iterable[tuple[str, str, Mend]], remark: Remark) -> dict[str, Any]:
    told = {}
    for path, name, mend in table:
        if said := text_of(element, path):
            told[name], done = mend(said)
            if done:
                remark(path, done)
    return told


def lists(element: Element) -> dict[str, Any]:
    """Scopes and extensions, where there are any."""
    scopes = [name for one in element.findall("SCOPES/SCOPE") if (name := (one.text or "").strip())]
    pairs = _pairs(element)
    return ({"scopes": scopes} if scopes else {}) | ({"extensions": pairs} if pairs else {})


def _pairs(element: Element) -> list[dict[str, str]]:
    found = [
        {"key": text_of(one, "KEY"), "value": text_of(one, "VALUE")} for one in element.findall("EXTENSIONS/EXTENSION")
    ]
    return [dict(pair) for pair in dict.fromkeys(tuple(one.items()) for one in found)]


def _ranges(element: Element, remark: Remark) -> list[str]:
    kept = []
    for masked, done in mending.ranges(text_of(element, "SITE_IP")):
        kept.append(masked)
        if done:
            remark("SITE_IP", done)
    return kept
