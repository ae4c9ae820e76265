"""The HTTP API as it is served: a real server, its records, and machines with tokens."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from reconciler.copies import Board
from reconciler.kinds.probe import Checks, Looked
from reconciler.model import Ref
from reconciler.records.store import Store, open_store
from reconciler.records.tokens import RIGHTS
from reconciler.settings import WebSettings
from reconciler.web import argo, metrics, results
from reconciler.web.known import Known
from reconciler.web.serving import serving

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOVA = Ref("Probe/tides/nova")
MAIL = Ref("Probe/tides/mail")
LOOKED = Looked("org.openstack.nova", "nova.example.org", "org.nagios.Nova")


@dataclass
class Served:
    """A server, what it knows, and how to ask it."""

    url: str
    store: Store
    known: Known
    tokens: Mapping[str, str]
    """Right -> a token that may do it."""
    session: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str, token: str = "", **headers: str) -> requests.Response:
        shown = {"x-api-key": token} if token else {}
        return self.session.get(f"{self.url}{path}", headers={**shown, **headers}, timeout=120)

    def tell(self, items: Any, token: str | None = None, **headers: str) -> requests.Response:
        body = items if isinstance(items, bytes) else json.dumps(items).encode()
        shown = {"x-api-key": self.tokens["results"] if token is None else token}
        return self.session.post(f"{self.url}/v1/results", data=body, headers={**shown, **headers}, timeout=120)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory) -> Path:
    """A database that is up to date: making each anew would take most of the time."""
    file = tmp_path_factory.mktemp("web") / "hanse.db"
    open_store(f"sqlite:///{file}", lambda: NOW).close()
    return file


@pytest.fixture
def served(tmp_path, migrated) -> Iterator[Served]:
    shutil.copy(migrated, tmp_path / "hanse.db")
    with Serving(tmp_path, WebSettings()) as made:
        yield made


@pytest.fixture
def serve(tmp_path, migrated) -> Callable[..., Any]:
    """For servers with settings of their own."""
    (tmp_path / "own").mkdir()
    shutil.copy(migrated, tmp_path / "own/hanse.db")
    return lambda **settings: Serving(tmp_path / "own", WebSettings(**settings))


class Serving:
    def __init__(self, folder, settings: WebSettings) -> None:
        self.store = open_store(f"sqlite:///{folder}/hanse.db", lambda: NOW)
        checks = Checks({NOVA: 2, MAIL: 1}, {LOOKED: NOVA}, {NOVA: LOOKED})
        self.known = Known(self.store, settings, lambda: NOW, lambda: checks, backlog=lambda: (3, 1.5))
        names = iter("abcdef")
        self.tokens = {
            right: self.store.tokens.create(right, [right], "me", lambda n: next(names) * 2 * n) for right in RIGHTS
        }
        self.serving = serving(
            "127.0.0.1:0",
            Board(),
            None,
            [*results.routes(self.known), *metrics.routes(self.known), *argo.routes(self.known)],
        )

    def __enter__(self) -> Served:
        self.served = Served(self.serving.__enter__(), self.store, self.known, self.tokens)
        return self.served

    def __exit__(self, *error: object) -> None:
        self.served.session.close()
        self.serving.__exit__(*error)
        self.store.close()
