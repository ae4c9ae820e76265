"""Who is told: subscribers, and the helpdesk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reconciler.model import SecretRef, Strict

Happening = Literal["not-ready", "drift", "blocked", "failed", "leader", "source"]
"""What of reconciling a subscriber may be told."""


class NotifySettings(Strict):
    """Who is told when datasets have as many copies as they wait for, probes change, or things are not as wanted."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,64}$")] = ""
    """What it is called in the log and by ``hanse notify test``; needed for ``events``."""
    url: SecretRef | str | None = None
    """Where it is posted to (``https://...``), or where that is found: a URL may be a secret itself."""
    apprise: SecretRef | None = None
    """In place of ``url``: where an Apprise URL is found (``mailtos://...``, ``matrixs://...``). Needs the extra
    ``notify``."""
    secret: SecretRef | None = None
    """Key of the signature (HMAC-SHA256, Standard Webhooks)."""
    dataset: Annotated[str, Field(min_length=1)] = "*"
    """Name of a dataset, or a pattern: ``ocean:*``."""
    copies: Annotated[int, Field(ge=1)] = 1
    """So many complete copies."""
    at: Annotated[str, Field(min_length=1)] = "*"
    """Location expression: only copies at these storages count."""
    probes: str = ""
    """Name of a probe, or a pattern (``tides/*``): its changes are told, in place of datasets; none in a downtime."""
    events: tuple[Happening, ...] = ()
    """In place of both: ``not-ready`` (and ready again), ``drift`` (found, and mended), ``blocked`` (waits for an
    approval), ``failed`` (an action), ``leader`` (another one), ``source`` (a head that is not in force)."""
    namespaces: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    """Patterns: events of resources in other namespaces are not told; ``""`` are those in none."""
    kinds: Annotated[tuple[str, ...], Field(min_length=1)] = ("*",)
    """Patterns: events of resources of other kinds are not told."""
    digest_seconds: Annotated[float, Field(ge=1)] = 60.0
    """What happens within so long is told in one message."""
    remind_hours: Annotated[float, Field(ge=0)] = 0.0
    """What stays so is told again after so long; 0: never."""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if (self.url is None) is (self.apprise is None):
            raise ValueError("give url or apprise, and not both")
        if self.events and not self.name:
            raise ValueError("events need a name: by it is remembered what was told")
        if self.events and self.probes:
            raise ValueError("give events or probes: a subscription is to one of them")
        return self

    @property
    def title(self) -> str:
        """As it is called in the log: without what may be secret."""
        if self.name:
            return self.name
        if self.probes:
            return f"probes {self.probes}"
        return f"{self.dataset} x{self.copies} at {self.at}"


class TicketSettings(Strict):
    """The helpdesk that tickets are sent to. Without it they stay drafts."""

    url: str = ""
    """``https://helpdesk.example.org``, which speaks Zammad's API; "" for none."""
    token: SecretRef | None = None
    """Access token, with the right ``ticket.agent``."""
    customer: str = ""
    """In whose name tickets are opened: an address that the helpdesk knows."""
    group: str = ""
    """Group that tickets go to."""
    groups: Mapping[str, str] = Field(default_factory=dict)
    """NGI -> the group of its tickets, in place of ``group``."""
    priorities: Mapping[str, str] = Field(default_factory=dict)
    """``less urgent``, ``urgent`` ... -> what the helpdesk calls it, where that is something else."""
    field: str = ""
    """An own field of tickets in which their mark is kept too; it always stands in the title."""
    rules: tuple[Literal["three-misses", "unknown", "core", "sla", "alarm"], ...] = (
        "three-misses",
        "unknown",
        "core",
        "sla",
    )
    """What tickets are sent for."""
    ca: str = ""
    """File of the authorities that are trusted; "" for the machine's own."""
