"""The registers that the contract suite runs against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.drivers import embedded
from reconciler.model import Target
from reconciler.ports import Registry
from reconciler.records.store import open_store
from tests.real.postgresql import postgresql
from tests.records.conftest import clock, migrated, migrated_database, migrated_file, ready, store

__all__ = ["clock", "migrated", "migrated_database", "migrated_file", "postgresql", "store"]

Opener = Callable[[str], Registry]


@pytest.fixture(params=["embedded", "sqlite", "postgresql"])
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens a table by its name; each call gives a new handle on the same register."""
    state = tmp_path / "state"
    if request.param == "embedded":
        yield lambda table: embedded.open(Target(f"registry:{table}", request.param, {"state": str(state)}), None)
        return
    with open_store(ready(request, request.param, tmp_path), request.getfixturevalue("clock")) as kept:
        yield lambda table: kept.documents.table(table, state)
