"""Tells subscribers' web hooks when a dataset has as many copies as they wait for, and when it no longer has.

Each delivery is signed and carries an id as the Standard Webhooks specification says (``webhook-id``,
``webhook-timestamp``, ``webhook-signature: v1,<base64 of HMAC-SHA256>``), and is tried again until it is taken. What
was told last is written down, so that a restart tells neither twice nor never.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Generic, TypeVar
from urllib.parse import urlsplit

import requests
import structlog

from reconciler.copies import Board, Fact, Question
from reconciler.drivers import apprising
from reconciler.errors import DriverError, RecordsError, SettingsError, Terminal, Transient
from reconciler.kinds.expression import ExpressionError
from reconciler.model import SecretRef
from reconciler.records.delivered import Delivered
from reconciler.settings import NotifySettings

_log = structlog.get_logger()
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
"""Seconds before the second try, doubled each time up to the longest."""
_TIMEOUT = 15.0
_GONE = 410
_PROBE = "probe.status"
_NAMESPACE = uuid.UUID("5f2b8c3e-7a41-4a7e-9a8c-0f3f2a1d6b90")


StateT = TypeVar("StateT", bool, str)


@dataclass(frozen=True)
class News(Generic[StateT]):
    """What is to be told of one thing."""

    state: StateT
    """How it stands."""
    data: dict[str, object]
    said: dict[str, object]
    """What the log says of it."""


@dataclass
class Hook(Generic[StateT]):
    """One subscription: what was told last, and what is to be told."""

    kind: ClassVar[str]
    """Of deliveries."""

    settings: NotifySettings
    folder: Path
    """Where is kept what was told, where no records are given; with records it is taken over from there."""
    records: Delivered | None = None
    told: dict[str, tuple[StateT, int]] = field(default_factory=dict)
    """Name -> how it stood when that was told last, and how often something was told of it."""
    due: dict[str, News[StateT]] = field(default_factory=dict)
    """Name -> the latest that is to be told of it: what was overtaken is not told."""
    unwritten: set[str] = field(default_factory=set)
    """Names of which it was told while the records could not be written."""
    tries: int = 0
    next_try: float = 0.0
    loaded: bool = False

    def __post_init__(self) -> None:
        self.name = name_of(self.settings)
        self.memory = self.folder / f"{self.name}.json"

    def load(self) -> None:
        """Read what was told, once: not before this process leads, as others tell until then. Raises RecordsError."""
        if self.loaded:
            return
        told = self.records.told(self.name) if self.records else {}
        if not told and self.memory.exists():
            told = self._formerly()
            if self.records and told:
                self.records.tell(self.name, told)
                _log.warning("what was told was taken over", hook=self.settings.title, file=str(self.memory))
        self.told, self.loaded = told, True

    def _formerly(self) -> dict[str, tuple[StateT, int]]:
        try:
            known = json.loads(self.memory.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RecordsError(f"{self.memory} cannot be read: {error}") from error
        return {name: (state, int(number)) for name, (state, number) in known.items()}

    def serve(self, secret: Callable[[SecretRef], str], clock: Callable[[], float]) -> None:
        """Tell what is due; after a failure all of it waits, longer each time. Raises RecordsError."""
        if self.unwritten:
            self._remember()
        for name, news in list(self.due.items()):
            if clock() < self.next_try:
                return
            number = self.told[name][1] + 1 if name in self.told else 1
            message = Message(self.kind, news.data, number, int(clock()))
            if not deliver(self.settings, message, secret, {**news.said, "try": self.tries + 1}):
                self.tries += 1
                self.next_try = clock() + min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (self.tries - 1))
                return
            del self.due[name]
            self.told[name] = (news.state, number)
            self.tries = 0
            self.unwritten.add(name)
            self._remember()

    def _remember(self) -> None:
        if self.records:
            self.records.tell(self.name, {name: self.told[name] for name in self.unwritten})
            self.unwritten.clear()
            return
        self.memory.parent.mkdir(parents=True, exist_ok=True)
        part = self.memory.with_suffix(".part")
        part.write_text(json.dumps(self.told, sort_keys=True), encoding="utf-8")
        part.replace(self.memory)


class CopiesHook(Hook[bool]):
    """Who waits for copies of datasets: whether there are enough."""

    kind = "dataset.copies"

    def look(self, board: Board) -> None:
        """See what has changed since it was told last. That something never was met is not told.

        Raises RecordsError.
        """
        self.load()
        question = Question(self.settings.copies, self.settings.at)
        known = board.facts(self.settings.dataset, question)
        gone = {*self.told, *self.due} - {fact.dataset for fact in known}
        for fact in (*known, *(Fact(dataset, question, ()) for dataset in sorted(gone))):
            if fact.met != self.told.get(fact.dataset, (False, 0))[0]:
                said: dict[str, object] = {"dataset": fact.dataset, "met": fact.met}
                self.due[fact.dataset] = News(fact.met, fact.data(), said)
            else:
                self.due.pop(fact.dataset, None)


class Notifier:
    """The hooks of one installation, served by one thread. ``clock`` is seconds since the epoch."""

    def __init__(
        self,
        hooks: Sequence[NotifySettings],
        state: Path,
        secret: Callable[[SecretRef], str],
        clock: Callable[[], float] = time.time,
        records: Delivered | None = None,
    ) -> None:
        """``records`` know what was told, or else files in the folder ``state``.

        Raises SettingsError for what cannot be meant.
        """
        self._secret, self._clock = secret, clock
        for hook in hooks:
            _sound(hook)
            _known(hook, secret)
        self.hooks = [CopiesHook(hook, state, records) for hook in hooks if not (hook.probes or hook.events)]

    def keep(self, board: Board, stop: threading.Event) -> None:
        """Tell what changes until told to stop."""
        seen = 0
        while not stop.is_set():
            version = board.wait(seen, 1.0)
            if version > seen:
                seen = version
                for hook in self.hooks:
                    hook.look(board)
            for hook in self.hooks:
                hook.serve(self._secret, self._clock)


@dataclass(frozen=True)
class Message:
    """One delivery. ``number`` tells it from another with the same data."""

    kind: str
    data: dict[str, object]
    number: int
    stamp: int
    """Seconds since the epoch."""


def deliver(
    settings: NotifySettings, message: Message, secret: Callable[[SecretRef], str], said: Mapping[str, object]
) -> bool:
    """Deliver a message; False when it is to be tried again. ``said``: what the log says of it."""
    try:
        status = _sent(settings, message, secret)
    except (DriverError, SettingsError) as error:
        _log.warning("not notified", hook=settings.title, why=str(error), **said)
        return False
    _log.info("notified", hook=settings.title, **({"status": status} if status else {}), **said)
    return True


def tried(settings: NotifySettings, secret: Callable[[SecretRef], str], now: int) -> str:
    """Tell a subscriber that this is a test; returns why that could not be, "" when it could."""
    said = "This is a test: messages of Hanse arrive here."
    try:
        _sent(settings, Message("hanse.test", {"title": "Hanse: a test", "text": said}, now, now), secret)
    except (DriverError, SettingsError) as error:
        return str(error)
    return ""


def _sent(settings: NotifySettings, message: Message, secret: Callable[[SecretRef], str]) -> int:
    """Send a message; the status of the answer, 0 where there is none. Raises DriverError with what may be told."""
    if settings.apprise is not None:
        apprising.send(secret(settings.apprise), *words(message.kind, message.data))
        return 0
    try:
        url = secret(settings.url) if isinstance(settings.url, SecretRef) else settings.url or ""
        headers, body = _written(settings, message, secret)
        answer = requests.post(url, data=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:
        raise Transient(type(error).__name__) from None
    if not answer.ok and answer.status_code != _GONE:
        raise Transient(f"answers {answer.status_code}")
    return answer.status_code


def words(kind: str, data: Mapping[str, object]) -> tuple[str, str]:
    """A message as people read it: title and text."""
    if kind == CopiesHook.kind:
        title = f"{data['dataset']}: {data['copies']} of {data['wanted']} copies"
        return title, f"{title} at {data['at']}: {', '.join(map(str, _listed(data['storages']))) or 'none'}"
    if kind == _PROBE:
        title = f"{data['probe']}: {data['after']}"
        return title, f"{data['probe']} was {data['before']} and is {data['after']}: {data['summary']}"
    return str(data["title"]), str(data["text"])


def _listed(found: object) -> Sequence[object]:
    return found if isinstance(found, list | tuple) else ()


def _written(
    settings: NotifySettings, message: Message, secret: Callable[[SecretRef], str]
) -> tuple[dict[str, str], bytes]:
    told = {"type": message.kind, "timestamp": message.stamp, "data": message.data}
    body = json.dumps(told, sort_keys=True).encode()
    about = json.dumps([name_of(settings), message.number, message.data], sort_keys=True)
    identity = f"msg_{uuid.uuid5(_NAMESPACE, about).hex}"
    headers = {"Content-Type": "application/json", "User-Agent": "hanse"}
    headers |= {"webhook-id": identity, "webhook-timestamp": str(message.stamp)}
    if settings.secret is not None:
        headers["webhook-signature"] = signature(secret(settings.secret), identity, message.stamp, body)
    return headers, body


def _sound(hook: NotifySettings) -> None:
    try:
        Question(hook.copies, hook.at).expression()
    except ExpressionError as error:
        raise SettingsError(f"[[notify]] at: {error}") from error
    if isinstance(hook.url, str) and not hook.url.startswith(("https://", "http://")):
        raise SettingsError("[[notify]] url: give https://..., or where it is found: { env = NAME }")


def _known(hook: NotifySettings, secret: Callable[[SecretRef], str]) -> None:
    """Whether Apprise knows a URL, as far as it can be read now. Raises SettingsError, without the URL."""
    if hook.apprise is None:
        return
    try:
        url = secret(hook.apprise)
    except DriverError as error:
        _log.warning("not known yet where to", hook=hook.title, why=str(error))
        return
    try:
        apprising.check(url)
    except Terminal as error:
        raise SettingsError(f"[[notify]] {hook.title}: what apprise refers to cannot be used: {error}") from None


def signature(secret: str, identity: str, stamp: int, body: bytes) -> str:
    """The signature of a delivery. A secret that begins with ``whsec_`` goes on in base64."""
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    found = hmac.new(key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(found).decode()}"


def name_of(settings: NotifySettings) -> str:
    """What tells one subscription from another."""
    given = settings.url if settings.url is not None else settings.apprise
    url = given.model_dump_json(exclude_none=True) if isinstance(given, SecretRef) else given
    about = [settings.probes] if settings.probes else [settings.dataset, settings.copies, settings.at]
    said = json.dumps([url, *about])
    host = "" if isinstance(given, SecretRef) else (urlsplit(given or "").hostname or "")
    return f"{host or 'hook'}-{hashlib.sha256(said.encode()).hexdigest()[:16]}"
