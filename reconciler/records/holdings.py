"""Changes of the inventory inside somebody else's transaction: hold, rename, drop, note what was seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, delete, select, update

from reconciler.model import BookKeeping, Edge, Ref, digest_of
from reconciler.records.database import Database, chunks
from reconciler.records.tables import ConditionRow, DetailsRow, InventoryRow, table

LIGHT = table(InventoryRow)
HEAVY = table(DetailsRow)
_CONDITIONS = table(ConditionRow)
_KEY: BindParameter[Any] = bindparam("key")
_MOVING = "\x7f"
"""Stands before a name while names change places; no manifest can spell it."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A resource as it is from now on."""

    ref: Ref
    uid: str
    generation: int
    content: bytes
    edges: tuple[Edge, ...]
    outputs: Mapping[str, Any]
    book: BookKeeping
    source: str


def hold(database: Database, connection: Connection, holdings: Sequence[Holding], commit: str, now: datetime) -> None:
    """Write whole rows. A uid is one resource: a row that has it under another name goes."""
    if not holdings:
        return
    others = delete(LIGHT).where(LIGHT.c.uid == bindparam("mark"), LIGHT.c.ref != _KEY)
    connection.execute(others, [{"mark": held.uid, "key": str(held.ref)} for held in holdings])
    connection.execute(database.upsert(LIGHT), [_light(held) for held in holdings])
    connection.execute(database.upsert(HEAVY), [_heavy(held, commit, now) for held in holdings])


def rename(connection: Connection, pairs: Iterable[tuple[Ref, Ref]]) -> None:
    """Give rows (old, new) names, uid and all else kept. Names may change places."""
    moves = [(str(old), str(new)) for old, new in pairs]
    if not moves:
        return
    aside = [{"key": old, "name": _MOVING + new} for old, new in moves]
    home = [{"key": _MOVING + new, "name": new} for _, new in moves]
    _renamed(connection, aside)
    connection.execute(delete(_CONDITIONS).where(_CONDITIONS.c.ref == _KEY), [{"key": new} for _, new in moves])
    _renamed(connection, home)
    owned = [{"key": old, "name": new} for old, new in moves]
    connection.execute(update(HEAVY).where(HEAVY.c.owner == _KEY).values(owner=bindparam("name")), owned)


def _renamed(connection: Connection, names: Sequence[Mapping[str, str]]) -> None:
    for what in (LIGHT, _CONDITIONS):
        connection.execute(update(what).where(what.c.ref == _KEY).values(ref=bindparam("name")), names)


def drop(connection: Connection, refs: Iterable[Ref]) -> None:
    """Forget resources, and how they stood."""
    for some in chunks(refs):
        connection.execute(delete(LIGHT).where(LIGHT.c.ref.in_(some)))
        connection.execute(delete(_CONDITIONS).where(_CONDITIONS.c.ref.in_(some)))


def keep_books(connection: Connection, rows: Mapping[Ref, BookKeeping], commit: str) -> None:
    """Bring book-keeping up to date. Where a resource stands is a fact, not book-keeping: that is left alone."""
    if not rows:
        return
    stands = where(connection, rows)
    known = [(ref, book) for ref, book in rows.items() if ref in stands]
    _each(connection, LIGHT, [{"key": str(ref), "meta_digest": book.meta_digest} for ref, book in known])
    _each(connection, HEAVY, [{"key": str(ref), **_meta(book)} for ref, book in known])
    reached = [(ref, book) for ref, book in known if stands[ref] == book.target.id]
    _each(connection, HEAVY, [{"key": str(ref), **_back_end(book)} for ref, book in reached])
    _agreed(connection, [(ref, book) for ref, book in known if book.content is not None], commit)


def keep_lifecycles(connection: Connection, lifecycles: Mapping[Ref, Mapping[str, Any]]) -> None:
    """Note lifecycles alone. The row's source becomes nobody's, so that going back in git is a change as well."""
    _each(connection, HEAVY, [{"key": str(ref), "lifecycle": dict(said)} for ref, said in lifecycles.items()])
    _each(connection, LIGHT, [{"key": str(ref), "source": ""} for ref in lifecycles])


