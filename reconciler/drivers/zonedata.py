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

from reconciler.errors import Conflict, Terminal
from reconciler.ports import RRset, ZoneChange

Key = tuple[str, str]
"""(name, type): the name absolute and lower case, the type in upper case."""

MARK_TTL = 3600
"""Seconds."""

_MARK_NAME = re.compile(r"_hanse-([a-z0-9]+)\.(.+)", re.DOTALL)
_MARK_TEXT = re.compile(r"hanse=1,uid=([A-Za-z0-9_.:-]{1,200})")
_ONE_NAME = frozenset({"CNAME", "NS", "PTR", "DNAME"})


class Stored(NamedTuple):
    """What a zone holds under one (name, type), marks included."""

    ttl: int
    values: tuple[str, ...]


def mark_key(key: Key) -> Key:
    """Where the ownership mark of a (name, type) stands."""
    name, rdtype = key
    return f"_hanse-{rdtype.lower()}.{name}", "TXT"


def mark_text(uid: str) -> str:
    """The mark as a back end with a place for remarks keeps it."""
    text = f"hanse=1,uid={uid}"
    if not _MARK_TEXT.fullmatch(text):
        raise Terminal(f"{uid!r} cannot be written into an ownership mark: letters, digits and _.:- are allowed")
    return text


def mark_value(uid: str) -> str:
    """The mark's one value, as a master file writes it."""
    return f'"{mark_text(uid)}"'


def uid_in(text: str) -> str:
    """The uid that a mark's text holds; "" when it is no mark."""
    found = _MARK_TEXT.fullmatch(text)
    return found[1] if found else ""


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
            name, uid = _MARK_NAME.fullmatch(key[0]), uid_in(one.values[0][1:-1])
            if name and uid:
                yield key, ((name[2], name[1].upper()), uid)


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


def expected(held: Mapping[Key, RRset], changes: Sequence[ZoneChange], zone: str) -> dict[str, list[ZoneChange]]:
    """Changes by owner name, all expectations found to hold in ``held``: for servers that cannot look for themselves.

    Raises Conflict where something is not as it was, or where a CNAME would not stand alone.
    """
    by_name = in_order(changes, zone)
    types: dict[str, set[str]] = defaultdict(set)
    for (name, rdtype), one in held.items():
        if name in by_name and one.values:
            types[name].add(rdtype)
    for name, here in by_name.items():
        for change in here:
            _expect(held, change)
            (types[name].add if change.rrset else types[name].discard)(key_of(change)[1])
        if "CNAME" in types[name] and len(types[name]) > 1 and any(change.rrset for change in here):
            others = ", ".join(sorted(types[name] - {"CNAME"}))
            raise Conflict(f"{name} cannot be a CNAME and hold {others} as well")
    return by_name


def _expect(held: Mapping[Key, RRset], change: ZoneChange) -> None:
    key, expect = key_of(change), change.expect
    found = held.get(key)
    if (found.values if found else ()) != (canonical(expect.type, expect.values) if expect else ()):
        raise Conflict(f"{key[0]} {key[1]} is not as it was when it was read")
    if (found.uid if found else "") != (expect.uid if expect else ""):
        raise Conflict(f"the ownership mark of {key[0]} {key[1]} is not as it was when it was read")


def read_back(rdtype: str, values: Iterable[str]) -> tuple[str, ...]:
    """Values of others' making in canonical form, sorted; as they stand when they are of a type that is not known."""
    try:
        return canonical(rdtype, values)
    except Terminal:
        return tuple(sorted(values))
