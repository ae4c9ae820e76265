"""From a probe's target to the plugin's arguments: host, port, URL and address, from whoever knows them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from reconciler.kinds.dnsrecord import DNSRecordSpec
from reconciler.kinds.probe.spec import ProbeSpec, ProbeTarget
from reconciler.kinds.site import SiteSpec
from reconciler.kinds.site.service import Service
from reconciler.model import Spec

PLACEHOLDER = re.compile(r"\{([a-z]+)\}")
NAMES = ("host", "port", "url", "address")

_PORTS = {"http": 80, "https": 443, "ldap": 389, "ldaps": 636, "ssh": 22, "ftp": 21, "root": 1094, "roots": 1094}


class Unfilled(ValueError):
    """A placeholder that the target gives no value for, or not yet."""


def offered(target: ProbeTarget) -> frozenset[str]:
    """Placeholders that this sort of target can fill."""
    if target.dnsRecord is not None:
        return frozenset({"host", "address"})
    if target.url is not None:
        return frozenset({"host", "port", "url"})
    return frozenset(NAMES if target.services is None else ())


def arguments(spec: ProbeSpec, declared: Spec | None, outputs: Mapping[str, Any]) -> tuple[str, ...]:
    """The plugin's arguments with every placeholder filled.

    ``declared`` is the spec of the resource that the target names, ``outputs`` what the world says about it. Raises
    Unfilled naming the placeholder.
    """
    values = dict(_values(spec.target, declared, outputs))

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in NAMES:
            return found[0]
        if name not in values:
            message = f"the target gives no {name} for {{{name}}}"
            raise Unfilled(message)
        if values[name].startswith("-"):
            message = f"the target's {name} begins with a dash: the plugin would take it for an option"
            raise Unfilled(message)
        return values[name]

    return tuple(PLACEHOLDER.sub(value, argument) for argument in spec.arguments)


def _values(target: ProbeTarget, declared: Spec | None, outputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Pairs of placeholder and value; the last of a name counts."""
    if target.url is not None:
        yield from _of_url(target.url)
    elif target.siteService is not None and isinstance(declared, SiteSpec):
        for service in declared.services:
            if service.name == target.siteService.service:
                yield from _of_service(service)
    elif target.dnsRecord is not None and isinstance(declared, DNSRecordSpec):
        yield "host", declared.fqdn.removesuffix(".")
        if declared.type in ("A", "AAAA"):
            yield from (("address", str(one)) for one in list(outputs.get("values") or declared.values or ())[:1])
    elif target.virtualCluster is not None:
        yield from _of_cluster(outputs)


def _of_url(url: str) -> Iterator[tuple[str, str]]:
    yield "url", url
    parts = urlsplit(url)
    if parts.hostname:
        yield "host", parts.hostname
    port = _port(parts)
    if port:
        yield "port", str(port)


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port or _PORTS.get(parts.scheme)
    except ValueError:  # not a number, or none of a port
        return None


def _of_service(service: Service) -> Iterator[tuple[str, str]]:
    """The service's own URL before those of its endpoints; the host is the one that is registered."""
    urls = [service.url, *(endpoint.url for endpoint in service.endpoints if endpoint.monitored)]
    yield from _of_url(next((url for url in urls if url), ""))
    yield "host", service.hostname
    yield from (("address", address) for address in service.ips[:1])


def _of_cluster(outputs: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for url in list(outputs.get("endpoints") or ())[:1]:
        yield from _of_url(str(url))
    if address := outputs.get("frontend_address"):
        yield "host", str(address)
        yield "address", str(address)
