"""Names as the records know them, and those that point at an address which a cluster of ours has given back.

What an address was is known from the journal: every name that followed a cluster wrote down where it led.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import orjson
from sqlalchemy import Connection, select

from reconciler.model import Ref
from reconciler.records.database import Database
from reconciler.records.holdings import HEAVY as _HEAVY
from reconciler.records.tables import OperationRow, table

_OPERATIONS = table(OperationRow)
_ADDRESSES = ("A", "AAAA")


@dataclass(frozen=True, slots=True)
class Name:
    """One record that is held. ``name`` is absolute, without its final dot."""

    ref: Ref
    name: str
    type: str
    values: tuple[str, ...]
    follows: Ref | None
    """Whom it takes its values from; None when its manifest gives them."""
    fault: str = ""
    """Why it should not stand as it does."""


def names(database: Database) -> list[Name]:
    """Every record that is held, by name; ``fault`` says which address is no cluster's of ours any more."""
    with database.reading() as connection:
        held = list(_held(connection))
        given = {address for outputs in _outputs(connection) for address in _addresses(outputs)}
        former = {} if not held else dict(_former(connection))
    return sorted((_judged(one, given, former) for one in held), key=lambda one: (one.name, one.type))


def _judged(one: Name, given: set[str], former: Mapping[str, Ref]) -> Name:
    if one.follows is not None or one.type not in _ADDRESSES:
        return one
    gone = [f"{value} was {former[value]}'s" for value in one.values if value in former and value not in given]
    if not gone:
        return one
    fault = f"{', '.join(gone)}, and no cluster has it any more: whoever gets it next is called {one.name}"
    return Name(one.ref, one.name, one.type, one.values, None, fault)


def _held(connection: Connection) -> Iterator[Name]:
    statement = select(_HEAVY.c.ref, _HEAVY.c.content, _HEAVY.c.edges).where(_HEAVY.c.ref.like("DNSRecord/%"))
    for ref, content, edges in connection.execute(statement):
        said = orjson.loads(content)
        values = tuple(said.get("values") or ())
        yield Name(Ref(ref), said["name"].removesuffix("."), said["type"], values, _producer(edges))


def _outputs(connection: Connection) -> Iterator[Any]:
    statement = select(_HEAVY.c.outputs).where(_HEAVY.c.ref.not_like("DNSRecord/%"))
    yield from connection.execute(statement).scalars()


def _former(connection: Connection) -> Iterator[tuple[str, Ref]]:
    """Addresses that following names ever led to, each with whom they followed."""
    statement = select(_OPERATIONS.c.content, _OPERATIONS.c.edges).where(
        _OPERATIONS.c.ref.like("DNSRecord/%"), _OPERATIONS.c.state == "done"
    )
    for content, edges in connection.execute(statement):
        producer = _producer(edges)
        if producer is not None and content:
            yield from ((value, producer) for value in orjson.loads(content).get("values") or ())


def _producer(edges: Iterable[Any]) -> Ref | None:
    """Whom a record takes its values from, of edges as they are stored."""
    for ref, _gate, _path, output in edges:
        if output:
            return Ref(ref)
    return None


def _addresses(outputs: Any) -> Iterator[str]:
    """Every address anywhere in what a resource hands on."""
    if isinstance(outputs, Mapping):
        outputs = list(outputs.values())
    if isinstance(outputs, list):
        for one in outputs:
            yield from _addresses(one)
    elif isinstance(outputs, str):
        try:
            yield str(ip_address(outputs))
        except ValueError:
            return
