"""What drivers remember of a back end, in a small SQLite file of their own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from reconciler.errors import Transient

_PATIENCE_SECONDS = 30


@contextmanager
def remembered(file: Path, schema: str, cure: str = "") -> Iterator[sqlite3.Connection]:
    """The file in one transaction, made with its tables where it is not there yet.

    Raises Transient with what is wrong, and ``cure``.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(file, timeout=_PATIENCE_SECONDS)) as connection, connection:
            connection.execute(schema)
            yield connection
    except (sqlite3.Error, OSError) as error:
        raise Transient(f"{file}: {error}{cure}") from error
