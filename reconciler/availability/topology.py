"""Topology: which services there are at which hosts, of which site; and the language in which a report chooses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

FIELDS = {
    "group": ("group", "type", "subgroup"),
    "endpoint": ("group", "type", "service", "hostname"),
}
_CONTEXT = re.compile(r"argo\.(group|endpoint)\.filter\.(fields|tags|tags\.array)")


class Endpoint(NamedTuple):
    """A service at a host, of a site (or of a service group)."""

    group: str
    service: str
    hostname: str
    type: str = "SITES"
    tags: Mapping[str, str] = {}


class Group(NamedTuple):
    """A site (``subgroup``) of an NGI (``group``)."""

    group: str
    subgroup: str
    type: str = "NGI"
    tags: Mapping[str, str] = {}
    weight: float = 0.0


class Filter(NamedTuple):
    """One line of a report's filter: ``context`` says what is looked at."""

    name: str
    value: str
    context: str

    @property
    def parts(self) -> tuple[str, str]:
        """("group" or "endpoint", "fields", "tags" or "tags.array"). Raises ValueError for another context."""
        found = _CONTEXT.fullmatch(self.context)
        if not found:
            raise ValueError(f"{self.context}: not a context of a filter, such as argo.group.filter.tags")
        return found[1], found[2]


@dataclass
class _Asked:
    """What filters ask of groups, or of endpoints."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    tags: dict[str, list[str]] = field(default_factory=dict)
    arrays: dict[str, list[str]] = field(default_factory=dict)

    def fits(self, fields: Mapping[str, str], tags: Mapping[str, str]) -> bool:
        plain = all(matches(fields.get(name, ""), values) for name, values in self.fields.items())
        tagged = all(name in tags and matches(tags[name], values) for name, values in self.tags.items())
        return plain and tagged and all(_within(tags.get(name, ""), values) for name, values in self.arrays.items())


def filtered(
    groups: Iterable[Group], endpoints: Iterable[Endpoint], filters: Sequence[Filter]
) -> tuple[list[Group], list[Endpoint]]:
    """The groups that a report is about, and its endpoints: those that fit, of a group that fits.

    Several values of one field are alternatives, different fields all count; ``*`` is any text; ``~`` before the only
    value of a field turns it round. In an array any of the values, separated by commas, must be part of the tag.
    """
    asked = {"group": _Asked(), "endpoint": _Asked()}
    for one in filters:
        side, what = one.parts
        kind = {"fields": asked[side].fields, "tags": asked[side].tags, "tags.array": asked[side].arrays}[what]
        kind.setdefault(one.name, []).append(one.value)
    chosen = [g for g in groups if asked["group"].fits(_fields(g, FIELDS["group"]), g.tags)]
    among = {group.subgroup for group in chosen}
    fit = asked["endpoint"].fits
    return chosen, [e for e in endpoints if e.group in among and fit(_fields(e, FIELDS["endpoint"]), e.tags)]


def matches(value: str, patterns: Sequence[str]) -> bool:
    """Whether a value fits one of the patterns; a single ``~pattern`` is fitted by all that does not fit it."""
    if len(patterns) == 1 and patterns[0].startswith("~"):
        return not _like(value, patterns[0][1:])
    return any(_like(value, pattern) for pattern in patterns)


def _like(value: str, pattern: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), value, re.DOTALL) is not None


def _within(tag: str, values: Sequence[str]) -> bool:
    """ARGO looks for a part: ``tier1`` is in ``tier10``."""
    return any(part.strip() in tag for value in values for part in value.split(",") if part.strip())


def _fields(thing: Group | Endpoint, names: Iterable[str]) -> dict[str, str]:
    return {name: str(getattr(thing, name)) for name in names}
