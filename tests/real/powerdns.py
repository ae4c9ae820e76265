"""A real PowerDNS Authoritative Server on loopback with a SQLite database, and a zone of its own for each test.

In a conftest: ``from tests.real.powerdns import powerdns`` (a session fixture).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.real.bind import need
from tests.real.ports import free_port
from tests.real.waiting import PATIENCE

KEY = "a-key-for-tests"
_SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")
_CONFIG = """launch=gsqlite3
gsqlite3-database={dir}/zones.sqlite
local-address=127.0.0.1
local-port={port}
socket-dir={dir}
daemon=no
guardian=no
setuid=
setgid=
api=yes
api-key={key}
webserver=yes
webserver-address=127.0.0.1
webserver-port={api}
webserver-allow-from=127.0.0.1
webserver-loglevel=none
"""


@dataclass(frozen=True)
class PowerDNS:
    """A running name server."""

    dir: Path
    port: int
    api: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.api}"

    def ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """One call of the API, as a person's script would do it."""
        request = urllib.request.Request(
            f"{self.url}/api/v1/servers/localhost{path}",
            data=json.dumps(body).encode() if body is not None else None,
            method=method,
            headers={"X-API-Key": KEY, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def util(self, *words: str) -> None:
        """What an administrator does on the machine: straight into the database."""
        command = ["pdnsutil", f"--config-dir={self.dir}", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    @contextmanager
    def zone(self, name: str) -> Iterator[str]:
        """A fresh zone, taken away at the end."""
        records = {"ns1": "127.0.0.1", "static": "192.0.2.1"}
        rrsets = [
            {"name": f"{label}.{name}", "type": "A", "ttl": 300, "records": [{"content": a, "disabled": False}]}
            for label, a in records.items()
        ]
        self.ask("/zones", "POST", {"name": name, "kind": "Native", "nameservers": [f"ns1.{name}"], "rrsets": rrsets})
        try:
            yield name
        finally:
            self.ask(f"/zones/{name}", "DELETE")

    def stop(self) -> None:
        """End the server."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE)


def start(folder: Path) -> PowerDNS:
    """Start a server in ``folder`` and wait until its API answers."""
    subprocess.run(["sqlite3", folder / "zones.sqlite"], input=_SCHEMA.read_bytes(), check=True, capture_output=True)
    port, api = free_port(), free_port()
    (folder / "pdns.conf").write_text(_CONFIG.format(dir=folder, port=port, api=api, key=KEY))
    with (folder / "pdns.log").open("wb") as log:
        process = subprocess.Popen(
            ["pdns_server", f"--config-dir={folder}"], stdout=log, stderr=log, start_new_session=True
        )
    server = PowerDNS(folder, port, api, process)
    try:
        _wait(server)
    except BaseException:
        server.stop()
        raise
    return server


def _wait(server: PowerDNS) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.process.poll() is None:
        try:
            server.ask("")
        except (OSError, urllib.error.URLError):
            time.sleep(0.02)
        else:
            return
    pytest.fail(f"pdns_server did not start:\n{(server.dir / 'pdns.log').read_text()}")


@pytest.fixture(scope="session")
def powerdns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PowerDNS]:
    """One PowerDNS for the whole session."""
    need("pdns_server", "pdnsutil", "sqlite3", package="pdns-server pdns-backend-sqlite3 sqlite3")
    server = start(tmp_path_factory.mktemp("powerdns"))
    yield server
    server.stop()
