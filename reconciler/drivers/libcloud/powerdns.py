"""The DNS port through the API of a PowerDNS Authoritative Server 4.

Options: ``url`` of the API (``https://192.0.2.53:8081``), ``key`` (a secret reference to the API key), ``server``
(its id there, ``localhost``), ``mark`` (``comment``, or ``record`` for back ends that keep no comments, LMDB for one),
``serial_tells`` and ``timeout_seconds`` (10).

All changes are one call, which the server does all or nothing. The API knows no conditions, so everything is read and
compared just before it is changed: a person's change within those milliseconds can be lost. Where others write into
the zone all the time, use rfc2136, which PowerDNS speaks as well.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal, cast
from urllib.parse import urlsplit

import dns.name
import orjson
import requests
import urllib3.exceptions
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import InvalidCredsError, LibcloudError
from pydantic import Field

from reconciler.drivers.libcloud.whole_powerdns import WholePowerDNS
from reconciler.drivers.options import checked
from reconciler.drivers.zonedata import (
    MARK_TTL,
    Key,
    Stored,
    canonical,
    expected,
    fold,
    key_of,
    mark_key,
    mark_text,
    mark_value,
    read_back,
    uid_in,
)
from reconciler.errors import Conflict, DriverError, OutcomeUnknown, Terminal, Transient
from reconciler.model import SecretRef, Strict, Target
from reconciler.ports import DNS, Drivers, RRset, ZoneChange, ZoneReading

_ACCOUNT = "hanse"
_BUSY = (408, 425, 429)
_MARKED, _WRITTEN = re.compile(r"^(_hanse-[a-z0-9]+\.)\*\."), re.compile(r"^(_hanse-[a-z0-9]+\.)_any\.")
"""The mark of a wildcard, and how it is written here: PowerDNS takes * as a first label only."""


class Options(Strict):
    """How the API is reached."""

    url: str = Field(pattern=r"^https?://[^/?#]+(/[^?#]*)?$")
    """Of the server's API: ``https://192.0.2.53:8081``."""
    key: SecretRef
    """The API key."""
    server: str = "localhost"
    """The server's id in its own API."""
    mark: Literal["comment", "record"] = "comment"
    """Where ownership marks are kept: a comment on the RRset, or a TXT record beside it."""
    serial_tells: bool = False
    """True when nobody writes into its database past the API: an unmoved serial then spares reading the zone."""
    timeout_seconds: float = Field(default=10.0, gt=0)
    """How long a call may take."""


def open(target: Target, drivers: Drivers) -> DNS:  # noqa: A001
    """The zone named by ``target``. Threads may share it."""
    return PowerDNSZone(target.name, checked(target, Options), drivers)


