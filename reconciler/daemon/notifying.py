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
from urllib.parse import urlsplit

import requests
import structlog

from reconciler.copies import Board, Fact, Question
from reconciler.errors import DriverError, SettingsError
from reconciler.kinds.expression import ExpressionError
from reconciler.model import SecretRef
from reconciler.settings import NotifySettings

_log = structlog.get_logger()
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
"""Seconds before the second try, doubled each time up to the longest."""
_TIMEOUT = 15.0
_GONE = 410
_NAMESPACE = uuid.UUID("5f2b8c3e-7a41-4a7e-9a8c-0f3f2a1d6b90")


@dataclass
class Hook:
    """One subscription: what was told last, and what is to be told."""

    settings: NotifySettings
    memory: Path
    told: dict[str, tuple[bool, int]] = field(default_factory=dict)
    """Dataset -> whether it was met when that was told last, and how often something was told of it."""
    due: dict[str, Fact] = field(default_factory=dict)
    """Dataset -> the latest that is to be told of it: what was overtaken is not told."""
    tries: int = 0
    next_try: float = 0.0

    def __post_init__(self) -> None:
        if self.memory.exists():
            known = json.loads(self.memory.read_text(encoding="utf-8"))
            self.told = {dataset: (bool(met), int(number)) for dataset, (met, number) in known.items()}

    def look(self, board: Board) -> None:
        """See what has changed since it was told last. That something never was met is not told."""
        question = Question(self.settings.copies, self.settings.at)
        known = board.facts(self.settings.dataset, question)
        gone = {*self.told, *self.due} - {fact.dataset for fact in known}
        for fact in (*known, *(Fact(dataset, question, ()) for dataset in sorted(gone))):
            if fact.met != self.told.get(fact.dataset, (False, 0))[0]:
                self.due[fact.dataset] = fact
            else:
                self.due.pop(fact.dataset, None)

    def delivered(self, fact: Fact) -> None:
        """Write down that it was told."""
        self.due.pop(fact.dataset, None)
        self.told[fact.dataset] = (fact.met, self.told.get(fact.dataset, (False, 0))[1] + 1)
        self.tries = 0
        self.memory.parent.mkdir(parents=True, exist_ok=True)
        part = self.memory.with_suffix(".part")
        part.write_text(json.dumps(self.told, sort_keys=True), encoding="utf-8")
        part.replace(self.memory)


class Notifier:
    """The hooks of one installation, served by one thread. ``clock`` is seconds since the epoch."""

    def __init__(
        self,
        hooks: Sequence[NotifySettings],
        state: Path,
        secret: Callable[[SecretRef], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``state`` is the folder in which is kept what was told. Raises SettingsError for what cannot be meant."""
        self._secret, self._clock = secret, clock
        for hook in hooks:
            _sound(hook)
        mine = [hook for hook in hooks if not hook.probes]
        self.hooks = [Hook(hook, state / f"{name_of(hook)}.json") for hook in mine]

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
                self._serve(hook)

    def _serve(self, hook: Hook) -> None:
        for fact in list(hook.due.values()):
            if self._clock() < hook.next_try:
                return
            if self._sent(hook, fact):
                hook.delivered(fact)
                continue
            hook.tries += 1
            hook.next_try = self._clock() + min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (hook.tries - 1))
            return

    def _sent(self, hook: Hook, fact: Fact) -> bool:
        """Deliver one fact; False when it is to be tried again."""
        said = {"dataset": fact.dataset, "met": fact.met, "try": hook.tries + 1}
        number = hook.told.get(fact.dataset, (False, 0))[1] + 1
        message = Message("dataset.copies", fact.data(), number, int(self._clock()))
        return deliver(hook.settings, message, self._secret, said)


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
        url = secret(settings.url) if isinstance(settings.url, SecretRef) else settings.url
        headers, body = _written(settings, message, secret)
        answer = requests.post(url, data=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False)
    except (DriverError, requests.RequestException) as error:
        why = str(error) if isinstance(error, DriverError) else type(error).__name__
        _log.warning("not notified", hook=settings.name, why=why, **said)
        return False
    if answer.ok or answer.status_code == _GONE:
        _log.info("notified", hook=settings.name, status=answer.status_code, **said)
        return True
    _log.warning("not notified", hook=settings.name, why=f"answers {answer.status_code}", **said)
    return False


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


def signature(secret: str, identity: str, stamp: int, body: bytes) -> str:
    """The signature of a delivery. A secret that begins with ``whsec_`` goes on in base64."""
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    found = hmac.new(key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(found).decode()}"


def name_of(settings: NotifySettings) -> str:
    """What tells one subscription from another."""
    url = settings.url.model_dump_json() if isinstance(settings.url, SecretRef) else settings.url
    about = [settings.probes] if settings.probes else [settings.dataset, settings.copies, settings.at]
    said = json.dumps([url, *about])
    host = "" if isinstance(settings.url, SecretRef) else (urlsplit(settings.url).hostname or "")
    return f"{host or 'hook'}-{hashlib.sha256(said.encode()).hexdigest()[:16]}"
