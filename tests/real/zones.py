"""Zones behind each driver of the DNS port: what is tested against one is tested against all.

In a conftest: ``from tests.real.bind import bind``, ``from tests.real.powerdns import powerdns`` and ``from
tests.real.zones import bind_options, bind_zone, file_zone, powerdns_zone, zone``.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.drivers import rfc2136, zonefile
from reconciler.drivers.dyndns import dyndns2, egi
from reconciler.drivers.libcloud import powerdns as powerdns_driver
from reconciler.errors import Terminal
from reconciler.model import SecretRef, Target
from reconciler.ports import DNS
from tests.real.bind import READER, WRITER, Bind
from tests.real.nsupdate import Nsupdate
from tests.real.powerdns import KEY, PowerDNS
from tests.real.waiting import PATIENCE

_numbers = itertools.count(1)


class Secrets:
    """The part of Drivers that a DNS driver uses."""

    def secret(self, reference: SecretRef) -> str:
        if reference.file:
            return Path(reference.file).read_text().rstrip("\n")
        if reference.env not in os.environ:
            raise Terminal(f"the environment variable {reference.env} is not set")
        return os.environ[reference.env]


@dataclass
class Zone:
    """One zone: ``open`` makes a new connection to it, ``by_hand`` is what a person would do."""

    name: str
    open: Callable[[], DNS]
    by_hand: Callable[[str], None]
    lone_marks: bool = True
    """Whether an ownership mark can outlive its records."""
    target: Target | None = None


@pytest.fixture
def bind_options(bind: Bind) -> dict[str, Any]:
    return {
        "server": "127.0.0.1",
        "port": bind.port,
        "key_name": WRITER,
        "key": {"file": str(bind.writer_key)},
        "transfer_key_name": READER,
        "transfer_key": {"file": str(bind.reader_key)},
        "timeout_seconds": 60.0,
    }


@pytest.fixture
def bind_zone(bind: Bind, bind_options: dict[str, Any]) -> Iterator[Zone]:
    with bind.zone(f"z{next(_numbers)}.example.") as name:
        target = Target(f"dns:{name}", "rfc2136", bind_options)
        yield Zone(name, lambda: rfc2136.open(target, Secrets()), lambda line: _nsupdate(bind, name, line))


def _nsupdate(bind: Bind, zone: str, line: str) -> None:
    script = f"server 127.0.0.1 {bind.port}\nzone {zone}\nupdate {line}\nsend\n"
    done = subprocess.run(
        ["nsupdate", "-k", bind.writer_key], input=script, text=True, capture_output=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def file_zone(tmp_path: Path) -> Zone:
    name = "fed.example."
    target = Target(f"dns:{name}", "zonefile", {"state": str(tmp_path / "dns")})
    file = tmp_path / "dns" / "fed.example.zone"
    file.parent.mkdir()
    file.write_text(
        "$TTL 300\n@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\nns1 A 127.0.0.1\nstatic A 192.0.2.1\n"
    )
    return Zone(name, lambda: zonefile.open(target, Secrets()), lambda line: _edit(file, line))


def _edit(file: Path, line: str) -> None:
    """``add NAME TTL TYPE VALUE`` or ``delete NAME TYPE``, as an editor would."""
    verb, rest = line.split(" ", 1)
    if verb == "add":
        file.write_text(file.read_text() + rest + "\n")
        return
    name, rdtype = rest.split(" ")[:2]
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(one for one in lines if not (one.startswith(f"{name} ") and f" {rdtype} " in one)))


@pytest.fixture
def powerdns_options(powerdns: PowerDNS, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("POWERDNS_KEY", KEY)
    return {"url": powerdns.url, "key": {"env": "POWERDNS_KEY"}, "timeout_seconds": 60.0}


@pytest.fixture
def powerdns_zone(powerdns: PowerDNS, powerdns_options: dict[str, Any]) -> Iterator[Zone]:
    with powerdns.zone(f"z{next(_numbers)}.example.") as name:
        yield _on_powerdns(powerdns, name, powerdns_options)


@pytest.fixture
def powerdns_records_zone(powerdns: PowerDNS, powerdns_options: dict[str, Any]) -> Iterator[Zone]:
    """The same server, marks kept in records."""
    with powerdns.zone(f"z{next(_numbers)}.example.") as name:
        yield _on_powerdns(powerdns, name, {**powerdns_options, "mark": "record"})


def _on_powerdns(server: PowerDNS, name: str, options: dict[str, Any]) -> Zone:
    target = Target(f"dns:{name}", "powerdns", options)
    alone = options.get("mark") == "record"
    return Zone(
        name, lambda: powerdns_driver.open(target, Secrets()), lambda line: _pdnsutil(server, name, line), alone
    )


def _pdnsutil(server: PowerDNS, zone: str, line: str) -> None:
    verb, name, *rest = line.split(" ", 4)
    label = name.removesuffix(f".{zone}")  # pdnsutil takes every name as relative
    if verb == "add":
        ttl, rdtype, value = rest
        server.util("add-record", zone, label, rdtype, ttl, value)
    else:
        server.util("delete-rrset", zone, label, rest[0])


ZONES = {
    "zonefile": "file_zone",
    "rfc2136": "bind_zone",
    "powerdns": "powerdns_zone",
    "powerdns-records": "powerdns_records_zone",
}
"""Drivers of whole zones, and the fixture that makes one."""


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest) -> Zone:
    found: Zone = request.getfixturevalue(ZONES[request.param])
    return found


@pytest.fixture
def dyndns2_options(nsupdate: Nsupdate, tmp_path: Path) -> dict[str, Any]:
    """All but ``hosts``."""
    where = {"url": nsupdate.url, "nameserver": nsupdate.address, "state": str(tmp_path / "dns")}
    return {**where, "timeout_seconds": 60.0, "settle_seconds": 0.0}


@pytest.fixture
def dyndns2_zone(nsupdate: Nsupdate, dyndns2_options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Zone:
    """Five hosts made at the service, ``static`` with an address that a person gave it."""
    name, hosts = nsupdate.zone(), {}
    for label in ("www", "good", "other", "static", "last"):
        variable = f"SECRET_{label}_{name.partition('.')[0]}".upper()
        monkeypatch.setenv(variable, nsupdate.arrange(f"{label}.{name}")["secret"])
        hosts[f"{label}.{name}".rstrip(".")] = {"env": variable}
    target = Target(f"dns:{name}", "dyndns2", {**dyndns2_options, "hosts": hosts})
    return Zone(name, lambda: dyndns2.open(target, Secrets()), lambda line: nsupdate.by_hand(name, line), target=target)


@pytest.fixture
def egi_zone(nsupdate: Nsupdate, dyndns2_options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Zone:
    """A domain of the service, with ``static`` made at its name server."""
    name = nsupdate.zone()
    monkeypatch.setenv("DYNDNS_TOKEN", "token-of-op")
    target = Target(f"dns:{name}", "egi-dyndns", {**dyndns2_options, "token": {"env": "DYNDNS_TOKEN"}})
    return Zone(name, lambda: egi.open(target, Secrets()), lambda line: nsupdate.by_hand(name, line), target=target)


HOSTS = {**ZONES, "dyndns2": "dyndns2_zone", "egi-dyndns": "egi_zone"}
"""All drivers, and the fixture that makes a zone with room for a few hosts."""


@pytest.fixture(params=HOSTS)
def hosts(request: pytest.FixtureRequest) -> Zone:
    found: Zone = request.getfixturevalue(HOSTS[request.param])
    return found