class PowerDNSZone:
    """One zone of one server."""

    def __init__(self, zone: str, options: Options, drivers: Drivers) -> None:
        self._zone = dns.name.from_text(zone).to_text().lower()
        self._options = options
        self._drivers = drivers
        self._local = threading.local()
        self._changing = threading.Lock()

    def read(self, token: str = "") -> ZoneReading:
        """Read the whole zone. With ``serial_tells``, nothing but its serial while that is the one in ``token``."""
        if token and self._options.serial_tells and token.partition("-")[0] == self._serial():
            return ZoneReading({}, token, unchanged=True)
        answer = self._answer()
        now = f"{answer.get('edited_serial', answer.get('serial'))}-{_digest(answer)}"
        if token == now:
            return ZoneReading({}, token, unchanged=True)
        return ZoneReading(self._held(answer), now)

    def change(self, changes: Sequence[ZoneChange]) -> None:
        """Do all of ``changes`` in one call, after every expectation about them was found to hold."""
        if not changes:
            return
        with self._changing:
            answer = self._answer()
            by_name = expected(self._held(answer), changes, self._zone)
            remarks = {_key(one): _remarks(one) for one in answer["rrsets"]}
            rrsets = [row for here in by_name.values() for change in here for row in self._rows(change, remarks)]
            with self._errors(sent=True):
                self._driver().ex_replace_rrsets(self._zone, sorted(rrsets, key=lambda row: bool(row["records"])))

    def _serial(self) -> str:
        with self._errors():
            head = self._driver().ex_whole_zone(self._zone, rrsets=False)
        return str(head.get("edited_serial", head.get("serial")))

    def _answer(self) -> Mapping[str, Any]:
        with self._errors():
            answer: Any = self._driver().ex_whole_zone(self._zone)
        if not isinstance(answer, dict) or not isinstance(answer.get("rrsets"), list):
            raise Transient(f"{self} gave an answer without a zone in it")
        return answer

    def _held(self, answer: Mapping[str, Any]) -> Mapping[Key, RRset]:
        if self._options.mark == "comment":
            return {_key(one): _rrset(one) for one in answer["rrsets"]}
        shown = {_key(one): one for one in answer["rrsets"]}
        folded = fold({key: Stored(int(one["ttl"]), _values(one, ours=False)) for key, one in shown.items()})
        ours = {key: held for key, held in folded.items() if held.uid and key in shown}
        return {**folded, **{k: replace(held, values=_values(shown[k], ours=True)) for k, held in ours.items()}}

    def _rows(self, change: ZoneChange, remarks: Mapping[Key, list[Mapping[str, Any]]]) -> Iterator[dict[str, Any]]:
        """What the API is told of one change: other people's remarks stay, ours comes or goes."""
        key, wanted = key_of(change), change.rrset
        kept = remarks.get(key, [])
        if self._options.mark == "comment":
            ours = [{"content": mark_text(change.uid), "account": _ACCOUNT}] if wanted else []
            yield {**_row(key, wanted), "comments": [*kept, *ours]}
            return
        yield _row(key, wanted)
        beside = mark_key(key)
        yield _row(beside, RRset(*beside, MARK_TTL, (mark_value(change.uid),)) if wanted else None)

    def _driver(self) -> WholePowerDNS:
        """The driver of this thread: libcloud's share a connection, which threads may not."""
        key = self._drivers.secret(self._options.key).strip()
        known: tuple[str, WholePowerDNS] | None = getattr(self._local, "driver", None)
        if known is None or known[0] != key:
            known = self._local.driver = key, self._connected(key)
        return known[1]

    def _connected(self, key: str) -> WholePowerDNS:
        parts = urlsplit(self._options.url)
        secure = parts.scheme == "https"
        driver: WholePowerDNS = cast(Any, WholePowerDNS)(
            key,
            secure=secure,
            host=parts.hostname,
            port=parts.port or (443 if secure else 80),
            api_version="v1",
            timeout=self._options.timeout_seconds,
        )
        driver.api_root = f"{parts.path.rstrip('/')}{driver.api_root}"
        driver.ex_server = self._options.server
        return driver

    def __str__(self) -> str:
        return f"PowerDNS at {urlsplit(self._options.url).netloc.rpartition('@')[2]}"

    @contextmanager
    def _errors(self, *, sent: bool = False) -> Iterator[None]:
        """Foreign errors as our own; ``sent`` when the lost answer of a call leaves open what it did."""
        try:
            yield
        except InvalidCredsError as error:
            raise Terminal(f"{self} refuses the API key; check key, and webserver-allow-from there") from error
        except BaseHTTPError as error:
            raise self._refused(error) from error
        except (requests.RequestException, LibcloudError, OSError) as error:
            said = f"{self}: {type(error).__name__}"
            if sent and not _unsent(error):
                raise OutcomeUnknown(f"{said}: the answer to a change of {self._zone} was lost") from error
            raise Transient(f"{said}: no answer") from error

    def _refused(self, error: BaseHTTPError) -> DriverError:
        status, said = int(error.code), f"{self} answered {error.code}: {error.message}"
        if status == 404:  # noqa: PLR2004
            return Terminal(f"{said}: it has no zone {self._zone}, or no server {self._options.server}")
        if status == 409 or "onflicts with" in str(error.message):  # noqa: PLR2004
            return Conflict(said)
        if "omments" in str(error.message):
            return Terminal(f'{said}: its back end keeps no comments; set mark = "record" for {self._zone}')
        refused = status < 500 and status not in _BUSY  # noqa: PLR2004
        return Terminal(said) if refused else Transient(said)


def _unsent(error: Exception) -> bool:
    """Whether no connection came about, so that nothing can have been done."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _key(one: Mapping[str, Any]) -> Key:
    name = str(one["name"]).lower()
    return _WRITTEN.sub(r"\1*.", name), str(one["type"])


def _values(one: Mapping[str, Any], *, ours: bool) -> tuple[str, ...]:
    """Values as they are served. Of people's records also what they have switched off: it is theirs, too."""
    records = [r for r in one["records"] if not (ours and r.get("disabled"))]
    return read_back(str(one["type"]), [str(r["content"]) for r in records])


def _rrset(one: Mapping[str, Any]) -> RRset:
    uids = [uid_in(str(c["content"])) for c in one["comments"] if c.get("account") == _ACCOUNT]
    uid = next((uid for uid in uids if uid), "")
    values = _values(one, ours=bool(uid))
    return RRset(*_key(one), int(one["ttl"]) if values else MARK_TTL, values, uid)


def _remarks(one: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Comments that are not ours."""
    return [c for c in one["comments"] if not (c.get("account") == _ACCOUNT and uid_in(str(c["content"])))]


def _row(key: Key, wanted: RRset | None) -> dict[str, Any]:
    values = canonical(wanted.type, wanted.values) if wanted else ()
    records = [{"content": value, "disabled": False} for value in values]
    name = _MARKED.sub(r"\1_any.", key[0])
    return {"name": name, "type": key[1], "ttl": wanted.ttl if wanted else MARK_TTL, "records": records}


def _digest(answer: Mapping[str, Any]) -> str:
    rows = sorted(answer["rrsets"], key=lambda one: (one["name"], one["type"]))
    return hashlib.sha256(orjson.dumps(rows, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
