"""What the API and the pages look at: the records, and what the loop beside them has planned last. And who may look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from reconciler.errors import HanseError
from reconciler.model import Graph, Plan, Who
from reconciler.model.part import Part
from reconciler.records.store import Store
from reconciler.uptime import Explained
from reconciler.web.door import Answer, Door, Refuse, needing
from reconciler.web.oidc import People


class Planned(Protocol):
    """What a round of the loop has planned."""

    @property
    def plan(self) -> Plan:
        """What was to be done."""
        ...

    @property
    def graph(self) -> Graph:
        """What is declared, with choices made."""
        ...

    @property
    def at(self) -> datetime:
        """When."""
        ...


def _nowhere(_site: str, _day: date, _report: str) -> Explained:
    raise HanseError("days are not explained here")


@dataclass(frozen=True)
class Sight:
    """Everything that may be looked at, asked anew each time."""

    store: Store
    clock: Callable[[], datetime]
    planned: Callable[[], Planned | None] = lambda: None
    """What the last round planned; None until git was read and the world looked at for the first time."""
    explain_day: Callable[[str, date, str], Explained] = _nowhere
    """(site, day, report, "" for the usual one); raises HanseError."""
    token: Callable[[], str] | None = None
    """What callers must show; None where nothing is asked for, which only this machine's own address may do."""
    open: bool = False
    """Whether anybody may look, without a token."""
    people: People | None = None
    """Whom providers vouch for; None where nobody logs in."""
    views: Callable[[Who], bool] = lambda _who: False
    """Whether somebody may look by a policy in git."""
    agreeable: Callable[[Part, Who | None], frozenset[str]] = lambda _part, _who: frozenset()
    """Digests of the changes of a part to which somebody may agree now."""
    ended: Callable[[], bool] = lambda: False
    """Streams shall end."""
    kept: dict[Any, Any] = field(default_factory=dict)
    """What is dear to make and stays good for a while."""

    @property
    def door(self) -> Door:
        """What is asked of those who come."""
        local = self.token is None and self.people is None
        opened = frozenset({"read"}) if self.open else frozenset[str]()
        return Door(
            self.store, self.token, self.people, opened, local, self.views, unread=lambda: self.planned() is None
        )


def looking(sight: Sight, answer: Answer, refuse: Refuse | None = None) -> Answer:
    """Let those in who may look: people who are logged in, the configured token, or one of ``hanse token`` for that.

    Browsers may show a token as the password of HTTP Basic, whatever the user. Nothing is asked for where neither a
    token nor a provider of logins is configured; then only names of this machine itself are answered to, so that no
    page from elsewhere can look here through a browser.
    """
    return needing(sight.door, "read", answer, refuse)
