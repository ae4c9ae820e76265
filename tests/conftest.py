"""What holds for every test: how they are shared out, and what their surroundings may not bring in."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_HOSTS = (
    "test_cluster_on_namespaces.py",
    "test_real.py",
    "tests/drivers/compute/",
    "tests/drivers/configure/",
    "tests/drivers/storage/test_wires.py",
    "tests/playbooks/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that make hosts out of namespaces."""
    for item in items:
        makes_hosts = not {"roots", "openstack"}.isdisjoint(getattr(item, "fixturenames", ()))
        if makes_hosts or any(part in str(item.path) for part in _HOSTS):
            item.add_marker("hosts")


@pytest.fixture(autouse=True)
def _hosts_alone(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests that make hosts run one after the other: the kernel's names and addresses are shared."""
    if request.node.get_closest_marker("hosts") is None:
        yield
        return
    with (Path(tempfile.gettempdir()) / "hanse-tests-hosts.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of whoever runs the tests: of Hanse, of git, of terminals."""
    for name in ("HANSE_DEBUG", "HANSE_RECORDS__URL", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
