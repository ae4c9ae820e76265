"""A federation with one site, whose cloud has a real keystone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
import yaml

from tests.house import applied, commit, opened, planned
from tests.real.keystone import PASSWORD, Keystone, keystone

__all__ = ["keystone"]
_NUMBERS = count(1)
SITE = "TIDE-CLOUD"
SECRET = {"ADMIN_PASSWORD": PASSWORD}


@dataclass
class Onboarded:
    """A repository with a site in a domain of its own, and what may be done to it."""

    root: Path
    keystone: Keystone
    domain: str
    provider: str
    issuer: str
    environment: Mapping[str, str] = field(default_factory=lambda: SECRET)

    def commit(self, vos: Mapping[str, str], *, shares: Iterable[str] | None = None, **more) -> None:
        """Declare VOs (name -> entitlement) and a site that supports them; ``more`` goes into the onboarding."""
        administrator = {"username": "admin", "password": {"env": "ADMIN_PASSWORD"}}
        onboarding = {"administrator": administrator, "domain": self.domain, "issuer": self.issuer, **more}
        cloud = {
            "name": "openstack",
            "driver": "openstack",
            "endpoint": self.keystone.url,
            "identityProvider": self.provider,
            "onboarding": {key: value for key, value in onboarding.items() if value is not None},
            "shares": [{"vo": vo} for vo in (vos if shares is None else shares)],
        }
        documents = [document("Site", SITE, {"clouds": [cloud]}), *(vo(name, text) for name, text in vos.items())]
        commit(self.root, {"all.yaml": yaml.safe_dump_all(documents)})

    def planned(self):
        return planned(self.root, environment=self.environment)

    def applied(self, **more):
        return applied(self.root, environment=self.environment, **more)

    def opened(self):
        return opened(self.root, self.environment)

    def projects_of(self, *entitlements: str, issuer: str = "") -> list[str] | None:
        """Projects that a bearer of these entitlements gets a token for."""
        token = self.keystone.issuer.token(entitlements, issuer=issuer or self.issuer)
        return self.keystone.projects_of(token, self.provider)

    def mapping(self) -> dict:
        """The mapping in which the rules stand."""
        return self.keystone.call("GET", f"/OS-FEDERATION/mappings/{self.provider}_openid")["mapping"]

    def project(self, name: str) -> dict | None:
        """A project by its name, as keystone shows it."""
        domain = self.keystone.call("GET", f"/domains?name={self.domain}")["domains"][0]["id"]
        found = self.keystone.call("GET", f"/projects?domain_id={domain}&name={name}")["projects"]
        return found[0] if found else None


def document(kind: str, name: str, spec: Mapping) -> dict:
    return {"apiVersion": "hanse/v1", "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


def vo(name: str, entitlement: str) -> dict:
    group = {"group": name} if name.startswith("/") else {}
    held = {"entitlements": [{"role": "vm_operator", "value": entitlement}]} if entitlement else {}
    return document("VO", name.strip("/").replace("/", "_"), {**group, **held})


@pytest.fixture
def site(keystone, tmp_path) -> Onboarded:
    number = next(_NUMBERS)
    issuer = f"{keystone.issuer.name}/{100 + number}"
    return Onboarded(tmp_path, keystone, keystone.domain(), f"tide{number}", issuer)
