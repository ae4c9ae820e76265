"""Which addresses Hanse connects to. URLs stand in manifests, names lead where their owners want, servers redirect.

The address is looked at when a socket connects to it, by an audit hook of the interpreter: whatever library asked,
whatever name or redirect led there, and however often the name was resolved before.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator

from reconciler.model import Strict

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_LOCAL = [
    (ipaddress.ip_network(net), what)
    for net, what in (
        ("169.254.0.0/16", "link-local"),
        ("fe80::/10", "link-local"),
        ("fd00:ec2::/32", "of a cloud's metadata"),
        ("100.100.100.200/32", "of a cloud's metadata"),
        ("168.63.129.16/32", "of a cloud's metadata"),
        ("192.0.0.192/32", "of a cloud's metadata"),
    )
]
"""Where a machine finds what is meant for it alone, credentials among it."""
_INNER = [
    (ipaddress.ip_network(net), what)
    for net, what in (
        ("127.0.0.0/8", "loopback"),
        ("::1/128", "loopback"),
        ("0.0.0.0/8", "of this machine"),
        ("::/128", "of this machine"),
        ("10.0.0.0/8", "private"),
        ("172.16.0.0/12", "private"),
        ("192.168.0.0/16", "private"),
        ("100.64.0.0/10", "shared by a provider"),
        ("fc00::/7", "private"),
    )
]
_EMBEDDING = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))
"""IPv6 networks whose last 32 bits are an IPv4 address."""
_CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})


def _is_network(value: str) -> str:
    ipaddress.ip_network(value)
    return value


class NetworkSettings(Strict):
    """Which addresses may be reached beside public ones."""

    allow: tuple[Annotated[str, AfterValidator(_is_network)], ...] | None = None
    """Networks (``10.2.0.0/16``). Link-local addresses and those of clouds' metadata are reached only where they stand
    here. Once any is given, also ``[]``, the same holds for loopback and private addresses; before, all of these may
    be reached."""


class Refused(PermissionError):
    """An address that may not be reached."""

    def __init__(self, address: str, what: str) -> None:
        said = f"{address} is {what}: it is reached only where [network] allow of hanse.toml names it"
        super().__init__(errno.EACCES, said)

    def __str__(self) -> str:
        return str(self.strerror)


class _Guard:
    """What is in force in this process."""

    allowed: tuple[Network, ...] = ()
    strict = False
    hooked = False


def guard(settings: NetworkSettings) -> None:
    """Put the settings in force for every connection of this process, instead of earlier ones."""
    _Guard.allowed = tuple(ipaddress.ip_network(one) for one in settings.allow or ())
    _Guard.strict = settings.allow is not None
    _why_not.cache_clear()
    if not _Guard.hooked:
        _Guard.hooked = True
        sys.addaudithook(_watch)


def _watch(event: str, given: tuple[Any, ...]) -> None:
    if event in _CONNECTS and given[0].family in (socket.AF_INET, socket.AF_INET6) and isinstance(given[1], tuple):
        host = given[1][0]
        if isinstance(host, str):
            check(host)


def check(host: str) -> None:
    """Raise Refused for an address, written in any way that a resolver understands, that may not be reached."""
    if why := _why_not(host):
        raise Refused(host, why)


def resolved(host: str) -> None:
    """The same for a name: every address that it leads to. A name that leads nowhere is nobody's concern."""
    check(host)
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return
    for *_, address in found:
        check(str(address[0]))


def is_strict() -> bool:
    """Whether loopback and private addresses are refused unless they are named."""
    return _Guard.strict


@lru_cache(maxsize=1024)
def _why_not(host: str) -> str:
    address = parsed(host)
    if address is None:
        return ""
    meant = list(_meant(address))
    if any(one in net for one in meant for net in _Guard.allowed if net.version == one.version):
        return ""
    shut = [*_LOCAL, *_INNER] if _Guard.strict else _LOCAL
    return next((what for one in meant for net, what in shut if net.version == one.version and one in net), "")


def parsed(host: str) -> Address | None:
    """The address, also where it is written in one number, in octal or in hexadecimal; None for a name."""
    bare = host.strip("[]").partition("%")[0]
    try:
        return ipaddress.ip_address(bare)
    except ValueError:
        pass
    if not bare or not set(bare.lower()) <= set("0123456789abcdefx."):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(bare))
    except (OSError, UnicodeEncodeError):
        return None


def _meant(address: Address) -> Iterator[Address]:
    """The address, and those that it leads to from within IPv6."""
    yield address
    if isinstance(address, ipaddress.IPv6Address):
        inner: Iterable[ipaddress.IPv4Address | None] = (address.ipv4_mapped, address.sixtofour)
        yield from (one for one in inner if one is not None)
        if any(address in net for net in _EMBEDDING) and int(address) > 1:
            yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
