"""Values of each record type: what is acceptable, and the one form in which equal meaning is equal text.

A TXT value is the text itself. Over 255 octets it is stored as several strings, cut where they are full, and read
back as one. Only what cannot be said so (other cuts, octets that are no UTF-8) is written as in a master file: a value
that begins with a quotation mark is one or several quoted strings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from reconciler.kinds.dnsrecord.names import canonical_name, name_fault

MAX_STRING = 255
"""Octets of one character string (RFC 1035 section 3.3)."""
MAX_TEXT = 8192
"""Octets of one TXT value: what name servers and resolvers carry without trouble."""

_QUOTED = re.compile(r'\s*"((?:[^"\\]|\\.)*)"(?:\s+|$)', re.DOTALL)
_ESCAPED = re.compile(r"\\([0-9]{3}|.)", re.DOTALL)
_CAA = re.compile(r'([0-9]+)\s+([A-Za-z0-9]+)\s+(".*"|[^\s"]+)', re.DOTALL)


class ValueFault(ValueError):
    """A value that cannot be a record of its type, and the cure."""

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.cure = cure


def canonical_value(rdtype: str, value: str) -> str:
    """The value in canonical form. Raises ValueFault."""
    return _CANONICAL[rdtype](value)


def fits(rdtype: str, value: str) -> bool:
    """Whether the value can be a record of this type."""
    try:
        canonical_value(rdtype, value)
    except ValueFault:
        return False
    return True


def in_zone(rdtype: str, value: str) -> str:
    """A canonical value as name servers and master files write it."""
    return presentation(_strings(value)) if rdtype == "TXT" else value


def from_zone(rdtype: str, value: str) -> str:
    """What a zone holds as a canonical value; as it stands when it is none."""
    try:
        return canonical_value(rdtype, value)
    except ValueFault:
        return value


def presentation(strings: Sequence[bytes]) -> str:
    """Character strings, quoted and escaped as in a master file."""
    return " ".join(f'"{"".join(map(_escaped, one))}"' for one in strings)


def _ipv4(value: str) -> str:
    try:
        return str(IPv4Address(value))
    except AddressValueError as error:
        cure = "an IPv6 address needs type AAAA" if ":" in value else "write four numbers: 192.0.2.10"
        message = f"{value!r} is not an IPv4 address"
        raise ValueFault(message, cure) from error


def _ipv6(value: str) -> str:
    try:
        address = IPv6Address(value)
    except AddressValueError as error:
        cure = "an IPv4 address needs type A" if "." in value and ":" not in value else "write it as 2001:db8::10"
        message = f"{value!r} is not an IPv6 address"
        raise ValueFault(message, cure) from error
    if address.scope_id:
        message = f"{value!r} has a zone index, which only means something on one machine"
        raise ValueFault(message, "leave out the part after %")
    return str(address)


def _host(value: str) -> str:
    try:
        name = canonical_name(value)
    except ValueError as error:
        raise ValueFault(str(error)) from error
    if not name.endswith("."):
        message = f"{value!r} does not say whether it is in the zone"
        raise ValueFault(message, f"write the whole name, with a dot at its end: {name}.")
    if fault := name_fault(name):
        message = f"{value!r} is not a host name: {fault}"
        raise ValueFault(message)
    return name


def _srv(value: str) -> str:
    parts = value.split()
    if len(parts) != 4:  # noqa: PLR2004
        message = f"{value!r} is not an SRV value"
        raise ValueFault(message, "write priority, weight, port and target: 10 60 443 www.example.org.")
    numbers = [_number(part, what, 65535) for part, what in zip(parts, ("priority", "weight", "port"), strict=False)]
    target = "." if parts[3] == "." else _host(parts[3])
    return " ".join([*map(str, numbers), target])


def _caa(value: str) -> str:
    found = _CAA.fullmatch(value.strip())
    if not found:
        message = f"{value!r} is not a CAA value"
        raise ValueFault(message, 'write flags, tag and value: 0 issue "ca.example.org"')
    strings = _quoted(found[3]) if found[3].startswith('"') else [found[3].encode()]
    if len(strings) != 1:
        message = f"{value!r} has more than one quoted string"
        raise ValueFault(message)
    escaped = "".join(map(_escaped, strings[0]))
    return f'{_number(found[1], "flags", 255)} {found[2].lower()} "{escaped}"'


def _number(text: str, what: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= most):
        message = f"the {what} is {text!r}, not a number from 0 to {most}"
        raise ValueFault(message)
    return int(text)


def _txt(value: str) -> str:
    strings = _strings(value)
    whole = b"".join(strings)
    if len(whole) > MAX_TEXT:
        message = f"{len(whole)} octets: a text has at most {MAX_TEXT}"
        raise ValueFault(message)
    text = _plain(whole) if strings == _cut(whole) else None
    return presentation(strings) if text is None else text


def _strings(value: str) -> list[bytes]:
    return _quoted(value) if value.startswith('"') else _cut(value.encode())


def _cut(whole: bytes) -> list[bytes]:
    return [whole[n : n + MAX_STRING] for n in range(0, len(whole), MAX_STRING)] or [b""]


def _plain(whole: bytes) -> str | None:
    """The text, when it can stand for itself."""
    try:
        text = whole.decode()
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() and not text.startswith('"') else None


def _quoted(value: str) -> list[bytes]:
    strings, at = [], 0
    while at < len(value):
        found = _QUOTED.match(value, at)
        if not found:
            message = f"{value!r} begins with a quotation mark and is no row of quoted strings"
            raise ValueFault(message, 'quote every string and write \\" inside one, or begin without a quotation mark')
        strings.append(b"".join(_unescaped(found[1])))
        at = found.end()
    long = next((one for one in strings if len(one) > MAX_STRING), None)
    if long is not None:
        message = f"a quoted string has {len(long)} octets: at most {MAX_STRING}"
        raise ValueFault(message, "leave the quotation marks out, and the text is cut for you")
    return strings


def _unescaped(text: str) -> Iterator[bytes]:
    at = 0
    for found in _ESCAPED.finditer(text):
        yield text[at : found.start()].encode()
        at = found.end()
        if not found[1].isdecimal() or len(found[1]) == 1:
            yield found[1].encode()
        elif int(found[1]) <= MAX_STRING:
            yield bytes([int(found[1])])
        else:
            message = f"\\{found[1]} is no octet"
            raise ValueFault(message, "octets are \\000 to \\255")
    yield text[at:].encode()


def _escaped(octet: int) -> str:
    if octet in b'"\\':
        return f"\\{octet:c}"
    return chr(octet) if 0x20 <= octet < 0x7F else f"\\{octet:03d}"  # noqa: PLR2004


_CANONICAL: dict[str, Callable[[str], str]] = {
    "A": _ipv4,
    "AAAA": _ipv6,
    "CNAME": _host,
    "TXT": _txt,
    "SRV": _srv,
    "CAA": _caa,
}
