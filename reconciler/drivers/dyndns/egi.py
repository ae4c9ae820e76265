"""The DNS port through EGI's Dynamic DNS: hosts are registered, updated and taken away with an access token.

Options: ``url`` (``https://nsupdate.fedcloud.eu``), ``token`` (a secret reference to a Check-in access token, read
anew for each call, so that whatever renews it may simply replace the file), ``nameserver`` and ``port`` of the zone,
``ttl`` (60), ``settle_seconds`` and ``timeout_seconds``. With a secret per host instead of a token, use dyndns2.

The mark is the host's comment, written when it is registered. It has room for one record: that of the other address
family is marked in Hanse's state. A host is unregistered with its last address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import dns.name
from pydantic import Field

from reconciler.drivers.dyndns.authority import TYPES, Authority
from reconciler.drivers.dyndns.dyndns2 import marked
from reconciler.drivers.dyndns.hosts import Habits, HostZone
from reconciler.drivers.dyndns.marks import Mark, Marks
from reconciler.drivers.dyndns.service import Bearer, Service
from reconciler.drivers.options import checked
from reconciler.drivers.zonedata import Key, Stored, mark_text, rdatas, read_back, uid_in
from reconciler.errors import Conflict, DriverError, Terminal, Transient
from reconciler.model import SecretRef, Strict, Target
from reconciler.ports import DNS, Drivers, RRset

_ADDRESSES = {"A": "ipv4", "AAAA": "ipv6"}


class Options(Strict):
    """How the service and the zone's name server are reached."""

    url: str = Field(default="https://nsupdate.fedcloud.eu", pattern=r"^https?://[^?#]+$")
    """Of the service."""
    token: SecretRef
    """An access token of whoever owns the hosts."""
    nameserver: str = ""
    """Address or name of the zone's own name server."""
    port: int = Field(default=53, ge=1, le=65535)
    ttl: int = Field(default=60, ge=1)
    """Seconds: what the service gives every record. Manifests must ask for the same."""
    settle_seconds: float = Field(default=120.0, ge=0)
    """How long the name server may take to show what the service was told."""
    timeout_seconds: float = Field(default=30.0, gt=0)
    state: str = ""


def open(target: Target, drivers: Drivers) -> DNS:  # noqa: A001
    """The hosts of the zone (a domain of the service) named by ``target``. Threads may share it."""
    options = checked(target, Options)
    zone = dns.name.from_text(target.name).to_text().lower()
    authority = Authority(zone, options.nameserver, options.port, min(options.timeout_seconds, 10.0))
    hosts = RegisteredHosts(zone, Service(options.url, options.timeout_seconds), authority, options, drivers)
    return HostZone(zone, hosts, Marks.of(target, options.state), Habits(options.ttl, options.settle_seconds))