def seen(connection: Connection, digests: Mapping[Ref, str]) -> None:
    """Note what each resource looked like; "" for one that was proved absent."""
    _each(connection, LIGHT, [{"key": str(ref), "observed_digest": digest} for ref, digest in digests.items()])


def handed_on(connection: Connection, outputs: Mapping[Ref, Mapping[str, Any]]) -> None:
    """Note outputs that the world has changed."""
    _each(connection, HEAVY, [{"key": str(ref), "outputs": dict(values)} for ref, values in outputs.items()])


def where(connection: Connection, refs: Iterable[Ref]) -> dict[Ref, str]:
    """Target id of each of ``refs`` that the inventory holds."""
    found: dict[Ref, str] = {}
    for some in chunks(refs):
        rows = connection.execute(select(LIGHT.c.ref, LIGHT.c.target).where(LIGHT.c.ref.in_(some)))
        found.update((Ref(ref), target) for ref, target in rows)
    return found


def _agreed(connection: Connection, rows: Sequence[tuple[Ref, BookKeeping]], commit: str) -> None:
    """The world was found to be as wanted: that is now what was applied last."""
    if not rows:
        return
    digest: BindParameter[str] = bindparam("fresh")
    grown = LIGHT.c.generation + (LIGHT.c.digest != digest).cast(LIGHT.c.generation.type)
    statement = (
        update(LIGHT)
        .where(LIGHT.c.ref == _KEY)
        .values(generation=grown, digest=digest, observed_digest=digest, source=bindparam("declared"))
    )
    values = [(str(ref), book, book.content or b"") for ref, book in rows]
    connection.execute(statement, [{"key": k, "fresh": digest_of(c), "declared": b.source} for k, b, c in values])
    _each(connection, HEAVY, [{"key": key, "content": content, "commit": commit} for key, _, content in values])


def _each(connection: Connection, what: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update one row per ``key``; all rows name the same columns."""
    if not rows:
        return
    fresh = {name: bindparam(f"new_{name}", type_=what.c[name].type) for name in rows[0] if name != "key"}
    named = [{"key": row["key"], **{f"new_{n}": v for n, v in row.items() if n != "key"}} for row in rows]
    connection.execute(update(what).where(what.c.ref == _KEY).values(fresh), named)


def _light(held: Holding) -> dict[str, Any]:
    digest = digest_of(held.content)
    return {
        "ref": str(held.ref),
        "uid": held.uid,
        "generation": held.generation,
        "digest": digest,
        "observed_digest": digest,
        "target": held.book.target.id,
        "meta_digest": held.book.meta_digest,
        "source": held.source,
    }


def _heavy(held: Holding, commit: str, now: datetime) -> dict[str, Any]:
    kept = {"edges": plain_edges(held.edges), "content": held.content, "outputs": dict(held.outputs)}
    return {
        "ref": str(held.ref),
        **_meta(held.book),
        **_back_end(held.book),
        **kept,
        "commit": commit,
        "changed_at": now,
    }


def _meta(book: BookKeeping) -> dict[str, Any]:
    return {
        "edges": plain_edges(book.edges),
        "lifecycle": dict(book.lifecycle),
        "choices": {name: list(chosen) for name, chosen in book.choices.items()} or None,
        "owner": None if book.owner is None else str(book.owner),
        "file": book.file,
    }


def _back_end(book: BookKeeping) -> dict[str, Any]:
    return {"driver": book.target.driver, "options": dict(book.target.options)}


def plain_edges(edges: Iterable[Edge]) -> list[list[str]]:
    """Edges as JSON data."""
    return [[str(edge.ref), edge.gate, edge.path, edge.output] for edge in edges]


def read_edges(rows: Iterable[Sequence[Any]]) -> tuple[Edge, ...]:
    """Edges from JSON data."""
    return tuple(Edge(Ref(ref), gate, path, output) for ref, gate, path, output in rows)
