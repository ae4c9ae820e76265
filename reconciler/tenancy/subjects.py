"""Subjects: whom a rule means, by what can be proved of somebody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from reconciler.model import Who
from reconciler.tenancy.entitlements import satisfies

Sort = Literal["entitlement", "person", "signer", "user", "team", "role"]
Level = Literal["site", "ngi", "vo", "serviceGroup", "project"]
Holders = Mapping[tuple[str, str], Mapping[str, frozenset[str]]]
"""(level, name) -> role -> who holds it, as RoleAssignments say."""


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """Somebody, or all of whom the same can be proved."""

    sort: Sort
    identity: str
    """Entitlement, ``voperson_id``, principal of a signature, ``@user`` or ``@team/of`` of the forge, or a role."""
    issuer: str = ""
    """Issuer of the tokens that count, for entitlements and persons."""
    level: str = ""
    """Of a role: what it is held over (``site``)."""
    over: str = ""
    """Of a role: over which; "" for that of the thing in question."""

    def __str__(self) -> str:
        if self.sort == "role":
            return f"{self.identity} of {f'{self.level} {self.over}' if self.over else f'its {self.level}'}"
        return f"{self.identity} ({self.issuer})" if self.issuer else self.identity

    def means(self, who: Who) -> bool:
        """Whether it is somebody. A role means nobody until it is known who holds it."""
        match self.sort:
            case "entitlement":
                known = who.proof == "oidc" and self.issuer != "" and who.issuer == self.issuer
                return known and any(satisfies(held, self.identity) for held in who.entitlements)
            case "person":
                return (
                    who.proof == "oidc"
                    and self.issuer != ""
                    and (who.identity, who.issuer)
                    == (
                        self.identity,
                        self.issuer,
                    )
                )
            case "signer":
                return who.proof in ("signature", "author") and _same(who.identity, self.identity)
            case "user":
                return who.proof == "forge" and _same(f"@{who.identity.removeprefix('@')}", self.identity)
            case "team":
                return who.proof == "forge" and any(_same(team, self.identity) for team in who.entitlements)
            case "role":
                return False


def holder(text: str) -> Subject:
    """Somebody as RoleAssignments name him: ``@ana``, ``@bay/operators``, or an address that he signs with."""
    if text.startswith("@"):
        return Subject("team" if "/" in text else "user", text)
    return Subject("signer", text)


@dataclass(frozen=True, slots=True)
class Book:
    """Who holds which role."""

    holders: Holders = field(default_factory=lambda: MappingProxyType({}))

    def of(self, role: Subject, level: str, name: str) -> frozenset[Subject]:
        """Those who hold a role over something."""
        return frozenset(map(holder, self.holders.get((level, name), {}).get(role.identity, ())))


def _same(one: str, other: str) -> bool:
    """Whether two names are one: forges and addresses tell no upper from lower case, in plain letters."""
    return one == other or (one.isascii() and other.isascii() and one.lower() == other.lower())
