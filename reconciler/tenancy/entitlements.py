"""Entitlements: group memberships as identity providers tell them (AARC-G069, and AARC-G002 before it).

``urn:mace:egi.eu:group:<GROUP>[:<SUBGROUP>]*[:role=<ROLE>]#<AUTHORITY>``. What stands behind ``#`` says who tells it
and is no part of the name: whom to trust is a matter of the token's issuer.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote

_GROUP = "group"
_ROLE = "role="


class Entitlement(NamedTuple):
    """An entitlement, taken apart."""

    namespace: tuple[str, ...]
    """What stands before the group; all of it for what is no group."""
    groups: tuple[str, ...] = ()
    """The group and its subgroups, outermost first."""
    role: str = ""
    """In the innermost of them."""


def parsed(urn: str) -> Entitlement:
    """An entitlement of its text; anything that is no group is compared as a whole."""
    parts = urn.partition("#")[0].split(":")
    named = [part.lower() for part in parts[:2]]  # "urn" and the namespace identifier: RFC 8141, 2
    rest = [unquote(part) for part in parts[2:]]
    if named[:1] != ["urn"] or _GROUP not in rest:
        return Entitlement((*named, *rest))
    at = rest.index(_GROUP)
    *groups, last = rest[at + 1 :] or [""]
    role = last.removeprefix(_ROLE) if last.startswith(_ROLE) else ""
    return Entitlement((*named, *rest[:at]), tuple(groups if role else [*groups, last]), role)


def satisfies(held: str, asked: str) -> bool:
    """Whether somebody who holds an entitlement is meant by another.

    Groups are compared in full: a member of a subgroup is not taken for one of its parent, nor the other way. Asked
    for no role, any role in that very group will do.
    """
    has, wants = parsed(held), parsed(asked)
    same = (has.namespace, has.groups) == (wants.namespace, wants.groups)
    return same and (has.role == wants.role or (bool(wants.groups) and not wants.role))
