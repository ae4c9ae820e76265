"""A WebDAV server that knows the standard and no more: no checksums, no third-party copies, names percent-encoded.

In a conftest: ``from tests.real.dav import dav`` (a session fixture).
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cheroot import wsgi
from wsgidav.fs_dav_provider import FilesystemProvider
from wsgidav.wsgidav_app import WsgiDAVApp

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Dav:
    """A running server; ``root`` is what ``url`` shows."""

    url: str
    root: Path

    def folder(self) -> str:
        """A new folder, for one test alone."""
        name = f"test {next(_numbers)}"
        (self.root / name).mkdir()
        return name


@pytest.fixture(scope="session")
def dav(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dav]:
    """The server, started once."""
    root = tmp_path_factory.mktemp("dav")
    app = WsgiDAVApp(
        {
            "provider_mapping": {"/": FilesystemProvider(str(root))},
            "simple_dc": {"user_mapping": {"*": True}},
            "verbose": 0,
            "logging": {"enable": False},
            "dir_browser": {"enable": False},
            "property_manager": False,
            "lock_storage": False,
        }
    )
    server = wsgi.Server(("127.0.0.1", 0), app, numthreads=8)
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield Dav(f"http://127.0.0.1:{server.bind_addr[1]}", root)
    finally:
        server.stop()
        thread.join(10)
