"""Starts the server and its BIND. nsupdate.info speaks to port 53 alone: BIND has a loopback address of its own."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import dns.exception
import dns.message
import dns.query
import pytest

from reconciler.drivers.locks import locked
from tests.real.bind import need
from tests.real.ports import free_port
from tests.real.waiting import PATIENCE

PACKAGES = ("nsupdate==0.13.0", "argon2-cffi==25.1.0")
_SITE = Path(__file__).parent / "site"
_NUMBERS = count(77)
_ZONES = 150
_ZONE = """$TTL 300
@ IN SOA ns1 hostmaster 1 3600 600 86400 60
@ IN NS ns1
ns1 IN A 127.0.0.1
static IN A 192.0.2.1
"""
_CONFIG = """options {{
  directory "{dir}"; pid-file "{dir}/named.pid"; session-keyfile "{dir}/session.key";
  managed-keys-directory "{dir}"; listen-on port 53 {{ {address}; }}; listen-on-v6 {{ none; }};
  recursion no; notify no; dnssec-validation no;
}};
controls {{ }};
"""
_CONFIG_ZONE = """key "{name}" {{ algorithm hmac-sha512; secret "{secret}"; }};
zone "{name}" {{ type primary; file "{name}db"; update-policy {{ grant "{name}" zonesub ANY; }}; }};
"""


@dataclass
class Nsupdate:
    """A running service. Zones are handed out one by one, each with its own key."""

    dir: Path
    address: str
    port: int
    keys: dict[str, str]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    given: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def zone(self) -> str:
        """A zone that nobody has used."""
        self.given += 1
        return f"z{self.given}.dyn.example."

    def arrange(self, host: str, **fields: Any) -> dict[str, Any]:
        """Make a host (or set fields of it); its secret is told once, its faults always."""
        body = json.dumps({"fqdn": host.rstrip("."), "set": fields}).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/arrange", body), timeout=PATIENCE) as answer:
            told: dict[str, Any] = json.load(answer)
            return told

    def by_hand(self, zone: str, line: str) -> None:
        """What a person does at the name server."""
        script = f"server {self.address}\nzone {zone}\nupdate {line}\nsend\n"
        key = f"hmac-sha512:{zone}:{self.keys[zone]}"
        done = subprocess.run(
            ["nsupdate", "-y", key], input=script, text=True, capture_output=True, timeout=PATIENCE, check=False
        )
        assert done.returncode == 0, done.stderr

    def stop(self) -> None:
        """End both servers, and give the address back."""
        subprocess.run(["ip", "addr", "del", f"{self.address}/32", "dev", "lo"], check=False, timeout=PATIENCE)
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(PATIENCE)


def environment() -> Path:
    """The virtual environment of the server, made once and kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hanse"
    venv = cache / f"{PACKAGES[0]}-py{sys.version_info.major}{sys.version_info.minor}"
    with locked(cache / "nsupdate.lock"):
        if not (venv / "whole").exists():
            shutil.rmtree(venv, ignore_errors=True)
            _run([sys.executable, "-m", "venv", *(["--without-pip"] if shutil.which("uv") else []), str(venv)])
            python = str(venv / "bin/python")
            pip = [python, "-m", "pip", "install", "-q"]
            uv = ["uv", "pip", "install", "-q", "--compile-bytecode", "--python", python]
            _run([*(uv if shutil.which("uv") else pip), *PACKAGES])
            _run([python, "-m", "django", "migrate", "-v0"], env=_site(venv / "empty.sqlite"))
            (venv / "whole").touch()
    return venv


def _run(command: list[str], **more: Any) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    if done.returncode:
        say = f"{' '.join(command[:4])}: {done.stderr[-1500:]}"
        pytest.fail(say) if os.environ.get("CI") == "true" else pytest.skip(say)


def _site(database: Path) -> dict[str, str]:
    """What the server's own Python is told."""
    own = {"DJANGO_SETTINGS_MODULE": "hanse_settings", "PYTHONPATH": str(_SITE), "NSUPDATE_DATABASE": str(database)}
    return {**os.environ, **own, "PYTHONDONTWRITEBYTECODE": "1"}


def start(folder: Path) -> Nsupdate:
    """Start both servers in ``folder`` and wait until they answer."""
    venv = environment()
    python, site = str(venv / "bin/python"), _site(folder / "nsupdate.sqlite")
    shutil.copyfile(venv / "empty.sqlite", folder / "nsupdate.sqlite")
    keys = {f"z{n}.dyn.example.": base64.b64encode(secrets.token_bytes(64)).decode() for n in range(1, _ZONES + 1)}
    server = Nsupdate(folder, _own_address(), free_port(), keys)
    config = _CONFIG.format(dir=folder, address=server.address)
    for name, secret in keys.items():
        config += _CONFIG_ZONE.format(name=name, secret=secret)
        (folder / f"{name}db").write_text(_ZONE)
    (folder / "named.conf").write_text(config)
    seed = json.dumps({"address": server.address, "zones": keys})
    _run([python, str(_SITE / "hanse_seed.py")], env=site, cwd=folder, input=seed)
    try:
        _start(server, ["named", "-g", "-n", "1", "-c", str(folder / "named.conf")], {})
        _start(
            server, [python, "-m", "django", "runserver", "--noreload", "--insecure", f"127.0.0.1:{server.port}"], site
        )
        _wait(server)
    except BaseException:
        server.stop()
        raise
    return server


def _own_address() -> str:
    """A loopback address of this server's own (the process id is in it), with its port 53: it speaks to no other."""
    address = f"127.{next(_NUMBERS)}.{os.getpid() >> 8 & 255}.{os.getpid() & 255 or 1}"
    if os.geteuid() or not shutil.which("ip"):
        pytest.skip("nsupdate.info speaks to port 53 alone: its name server needs root and an address of its own")
    subprocess.run(["ip", "addr", "replace", f"{address}/32", "dev", "lo"], check=True, timeout=PATIENCE)
    return address


def _start(server: Nsupdate, command: list[str], environment: dict[str, str]) -> None:
    with (server.dir / f"{Path(command[0]).name}.log").open("wb") as log:
        server.processes.append(
            subprocess.Popen(
                command, stdout=log, stderr=log, start_new_session=True, cwd=server.dir, env=environment or None
            )
        )


def _wait(server: Nsupdate) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and all(process.poll() is None for process in server.processes):
        try:
            with urllib.request.urlopen(f"{server.url}/myip", timeout=30):
                dns.query.tcp(dns.message.make_query("z1.dyn.example.", "SOA"), server.address, timeout=30)
        except (OSError, EOFError, dns.exception.DNSException):
            time.sleep(0.05)
        else:
            return
    pytest.fail("\n".join(path.read_text()[-2000:] for path in server.dir.glob("*.log")))


@pytest.fixture(scope="session")
def nsupdate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nsupdate]:
    """One service for the whole session."""
    need("named", "nsupdate", package="bind9 bind9-dnsutils")
    server = start(tmp_path_factory.mktemp("nsupdate"))
    yield server
    server.stop()
