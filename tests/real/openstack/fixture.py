"""How a test, a demonstration or a benchmark gets the cloud."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.real.openstack.cloud import Cloud


@contextmanager
def cloud() -> Iterator[Cloud]:
    """The cloud of this machine, started when nobody has. Raises HanseError when this machine cannot."""
    raise NotImplementedError
    yield


@pytest.fixture(scope="session")
def openstack() -> Iterator[Cloud]:
    """The cloud of this machine; skips without root or Debian packages (fails in CI)."""
    with cloud() as running:
        yield running
