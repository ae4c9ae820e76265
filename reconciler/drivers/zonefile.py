"""The DNS port on a master file (RFC 1035): the embedded default, and the way to any server that loads such files.

Options: ``state`` (folder; the file is ``<zone>zone`` in it) or ``path`` (the file itself), ``nameservers`` and
``contact`` for the SOA and NS records of a zone that does not exist yet.

Hanse writes one record per line, below a first line that holds the digest of the rest. While the digest holds, the
file is read line by line, twenty times faster than a master file in general; a file that a person has edited is read
by the full parser and keeps everything but its comments and layout.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import dns.exception
import dns.name
import dns.zone

from reconciler.drivers.locks import locked
from reconciler.drivers.options import checked
from reconciler.drivers.zonedata import (
    MARK_TTL,
    Key,
    Stored,
    canonical,
    fold,
    in_order,
    key_of,
    mark_key,
    mark_value,
    stored_in,
)
from reconciler.errors import Conflict, Terminal, Transient
from reconciler.model import Strict, Target
from reconciler.ports import DNS, Drivers, ZoneChange, ZoneReading

_HEADER: Final = "; written by hanse, sha256="
_PLAIN: Final = re.compile(
    r"[a-z0-9_*][a-z0-9_*.-]*\. [1-9][0-9]{0,8} IN (?:"
    r"A (?:(?:[1-9]?[0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])(?:\.|$)){4}(?<!\.)"
    r'|TXT "hanse=1,uid=[A-Za-z0-9_.:-]+")'
)
_SIGNED: Final = frozenset({"DNSKEY", "NSEC", "NSEC3", "NSEC3PARAM"})


class Options(Strict):
    """Where the file is."""

    state: str = ""
    path: str = ""
    nameservers: tuple[str, ...] | list[str] = ("localhost.",)
    contact: str = ""
    """Mailbox as a name (``hostmaster.example.org.``); "" for hostmaster in the zone."""


class Parsed(NamedTuple):
    """One state of the file."""

    digest: str
    stored: Mapping[Key, Stored]


_parsed: dict[Path, Parsed] = {}
"""Last known state of each file, for every thread: 20,000 records are parsed once, not at every question."""
_knowing = threading.Lock()


def open(target: Target, drivers: Drivers) -> DNS:  # noqa: A001, ARG001
    """The zone named by ``target``, in the state folder or at ``path``."""
    options = checked(target, Options)
    zone = dns.name.from_text(target.name).to_text().lower()
    if not (options.path or options.state):
        raise Terminal(f"{target.id}: neither state nor path says where the zone file is")
    file = Path(options.path) if options.path else Path(options.state) / f"{zone.replace('/', '_')}zone"
    return ZoneFile(zone, file, options)


class ZoneFile:
    """One zone in one file. Processes and threads may share the file: writers take turns, readers see whole states."""

    def __init__(self, zone: str, file: Path, options: Options) -> None:
        self._zone = zone
        self._file = file
        self._options = options

    def read(self, token: str = "") -> ZoneReading:
        """Read the whole file; ``unchanged`` when it is the one that ``token`` was given for."""
        with self._errors():
            content = self._content()
            if content is not None and token.endswith(f"-{_digest(content)[:16]}"):
                return ZoneReading({}, token, unchanged=True)
            parsed = self._load(content)
        return ZoneReading(fold(parsed.stored), self._token(parsed))

    def change(self, changes: Sequence[ZoneChange]) -> None:
        """Do all of ``changes`` and raise the serial, by replacing the file in one step."""
        if not changes:
            return
        by_name = in_order(changes, self._zone)
        with self._errors(), locked(self._file.with_name(f".{self._file.name}.lock")):
            stored = dict(self._load(self._content()).stored)
            types = frozenset(rdtype for _, rdtype in stored) | {key_of(change)[1] for change in changes}
            for name, here in by_name.items():
                _apply(stored, types, name, here)
            soa = (self._zone, "SOA")
            stored[soa] = _raised(stored[soa])
            self._write(stored)

    def _token(self, parsed: Parsed) -> str:
        """The serial, and the digest that tells an edit by hand that forgot to raise it."""
        return f"{_serial(parsed.stored[self._zone, 'SOA'])}-{parsed.digest[:16]}"

    def _content(self) -> bytes | None:
        try:
            return self._file.read_bytes()
        except FileNotFoundError:
            return None

    def _load(self, content: bytes | None) -> Parsed:
        if content is None:
            return Parsed("new", self._empty())
        digest = _digest(content)
        known = _parsed.get(self._file)
        if known and known.digest == digest:
            return known
        return self._know(Parsed(digest, self._parse(content)))

    def _know(self, parsed: Parsed) -> Parsed:
        with _knowing:
            _parsed[self._file] = parsed
        return parsed

    def _parse(self, content: bytes) -> dict[Key, Stored]:
        first, _, body = content.partition(b"\n")
        if first == _header(body):
            return _lines(body.decode())
        try:
            return self._merged(content.decode())
        except (dns.exception.DNSException, UnicodeDecodeError, ValueError, KeyError) as error:
            raise Terminal(
                f"{self._file} is not a zone file of {self._zone}: {str(error) or type(error).__name__}"
            ) from error

    def _merged(self, text: str) -> dict[Key, Stored]:
        """A file that was edited: plain lines are read as such, all else by the full parser."""
        plain, rest = _plain(text, self._zone)
        zone = dns.zone.from_text(rest, origin=self._zone, relativize=False)
        stored = {k: v for name, node in zone.nodes.items() for k, v in stored_in(node, name.to_text().lower())}
        for key, (ttl, values) in plain.items():
            if (key[0], "CNAME") in stored:
                message = f"{key[0]} is a CNAME and holds other records as well"
                raise ValueError(message)
            held = stored.get(key, Stored(ttl, ()))
            stored[key] = Stored(min(ttl, held.ttl), tuple(sorted({*values, *held.values})))
        if any(rdtype in _SIGNED for _, rdtype in stored):
            raise Terminal(f"{self._file} is signed; let the server sign, and give Hanse the unsigned file")
        return stored

    def _empty(self) -> dict[Key, Stored]:
        """The zone before its first record."""
        names = [dns.name.from_text(name).to_text().lower() for name in self._options.nameservers]
        contact = self._options.contact or f"hostmaster.{self._zone}"
        soa = f"{names[0]} {contact} 0 3600 600 1209600 300"
        return {
            (self._zone, "SOA"): Stored(3600, (soa,)),
            (self._zone, "NS"): Stored(3600, tuple(sorted(names))),
        }

    def _write(self, stored: Mapping[Key, Stored]) -> None:
        body = "".join(_written(stored, self._zone)).encode()
        content = _header(body) + b"\n" + body
        fresh = self._file.with_name(f".{self._file.name}.new")
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fdatasync(file.fileno())
        fresh.replace(self._file)
        self._know(Parsed(hashlib.sha256(content).hexdigest(), stored))

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except PermissionError as error:
            raise Terminal(f"{self._file}: {error.strerror}; the reconciler needs to read and write it") from error
        except OSError as error:
            raise Transient(f"{self._file}: {error.strerror}") from error


def _apply(stored: dict[Key, Stored], types: frozenset[str], name: str, changes: Sequence[ZoneChange]) -> None:
    """Change one name after every expectation about it was found to hold."""
    for change in changes:
        _expect(stored, change)
    for change in changes:
        key = key_of(change)
        for gone in (key, mark_key(key)):
            stored.pop(gone, None)
        if change.rrset:
            stored[key] = Stored(change.rrset.ttl, canonical(change.rrset.type, change.rrset.values))
            stored[mark_key(key)] = Stored(MARK_TTL, (mark_value(change.uid),))
    beside = [rdtype for rdtype in sorted(types) if (name, rdtype) in stored]
    if "CNAME" in beside and len(beside) > 1 and any(change.rrset for change in changes):
        raise Conflict(f"{name} cannot be a CNAME and hold {', '.join(t for t in beside if t != 'CNAME')} as well")


def _expect(stored: Mapping[Key, Stored], change: ZoneChange) -> None:
    key, expect = key_of(change), change.expect
    held, mark = stored.get(key), stored.get(mark_key(key))
    if (held.values if held else ()) != (canonical(expect.type, expect.values) if expect else ()):
        raise Conflict(f"{key[0]} {key[1]} is not as it was when it was read")
    if (mark.values if mark else ()) != ((mark_value(expect.uid),) if expect and expect.uid else ()):
        raise Conflict(f"the ownership mark of {key[0]} {key[1]} is not as it was when it was read")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _serial(soa: Stored) -> int:
    return int(soa.values[0].split(" ")[2])


def _raised(soa: Stored) -> Stored:
    """The SOA with the next serial; after 2**32 - 1 comes 1 (RFC 1982)."""
    fields = soa.values[0].split(" ")
    fields[2] = str((int(fields[2]) + 1) % 2**32 or 1)
    return Stored(soa.ttl, (" ".join(fields),))


def _header(body: bytes) -> bytes:
    return f"{_HEADER}{hashlib.sha256(body).hexdigest()}".encode()


def _written(stored: Mapping[Key, Stored], zone: str) -> Iterator[str]:
    """The file's lines: the SOA first, then names as a tree, each with what is below it."""
    soa = zone, "SOA"
    places = {name: tuple(reversed(name.split("."))) for name, _ in stored}
    for key in sorted(stored, key=lambda key: (key != soa, places[key[0]], key[1])):
        ttl, values = stored[key]
        start = f"{key[0]} {ttl} IN {key[1]} "
        for value in values:
            yield f"{start}{value}\n"


def _plain(text: str, zone: str) -> tuple[dict[Key, Stored], str]:
    """The addresses and marks that stand in complete lines of their own, and the rest of the file.

    Where the rest could lean on such a line (brackets across lines, a blank owner), the whole file is the rest.
    """
    lines = text.split("\n")
    plain = [line for line in lines if _PLAIN.fullmatch(line) and f".{zone} " in line]
    alone = set(plain)
    rest = [line for line in lines if line not in alone]
    if any((line[:1].isspace() and line.strip()) or "(" in line or ")" in line for line in rest):
        return {}, text
    return _lines("\n".join(plain)) if plain else {}, "\n".join(rest)


def _lines(body: str) -> dict[Key, Stored]:
    """What ``_written`` wrote."""
    found: dict[Key, list[str]] = {}
    ttls: dict[Key, int] = {}
    for line in body.rstrip("\n").split("\n"):
        name, ttl, _, rdtype, value = line.split(" ", 4)
        found.setdefault((name, rdtype), []).append(value)
        ttls[name, rdtype] = int(ttl)
    return {key: Stored(ttls[key], tuple(values)) for key, values in found.items()}