class RegisteredHosts:
    """Hosts that belong to the owner of a token."""

    def __init__(self, zone: str, service: Service, authority: Authority, options: Options, drivers: Drivers) -> None:
        self._zone, self._service, self._authority = zone, service, authority
        self._options, self._drivers = options, drivers

    def held(self, marks: Mapping[Key, Mark], about: Iterable[str] = ()) -> dict[Key, RRset]:
        """Our hosts as the service lists them; names ``about`` are looked up in the DNS, where others' show, too.

        The service would register a name that stands in the DNS and not in its own books, and overwrite it.
        """
        listed = self._call("/nic/hosts", {"domain": self._zone.rstrip(".")}).get("hosts")
        if not isinstance(listed, list):
            raise Transient(f"{self._service} gave a list of hosts without hosts in it")
        ours = {f"{one['fqdn'].lower().rstrip('.')}.": one for one in listed}
        held = self._of(ours, marks)
        answers = self._authority.answers(sorted(about))
        held.update({key: RRset(*key, one.ttl, one.values) for key, one in answers.items() if key[0] not in ours})
        return held

    def _of(self, ours: Mapping[str, Mapping[str, Any]], marks: Mapping[Key, Mark]) -> dict[Key, RRset]:
        stored, known = {}, dict(marks)
        for name, one in ours.items():
            uid, _, rdtype = str(one.get("comment") or "").partition(" ")
            addresses = {family: str(one[field]) for family, field in _ADDRESSES.items() if one.get(field)}
            for family, address in addresses.items():
                self._address(name, family, address)
                stored[name, family] = Stored(self._options.ttl, read_back(family, [address]))
            if rdtype in addresses and uid_in(uid):
                known[name, rdtype] = Mark(uid_in(uid))
        return marked(stored, known)

    def _address(self, name: str, rdtype: str, shown: str) -> None:
        """Refuse what is no address: the service says so where it could not ask its own name server."""
        try:
            rdatas(rdtype, [shown])
        except Terminal as error:
            raise Transient(f"{self._service} does not know the {rdtype} of {name}: it says {shown!r}") from error

    def put(self, name: str, addresses: Mapping[str, str], uid: str) -> None:
        """Set a host's addresses; register it first when it is not there."""
        host, rest = name.rstrip("."), dict(addresses)
        if not self._registered(name):
            first = min(rest)
            given = {"ip": rest.pop(first), "wildcard": "false", "comment": f"{mark_text(uid)} {first}"}
            self._call("/nic/register", {"fqdn": host, **given})
        if rest:
            self._service.update(host, tuple(rest[t] for t in TYPES if t in rest), self._auth())

    def take(self, name: str, rdtype: str, *, last: bool) -> None:
        """Take one address away, and the host with its last one."""
        if last:
            self._call("/nic/unregister", {"fqdn": name.rstrip(".")})
            if self._authority.answers([name]):
                # The service forgets a host also when its name server does not do what it is told.
                raise Terminal(
                    f"{name} is unregistered and still stands in {self._zone}: ask {self._service}'s operators"
                )
        else:
            self._service.delete(name.rstrip("."), rdtype, self._auth())

    def release(self, name: str) -> None:
        """Unregister a host that is there without an address."""
        if self._registered(name):
            self._call("/nic/unregister", {"fqdn": name.rstrip(".")})

    def _registered(self, name: str) -> bool:
        listed = self._call("/nic/hosts", {"domain": self._zone.rstrip(".")}).get("hosts", [])
        return any(f"{one['fqdn'].lower().rstrip('.')}." == name for one in listed)

    def _auth(self) -> Bearer:
        return Bearer(self._drivers.secret(self._options.token).strip())

    def _call(self, path: str, parameters: Mapping[str, str]) -> Mapping[str, Any]:
        answer = self._service.get(path, parameters, self._auth())
        try:
            body: Any = answer.json()
        except ValueError as error:
            said = f"{self._service} answered {path} with {answer.status_code} and no JSON"
            raise Terminal(f"{said}; check url") from error
        if isinstance(body, dict) and body.get("status") == "ok":
            return body
        body = body if isinstance(body, dict) else {}
        raise self._refusal(path, answer.status_code, str(body.get("message", "")), body.get("errors"))

    def _refusal(self, path: str, status: int, message: str, faults: Any) -> DriverError:
        said = f"{self._service} answered {path} with {status} {message}"
        if status == 401 or message == "badauth":  # noqa: PLR2004
            return Terminal(f"{said}: it refuses the token, which may have expired; renew it")
        if path == "/nic/hosts" or message == "nxdomain":
            return Terminal(f"{said}: it has no domain {self._zone} for us; /nic/domains lists those there are")
        if "already exists" in f"{message} {faults}":
            return Conflict(f"{said}: the host belongs to somebody else")
        if message == "abuse":
            return Terminal(f"{said}: the host is blocked; ask the service's operators to lift that")
        if status == 404 and path == "/nic/unregister":  # noqa: PLR2004
            return Conflict(f"{said}: the host is gone already")
        refused = f"{said} {faults or ''}".rstrip()
        return Transient(refused) if status >= 500 else Terminal(refused)  # noqa: PLR2004
