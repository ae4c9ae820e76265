"""What the drivers of the DNS port share: the canonical form of records, and the ownership mark beside each RRset.

A mark is a TXT record ``_hanse-<type>.<name>`` with the value ``"hanse=1,uid=<uid>"``, one for each (name, type).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv6Address
from typing import NamedTuple

import dns.exception
import dns.name
import dns.node
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from reconciler.errors import Terminal
from reconciler.ports import RRset, ZoneChange

Key = tuple[str, str]
"""(name, type): the name absolute and lower case, the type in upper case."""

MARK_TTL = 3600
"""Seconds."""

_MARK_NAME = re.compile(r"_hanse-([a-z0-9]+)\.(.+)", re.DOTALL)
_MARK_VALUE = re.compile(r'"hanse=1,uid=([A-Za-z0-9_.:-]{1,200})"')
_ONE_NAME = frozenset({"CNAME", "NS", "PTR", "DNAME"})


class Stored(NamedTuple):
    """What a zone holds under one (name, type), marks included."""

    ttl: int
    values: tuple[str, ...]


def mark_key(key: Key) -> Key:
    """Where the ownership mark of a (name, type) stands."""
    name, rdtype = key
    return f"_hanse-{rdtype.lower()}.{name}", "TXT"


def mark_value(uid: str) -> str:
    """The mark's one value, as a master file writes it."""
    value = f'"hanse=1,uid={uid}"'
    if not _MARK_VALUE.fullmatch(value):
        raise Terminal(f"{uid!r} cannot be written into an ownership mark: letters, digits and _.:- are allowed")
    return value


def fold(stored: Mapping[Key, Stored]) -> dict[Key, RRset]:
    """The zone's RRsets with marks folded in. A mark whose RRset is gone is an RRset without values."""
    marks = dict(_marks(stored))
    uids = {key: uid for _, (key, uid) in marks.items()}
    found = {
        key: RRset(key[0], key[1], one.ttl, one.values, uids.get(key, ""))
        for key, one in stored.items()
        if key not in marks
    }
    found.update((key, RRset(key[0], key[1], MARK_TTL, (), uid)) for key, uid in uids.items() if key not in stored)
    return found


def _marks(stored: Mapping[Key, Stored]) -> Iterator[tuple[Key, tuple[Key, str]]]:
    for key, one in stored.items():
        if key[0].startswith("_hanse-") and key[1] == "TXT" and len(one.values) == 1:
            name, value = _MARK_NAME.fullmatch(key[0]), _MARK_VALUE.fullmatch(one.values[0])
            if name and value:
                yield key, ((name[2], name[1].upper()), value[1])


def stored_in(node: dns.node.Node, name: str) -> Iterator[tuple[Key, Stored]]:
    """All RRsets of one name of a transferred or parsed zone, in canonical form."""
    for rdataset in node.rdatasets:
        rdtype = dns.rdatatype.to_text(rdataset.rdtype)
        if rdtype != "RRSIG":  # signatures come and go with what they sign
            yield (name, rdtype), Stored(rdataset.ttl, tuple(sorted(_text(rdtype, rdata) for rdata in rdataset)))


def _text(type: str, rdata: dns.rdata.Rdata) -> str:
    if type == "A":
        return str(rdata.to_text())
    if type == "AAAA":
        return str(IPv6Address(rdata.to_text()))
    if type in _ONE_NAME or type == "SRV":
        return str(rdata.to_text()).lower()
    return str(rdata.to_text())


def rdatas(type: str, values: Iterable[str]) -> list[dns.rdata.Rdata]:
    """Wire-ready records. Raises Terminal naming the value that is not one."""
    made = []
    for value in values:
        try:
            made.append(dns.rdata.from_text(dns.rdataclass.IN, type, value, dns.name.root, relativize=False))
        except (dns.exception.DNSException, ValueError) as error:
            raise Terminal(f"{value!r} is not a {type} record: {error}") from error
    return made


def canonical(rdtype: str, values: Iterable[str]) -> tuple[str, ...]:
    """Values as they are read back. Raises Terminal naming the value that is not one."""
    return tuple(sorted({_text(rdtype, rdata) for rdata in rdatas(rdtype, values)}))


def key_of(change: ZoneChange) -> Key:
    """The (name, type) that a change is about."""
    one = change.rrset or change.expect
    if one is None:
        raise Terminal("a zone change names neither what is wanted nor what is expected")
    return one.name, one.type


def in_order(changes: Sequence[ZoneChange], zone: str) -> dict[str, list[ZoneChange]]:
    """Changes by owner name, removals first: a CNAME and what it replaces may be in one message."""
    found: dict[str, list[ZoneChange]] = defaultdict(list)
    for change in sorted(changes, key=lambda c: c.rrset is not None):
        name = key_of(change)[0]
        if name != zone and not name.endswith(f".{zone}"):
            raise Terminal(f"{name} is not in the zone {zone}")
        found[name].append(change)
    return found
