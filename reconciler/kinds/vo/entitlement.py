"""Entitlements in the AARC form: what a token must say for its bearer to belong to a VO, or to have a right.

Groups (AARC-G069, and G002 before it)::

    <NAMESPACE>:group:<GROUP>[:<SUBGROUP>]*[:role=<ROLE>][#<AUTHORITY>]

Capabilities (AARC-G027)::

    <NAMESPACE>:res:<RESOURCE>[:<CHILD>]*[:act:<ACTION>[,<ACTION>]*][#<AUTHORITY>]

NAMESPACE is ``urn:<NID>:<DELEGATED>[:<SUB>]*``, for instance ``urn:mace:egi.eu``. The authority is the URN's
f-component: it says who asserts, and is no part of what is equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

_ALLOWED = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=@/?]|%[0-9A-Fa-f]{2})*")
_NID = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-]{0,30}[A-Za-z0-9]")
_ROLE = "role="
_SHORTEST_NAMESPACE = 3


class EntitlementError(ValueError):
    """The text is no entitlement; ``at`` is the offset of the first wrong character."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.at = at

    def __str__(self) -> str:
        return f"{self.message} (character {self.at + 1})"


@dataclass(frozen=True, slots=True)
class GroupEntitlement:
    """Membership of a group, in a role. The role is scoped to the rightmost subgroup."""

    namespace: str
    group: str
    subgroups: tuple[str, ...] = ()
    role: str = ""
    authority: str = field(default="", compare=False)

    @property
    def path(self) -> str:
        """The group with its subgroups, as VOMS writes it: ``/biomed/vip``."""
        return "/" + "/".join((self.group, *self.subgroups))

    def __str__(self) -> str:
        role = f":{_ROLE}{self.role}" if self.role else ""
        return ":".join((self.namespace, "group", self.group, *self.subgroups)) + role + _fragment(self.authority)


@dataclass(frozen=True, slots=True)
class Capability:
    """A right on a resource, for some actions or for all."""

    namespace: str
    resource: str
    children: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    authority: str = field(default="", compare=False)

    def __str__(self) -> str:
        actions = f":act:{','.join(self.actions)}" if self.actions else ""
        return ":".join((self.namespace, "res", self.resource, *self.children)) + actions + _fragment(self.authority)


class _Part(NamedTuple):
    text: str
    at: int


def parse(text: str) -> GroupEntitlement | Capability:
    """Read one entitlement. Raises EntitlementError at the first character that is wrong."""
    _refuse_spaces(text)
    name, hash_, authority = text.partition("#")
    if hash_:
        _check(_Part(authority, len(name) + 1), "the authority")
    parts = list(_split(name))
    namespace, kind, rest = _namespace(parts, len(name))
    for part in rest:
        _check(part, "a component")
    end = len(name)
    return _group(namespace, rest, authority, end) if kind == "group" else _capability(namespace, rest, authority, end)


def _refuse_spaces(text: str) -> None:
    found = re.search(r"\s", text)
    if found:
        raise EntitlementError("a space does not belong into an entitlement", found.start())


def _split(name: str) -> Iterator[_Part]:
    at = 0
    for text in name.split(":"):
        yield _Part(text, at)
        at += len(text) + 1


def _namespace(parts: list[_Part], end: int) -> tuple[str, str, list[_Part]]:
    if parts[0].text.lower() != "urn":
        raise EntitlementError("it does not begin with urn:", 0)
    if len(parts) > 1 and not _NID.fullmatch(parts[1].text):
        raise EntitlementError(f"{parts[1].text!r} is no URN namespace such as mace or geant", parts[1].at)
    for n, part in enumerate(parts[_SHORTEST_NAMESPACE:], _SHORTEST_NAMESPACE):
        if part.text in ("group", "res"):
            for inner in parts[2:n]:
                _check(inner, "a component of the namespace")
            return ":".join(p.text for p in parts[:n]), part.text, parts[n + 1 :]
    raise EntitlementError("neither :group: nor :res: follows the namespace", end)


def _check(part: _Part, what: str) -> None:
    if not part.text:
        raise EntitlementError(f"{what} is empty", part.at)
    good = _ALLOWED.match(part.text)
    length = good.end() if good else 0
    if length < len(part.text):
        raise EntitlementError(f"{part.text[length]!r} is not allowed; write it %-encoded", part.at + length)


def _group(namespace: str, parts: list[_Part], authority: str, end: int) -> GroupEntitlement:
    role = ""
    for n, part in enumerate(parts):
        if not part.text.startswith(_ROLE):
            continue
        if n < len(parts) - 1:
            raise EntitlementError("the role must stand last", part.at)
        role = part.text.removeprefix(_ROLE)
        if not role:
            raise EntitlementError("the role is empty", part.at + len(_ROLE))
    names = [p.text for p in parts if not p.text.startswith(_ROLE)]
    if not names:
        raise EntitlementError("no group follows group:", parts[0].at if parts else end)
    return GroupEntitlement(namespace, names[0], tuple(names[1:]), role, authority)


def _capability(namespace: str, parts: list[_Part], authority: str, end: int) -> Capability:
    names = [p.text for p in parts]
    actions: tuple[str, ...] = ()
    if "act" in names:
        at = names.index("act")
        if len(names) != at + 2:
            raise EntitlementError("one list of actions must follow act:, and stand last", parts[at].at)
        actions = tuple(names[at + 1].split(","))
        if "" in actions:
            raise EntitlementError("an action is empty", parts[at + 1].at)
        names = names[:at]
    if not names:
        raise EntitlementError("no resource follows res:", end)
    return Capability(namespace, names[0], tuple(names[1:]), actions, authority)


def _fragment(authority: str) -> str:
    return f"#{authority}" if authority else ""
