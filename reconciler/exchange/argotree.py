"""Availability and status as ARGO's web API v2 nests them: groups, services, endpoints; in JSON and in XML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from reconciler.exchange.argo import Granularity, dated, grouped, points
from reconciler.model.uptime import UptimeRecord

NGI, SITES = "NGI", "SITES"


@dataclass(frozen=True)
class Node:
    """A thing with its numbers or statuses, and what it is made of."""

    name: str
    type: str
    values: tuple[dict[str, str], ...] = ()
    parts: tuple[Node, ...] = ()


Fill = Callable[[Sequence[UptimeRecord]], tuple[dict[str, str], ...]]


def numbered(granularity: Granularity, *, ngi: bool = False) -> Fill:
    """Fills in availability and reliability."""
    return lambda rows: tuple(dated(rows, granularity, ngi=ngi, key="timestamp"))


def changing(over: Callable[[date], bool], *, latest: bool = False) -> Fill:
    """Fills in statuses, or the latest only."""
    return lambda rows: tuple(points(rows, over)[-1:] if latest else points(rows, over))


def by_ngi(rows: Iterable[UptimeRecord], fill: Fill) -> list[Node]:
    """NGIs, from rows of sites."""
    return [Node(name, NGI, fill(some)) for name, some in grouped(rows, lambda row: row.ngi)]


def by_site(rows: Iterable[UptimeRecord], fill: Fill) -> list[Node]:
    """Sites."""
    return [Node(name, SITES, fill(some)) for name, some in grouped(rows, lambda row: row.site)]


def sites_of_ngis(rows: Iterable[UptimeRecord], fill: Fill) -> list[Node]:
    """Sites below their NGIs."""
    found = grouped(rows, lambda row: row.ngi)
    return [Node(name, NGI, parts=tuple(by_site(some, fill))) for name, some in found]


def services_of_sites(rows: Iterable[UptimeRecord], fill: Fill) -> list[Node]:
    """Service types below their sites."""
    return [
        Node(site, SITES, parts=tuple(Node(name, "service", fill(mine)) for name, mine in _by_service(some)))
        for site, some in grouped(rows, lambda row: row.site)
    ]


def endpoints_of_services(rows: Iterable[UptimeRecord], fill: Fill) -> list[Node]:
    """Endpoints below their service types and sites."""

    def endpoints(mine: Sequence[UptimeRecord]) -> tuple[Node, ...]:
        return tuple(Node(host, "endpoint", fill(some)) for host, some in grouped(mine, lambda row: row.hostname))

    return [
        Node(site, SITES, parts=tuple(Node(name, "service", parts=endpoints(mine)) for name, mine in _by_service(some)))
        for site, some in grouped(rows, lambda row: row.site)
    ]


def results_json(nodes: Sequence[Node]) -> dict[str, Any]:
    """As ``/api/v2/results`` answers."""
    return {"results": [_result(node) for node in nodes]}


def status_json(nodes: Sequence[Node]) -> dict[str, Any]:
    """As ``/api/v2/status`` answers."""
    return {"groups": [_status(node) for node in nodes]}


_RESULT_PARTS = {SITES: "endpoints", "service": "serviceflavors", "endpoint": "endpoints"}
_STATUS_PARTS = {"service": "services", "endpoint": "endpoints", "metric": "metrics"}


def _result(node: Node) -> dict[str, Any]:
    told: dict[str, Any] = {"name": node.name, "type": node.type}
    if node.values:
        told["results"] = list(node.values)
    if node.parts:
        told[_RESULT_PARTS[node.parts[0].type]] = [_result(part) for part in node.parts]
    return told


def _status(node: Node) -> dict[str, Any]:
    told: dict[str, Any] = {"name": node.name}
    if node.type not in ("endpoint", "metric"):
        told["type"] = node.type
    if node.values:
        told["statuses"] = list(node.values)
    if node.parts:
        told[_STATUS_PARTS[node.parts[0].type]] = [_status(part) for part in node.parts]
    return told


def results_xml(nodes: Sequence[Node]) -> bytes:
    """The same in XML: groups in groups, numbers as attributes."""
    root = Element("root")
    for node in nodes:
        _put_results(root, node)
    return _text(root)


def status_xml(nodes: Sequence[Node]) -> bytes:
    """Statuses in XML."""
    root = Element("root")
    for node in nodes:
        _put_status(root, node)
    return _text(root)


def _put_results(above: Element, node: Node) -> None:
    here = SubElement(above, "group", name=node.name, type=node.type)
    for values in node.values:
        SubElement(here, "results", values)
    for part in node.parts:
        _put_results(here, part)


def _put_status(above: Element, node: Node) -> None:
    own = node.type in ("endpoint", "metric")
    here = (
        SubElement(above, node.type, name=node.name)
        if own
        else SubElement(above, "group", name=node.name, type=node.type)
    )
    for value in node.values:
        SubElement(here, "status", timestamp=value["timestamp"], status=value["value"])
    for part in node.parts:
        _put_status(here, part)


def error_xml(message: str, code: int, details: str) -> bytes:
    """An error in XML."""
    root = Element("root")
    status = SubElement(root, "status")
    SubElement(status, "message").text = message
    SubElement(status, "code").text = str(code)
    error = SubElement(SubElement(root, "errors"), "error")
    for name, text in (("message", message), ("code", str(code)), ("details", details)):
        SubElement(error, name).text = text
    return _text(root)


def _text(root: Element) -> bytes:
    indent(root, " ")
    made: bytes = tostring(root, encoding="utf-8")
    return made


def _by_service(rows: Iterable[UptimeRecord]) -> list[tuple[str, list[UptimeRecord]]]:
    return grouped(rows, lambda row: row.service)
