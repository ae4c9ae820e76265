"""A real BIND on loopback: two TSIG keys, and a zone of its own for each test.

In a conftest: ``from tests.real.bind import bind`` (a session fixture); ``with bind.zone("x.example.") as zone:``.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import pytest

from tests.real.ports import free_port
from tests.real.waiting import PATIENCE

WRITER = "reconciler."
READER = "observer."

_ZONE = """$TTL 300
@ IN SOA ns1 hostmaster 1 3600 600 86400 60
@ IN NS ns1
ns1 IN A 127.0.0.1
static IN A 192.0.2.1
"""
_CONFIG = """
include "{dir}/writer.key";
include "{dir}/reader.key";
include "{dir}/rndc.key";
options {{
  directory "{dir}"; pid-file "{dir}/named.pid"; session-keyfile "{dir}/session.key";
  managed-keys-directory "{dir}"; dump-file "{dir}/dump.db"; statistics-file "{dir}/stats";
  listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion no; notify no; allow-query {{ any; }}; allow-transfer {{ none; }};
  dnssec-validation no; allow-new-zones yes;
}};
controls {{ inet 127.0.0.1 port {control} allow {{ 127.0.0.1; }} keys {{ rndc-key; }}; }};
"""


@dataclass(frozen=True)
class Bind:
    """A running name server."""

    dir: Path
    port: int
    control: int
    process: subprocess.Popen[bytes]

    @property
    def writer_key(self) -> Path:
        """The key file of ``WRITER``, as tsig-keygen wrote it."""
        return self.dir / "writer.key"

    @property
    def reader_key(self) -> Path:
        """The key file of ``READER``, which may transfer and not update."""
        return self.dir / "reader.key"

    @contextmanager
    def zone(self, name: str, text: str = _ZONE, transfer: str = "any") -> Iterator[str]:
        """A fresh primary zone, taken away at the end; ``transfer`` is ``any`` (both keys), or ``none``."""
        self.add_zone(name, text, transfer)
        try:
            yield name
        finally:
            self.rndc("delzone", "-clean", name)

    def add_zone(self, name: str, text: str = _ZONE, transfer: str = "any") -> None:
        """A fresh primary zone that lasts as long as the server."""
        file = self.dir / f"{name}{uuid.uuid4().hex[:8]}.db"  # delzone removes the old one when it pleases
        file.write_text(text)
        transfers = {"any": f"key {WRITER}; key {READER};", "none": "none;"}[transfer]
        types = "A AAAA CNAME TXT SRV CAA"
        options = (
            f'{{ type primary; file "{file}"; update-policy {{ grant {WRITER} zonesub {types}; }};'
            f" allow-transfer {{ {transfers} }}; }};"
        )
        self.rndc("addzone", name, options)

    def rndc(self, *arguments: str) -> None:
        """Tell the server something."""
        command = ["rndc", "-k", str(self.dir / "rndc.key"), "-s", "127.0.0.1", "-p", str(self.control), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stderr

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the server and everything it started."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, how)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE)


def need(*binaries: str, package: str) -> None:
    """Skip when a binary is missing; in CI, where all must be there, fail."""
    missing = [name for name in binaries if not shutil.which(name)]
    if missing:
        say = f"{', '.join(missing)} not installed: apt-get install {package}"
        pytest.fail(say) if os.environ.get("CI") == "true" else pytest.skip(say)


def start(folder: Path) -> Bind:
    """Start a server in ``folder`` and wait until it answers."""
    for key, file in ((WRITER, "writer.key"), (READER, "reader.key")):
        written = subprocess.run(["tsig-keygen", "-a", "hmac-sha256", key], capture_output=True, check=True)
        (folder / file).write_bytes(written.stdout)
    subprocess.run(["rndc-confgen", "-a", "-c", folder / "rndc.key"], capture_output=True, check=True)
    port, control = free_port(), free_port()
    (folder / "named.conf").write_text(_CONFIG.format(dir=folder, port=port, control=control))
    with (folder / "named.log").open("wb") as log:
        process = subprocess.Popen(
            ["named", "-g", "-n", "1", "-c", folder / "named.conf"], stdout=log, stderr=log, start_new_session=True
        )
    server = Bind(folder, port, control, process)
    try:
        _wait(server)
    except BaseException:
        server.stop()
        raise
    return server


def _wait(server: Bind) -> None:
    query = dns.message.make_query("version.bind.", "TXT", "CH")
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if server.process.poll() is not None:
            break
        try:
            dns.query.tcp(query, "127.0.0.1", timeout=30, port=server.port)
        except (OSError, EOFError, dns.exception.DNSException):
            time.sleep(0.02)
        else:
            return
    pytest.fail(f"named did not start:\n{(server.dir / 'named.log').read_text()}")


@pytest.fixture(scope="session")
def bind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bind]:
    """One BIND for the whole session."""
    need("named", "rndc", "tsig-keygen", "rndc-confgen", "nsupdate", package="bind9 bind9-utils dnsutils")
    server = start(tmp_path_factory.mktemp("bind"))
    yield server
    server.stop()
