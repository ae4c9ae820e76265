"""Every test of the records runs on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.records.store import Store, open_store
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


@pytest.fixture
def store(url, clock) -> Iterator[Store]:
    numbers = iter(range(1_000_000))
    with open_store(url, clock, lambda n: f"{next(numbers):0{2 * n}x}") as opened:
        yield opened
