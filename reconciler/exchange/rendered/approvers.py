"""Whose word a change needs, field by field: what CODEOWNERS cannot tell.

The roles are those stated before the change, so that nobody grants himself the right to make it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from reconciler.exchange.rendered.roles import Roles, owners_of
from reconciler.model import Ref, Resource

_STATUS = ("certification", "certificationChange")


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """One thing that is changed, and those of whom one must agree."""

    ref: str
    what: str
    holders: tuple[str, ...]


def approvers(before: Mapping[Ref, Resource], after: Mapping[Ref, Resource]) -> list[Need]:
    """What differs between two states of the federation, and whose word each of it needs, in order."""
    roles = Roles(before)
    needs: list[Need] = []
    for ref in sorted({*before, *after}):
        old, new = before.get(ref), after.get(ref)
        if _said(old) != _said(new) and not any(one.owner for one in (old, new) if one):
            needs += [Need(ref, what, tuple(sorted(holders))) for what, holders in words(ref, old, new, roles)]
    return sorted(set(needs))


def words(ref: Ref, old: Resource | None, new: Resource | None, roles: Roles) -> Iterator[tuple[str, frozenset[str]]]:
    """(what, of whom one must agree) for one resource that changes."""
    found = _site(ref, old, new, roles) if ref.kind == "Site" else _plain(ref, old, new, roles)
    yield from ((what, holders or roles.common()) for what, holders in found)


def unmet(needs: Iterable[Need], said: Collection[str]) -> list[Need]:
    """The needs that none of those who have agreed can meet."""
    return [need for need in needs if not {holder.casefold() for holder in need.holders} & {s.casefold() for s in said}]


def _plain(ref: Ref, old: Resource | None, new: Resource | None, roles: Roles) -> Iterator[tuple[str, frozenset[str]]]:
    """Whoever may change it as it was, and as it will be."""
    what = "change" if old and new else "add" if new else "take away"
    for resource in (old, new):
        if resource is not None:
            yield what, owners_of(ref, resource, roles)


def _site(ref: Ref, old: Resource | None, new: Resource | None, roles: Roles) -> Iterator[tuple[str, frozenset[str]]]:
    was, becomes = _content(old), _content(new)
    ngi, now = str(was.get("ngi") or ""), str(becomes.get("ngi") or "")
    if old is None or new is None or ngi != now:
        if old is not None:
            yield f"take it from {ngi or 'no NGI'}", roles.may("add a site to an NGI", ("ngi", ngi))
        if new is not None:
            yield f"add it to {now or 'no NGI'}", roles.may("add a site to an NGI", ("ngi", now))
    held = str(was.get(_STATUS[0]) or "Candidate"), str(becomes.get(_STATUS[0]) or "Candidate")
    if new is not None and held[0] != held[1]:
        yield f"certification: {held[0]} -> {held[1]}", roles.at("change a certification", ref.name, ngi or now)
    if old and new and (_rest(was) != _rest(becomes) or _beside(old) != _beside(new)):
        yield "change", roles.at("change a site", ref.name)


def _said(resource: Resource | None) -> Any:
    """All that git says of a resource."""
    return resource and (resource.digest, _beside(resource))


def _beside(resource: Resource) -> Any:
    """What git says of a resource beside its spec."""
    return resource.lifecycle, dict(resource.labels or {}), dict(resource.annotations or {})


def _content(resource: Resource | None) -> Mapping[str, Any]:
    found: Mapping[str, Any] = orjson.loads(resource.content) if resource else {}
    return found


def _rest(content: Mapping[str, Any]) -> dict[str, Any]:
    return {field: value for field, value in content.items() if field not in (*_STATUS, "ngi")}
