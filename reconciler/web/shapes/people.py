"""Who asks, and what people agree to or hold back."""

from __future__ import annotations

from datetime import datetime

from reconciler.web.shapes.base import Shape


class WhoShape(Shape):
    """Who asks."""

    name: str
    proof: str
    """oidc or token."""
    identity: str
    issuer: str
    entitlements: list[str]
    """What his provider tells of his rights."""
    may: list[str]
    """What an API token was made for."""
    reads: bool
    """Whether he may look."""


class ConsentShape(Shape):
    """Somebody's word for a part of a plan."""

    id: int
    plan: str
    """Digest of the plan that was looked at."""
    part: str
    by: str
    proof: str
    """oidc, signature, forge, token or machine."""
    identity: str
    issuer: str
    reason: str
    given_at: datetime
    expires: datetime | None


class WantedShape(Shape):
    """One change for which a word is asked."""

    ref: str
    what: str
    """What is done, or what the word is about: ``quota``."""
    why: str
    by: list[str]
    """Of whom one must agree."""
    given: str
    """Who agreed; "" while nobody did."""


class PartShape(Shape):
    """What of a plan needs the word of one authority."""

    name: str
    """``site:CESGA``."""
    digest: str
    """Of its changes: say it back as ``If-Match`` to agree to just these."""
    open: int
    """Changes for which nobody has given the word."""
    mine: bool
    """Whether whoever asks may agree to any of them."""
    wanted: list[WantedShape]
    consents: list[ConsentShape]
    """The words that count."""


class PartList(Shape):
    """The parts of a plan."""

    plan: str
    """Digest of the plan."""
    items: list[PartShape]


class PauseShape(Shape):
    """What is held back."""

    scope: str
    reason: str
    by: str
    since: datetime


class PauseList(Shape):
    """What is held back now."""

    items: list[PauseShape]
