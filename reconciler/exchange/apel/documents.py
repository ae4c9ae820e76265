"""Records that travel as JSON: public addresses (v0.2) and accelerators (v0.1).

Another service than the loader reads them; what it needs and of which type is checked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import orjson

from reconciler.exchange.apel.reading import Refused
from reconciler.exchange.apel.writing import LIMIT

_WORDS, _WHOLE, _NUMBER = (str,), (int,), (int, float)
_DECEMBER = 12


@dataclass(frozen=True)
class Document:
    """One kind of JSON message."""

    title: str
    version: str
    mandatory: Mapping[str, tuple[type, ...]]
    optional: Mapping[str, tuple[type, ...]]
    topic: str = "eu-egi-cloud-accounting"


ADDRESSES = Document(
    "APEL Public IP message",
    "0.2",
    {
        "MeasurementTime": _WHOLE,
        "SiteName": _WORDS,
        "CloudType": _WORDS,
        "LocalUser": _WORDS,
        "LocalGroup": _WORDS,
        "GlobalUserName": _WORDS,
        "FQAN": _WORDS,
        "IPVersion": _WHOLE,
        "IPCount": _WHOLE,
    },
    {"CloudComputeService": _WORDS, "uuid": _WORDS},  # the latter is cASO's addition
)
ACCELERATORS = Document(
    "APEL-accelerator-message",
    "0.1",
    {
        "MeasurementMonth": _WHOLE,
        "MeasurementYear": _WHOLE,
        "AssociatedRecordType": _WORDS,
        "AssociatedRecord": _WORDS,
        "FQAN": _WORDS,
        "SiteName": _WORDS,
        "Count": _NUMBER,
        "AvailableDuration": _WHOLE,
        "Type": _WORDS,
    },
    {
        "ActiveDuration": _WHOLE,
        "Cores": _WHOLE,
        "BenchmarkType": _WORDS,
        "Benchmark": _NUMBER,
        "Model": _WORDS,
        "GlobalUserName": _WORDS,
        "CloudComputeService": _WORDS,  # this one and the next are cASO's additions
        "CloudType": _WORDS,
    },
)
_ONE_OF: Mapping[str, tuple[object, ...]] = {
    "IPVersion": (4, 6),
    "Type": ("GPU", "FPGA", "Other"),
    "AssociatedRecordType": ("cloud",),
    "MeasurementMonth": tuple(range(1, _DECEMBER + 1)),
}


def parsed(text: str) -> tuple[Document, tuple[Mapping[str, Any], ...]]:
    """The records of a message. Raises Refused, naming the record (from 1) and what is wrong with it."""
    try:
        told = orjson.loads(text)
    except ValueError as error:
        raise Refused(f"it is no JSON: {error}") from error
    said = told.get("Type") if isinstance(told, dict) else None
    document = next((one for one in (ADDRESSES, ACCELERATORS) if one.title == said), None)
    if document is None:
        raise Refused(f"no message is of type {said!r}")
    if told.get("Version") != document.version or told.keys() != {"Type", "Version", "UsageRecords"}:
        raise Refused(f"a {document.title} has Type, Version {document.version} and UsageRecords")
    records = told["UsageRecords"]
    if not isinstance(records, list):
        raise Refused("UsageRecords is no list")
    for number, record in enumerate(records, 1):
        try:
            check(document, record)
        except Refused as error:
            raise Refused(f"record {number}: {error}") from error
    return document, tuple(records)


def check(document: Document, record: object) -> None:
    """Raise Refused for a record that does not have what it must have."""
    if not isinstance(record, dict):
        raise Refused("it is no object")
    lacking = sorted(document.mandatory.keys() - record.keys())
    if lacking:
        raise Refused(f"{', '.join(lacking)} must be given")
    known = {**document.mandatory, **document.optional}
    for name, value in record.items():
        if name not in known:
            raise Refused(f"{name!r} is no field of it")
        if not isinstance(value, known[name]) or isinstance(value, bool) or value == "":
            raise Refused(f"{name} is {value!r}")
        if isinstance(value, int | float) and not (value >= 0 and isfinite(value)):
            raise Refused(f"{name} is {value}")
        if value not in _ONE_OF.get(name, (value,)):
            raise Refused(f"{name} is {value!r}, none of {', '.join(map(str, _ONE_OF[name]))}")


def written(
    document: Document, records: Iterable[Mapping[str, Any]], limit: int = LIMIT
) -> tuple[tuple[str, ...], tuple[tuple[Mapping[str, Any], str], ...]]:
    """Messages of at most ``limit`` bytes; and the records that were not written, with the reason."""
    sound: list[Mapping[str, Any]] = []
    rejects: list[tuple[Mapping[str, Any], str]] = []
    for record in records:
        try:
            check(document, record)
        except Refused as error:
            rejects.append((record, str(error)))
        else:
            sound.append(record)
    return tuple(_messages(document, sound, limit)), tuple(rejects)


def _messages(document: Document, records: Iterable[Mapping[str, Any]], limit: int) -> Iterator[str]:
    held: list[Mapping[str, Any]] = []
    size = empty = len(_text(document, []))
    for record in records:
        took = len(orjson.dumps(record)) + 1
        if held and size + took > limit:
            yield _text(document, held)
            held, size = [], empty
        held.append(record)
        size += took
    if held:
        yield _text(document, held)


def _text(document: Document, records: list[Mapping[str, Any]]) -> str:
    return orjson.dumps({"Type": document.title, "Version": document.version, "UsageRecords": records}).decode()
