"""Talks to one name server over TCP, and turns what goes wrong into the four fates of a driver error."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.tsig
import dns.update
import dns.xfr
import dns.zone

from reconciler.errors import Conflict, DriverError, OutcomeUnknown, Terminal, Transient

_TRANSFER_DEADLINES = 6
"""A whole transfer may take this many times the time-out of one answer."""

_CONFLICTS = {
    dns.rcode.YXDOMAIN: "a name exists that should not",
    dns.rcode.YXRRSET: "a record exists that should not",
    dns.rcode.NXRRSET: "a record is not as it was when it was read",
    dns.rcode.NXDOMAIN: "a name is gone that was there when it was read",
}
_CURES = {
    dns.rcode.REFUSED: "the key may not do this; grant it in the zone's update-policy or allow-transfer",
    dns.rcode.NOTAUTH: "the server is not the zone's primary, or does not accept the key; check server and key",
    dns.rcode.NOTZONE: "a name is outside the zone",
    dns.rcode.NOTIMP: "the server does not know this operation",
    dns.rcode.FORMERR: "the server does not understand the message",
    dns.rcode.NXDOMAIN: "the zone does not exist there",
}


@dataclass(frozen=True, slots=True)
class Server:
    """One name server. ``timeout`` (seconds) is for one answer, connecting included."""

    host: str
    port: int
    timeout: float

    def __str__(self) -> str:
        return f"{self.host} port {self.port}"

    def ask(self, query: dns.message.Message) -> dns.message.Message:
        """Ask something that changes nothing. Raises Transient or Terminal."""
        with self._reading(), self._connected() as (sock, expires):
            dns.query.send_tcp(sock, query.to_wire(), expires)
            try:
                answer, _ = dns.query.receive_tcp(sock, expires, keyring=query.keyring, request_mac=query.mac)
            except dns.exception.FormError as error:
                raise Transient(f"{self} sent a damaged answer: {_said(error)}") from error
            if not query.is_response(answer):
                raise dns.query.BadResponse
        self._refuse(answer.rcode())
        if query.mac and not answer.had_tsig:
            raise Terminal(f"{self} did not sign its answer to a signed question")
        return answer

    def transfer(self, zone: dns.zone.Zone, query: dns.message.Message) -> None:
        """Bring ``zone`` up to date, all or nothing. Raises Transient or Terminal, ``dns.xfr`` errors for IXFR."""
        with self._reading():
            dns.query.inbound_xfr(
                self._address(), zone, query, self.port, self.timeout, self.timeout * _TRANSFER_DEADLINES
            )

    def update(self, wire: bytes, message: dns.update.UpdateMessage) -> None:
        """Send one rendered update and wait for its answer. Raises all four fates."""
        try:
            with self._connected() as (sock, expires):
                dns.query.send_tcp(sock, wire, expires)
                answer = self._answer(sock, expires, message)
        except (dns.exception.Timeout, OSError) as error:
            raise Transient(f"{self} does not take updates: {_said(error)}") from error
        self._refuse_update(answer.rcode())
        if message.mac and not answer.had_tsig:
            raise OutcomeUnknown(f"{self} answered a signed update without a signature")

    def _answer(self, sock: socket.socket, expires: float, message: dns.update.UpdateMessage) -> dns.message.Message:
        """The answer to what was sent in full: from here on a lost answer means that nobody knows."""
        try:
            answer, _ = dns.query.receive_tcp(sock, expires, keyring=message.keyring, request_mac=message.mac)
        except dns.tsig.PeerError as error:
            raise self._bad_key(error) from error
        except (dns.exception.DNSException, EOFError, OSError) as error:
            raise OutcomeUnknown(f"{self} was sent an update and its answer was lost: {_said(error)}") from error
        if not message.is_response(answer):
            raise OutcomeUnknown(f"{self} answered something else than what it was asked")
        return answer

    @contextmanager
    def _connected(self) -> Iterator[tuple[socket.socket, float]]:
        expires = time.time() + self.timeout
        with socket.create_connection((self.host, self.port), self.timeout) as sock:
            sock.setblocking(False)
            yield sock, expires

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except dns.xfr.TransferError as error:
            self._refuse(error.rcode)
        except dns.tsig.PeerError as error:
            raise self._bad_key(error) from error
        except (dns.tsig.BadSignature, dns.tsig.BadTime, dns.tsig.BadKey, dns.message.UnknownTSIGKey) as error:
            raise Terminal(f"the answer of {self} is not signed with our key: {_said(error)}") from error
        except (dns.exception.Timeout, dns.query.BadResponse, EOFError, OSError) as error:
            raise Transient(f"{self} does not answer: {_said(error)}") from error

    def _address(self) -> str:
        return str(socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0][4][0])

    def _refuse_update(self, rcode: dns.rcode.Rcode) -> None:
        if rcode in _CONFLICTS:
            raise Conflict(f"{self} changed nothing: {_CONFLICTS[rcode]} ({dns.rcode.to_text(rcode)})")
        self._refuse(rcode)

    def _refuse(self, rcode: dns.rcode.Rcode) -> None:
        if rcode == dns.rcode.NOERROR:
            return
        said = f"{self} answered {dns.rcode.to_text(rcode)}"
        if rcode in _CURES:
            raise Terminal(f"{said}: {_CURES[rcode]}")
        raise Transient(said)

    def _bad_key(self, error: dns.tsig.PeerError) -> DriverError:
        cures = {
            dns.tsig.PeerBadKey: "it does not know the key; check key_name and key_algorithm",
            dns.tsig.PeerBadSignature: "the signature does not fit; check the key's secret",
            dns.tsig.PeerBadTime: "the clocks differ by more than the signature allows; synchronise them",
        }
        return Terminal(f"{self} refuses our signature: {cures.get(type(error), _said(error))}")


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__
