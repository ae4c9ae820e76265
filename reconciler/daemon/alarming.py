"""Tells subscribers' web hooks when a probe's status changes, once it counts; nothing while its service is in downtime.

Measuring goes on in a downtime; only words are held back. What still differs from what was told last, when the downtime
is over, is told then. Deliveries are signed and tried again as those about datasets are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

import structlog

from reconciler.daemon.notifying import Hook, News
from reconciler.errors import HanseError
from reconciler.kinds.downtime import intervals
from reconciler.kinds.probe import Checks
from reconciler.model import ProbeState, Ref, Resource, SecretRef
from reconciler.records.delivered import Delivered
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

    @cached_property
    def settled(self) -> Mapping[Ref, ProbeState]:
        """Probes that are run or told of, and have said something that counts."""
        return {
            ref: state
            for ref, state in self.states.items()
            if ref in self.checks.attempts
            and (state.status == _WELL or state.hard_status != "UNKNOWN" or state.attempt >= self.checks.attempts[ref])
        }

    @cached_property
    def in_downtime(self) -> frozenset[tuple[str, str]]:
        """Services, by type and host, that are in a downtime of any class and severity."""
        known = intervals(self.resources, {}, self.now)
        return frozenset((one.type, one.hostname) for one in known if one.start <= self.now < one.end)


class ProbesHook(Hook[str]):
    """Who follows probes: their status."""

    kind = "probe.status"

    def look(self, seen: Seen) -> None:
        """See what has changed since it was told last. That something is well from the start is not told.

        Raises RecordsError.
        """
        self.load()
        self.due = {}
        for ref, state in sorted(seen.settled.items()):
            name = ref.partition("/")[2]
            before = self.told.get(name, (_WELL, 0))[0]
            looked = seen.checks.about.get(ref)
            held = looked is not None and (looked.service, looked.hostname) in seen.in_downtime
            if state.hard_status != before and not held and fnmatchcase(name, self.settings.probes):
                data = {
                    "probe": name,
                    "before": before,
                    "after": state.hard_status,
                    "since": state.since.isoformat(),
                    "summary": state.summary,
                    **(looked._asdict() if looked else {}),
                }
                self.due[name] = News(state.hard_status, data, {"probe": name, "after": state.hard_status})


class Alarms:
    """The subscriptions to probes of one installation, served by one thread. ``clock`` is seconds since the epoch."""

    def __init__(
        self,
        hooks: Sequence[NotifySettings],
        state: Path,
        secret: Callable[[SecretRef], str],
        clock: Callable[[], float] = time.time,
        records: Delivered | None = None,
    ) -> None:
        self._secret, self._clock = secret, clock
        self.hooks = [ProbesHook(hook, state, records) for hook in hooks if hook.probes]

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
            hook.serve(self._secret, self._clock)
