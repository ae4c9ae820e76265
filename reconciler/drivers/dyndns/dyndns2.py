"""The DNS port through the dyndns2 protocol: hosts of nsupdate.info, EGI's Dynamic DNS and their like.

Options: ``url`` of the service, ``hosts`` (name -> secret reference: the hosts that Hanse may set, made there
beforehand), ``nameserver`` and ``port`` of the zone (asked for the truth; found by its NS records when not given),
``ttl`` that the service gives every record (60), ``settle_seconds`` and ``timeout_seconds``.

A host has one A and one AAAA record. The service has no place for an ownership mark: marks are in Hanse's state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import dns.name
from pydantic import Field
from requests.auth import AuthBase

from reconciler.drivers.dyndns.authority import TYPES, Authority
from reconciler.drivers.dyndns.hosts import Habits, HostZone
from reconciler.drivers.dyndns.marks import Mark, Marks
from reconciler.drivers.dyndns.service import Service, basic
from reconciler.drivers.options import checked
from reconciler.drivers.zonedata import MARK_TTL, Key, Stored
from reconciler.errors import Terminal
from reconciler.model import SecretRef, Strict, Target
from reconciler.ports import DNS, Drivers, RRset


class Options(Strict):
    """How the service and the zone's name server are reached."""

    url: str = Field(pattern=r"^https?://[^?#]+$")
    """Of the service: ``https://nsupdate.example.org``."""
    hosts: dict[str, SecretRef] = Field(min_length=1)
    """Full name of a host -> its update secret."""
    nameserver: str = ""
    """Address or name of the zone's own name server."""
    port: int = Field(default=53, ge=1, le=65535)
    ttl: int = Field(default=60, ge=1)
    """Seconds: what the service gives every record. Manifests must ask for the same."""
    settle_seconds: float = Field(default=120.0, ge=0)
    """How long the name server may take to show what the service was told."""
    timeout_seconds: float = Field(default=10.0, gt=0)
    state: str = ""


def open(target: Target, drivers: Drivers) -> DNS:  # noqa: A001
    """The hosts of the zone named by ``target``. Threads may share it."""
    options = checked(target, Options)
    zone = dns.name.from_text(target.name).to_text().lower()
    authority = Authority(zone, options.nameserver, options.port, options.timeout_seconds)
    secrets = {dns.name.from_text(name).to_text().lower(): secret for name, secret in options.hosts.items()}
    hosts = SecretHosts(Service(options.url, options.timeout_seconds), authority, secrets, drivers)
    return HostZone(zone, hosts, Marks.of(target, options.state), Habits(options.ttl, options.settle_seconds))


class SecretHosts:
    """Hosts that are set with a secret each."""

    def __init__(
        self, service: Service, authority: Authority, secrets: Mapping[str, SecretRef], drivers: Drivers
    ) -> None:
        self._service, self._authority, self._secrets, self._drivers = service, authority, secrets, drivers

    def held(self, marks: Mapping[Key, Mark], about: Iterable[str] = ()) -> dict[Key, RRset]:
        """What the zone's name server answers for every host that has a secret or a mark."""
        names = {*self._secrets, *(name for name, _ in marks), *about}
        return marked(self._authority.answers(sorted(names)), marks)

    def put(self, name: str, addresses: Mapping[str, str], uid: str) -> None:  # noqa: ARG002
        """Set a host's addresses."""
        self._service.update(name.rstrip("."), tuple(addresses[t] for t in TYPES if t in addresses), self._auth(name))

    def take(self, name: str, rdtype: str, *, last: bool) -> None:  # noqa: ARG002
        """Take one address of a host away."""
        self._service.delete(name.rstrip("."), rdtype, self._auth(name))

    def release(self, name: str) -> None:
        """Nothing: the host was made by a person, and stays."""

    def _auth(self, name: str) -> AuthBase:
        if name not in self._secrets:
            raise Terminal(
                f"{name} is none of the hosts that have a secret; make it at {self._service}, add it to hosts"
            )
        return basic(name.rstrip("."), self._drivers.secret(self._secrets[name]).strip())


def marked(answers: Mapping[Key, Stored], marks: Mapping[Key, Mark]) -> dict[Key, RRset]:
    """Answers with their marks; a mark whose record is gone is an RRset without values."""
    found = {
        key: RRset(*key, one.ttl, one.values, marks[key].uid if key in marks else "") for key, one in answers.items()
    }
    alone = {key: RRset(*key, MARK_TTL, (), mark.uid) for key, mark in marks.items() if key not in found}
    return {**found, **alone}
