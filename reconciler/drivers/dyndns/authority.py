"""What a zone's own name server answers, so that no update is ever sent that would change nothing."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver

from reconciler.drivers.zonedata import Key, Stored, read_back
from reconciler.errors import Terminal, Transient

TYPES = ("A", "AAAA")


@dataclass(frozen=True, slots=True)
class Authority:
    """The name server that is asked; with ``host`` "", one that the zone's NS records name. ``timeout`` in seconds."""

    zone: str
    host: str
    port: int
    timeout: float

    def answers(self, names: Iterable[str]) -> dict[Key, Stored]:
        """What stands at each of ``names``: addresses, or the CNAME that is there instead. All of it, or an error."""
        address = self._address()
        return {key: held for name in names for key, held in self._at(address, name)}

    def _at(self, address: str, name: str) -> Iterable[tuple[Key, Stored]]:
        found: dict[Key, Stored] = {}
        for rdtype in TYPES:
            for rrset in self._asked(address, name, rdtype).answer:
                shown = dns.rdatatype.to_text(rrset.rdtype)
                if rrset.name.to_text().lower() == name and shown in (rdtype, "CNAME"):
                    found[name, shown] = Stored(rrset.ttl, read_back(shown, [one.to_text() for one in rrset]))
        return found.items()

    def _asked(self, address: str, name: str, rdtype: str) -> dns.message.Message:
        query = dns.message.make_query(name, rdtype, flags=0)
        try:
            answer, _ = dns.query.udp_with_fallback(query, address, self.timeout, self.port)
        except (dns.exception.DNSException, OSError) as error:
            raise Transient(f"{self} does not answer: {str(error) or type(error).__name__}") from error
        rcode = answer.rcode()
        if rcode == dns.rcode.REFUSED or (rcode == dns.rcode.NOERROR and not answer.flags & dns.flags.AA):
            raise Terminal(f"{self} is not authoritative for {name}; name the zone's own as nameserver")
        if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise Transient(f"{self} answered {dns.rcode.to_text(rcode)} for {name}")
        return answer

    def _address(self) -> str:
        host = self.host or self._named()
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return self._resolved(host)
        return host

    def _resolved(self, host: str) -> str:
        try:
            return str(socket.getaddrinfo(host, self.port, type=socket.SOCK_DGRAM)[0][4][0])
        except OSError as error:
            raise Transient(f"the name server {host} of {self.zone} has no address: {error}") from error

    def _named(self) -> str:
        """A name server out of the zone's NS records, always the same one."""
        try:
            answer = dns.resolver.resolve(self.zone, "NS", lifetime=self.timeout, search=False)
        except dns.resolver.NXDOMAIN as error:
            raise Terminal(f"there is no zone {self.zone}; name its name server as nameserver") from error
        except (dns.exception.DNSException, OSError) as error:
            raise Transient(f"the name servers of {self.zone} are not known: {error}") from error
        return min(str(one.target).rstrip(".") for one in answer)

    def __str__(self) -> str:
        return f"the name server {self.host or 'of ' + self.zone}"
