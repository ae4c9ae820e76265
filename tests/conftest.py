"""What holds for every test: how they are shared out, and what their surroundings may not bring in."""

from __future__ import annotations

import fcntl
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from reconciler.masking import MASK, Mask

_HOSTS = (
    "test_cluster_on_namespaces.py",
    "test_real.py",
    "tests/demo/test_data.py",
    "tests/drivers/compute/",
    "tests/drivers/configure/",
    "tests/drivers/storage/test_wires.py",
    "tests/e2e/test_killed_transfer.py",
    "tests/playbooks/",
)

settings.register_profile(
    "a busy machine", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("a busy machine")

_CLOUD = re.compile(r"(?<![\w.])openstack(?![\w.])")
"""In the name of a test: one of its cases is the real cloud."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that make hosts out of namespaces, and those whose hosts are servers of the cloud."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "openstack" in fixtures or _CLOUD.search(item.name):
            item.add_marker("cloud")
        elif "roots" in fixtures or any(part in str(item.path) for part in _HOSTS):
            item.add_marker("hosts")


@pytest.fixture(autouse=True)
def _hosts_alone(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests that make hosts run one after the other, and so do those on the cloud: both are heavy."""
    mark = next((m for m in ("hosts", "cloud") if request.node.get_closest_marker(m) is not None), None)
    if mark is None:
        yield
        return
    with (Path(tempfile.gettempdir()) / f"hanse-tests-{mark}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of whoever runs the tests: of Hanse, of git, of terminals."""
    for name in ("HANSE_DEBUG", "HANSE_RECORDS__URL", "HANSE_RUCIO", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture(autouse=True)
def _own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests have read as secrets, and be it a word of the language, is not hidden in this one."""
    for name, none_yet in vars(Mask()).items():
        monkeypatch.setattr(MASK, name, none_yet)
