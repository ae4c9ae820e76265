"""StAR: storage accounting records of the Open Grid Forum (GFD.201), one for each storage and VO."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5
from xml.etree.ElementTree import Element, SubElement, indent, register_namespace, tostring

from reconciler.exchange.storageuse import Share

NAMESPACE = "http://eu-emi.eu/namespaces/2011/02/storagerecord"


def star(shares: Iterable[Share], media: Mapping[str, str], start: datetime, end: datetime) -> str:
    """The document. ``media`` is ``disk`` or ``tape`` by storage; ``start`` and ``end`` are UTC.

    The same use told for the same end has the same record identity, so that a receiver counts it once.
    """
    register_namespace("sr", NAMESPACE)
    root = Element(_tag("StorageUsageRecords"))
    for share in shares:
        _record(root, share, media.get(share.storage, ""), start, end)
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _record(root: Element, share: Share, media: str, start: datetime, end: datetime) -> None:
    site, _, storage = share.storage.partition("/")
    record = SubElement(root, _tag("StorageUsageRecord"))
    identity = {"createTime": _instant(end), "recordId": _identity(share, end)}
    SubElement(record, _tag("RecordIdentity"), {_tag(name): value for name, value in identity.items()})
    _text(record, "StorageSystem", share.storage)
    _text(record, "Site", site)
    _text(record, "StorageShare", storage)
    if media:
        _text(record, "StorageMedia", media)
    _text(record, "FileCount", str(share.files))
    if share.vo:
        _text(SubElement(record, _tag("SubjectIdentity")), "Group", share.vo)
    _text(record, "StartTime", _instant(start))
    _text(record, "EndTime", _instant(end))
    _text(record, "ResourceCapacityUsed", str(share.bytes))
    _text(record, "LogicalCapacityUsed", str(share.logical))


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _text(parent: Element, name: str, text: str) -> None:
    SubElement(parent, _tag(name)).text = text


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _identity(share: Share, end: datetime) -> str:
    return str(uuid5(NAMESPACE_URL, f"{NAMESPACE}/{share.storage}/{share.vo}/{_instant(end)}"))
