"""What holds for every test: how they are shared out, and what their surroundings may not bring in."""

from __future__ import annotations

import pytest

_HOSTS = (
    "test_cluster_on_namespaces.py",
    "test_real.py",
    "tests/drivers/compute/",
    "tests/drivers/configure/",
    "tests/playbooks/",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that make hosts out of namespaces run one after the other: the kernel's names and addresses are shared."""
    for item in items:
        if "roots" in getattr(item, "fixturenames", ()) or any(part in str(item.path) for part in _HOSTS):
            item.add_marker(pytest.mark.xdist_group("hosts"))


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of whoever runs the tests: of Hanse, of git, of terminals."""
    for name in ("HANSE_DEBUG", "HANSE_RECORDS__URL", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
