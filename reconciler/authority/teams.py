"""Who is in which team of the forge, as it said a few minutes ago."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.errors import DriverError

_LASTS, _FAILS = timedelta(minutes=5), timedelta(seconds=30)
"""How long an answer counts; how long nobody is asked again after one that did not come."""
_MOST = 1000


@dataclass
class Memberships:
    """What the forge said of users and teams. A process keeps one."""

    known: dict[tuple[str, str], tuple[bool, datetime]] = field(default_factory=dict)
    """(user, team) -> the answer, and until when it counts."""

    def of(self, user: str, team: str, ask: Callable[[str, str], bool], now: datetime) -> bool:
        """Whether somebody is in a team; where the forge does not say, he is not."""
        found = self.known.get((user, team))
        if found is None or now >= found[1]:
            if len(self.known) >= _MOST:
                self.known.clear()
            found = _asked(user, team, ask, now)
            self.known[user, team] = found
        return found[0]


def _asked(user: str, team: str, ask: Callable[[str, str], bool], now: datetime) -> tuple[bool, datetime]:
    try:
        return ask(user, team), now + _LASTS
    except DriverError:
        return False, now + _FAILS
