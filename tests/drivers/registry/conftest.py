"""The registers that the contract suite runs against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.drivers import embedded
from reconciler.model import Target
from reconciler.ports import Registry

Opener = Callable[[str], Registry]


@pytest.fixture(params=["embedded"])
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Opens a table by its name; each call gives a new handle on the same register."""
    state = str(tmp_path / "state")
    return lambda table: embedded.open(Target(f"registry:{table}", request.param, {"state": state}), None)
