"""Writes update messages: every expectation is a prerequisite, so that a message does all or nothing.

A server answers NOERROR to a record added beside a CNAME, or a CNAME beside a record, and changes nothing (RFC 2136
section 3.4.2.2). The prerequisites written here make it say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import dns.exception
import dns.name
import dns.tsig
import dns.update

from reconciler.drivers.zonedata import MARK_TTL, key_of, mark_key, mark_value, rdatas
from reconciler.errors import Conflict, Terminal
from reconciler.ports import ZoneChange

_BESIDE_A_CNAME = frozenset({"A", "AAAA", "CAA", "DNAME", "DS", "HINFO", "HTTPS", "LOC", "MX", "NAPTR", "NS"}) | {
    "PTR",
    "RP",
    "SPF",
    "SRV",
    "SSHFP",
    "SVCB",
    "TLSA",
    "TXT",
    "URI",
}
"""Types looked for one by one when "the name is not in use" cannot be asked for."""

_ROOM = 62_000
"""Octets of one message that are filled before the next is begun; the limit of TCP is 65,535."""

Named = tuple[str, Sequence[ZoneChange]]
"""All changes of one owner name."""


@dataclass(frozen=True, slots=True)
class Message:
    """One rendered update. ``mixed`` holds names where records and a CNAME change places."""

    update: dns.update.UpdateMessage
    wire: bytes
    mixed: frozenset[str]


def messages(zone: str, key: dns.tsig.Key | None, changes: Mapping[str, Sequence[ZoneChange]]) -> Iterator[Message]:
    """As few messages as hold ``changes`` (by owner name): one, unless it would pass 64 KiB. A name is never split."""
    for name, here in changes.items():
        _refuse_cname_beside(name, here)
    for names in _packed(changes, len(zone)):
        yield from _fitting(zone, key, names)


def _packed(changes: Mapping[str, Sequence[ZoneChange]], shared: int) -> Iterator[list[Named]]:
    """Names in groups that likely fit a message each; ``shared`` characters of every name compress away."""
    group: list[Named] = []
    size = 0
    for name, here in changes.items():
        weight = sum(_weight(len(name) - shared, change) for change in here)
        if group and size + weight > _ROOM:
            yield group
            group, size = [], 0
        group.append((name, here))
        size += weight
    yield group


def _weight(name: int, change: ZoneChange) -> int:
    """About how many octets a change takes: records that name it, and values."""
    held = sum(map(len, change.expect.values)) + len(change.expect.values) * (name + 12) if change.expect else 0
    wanted = sum(map(len, change.rrset.values)) + len(change.rrset.values) * (name + 12) if change.rrset else 0
    marks = 2 * (name + 26) + len(change.uid) + 14
    return 2 * (name + 12) + marks + held + wanted


def _fitting(zone: str, key: dns.tsig.Key | None, names: list[Named]) -> Iterator[Message]:
    update = dns.update.UpdateMessage(dns.name.from_text(zone), keyring=key)
    for name, changes in names:
        _write(update, dns.name.from_text(name), changes)
    try:
        wire = update.to_wire()
    except dns.exception.TooBig as error:
        if len(names) == 1:
            raise Terminal(f"the records of {names[0][0]} do not fit into one update message of 64 KiB") from error
        half = len(names) // 2
        yield from _fitting(zone, key, names[:half])
        yield from _fitting(zone, key, names[half:])
        return
    yield Message(update, wire, frozenset(name for name, changes in names if _mixed(changes)))


def _refuse_cname_beside(name: str, changes: Sequence[ZoneChange]) -> None:
    wanted = {change.rrset.type for change in changes if change.rrset}
    if "CNAME" in wanted and len(wanted) > 1:
        raise Conflict(f"{name} cannot be a CNAME and hold {', '.join(sorted(wanted - {'CNAME'}))} as well")


def _mixed(changes: Sequence[ZoneChange]) -> bool:
    types = {key_of(change)[1] for change in changes}
    return "CNAME" in types and len(types) > 1


def _write(update: dns.update.UpdateMessage, name: dns.name.Name, changes: Sequence[ZoneChange]) -> None:
    removed = {key_of(change)[1] for change in changes if change.rrset is None}
    for change in changes:
        mark = dns.name.from_text(mark_key(key_of(change))[0])
        _require(update, name, change, removed)
        _require_mark(update, mark, change)
        _change(update, name, change)
        _change_mark(update, mark, change)


def _require(update: dns.update.UpdateMessage, name: dns.name.Name, change: ZoneChange, removed: set[str]) -> None:
    rdtype = key_of(change)[1]
    if change.expect and change.expect.values:
        update.present(name, *rdatas(rdtype, change.expect.values))
    elif rdtype != "CNAME" or change.rrset is None:
        update.absent(name, rdtype)
        if change.rrset and "CNAME" not in removed:
            update.absent(name, "CNAME")
    elif removed:
        for other in sorted((_BESIDE_A_CNAME | {"CNAME"}) - removed):
            update.absent(name, other)
    else:
        update.absent(name)


def _require_mark(update: dns.update.UpdateMessage, mark: dns.name.Name, change: ZoneChange) -> None:
    if change.expect and change.expect.uid:
        update.present(mark, *rdatas("TXT", [mark_value(change.expect.uid)]))
    else:
        update.absent(mark, "TXT")


def _change(update: dns.update.UpdateMessage, name: dns.name.Name, change: ZoneChange) -> None:
    if change.expect and change.expect.values:
        update.delete(name, change.expect.type)
    if change.rrset:
        update.add(name, change.rrset.ttl, *rdatas(change.rrset.type, change.rrset.values))


def _change_mark(update: dns.update.UpdateMessage, mark: dns.name.Name, change: ZoneChange) -> None:
    held = change.expect.uid if change.expect else ""
    wanted = change.uid if change.rrset else ""
    if held and held != wanted:
        update.delete(mark, "TXT")
    if wanted and held != wanted:
        update.add(mark, MARK_TTL, *rdatas("TXT", [mark_value(wanted)]))
