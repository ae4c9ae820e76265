"""Parts of a plan, by the authority whose word they need: each is agreed to alone."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.ref import Ref


@dataclass(frozen=True, slots=True)
class Agreed:
    """Somebody whose word counts, or is asked for, as data: sort and name of a subject, and who vouches for it."""

    sort: str
    identity: str
    issuer: str = ""

    def __str__(self) -> str:
        return f"{self.identity} ({self.issuer})" if self.issuer else self.identity


@dataclass(frozen=True, slots=True)
class Wanted:
    """One change for which a word is asked."""

    ref: Ref
    what: str
    """``update``; or what the word is about: ``quota``."""
    digest: str
    """Of the change: what git said before and says now."""
    why: str
    """Why a word is needed."""
    by: tuple[Agreed, ...] = ()
    """Of whom one must agree; nobody where nobody holds such a role."""
    given: str = ""
    """Who agreed; "" while nobody did."""


@dataclass(frozen=True, slots=True)
class Part:
    """What of a plan needs the word of one authority."""

    name: str
    """``site:CESGA``, ``ngi:NGI_IBERGRID``, ``vo:tides``."""
    digest: str
    """Of its changes: what is added to a plan elsewhere does not touch it, nor does a world that moves."""
    wanted: tuple[Wanted, ...]

    @property
    def open(self) -> tuple[Wanted, ...]:
        """Those for which nobody has given the word."""
        return tuple(one for one in self.wanted if not one.given)
