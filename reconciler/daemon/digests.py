"""Tells subscribers how reconciling goes: what is not ready, drifted, blocked, failed; who leads; what is not in force.

Each change of state is told once, many of them in one message, and not what is quiet: in a downtime measuring goes on
and words are held back; what still differs from what was told, when it is over, is told then. What was told is in the
records: a restart, or another leader, goes on from there.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Literal
from urllib.parse import quote

import structlog

from reconciler.daemon.lease import NAME
from reconciler.daemon.notifying import FIRST_WAIT, LONGEST_WAIT, Message, deliver
from reconciler.daemon.quiet import Quiet
from reconciler.daemon.standing import Fact, of_conditions, of_event, of_heads, well
from reconciler.errors import HanseError, SettingsError
from reconciler.model import Event, Ref, Resource, SecretRef
from reconciler.records.notices import Told
from reconciler.records.store import Store
from reconciler.settings import NotifySettings, Settings

_log = structlog.get_logger()
KIND = "hanse.digest"
_CURSOR, _SENT, _LEADER, _MENDED = "cursor", "sent", "leader ", "mended "
"""Subjects that are no facts: the last event that was looked at, messages that went out, who leads, drift mended."""
_TICK = 5.0
_MOST = 40
"""Changes that one message tells in words."""
_LISTED = 1000
"""Likewise as data."""
_AGAIN = timedelta(hours=1)
"""Drift of one resource that is mended again and again is told once in so long."""
_ORDER = ("source", "leader", "failed", "not-ready", "blocked", "drift")
_AGAIN_WELL = "well again"
_COUNTED = {"not-ready": "not ready", "drift": "drifted", "source": "source not in force", "leader": "change of leader"}


@dataclass(frozen=True)
class Seen:
    """How all stands at a moment."""

    facts: Sequence[Fact]
    leader: str
    declared: Mapping[Ref, Resource]
    quiet: Quiet
    now: datetime


@dataclass(frozen=True)
class Digest:
    """What is to be told, and what is remembered once it was."""

    facts: Sequence[Fact]
    told: Mapping[str, str]
    over: Sequence[str]


@dataclass
class Subscription:
    """One subscriber. ``page``: where people look, "" for nowhere; ``clock`` is seconds since the epoch."""

    settings: NotifySettings
    store: Store
    secret: Callable[[SecretRef], str]
    page: str = ""
    notified: Callable[[str, Literal["sent", "failed"]], None] = lambda _name, _outcome: None
    clock: Callable[[], float] = time.time
    _tries: int = 0
    _next: float = 0.0

    def due(self) -> bool:
        """Whether it may be told something again."""
        return self.clock() >= self._next

    def look(self, seen: Seen) -> None:
        """Tell what has changed since it was told last."""
        name = self.settings.name
        told = self.store.notices.told(name)
        events = self._events(told)
        digest = compared(self.settings, seen, told, events)
        kept = dict(digest.told)
        if digest.facts:
            number = int(told[_SENT].state) + 1 if _SENT in told else 1
            if not self._tell(digest.facts, number):
                return
            kept[_SENT] = str(number)
            self._next = self.clock() + self.settings.digest_seconds
        if events or _CURSOR not in told:
            kept[_CURSOR] = str(events[-1].id if events else self.store.events.latest())
        if kept or digest.over:
            self.store.notices.tell(name, kept, digest.over)

    def _events(self, told: Mapping[str, Told]) -> Sequence[Event]:
        """What has happened since; of what was before it was subscribed nothing is told."""
        return self.store.events.later(int(told[_CURSOR].state)) if _CURSOR in told else ()

    def _tell(self, facts: Sequence[Fact], number: int) -> bool:
        message = Message(KIND, written(facts, self.page), number, int(self.clock()))
        if deliver(self.settings, message, self.secret, {"changes": len(facts), "try": self._tries + 1}):
            self._tries = 0
            self.notified(self.settings.title, "sent")
            return True
        self._tries += 1
        self._next = self.clock() + min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (self._tries - 1))
        self.notified(self.settings.title, "failed")
        return False


def compared(settings: NotifySettings, seen: Seen, told: Mapping[str, Told], events: Sequence[Event]) -> Digest:
    """What is to be told to a subscriber, by what it was told before. Changes nothing."""
    found = _Compared(settings, seen, told)
    found.stands()
    found.happened(events)
    found.well_again(events)
    found.leads()
    facts = sorted(found.news, key=lambda fact: (_ORDER.index(fact.event), not fact.state, fact.about))
    return Digest(tuple(facts), found.kept, tuple(found.over))


@dataclass
class _Compared:
    settings: NotifySettings
    seen: Seen
    told: Mapping[str, Told]
    news: list[Fact] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)

    def stands(self) -> None:
        """What is not as it should be, and was not told, or not for long."""
        for fact in self.seen.facts:
            before = self.told.get(fact.subject)
            same = before is not None and before.state == fact.state
            if (same and not self._reminds(before)) or not self._concerns(fact):
                continue
            if not self._quiet(fact):
                self.news.append(fact._replace(said=f"still: {fact.said}") if same else fact)
                self.kept[fact.subject] = fact.state

    def happened(self, events: Sequence[Event]) -> None:
        """What failed, and what drift was mended."""
        for event in events:
            fact = of_event(event)
            if event.state == "done":
                self._forget(f"failed {event.ref}")
            if fact is None or not self._concerns(fact) or self._quiet(fact):
                continue
            mark = fact.subject if fact.event == "failed" else f"{_MENDED}{event.ref}"
            before = self.told.get(mark)
            again = before is None or (fact.event == "drift" and self.seen.now - before.at >= _AGAIN)
            if self.kept.get(mark, before.state if before and not again else None) != fact.state:
                self.news.append(fact)
                self.kept[mark] = fact.state
                self.over.discard(mark)
        old = (mark for mark, one in self.told.items() if self.seen.now - one.at >= _AGAIN)
        self.over |= {mark for mark in old if mark.startswith(_MENDED) and mark not in self.kept}

    def well_again(self, events: Sequence[Event]) -> None:
        """What was told of and is as it should be now. What is declared no more is forgotten in silence."""
        standing = {fact.subject for fact in self.seen.facts}
        mended = {event.ref for event in events if (fact := of_event(event)) and fact.state == "mended"}
        for subject in sorted(self.told.keys() - standing):
            fact = well(subject)
            if fact is None or self._quiet(fact):
                continue
            self.over.add(subject)
            known = fact.event == "source" or fact.about in self.seen.declared
            if known and not (fact.event == "drift" and fact.about in mended):
                self.news.append(fact)

    def leads(self) -> None:
        """Whether another one leads than was told."""
        before, now = self.told.get(_LEADER), self.seen.leader
        if not now or (before is not None and before.state == now):
            return
        self.kept[_LEADER] = now
        if before is not None and "leader" in self.settings.events:
            self.news.append(Fact("leader", "", now, f"{now} leads now; before it was {before.state}"))

    def _forget(self, mark: str) -> None:
        self.kept.pop(mark, None)
        if mark in self.told:
            self.over.add(mark)

    def _concerns(self, fact: Fact) -> bool:
        if fact.event not in self.settings.events:
            return False
        ref = Ref(fact.about)
        return fact.event == "source" or (
            any(fnmatchcase(ref.namespace or "", pattern) for pattern in self.settings.namespaces)
            and any(fnmatchcase(ref.kind, pattern) for pattern in self.settings.kinds)
        )

    def _quiet(self, fact: Fact) -> bool:
        return fact.event != "source" and self.seen.quiet(Ref(fact.about))

    def _reminds(self, before: Told | None) -> bool:
        hours = self.settings.remind_hours
        return before is not None and hours > 0 and self.seen.now - before.at >= timedelta(hours=hours)


def written(facts: Sequence[Fact], page: str = "") -> dict[str, object]:
    """A message as data, with the words that people read."""
    lines = [line for fact in facts[:_MOST] for line in _lines(fact, page)]
    if len(facts) > _MOST:
        lines.append(f"and {len(facts) - _MOST:,} more{f': {page}/' if page else ''}")
    told = [
        {"event": fact.event, "about": fact.about, "state": fact.state, "said": fact.said, "link": link(fact, page)}
        for fact in facts[:_LISTED]
    ]
    return {"title": _title(facts), "text": "\n".join(lines), "changes": told, "more": len(facts) - len(told)}


def link(fact: Fact, page: str) -> str:
    """Where people see it; "" where there is no page."""
    if not page:
        return ""
    return f"{page}/resources/{quote(fact.about)}" if fact.event not in ("source", "leader") else f"{page}/"


def _lines(fact: Fact, page: str) -> Iterator[str]:
    yield f"- {fact.said}"
    if page:
        yield f"  {link(fact, page)}"


def _title(facts: Sequence[Fact]) -> str:
    counts = Counter(fact.event if fact.state not in ("", "mended") else _AGAIN_WELL for fact in facts)
    said = [f"{number:,} {_COUNTED.get(event, event)}" for event, number in counts.items()]
    return f"Hanse: {', '.join(said)}"


def digests(
    settings: Settings, store: Store, secret: Callable[[SecretRef], str], notified: Callable[..., None]
) -> Digests:
    """The subscriptions that the settings name. ``notified``: who is told that a message went out, or did not."""
    page = (settings.web.url or (settings.forge.page if settings.forge else "")).rstrip("/")
    named = [one for one in settings.notify if one.events]
    return Digests([Subscription(one, store, secret, page, notified) for one in named], store)


class Digests:
    """The subscriptions of one installation, served by one thread of whoever leads."""

    def __init__(self, subscriptions: Sequence[Subscription], store: Store) -> None:
        """Raises SettingsError when two are called the same."""
        names = Counter(one.settings.name for one in subscriptions)
        twice = [name for name, number in names.items() if number > 1]
        if twice:
            raise SettingsError(f"[[notify]] two are called {twice[0]}: by its name is remembered what was told")
        self.subscriptions, self._store = subscriptions, store

    def keep(self, declared: Callable[[], Mapping[Ref, Resource] | None], stop: threading.Event) -> None:
        """Tell what changes until told to stop; nothing before git was read."""
        if not self.subscriptions:
            return
        tick = min(_TICK, *(one.settings.digest_seconds for one in self.subscriptions))
        while not stop.is_set():
            resources = declared()
            if resources is not None:
                self.look(resources)
            stop.wait(tick)

    def look(self, declared: Mapping[Ref, Resource]) -> None:
        """Tell everybody who may be told something now."""
        due = [one for one in self.subscriptions if one.due()]
        if not due:
            return
        try:
            seen = self._seen(declared)
            for one in due:
                one.look(seen)
        except HanseError as error:
            _log.error("what has changed was not told", why=str(error))

    def _seen(self, declared: Mapping[Ref, Resource]) -> Seen:
        now = self._store.database.now()
        lease = self._store.lease.current(NAME)
        facts = (*of_heads(self._store.heads.all()), *of_conditions(self._store.conditions.restless()))
        return Seen(facts, lease.holder if lease else "", declared, Quiet(declared, now), now)
