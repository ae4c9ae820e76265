"""Tells subscribers' web hooks when a probe's status changes, once it counts; nothing while its service is in downtime.

Measuring goes on in a downtime; only words are held back. What still differs from what was told last, when the downtime
is over, is told then. Deliveries are signed and tried again as those about datasets are.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path

import structlog

from reconciler.daemon.notifying import FIRST_WAIT, LONGEST_WAIT, Message, deliver, name_of
from reconciler.errors import HanseError
from reconciler.kinds.downtime import intervals
from reconciler.kinds.probe import Checks
from reconciler.model import ProbeState, Ref, Resource, SecretRef
from reconciler.settings import NotifySettings

_log = structlog.get_logger()
_LOOK = 10.0
"""Seconds between two looks at how probes stand."""
_WELL = "OK"


@dataclass(frozen=True)
class Seen:
    """How probes stand at a moment, and what is declared then."""

    states: Mapping[Ref, ProbeState]
    checks: Checks
    resources: Mapping[Ref, Resource]
    now: datetime

    def settled(self) -> Mapping[Ref, ProbeState]:
        """Probes that are run or told of, and have said something that counts."""
        return {
            ref: state
            for ref, state in self.states.items()
            if ref in self.checks.attempts
            and (state.status == _WELL or state.hard_status != "UNKNOWN" or state.attempt >= self.checks.attempts[ref])
        }

    def in_downtime(self) -> frozenset[tuple[str, str]]:
        """Services, by type and host, that are in a downtime of any class and severity."""
        kinds = ("Downtime", "Site", "ServiceGroup")
        if not any(ref.kind == "Downtime" for ref in self.resources):
            return frozenset()
        mine = {ref: one for ref, one in self.resources.items() if ref.kind in kinds}
        known = intervals(mine, {}, self.now)
        return frozenset((one.type, one.hostname) for one in known if one.start <= self.now < one.end)


@dataclass
class Subscription:
    """One hook: what was told last of each probe, and what is to be told."""

    settings: NotifySettings
    memory: Path
    told: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Probe -> the status that was told last, and how often something was told of it."""
    due: dict[str, dict[str, object]] = field(default_factory=dict)
    tries: int = 0
    next_try: float = 0.0

    def __post_init__(self) -> None:
        if self.memory.exists():
            known = json.loads(self.memory.read_text(encoding="utf-8"))
            self.told = {probe: (str(status), int(number)) for probe, (status, number) in known.items()}

    def look(self, seen: Seen) -> None:
        """See what has changed since it was told last. That something is well from the start is not told."""
        quiet = seen.in_downtime()
        due = {}
        for ref, state in seen.settled().items():
            name = ref.partition("/")[2]
            before = self.told.get(name, (_WELL, 0))[0]
            looked = seen.checks.about.get(ref)
            held = looked is not None and (looked.service, looked.hostname) in quiet
            if state.hard_status != before and not held and fnmatchcase(name, self.settings.probes):
                due[name] = {
                    "probe": name,
                    "before": before,
                    "after": state.hard_status,
                    "since": state.since.isoformat(),
                    "summary": state.summary,
                    **(looked._asdict() if looked else {}),
                }
        self.due = due

    def delivered(self, name: str) -> None:
        """Write down that it was told."""
        told = self.due.pop(name)
        self.told[name] = (str(told["after"]), self.told.get(name, (_WELL, 0))[1] + 1)
        self.tries = 0
        self.memory.parent.mkdir(parents=True, exist_ok=True)
        part = self.memory.with_suffix(".part")
        part.write_text(json.dumps(self.told, sort_keys=True), encoding="utf-8")
        part.replace(self.memory)


class Alarms:
    """The subscriptions to probes of one installation, served by one thread. ``clock`` is seconds since the epoch."""

    def __init__(
        self,
        hooks: Sequence[NotifySettings],
        state: Path,
        secret: Callable[[SecretRef], str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._secret, self._clock = secret, clock
        self.hooks = [Subscription(hook, state / f"{name_of(hook)}.json") for hook in hooks if hook.probes]

    def keep(self, seen: Callable[[], Seen | None], stop: threading.Event) -> None:
        """Tell what changes until told to stop."""
        while self.hooks and not stop.is_set():
            try:
                self._look(seen())
            except HanseError as error:
                _log.error("changes of probes not told", why=str(error))
            stop.wait(_LOOK)

    def _look(self, seen: Seen | None) -> None:
        if seen is None:
            return
        for hook in self.hooks:
            hook.look(seen)
            self._serve(hook)

    def _serve(self, hook: Subscription) -> None:
        for name, told in sorted(hook.due.items()):
            if self._clock() < hook.next_try:
                return
            number = hook.told.get(name, (_WELL, 0))[1] + 1
            message = Message("probe.status", told, number, int(self._clock()))
            said = {"probe": name, "after": told["after"], "try": hook.tries + 1}
            if deliver(hook.settings, message, self._secret, said):
                hook.delivered(name)
                continue
            hook.tries += 1
            hook.next_try = self._clock() + min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (hook.tries - 1))
            return
