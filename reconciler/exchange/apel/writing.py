"""Writing messages: every record is read back before it is queued, and whoever would be refused stays behind.

Here more is refused than at APEL: what it would take and then misread, or count as less than nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from reconciler.exchange.apel.forms import Form, Value
from reconciler.exchange.apel.reading import Refused, record

LIMIT = 650_000
"""Bytes of one message: signed and in base64 it stays under the 1 MB that the message service takes."""
MOST = 1000
"""Records of one message: what is refused there is refused with all that came with it."""
_SEPARATOR = "%%"


@dataclass(frozen=True)
class Reject:
    """A record that was not written, and why."""

    record: Mapping[str, Value]
    reason: str


@dataclass(frozen=True)
class Batch:
    """Messages of one form."""

    form: Form
    messages: tuple[str, ...]
    records: int
    rejects: tuple[Reject, ...]


def batches(
    form: Form, records: Iterable[Mapping[str, Value]], now: datetime, *, limit: int = LIMIT, most: int = MOST
) -> Batch:
    """Records as messages of at most ``limit`` bytes and ``most`` records each."""
    rejects: list[Reject] = []
    written: list[str] = []
    for one in records:
        try:
            text = lines(form, one)
            record(form, text, now)
            _fits(form, text, limit)
        except Refused as error:
            rejects.append(Reject(one, str(error)))
        else:
            written.append(text)
    return Batch(form, tuple(_messages(form, written, limit, most)), len(written), tuple(rejects))


def _fits(form: Form, text: str, limit: int) -> None:
    if len(form.header.encode()) + len(text.encode()) + 2 > limit:
        raise Refused(f"it has more than {limit} bytes")


def lines(form: Form, values: Mapping[str, Value]) -> str:
    """One record as ``Key: value`` lines; what is not given is left out. Raises Refused for what would be misread."""
    strange = sorted(values.keys() - set(form.fields))
    if strange:
        raise Refused(f"{', '.join(strange)}: no field of a {form.name} record")
    _sound(form, values)
    told = _graded(form, values)
    return "\n".join(f"{name}: {_said(name, told[name])}" for name in form.fields if told.get(name) is not None)


def _sound(form: Form, values: Mapping[str, Value]) -> None:
    for name, value in values.items():
        numeric = name in form.integers or name in form.numbers
        if numeric and isinstance(value, int | float) and not (value >= 0 and isfinite(value)):
            raise Refused(f"{name} is {value}")
    start, end = values.get("StartTime"), values.get("EndTime")
    if isinstance(start, datetime) and isinstance(end, datetime) and end < start:
        raise Refused("EndTime is before StartTime")
    if values.get("Status") == "completed" and end is None:
        raise Refused("it is completed and has no EndTime: it would be counted in no month")


def _graded(form: Form, values: Mapping[str, Value]) -> dict[str, Value]:
    """The values, those by benchmark written as such."""
    benchmark = values.get("ServiceLevelType")
    if not form.graded or benchmark is None:
        return dict(values)
    told = {name: value for name, value in values.items() if name != "ServiceLevelType"}
    return told | {name: f"{{{benchmark}: {told[name]}}}" for name in form.graded & told.keys()}


def _said(name: str, value: Value) -> str:
    if isinstance(value, datetime):
        return str(int(value.timestamp()))
    text = str(value)
    if len(text.splitlines()) > 1 or text != text.strip():
        raise Refused(f"{name} has more than one line, or blanks around it: {text[:80]!r}")
    if _SEPARATOR in text:
        raise Refused(f"{name} holds {_SEPARATOR}, which parts records: {text[:80]!r}")
    return text


def _messages(form: Form, written: Iterable[str], limit: int, most: int) -> Iterator[str]:
    held: list[str] = []
    size = 0
    for text in written:
        took = len(text.encode()) + len(_SEPARATOR) + 2
        if held and (len(held) == most or size + took > limit):
            yield _message(form, held)
            held = []
        if not held:
            size = len(form.header.encode()) + 2
        held.append(text)
        size += took
    if held:
        yield _message(form, held)


def _message(form: Form, held: list[str]) -> str:
    return f"{form.header}\n" + f"\n{_SEPARATOR}\n".join(held) + "\n"
