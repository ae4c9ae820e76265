"""The DNS port through RFC 2136: one zone of BIND, Knot or any server that takes signed dynamic updates.

Options: ``server``, ``port`` (53), ``key`` (a secret reference, to a file that tsig-keygen wrote or to the key's base64
text), ``key_name`` and ``key_algorithm`` (as in that file; hmac-sha256), ``timeout_seconds`` (10). Another key for
reading is given as ``transfer_key``, ``transfer_key_name`` and ``transfer_key_algorithm``.
"""

from __future__ import annotations

import binascii
import re
import threading
from collections.abc import Sequence
from typing import Any, Final, cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.node
import dns.rdataclass
import dns.rdatatype
import dns.transaction
import dns.tsig
import dns.xfr
import dns.zone
from pydantic import Field

from reconciler.drivers.options import checked
from reconciler.drivers.rfc2136.exchange import Server
from reconciler.drivers.rfc2136.message import Message, messages
from reconciler.drivers.zonedata import Key, Stored, fold, in_order, key_of, stored_in
from reconciler.errors import Conflict, Terminal
from reconciler.model import SecretRef, Strict, Target
from reconciler.ports import DNS, Drivers, ZoneChange, ZoneReading

_KEY_FILE: Final = re.compile(r'key\s+"?(?P<name>[^"\s{]+)"?\s*{(?P<body>[^}]*)}', re.DOTALL)
_FIELD: Final = re.compile(r'(algorithm|secret)\s+"?([^";\s]+)"?\s*;')
_ALGORITHMS: Final = frozenset(name.to_text(omit_final_dot=True).lower() for name in dns.tsig.mac_sizes)


class Options(Strict):
    """How the zone's primary server is reached."""

    server: str
    port: int = Field(default=53, ge=1, le=65535)
    key_name: str = ""
    key_algorithm: str = ""
    key: SecretRef | None = None
    transfer_key_name: str = ""
    transfer_key_algorithm: str = ""
    transfer_key: SecretRef | None = None
    timeout_seconds: float = Field(default=10.0, gt=0)


def open(target: Target, drivers: Drivers) -> DNS:  # noqa: A001
    """The zone named by ``target``. Threads may share it; keep it, and reading again is incremental."""
    return Rfc2136(target.name, checked(target, Options), drivers)


