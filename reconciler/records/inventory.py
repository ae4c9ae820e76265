"""The inventory: what Hanse has made and still holds, and all that is needed to take it away again."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from reconciler.model import BookKeeping, Details, Entry, Ref
from reconciler.records.database import Database, chunks
from reconciler.records.holdings import HEAVY, LIGHT, keep_books, keep_lifecycles, read_edges, seen

_ENTRY = (
    LIGHT.c.ref,
    LIGHT.c.uid,
    LIGHT.c.generation,
    LIGHT.c.digest,
    LIGHT.c.observed_digest,
    LIGHT.c.target,
    LIGHT.c.meta_digest,
    LIGHT.c.source,
)


@dataclass(frozen=True)
class InventoryStore:
    """The inventory of one database. Rows come and go through the journal only."""

    database: Database

    def entries(self) -> dict[Ref, Entry]:
        """The light part of every row."""
        # A hundred thousand rows in every run: taken from the driver as they are (text and numbers need no decoding),
        # and without the collector walking over all of them again and again while they come into being.
        found: dict[Ref, Entry] = {}
        with _uncollected(), self.database.reading() as connection:
            rows: Any = connection.execute(select(*_ENTRY)).cursor
            for row in rows:
                ref = Ref(row[0])
                found[ref] = Entry._make((ref, *row[1:]))
        return found

    def details(self, refs: Collection[Ref]) -> dict[Ref, Details]:
        """The heavy part of the rows of ``refs``, as far as there are any."""
        statement = select(HEAVY, LIGHT.c.target).join(LIGHT, LIGHT.c.ref == HEAVY.c.ref)
        found: dict[Ref, Details] = {}
        with self.database.reading() as connection:
            for some in chunks(refs):
                rows = connection.execute(statement.where(HEAVY.c.ref.in_(some)))
                found.update((Ref(row.ref), _details(row)) for row in rows)
        return found

    def outputs(self, refs: Collection[Ref]) -> dict[Ref, Mapping[str, Any]]:
        """What others may take from each of ``refs`` that is held."""
        found: dict[Ref, Mapping[str, Any]] = {}
        with self.database.reading() as connection:
            for some in chunks(refs):
                rows = connection.execute(select(HEAVY.c.ref, HEAVY.c.outputs).where(HEAVY.c.ref.in_(some)))
                found.update((Ref(ref), outputs) for ref, outputs in rows)
        return found

    def choices(self) -> dict[Ref, dict[str, tuple[str, ...]]]:
        """What was chosen for each resource that had something open, field by field."""
        statement = select(HEAVY.c.ref, HEAVY.c.choices).where(HEAVY.c.choices.is_not(None))
        with self.database.reading() as connection:
            rows = connection.execute(statement).all()
        return {Ref(ref): _chosen(choices) for ref, choices in rows}

    def sync(self, rows: Mapping[Ref, BookKeeping], commit: str = "") -> None:
        """Bring the book-keeping of resources up to date for which there is nothing to do in the world.

        With ``content`` the world was found to be as wanted already: then that is what was applied last. The target
        of a resource never changes here, and its source only with ``content``: both are for actions.
        """
        with self.database.writing() as connection:
            keep_books(connection, rows, commit)

    def handle(self, lifecycles: Mapping[Ref, Mapping[str, Any]]) -> None:
        """Note how git says that resources are to be handled, whatever becomes of what it wants of them."""
        if not lifecycles:
            return
        with self.database.writing() as connection:
            keep_lifecycles(connection, lifecycles)

    def observed(self, digests: Mapping[Ref, str]) -> None:
        """Note what resources looked like when they were read; "" for one proved absent."""
        with self.database.writing() as connection:
            seen(connection, digests)


@contextmanager
def _uncollected() -> Iterator[None]:
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _details(row: Row[Any]) -> Details:
    return Details(
        content=row.content,
        edges=read_edges(row.edges),
        outputs=row.outputs,
        lifecycle=row.lifecycle,
        options=row.options,
        driver=row.driver,
        choices=_chosen(row.choices or {}),
        owner=None if row.owner is None else Ref(row.owner),
        commit=row.commit,
        file=row.file,
        target=row.target,
        changed=row.changed_at.isoformat(),
    )


def _chosen(choices: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
    return {field: tuple(chosen) for field, chosen in choices.items()}
