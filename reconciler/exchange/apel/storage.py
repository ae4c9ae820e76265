"""Storage records (StAR, OGF GFD.201), read with the verdicts of APEL's loader: a bad record refuses all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from reconciler.exchange.apel.reading import Refused
from reconciler.exchange.star import NAMESPACE

_MANDATORY = ("StorageSystem", "StartTime", "EndTime", "ResourceCapacityUsed")
_WORDS = ("StorageSystem", "Site", "StorageShare", "StorageMedia", "StorageClass", "DirectoryPath")
_NUMBERS = ("FileCount", "ResourceCapacityUsed", "LogicalCapacityUsed", "ResourceCapacityAllocated")
_SUBJECT = ("LocalUser", "LocalGroup", "UserIdentity", "Group")


@dataclass(frozen=True)
class StorageRecord:
    """One record. Bytes; what was not told is not in a mapping."""

    record_id: str
    created: datetime
    start: datetime
    end: datetime
    words: dict[str, str]
    numbers: dict[str, int]
    subject: dict[str, str] = field(default_factory=dict)
    """LocalUser, LocalGroup, UserIdentity, Group, and what the group's attributes say: ``subgroup``, ``role``."""


def parsed(text: str) -> tuple[StorageRecord, ...]:
    """The records of a document. Raises Refused, naming the record (from 1) and what is wrong with it."""
    if "<!DOCTYPE" in text:
        raise Refused("it declares a document type, which no record needs")
    try:
        root = ET.fromstring(text.encode())  # noqa: S314 (without a document type there are no entities)
    except ET.ParseError as error:
        raise Refused(f"it is no XML: {error}") from error
    found = [root] if root.tag == _tag("StorageUsageRecord") else root.findall(_tag("StorageUsageRecord"))
    if not found:
        raise Refused(f"no record of the namespace {NAMESPACE} is in it")
    records = []
    for number, one in enumerate(found, 1):
        try:
            records.append(_record(one))
        except Refused as error:
            raise Refused(f"record {number}: {error}") from error
    return tuple(records)


def _record(one: ET.Element) -> StorageRecord:
    identity = one.find(_tag("RecordIdentity"))
    told = {} if identity is None else dict(identity.attrib)
    record_id, created = told.get(_tag("recordId")), told.get(_tag("createTime"))
    if not record_id or not created:
        raise Refused("RecordIdentity must have recordId and createTime, both of the namespace")
    said = {name: found for name in (*_WORDS, *_NUMBERS, *_MANDATORY) if (found := _text(one, name))}
    lacking = [name for name in _MANDATORY if name not in said]
    if lacking:
        raise Refused(f"{', '.join(lacking)} must be given")
    start, end = _moment("StartTime", said["StartTime"]), _moment("EndTime", said["EndTime"])
    if end < start:
        raise Refused("EndTime is before StartTime")
    words = {name: said[name] for name in _WORDS if name in said}
    numbers = {name: _whole(name, said[name]) for name in _NUMBERS if name in said}
    return StorageRecord(
        record_id,
        _moment("createTime", created),
        start,
        end,
        words,
        numbers,
        dict(_subject(one.find(_tag("SubjectIdentity")))),
    )


def _subject(one: ET.Element | None) -> Iterator[tuple[str, str]]:
    if one is None:
        return
    for name in _SUBJECT:
        if said := _text(one, name):
            yield name, said
    for attribute in one.findall(_tag("GroupAttribute")):
        kind = attribute.get(_tag("attributeType"))
        if kind not in ("subgroup", "role"):
            raise Refused(f"a GroupAttribute is of the type {kind!r}, neither subgroup nor role")
        yield kind, (attribute.text or "").strip()


def _text(parent: ET.Element, name: str) -> str:
    return (parent.findtext(_tag(name)) or "").strip()


def _whole(name: str, said: str) -> int:
    if not said.isascii() or not said.isdigit():
        raise Refused(f"{name} is {said[:80]!r}, no number of whole bytes or files")
    return int(said)


def _moment(name: str, said: str) -> datetime:
    try:
        return datetime.strptime(said, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise Refused(f"{name} is {said[:80]!r}, no time such as 2026-10-31T23:59:59Z") from error


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