class Rfc2136:
    """One zone. It keeps the zone as last transferred, so that the next read is an IXFR."""

    def __init__(self, zone: str, options: Options, drivers: Drivers) -> None:
        self._name = dns.name.from_text(zone).to_text().lower()
        self._server = Server(options.server, options.port, options.timeout_seconds)
        self._options = options
        self._drivers = drivers
        self._zone: dns.zone.Zone | None = None
        self._seen: dict[dns.name.Name, tuple[dns.node.Node, list[tuple[Key, Stored]]]] = {}
        self._lock = threading.Lock()

    def read(self, token: str = "") -> ZoneReading:
        """Read the whole zone: nothing when its serial is ``token``, IXFR when it is held, AXFR else."""
        with self._lock:
            if token and self._zone is None and self._serial() == token:
                return ZoneReading({}, token, unchanged=True)
            self._zone = zone = self._transferred()
            serial = str(zone.get_soa().serial)
            if token == serial:
                return ZoneReading({}, token, unchanged=True)
            return ZoneReading(fold(self._stored(zone)), serial)

    def change(self, changes: Sequence[ZoneChange]) -> None:
        """Do all of ``changes`` in one message; in several only when they pass 64 KiB, each atomic by itself."""
        if not changes:
            return
        rendered = list(messages(self._name, self._update_key(), in_order(changes, self._name)))
        for message in rendered:
            self._server.update(message.wire, message.update)
        self._confirm(rendered, changes)

    def _confirm(self, rendered: Sequence[Message], changes: Sequence[ZoneChange]) -> None:
        """Look again where a CNAME and other records changed places: there the server's NOERROR is no proof."""
        mixed = frozenset[str]().union(*(message.mixed for message in rendered))
        if not mixed:
            return
        held = self.read().rrsets
        for change in changes:
            key = key_of(change)
            found, wanted = held.get(key), change.rrset
            if key[0] in mixed and (found.values if found else None) != (wanted.values if wanted else None):
                raise Conflict(f"{self._server} accepted the update of {key[0]} {key[1]} and did not do it")

    def _serial(self) -> str:
        query = dns.message.make_query(self._name, dns.rdatatype.SOA)
        if key := self._read_key():
            query.use_tsig(key)
        answer = self._server.ask(query)
        soa = answer.get_rrset(answer.answer, query.question[0].name, dns.rdataclass.IN, dns.rdatatype.SOA)
        if soa is None or not answer.flags & dns.flags.AA:
            raise Terminal(f"{self._server} is not authoritative for {self._name}; name the zone's primary server")
        return str(soa[0].serial)

    def _transferred(self) -> dns.zone.Zone:
        if self._zone is None:
            return self._transfer(dns.zone.Zone(self._name, relativize=False), None)
        try:
            return self._transfer(self._zone, 0)
        except (Terminal, dns.exception.DNSException, dns.transaction.DeleteNotExact):
            # The server keeps no history that reaches back to our copy, or knows no IXFR: the whole zone then.
            return self._transfer(dns.zone.Zone(self._name, relativize=False), None)

    def _transfer(self, zone: dns.zone.Zone, serial: int | None) -> dns.zone.Zone:
        key = self._read_key()
        query, _ = dns.xfr.make_query(zone, serial, keyring=key)
        try:
            self._server.transfer(zone, query)
        except (dns.exception.FormError, dns.zone.BadZone) as error:
            raise Terminal(f"{self._server} sent a damaged transfer of {self._name}: {error}") from error
        return zone

    def _stored(self, zone: dns.zone.Zone) -> dict[Key, Stored]:
        """All RRsets; names whose node is the one seen before are not rendered anew."""
        seen: dict[dns.name.Name, tuple[dns.node.Node, list[tuple[Key, Stored]]]] = {}
        stored: dict[Key, Stored] = {}
        for name, node in zone.nodes.items():
            before = self._seen.get(name)
            rows = before[1] if before and before[0] is node else list(stored_in(node, name.to_text().lower()))
            seen[name] = node, rows
            stored.update(rows)
        self._seen = seen
        return stored

    def _update_key(self) -> dns.tsig.Key | None:
        options = self._options
        return self._key(options.key_name, options.key_algorithm, options.key)

    def _read_key(self) -> dns.tsig.Key | None:
        options = self._options
        if options.transfer_key is None:
            return self._update_key()
        return self._key(options.transfer_key_name, options.transfer_key_algorithm, options.transfer_key)

    def _key(self, name: str, algorithm: str, reference: SecretRef | None) -> dns.tsig.Key | None:
        if reference is None:
            return None
        secret = self._drivers.secret(reference).strip()
        if written := _KEY_FILE.search(secret):
            fields = dict(_FIELD.findall(written["body"]))
            name, secret = name or written["name"], fields.get("secret", "")
            algorithm = algorithm or fields.get("algorithm", "")
        if not name:
            raise Terminal(f"{self._name}: key_name is missing, and the key is not a file that names itself")
        algorithm = (algorithm or "hmac-sha256").lower()
        if algorithm not in _ALGORITHMS:
            raise Terminal(f"{algorithm} is no TSIG algorithm; one of {', '.join(sorted(_ALGORITHMS))}")
        try:
            return dns.tsig.Key(name, cast(Any, secret), algorithm)
        except (binascii.Error, dns.exception.DNSException, ValueError) as error:
            raise Terminal(f"the TSIG key {name!r} cannot be used: its secret is not base64 text") from error
