"""A small federation whose page people log in to, through a real provider."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from reconciler.cli.house import opened
from reconciler.cli.options import Place
from reconciler.cli.shown import Shown
from reconciler.daemon.loop import Bell
from reconciler.daemon.service import Service
from tests.real.oidc import SECRET, Oidc, oidc  # noqa: F401
from tests.web.shown.conftest import commit, git

SETTINGS = """\
[web]
token = {{ file = "{root}/token" }}
[oidc]
readers = ["urn:mace:egi.eu:group:*"]
[[oidc.issuers]]
issuer = "{issuer}"
label = "Check-in of the tests"
client_id = "hanse"
client_secret = {{ file = "{root}/secret" }}
device_client_id = "hanse-cli"
clients = ["oidc-agent"]
"""
TOKEN = "the-configured-token"
MANIFESTS = """\
apiVersion: hanse/v1
kind: VO
metadata: {name: tides}
spec: {description: what nobody else may know}
---
apiVersion: hanse/v1
kind: VO
metadata: {name: waves}
spec: {description: what nobody else may know}
---
apiVersion: hanse/v1
kind: DNSRecord
metadata: {name: www, namespace: tides}
spec: {zone: fed.example.org, name: www, type: A, values: ["192.0.2.10"]}
---
apiVersion: hanse/v1
kind: DNSRecord
metadata: {name: www, namespace: waves}
spec: {zone: fed.example.org, name: waves, type: A, values: ["192.0.2.11"]}
"""


@dataclass
class Entered:
    """The server, and what is behind it."""

    url: str
    root: Path
    service: Service
    shown: Shown
    provider: Oidc
    browsers: list[requests.Session] = field(default_factory=list)

    @property
    def store(self) -> Any:
        return self.service.house.store

    def browser(self) -> requests.Session:
        """A browser of its own."""
        self.browsers.append(requests.Session())
        return self.browsers[-1]

    def logged_in(self, identity: str, at: str = "/me") -> requests.Session:
        """A browser in which somebody has logged in."""
        browser = self.browser()
        page = self.provider.log_in(f"{self.url}/login?next={at}", identity, browser)
        assert page.url == f"{self.url}{at}", page.text
        return browser

    def get(self, path: str, token: str = "", **headers: str) -> requests.Response:
        shown = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.get(f"{self.url}{path}", headers={**shown, **headers}, timeout=120, allow_redirects=False)


class Entering:
    """Plans, applies and serves."""

    def __init__(self, root: Path, provider: Oidc, settings: str = SETTINGS, manifests: str = MANIFESTS) -> None:
        self._stack = ExitStack()
        git(root, "init", "-q")
        (root / "token").write_text(TOKEN)
        (root / "secret").write_text(SECRET)
        (root / "hanse.toml").write_text(settings.format(issuer=provider.url, root=root), encoding="utf-8")
        commit(root, manifests)
        place = Place(root)
        house = self._stack.enter_context(opened(place))
        service = Service(house, "HEAD")
        service.step(Bell())
        shown = Shown(house, service, place, (lambda: TOKEN) if "token = " in settings else None)
        url = self._stack.enter_context(shown.served("127.0.0.1:0"))
        self.entered = Entered(url, root, service, shown, provider)

    def __enter__(self) -> Entered:
        return self.entered

    def __exit__(self, *error: object) -> None:
        for browser in self.entered.browsers:
            browser.close()
        self._stack.close()


@pytest.fixture(scope="module")
def entered(tmp_path_factory, oidc) -> Iterator[Entered]:  # noqa: F811
    with Entering(tmp_path_factory.mktemp("entered"), oidc) as made:
        yield made
