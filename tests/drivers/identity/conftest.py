"""The keystones that the contract suite runs against: the embedded one and a real one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import pytest

from reconciler.drivers import keystone as real
from reconciler.drivers.keystone import embedded
from reconciler.model import Target
from reconciler.ports import Identity
from tests.real.keystone import PASSWORD, keystone

__all__ = ["keystone"]
_NUMBERS = count(1)


@dataclass
class Place:
    """A domain of one's own in a keystone, and names that nobody else has."""

    domain: str
    issuer: str
    provider: str
    open: Callable[[], Identity]


class Secrets:
    """Enough of ``ports.Drivers`` for a driver that reads a secret."""

    def secret(self, reference):
        return PASSWORD


ADMINISTRATOR = {"username": "admin", "password": {"env": "ADMIN_PASSWORD"}}


@pytest.fixture(params=["embedded", "keystone"])
def place(request, tmp_path) -> Place:
    number = next(_NUMBERS)
    if request.param == "embedded":
        target = Target("identity:SITE/cloud", "embedded", {"state": str(tmp_path)})
        return Place("Default", f"https://aai.example.org/{number}", "egi.eu", lambda: embedded.open(target))
    running = request.getfixturevalue("keystone")
    options = {"endpoint": running.url, "administrator": ADMINISTRATOR, "state": str(tmp_path)}
    target = Target("identity:SITE/cloud", "openstack", options)
    issuer = f"{running.issuer.name}/{number}"
    return Place(running.domain(), issuer, f"idp{number}", lambda: real.open(target, Secrets()))


@pytest.fixture
def identity(place) -> Identity:
    return place.open()
