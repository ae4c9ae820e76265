"""A zone as far as a dynamic DNS service lets it be seen: hosts, each with at most one address per family.

Nothing here is atomic: one host is changed after the other, and whoever fails in between is found out by the next
look. An update that would change nothing is never sent: services count those as faults and block hosts for them.
"""

from __future__ import annotations

import hashlib
import ipaddress
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from reconciler.drivers.dyndns.authority import TYPES
from reconciler.drivers.dyndns.marks import Mark, Marks
from reconciler.drivers.zonedata import Key, canonical, expected, in_order, key_of
from reconciler.errors import Terminal, Transient
from reconciler.ports import RRset, ZoneChange, ZoneReading

_HOST_BITS = 2**64 - 1
_REFUSED_SECONDS = 3600.0
"""How long a host that the service refused is left alone by this process."""


class Hosts(Protocol):
    """What a kind of service can do."""

    def held(self, marks: Mapping[Key, Mark], about: Iterable[str] = ()) -> dict[Key, RRset]:
        """Every host that we may see, and what else stands at the names asked ``about``."""
        ...

    def put(self, name: str, addresses: Mapping[str, str], uid: str) -> None:
        """Set addresses by type. ``uid`` is that of the first type."""
        ...

    def take(self, name: str, rdtype: str, *, last: bool) -> None:
        """Take one address away; ``last`` when none is left then."""
        ...

    def release(self, name: str) -> None:
        """Give up a host of ours that has no address any more."""
        ...


@dataclass(frozen=True, slots=True)
class Habits:
    """What the service does with every record. Seconds."""

    ttl: int
    settle: float
    """How long its name server may take to show what it was told."""


class HostZone:
    """The DNS port over hosts. Threads may share it."""

    def __init__(
        self, zone: str, hosts: Hosts, marks: Marks, habits: Habits, clock: Callable[[], float] = time.time
    ) -> None:
        """``clock`` tells seconds since the epoch."""
        self._zone, self._hosts, self._marks, self._habits, self._clock = zone, hosts, marks, habits, clock
        self._changing = threading.Lock()
        self._refused: dict[str, tuple[float, str]] = {}

    def read(self, token: str = "") -> ZoneReading:
        """Ask for every host. The token is a digest of the answers: it spares the work that follows, not the asking."""
        held = self._hosts.held(self._marks.read())
        now = hashlib.sha256(repr(sorted(held.items())).encode()).hexdigest()[:16]
        return ZoneReading({}, token, unchanged=True) if token == now else ZoneReading(held, now)

    def change(self, changes: Sequence[ZoneChange]) -> None:
        """Do ``changes`` host by host, after all expectations were found to hold and all values to be possible."""
        if not changes:
            return
        with self._changing:
            held = self._hosts.held(self._marks.read(), in_order(changes, self._zone))
            by_name = expected(held, changes, self._zone)
            for change in changes:
                self._possible(change)
            for name, here in by_name.items():
                self._host(name, here, held)

    def _possible(self, change: ZoneChange) -> None:
        """Refuse what a host cannot be."""
        name, rdtype = key_of(change)
        wanted = change.rrset
        if wanted is None:
            return
        if name.startswith("*"):
            raise Terminal(f"{name}: this driver keeps hosts, and no wildcards")
        if rdtype not in TYPES:
            raise Terminal(f"{name}: a dynamic DNS service keeps A and AAAA records, not {rdtype}")
        values = canonical(rdtype, wanted.values)
        if len(values) != 1:
            raise Terminal(f"{name} {rdtype}: a dynamic DNS service keeps one address of a kind, not {len(values)}")
        if wanted.ttl != self._habits.ttl:
            raise Terminal(
                f"{name}: this service keeps every record for {self._habits.ttl} s: write ttl: {self._habits.ttl}"
            )
        if rdtype == "AAAA" and not int(ipaddress.IPv6Address(values[0])) & _HOST_BITS:
            raise Terminal(f"{name}: {values[0]} is the address of a whole network, which services take for a deletion")

    def _host(self, name: str, changes: Sequence[ZoneChange], held: Mapping[Key, RRset]) -> None:
        until, said = self._refused.get(name, (0.0, ""))
        if self._clock() < until:
            raise Terminal(f"{said} (not asked again for {until - self._clock():.0f} s)")
        try:
            self._take(name, [key_of(c)[1] for c in changes if c.rrset is None], held)
            self._put(name, {key_of(c)[1]: c for c in changes if c.rrset}, held)
        except Terminal as error:
            self._refused[name] = self._clock() + _REFUSED_SECONDS, str(error)
            raise
        self._refused.pop(name, None)

    def _take(self, name: str, types: Iterable[str], held: Mapping[Key, RRset]) -> None:
        before = {t for t in TYPES if (name, t) in held and held[name, t].values}
        left = set(before)
        for rdtype in types:
            if rdtype in left:
                left.discard(rdtype)
                self._hosts.take(name, rdtype, last=not left)
            elif not before:
                self._hosts.release(name)
            self._marks.forget((name, rdtype))

    def _put(self, name: str, wanted: Mapping[str, ZoneChange], held: Mapping[Key, RRset]) -> None:
        marks, now = self._marks.read(), self._clock()
        due: dict[str, str] = {}
        for rdtype, change in sorted(wanted.items()):
            key, known = (name, rdtype), marks.get((name, rdtype), Mark(change.uid))
            (value,) = canonical(rdtype, change.rrset.values if change.rrset else ())
            if key not in held or held[key].values != (value,):
                due[rdtype] = value
                self._patient(name, known, value, now)
                self._marks.keep(key, Mark(change.uid))  # before it is sent: a lost answer leaves it ours
            else:
                self._marks.keep(key, Mark(change.uid, known.value, known.at))
                self._same_ttl(held[key])
        if not due:
            return
        self._hosts.put(name, due, wanted[min(due)].uid)
        for rdtype, value in due.items():
            self._marks.keep((name, rdtype), Mark(wanted[rdtype].uid, value, now))

    def _patient(self, name: str, known: Mark, value: str, now: float) -> None:
        """Refuse to send again what was sent a moment ago and has not reached the name server yet."""
        if known.value == value and 0 <= now - known.at < self._habits.settle:
            ago = now - known.at
            said = f"{name} was set to {value} {ago:.0f} s ago, and its name server does not show it yet"
            raise Transient(said, retry_after=self._habits.settle - ago)

    def _same_ttl(self, held: RRset) -> None:
        if held.ttl != self._habits.ttl:
            said = f"{held.name}: the service keeps records for {held.ttl} s"
            raise Terminal(f"{said}: set the option ttl to that, and ttl: {held.ttl} in the manifests")
