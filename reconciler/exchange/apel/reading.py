"""Reading messages with the verdicts of APEL's loader: one record that is not right refuses the whole message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from reconciler.exchange.apel import checks
from reconciler.exchange.apel.forms import BENCHMARKS, NEVER_NULL, Form, Value, form_of

_NOTHING = frozenset({"", "none", "null"})
_ISO = "%Y-%m-%dT%H:%M:%S%Z"


class Refused(ValueError):
    """A message or record that APEL would not load, with the reason."""


@dataclass(frozen=True)
class Message:
    """A message that was read. Fields that were not given are not in a record."""

    form: Form
    records: tuple[Mapping[str, Value], ...]


def read(text: str, now: datetime) -> Message:
    """The records of a message. Raises Refused, naming the record (from 1) and what is wrong with it."""
    header, *lines = text.strip().splitlines() or [""]
    form = form_of(header)
    if form is None:
        raise Refused(f"no message begins with {header[:80]!r}")
    parts = [part for part in "\n".join(lines).split("%%") if part.strip()]
    found: list[Mapping[str, Value]] = []
    for number, part in enumerate(parts, 1):
        try:
            found.append(record(form, part, now))
        except Refused as error:
            raise Refused(f"record {number}: {error}") from error
    return Message(form, tuple(found))


def record(form: Form, text: str, now: datetime) -> dict[str, Value]:
    """One record. Raises Refused."""
    given = _given(form, text)
    lacking = sorted(form.mandatory - given.keys())
    if lacking:
        raise Refused(f"{', '.join(lacking)} must be given")
    grades = {name: _grades(name, given.pop(name)) for name in form.graded & given.keys()}
    values = {name: _value(form, name, said) for name, said in given.items()}
    values |= _best(values, grades)
    _told_apart(values)
    try:
        checks.check(form, values, now)
    except ValueError as error:
        raise Refused(str(error)) from error
    return values


def _given(form: Form, text: str) -> dict[str, str]:
    """What is said of each field; of one said twice, what is said last."""
    given: dict[str, str] = {}
    for line in text.strip().splitlines():
        name, colon, said = (part.strip() for part in line.partition(":"))
        if not colon:
            raise Refused(f"{line[:80]!r} has no colon")
        if name in form.ignored:
            continue
        if name not in form.fields:
            raise Refused(f"{name[:80]!r} is no field of a {form.name} record")
        given.pop(name, None)
        if name in NEVER_NULL or said.lower() not in _NOTHING:
            given[name] = said
        elif name in form.mandatory:
            raise Refused(f"{name} must be given, and is {said!r}")
    return given


def _value(form: Form, name: str, said: str) -> Value:
    try:
        if name in form.integers:
            return int(said)
        if name in form.numbers:
            return float(said)
        return _time(said) if name in form.times else said
    except (ValueError, OverflowError, OSError) as error:
        raise Refused(f"{name} is {said[:80]!r}") from error


def _time(said: str) -> datetime:
    try:
        seconds = int(said)
    except ValueError:
        return datetime.strptime(said.replace("Z", "UTC"), _ISO).replace(tzinfo=UTC)
    return datetime.fromtimestamp(seconds, UTC)


# -- benchmarks --------------------------------------------------------------------------------------------------------


def _grades(name: str, said: str) -> dict[str, float]:
    """``{hepspec: 10, hepscore23: 12}`` by benchmark, lower case."""
    if not (said.startswith("{") and said.endswith("}")):
        raise Refused(f"{name} is {said[:80]!r}, not values by benchmark")
    found: dict[str, float] = {}
    for part in said[1:-1].split(","):
        benchmark, _, number = (word.strip() for word in part.partition(":"))
        if benchmark.lower() not in BENCHMARKS:
            raise Refused(f"{name}: {benchmark!r} is no benchmark")
        try:
            found[benchmark.lower()] = float(number)
        except ValueError as error:
            raise Refused(f"{name}: {benchmark} is {number!r}") from error
    return found


def _best(values: Mapping[str, Value], grades: Mapping[str, Mapping[str, float]]) -> dict[str, Value]:
    """The value by the best benchmark, where several are given."""
    if not grades:
        return {}
    if "ServiceLevelType" in values:
        raise Refused("ServiceLevelType stands beside values by benchmark")
    if len({frozenset(found) for found in grades.values()}) > 1:
        raise Refused(f"{' and '.join(sorted(grades))} are given by different benchmarks")
    best = next(one for one in BENCHMARKS if one in next(iter(grades.values())))
    found: dict[str, Value] = {"ServiceLevelType": best}
    for name, by_benchmark in grades.items():
        found[name] = by_benchmark[best] if name == "ServiceLevel" else int(by_benchmark[best])
    return found


# -- who ---------------------------------------------------------------------------------------------------------------


def _told_apart(values: dict[str, Value]) -> None:
    """Fill VO, VOGroup and VORole in from the first FQAN, where one is given."""
    fqan = values.get("FQAN")
    if not isinstance(fqan, str):
        return
    first = fqan.split(";")[0]
    pieces = [piece for piece in first.split("/") if piece]
    role = next((n for n, piece in enumerate(pieces) if piece.lower().startswith("role=")), None)
    for name in NEVER_NULL:
        values.pop(name, None)
    if not first.startswith("/") or not role:
        values["VO"] = first
        return
    values |= {"VO": pieces[0], "VOGroup": "".join(f"/{piece}" for piece in pieces[:role]), "VORole": pieces[role]}
