"""Every test of the records runs on both databases."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.records.store import Store, open_store
from reconciler.records.tables import Base
from tests.real.postgresql import postgresql

__all__ = ["postgresql"]


@dataclass
class Clock:
    """Stands still until it is told to go on."""

    time: datetime = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def pass_by(self, seconds: float) -> datetime:
        self.time += timedelta(seconds=seconds)
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state/hanse.db"
    return request.getfixturevalue("postgresql").fresh()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("migrated") / "hanse.db"
    open_store(f"sqlite:///{file}", Clock()).close()
    return file


@pytest.fixture(scope="session")
def migrated_database(postgresql) -> str:
    url = postgresql.fresh()
    open_store(url, Clock()).close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated(request, tmp_path) -> str:
    """The URL of a database that is up to date already: migrating each anew would take most of the time."""
    return ready(request, request.param, tmp_path)


def ready(request, database: str, tmp_path: Path) -> str:
    """An empty database that is up to date."""
    if database == "postgresql":
        url = request.getfixturevalue("migrated_database")
        tables = ", ".join(Base.metadata.tables)
        request.getfixturevalue("postgresql").run(f"TRUNCATE {tables} RESTART IDENTITY", url.rpartition("/")[2])
        return url
    shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "hanse.db")
    return f"sqlite:///{tmp_path}/hanse.db"


@pytest.fixture
def store(migrated, clock) -> Iterator[Store]:
    numbers = iter(range(1_000_000))
    with open_store(migrated, clock, lambda n: f"{next(numbers):0{2 * n}x}") as opened:
        yield opened
