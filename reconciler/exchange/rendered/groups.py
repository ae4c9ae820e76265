"""Groups and roles of VOs, as an identity service (IAM, Check-in) is to have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import orjson

from reconciler.exchange.rendered.files import header
from reconciler.kinds.vo import WELL_FORMED, VOSpec
from reconciler.kinds.vo.entitlement import EntitlementError, GroupEntitlement, parse


@dataclass(frozen=True, slots=True)
class Group:
    """A group, or one role in it (``role`` is "" for its plain members)."""

    group: str
    """With its path: ``/biomed/vip``."""
    role: str
    fqan: str
    """As VOMS and the WLCG profile say it: ``/biomed/vip/Role=pilot``."""
    entitlements: tuple[str, ...]
    """As Check-in says it in a token: ``urn:mace:egi.eu:group:biomed:vip:role=pilot#aai.egi.eu``."""
    description: str


@dataclass(frozen=True, slots=True)
class VoGroups:
    """A VO's groups, its own first; each that has roles or parts stands there itself too."""

    vo: str
    status: str
    groups: tuple[Group, ...]


def groups(vos: Mapping[str, VOSpec]) -> list[VoGroups]:
    """What each VO's FQANs and entitlements name, in the order of names."""
    return [VoGroups(name, spec.status or "", tuple(_groups(name, spec))) for name, spec in sorted(vos.items())]


def groups_text(found: Iterable[VoGroups]) -> str:
    """A line for each group and role: its FQAN, and its entitlements behind it."""
    lines = [" ".join((one.fqan, *one.entitlements)) for vo in found for one in vo.groups]
    return header("groups", "VO manifests") + "".join(f"{line}\n" for line in lines)


def groups_json(found: Iterable[VoGroups]) -> str:
    """The same as JSON, with descriptions: a list of VOs, each with its groups."""
    return orjson.dumps(list(found), option=orjson.OPT_INDENT_2).decode() + "\n"


def _groups(name: str, spec: VOSpec) -> Iterator[Group]:
    said: dict[tuple[str, str], set[str]] = {("/" + (spec.group or name).strip("/"), ""): set()}
    words: dict[tuple[str, str], str] = {}
    for fqan in spec.fqans:
        found = WELL_FORMED.fullmatch(fqan.fqan)
        if found:
            said.setdefault((found[1], found[2] or ""), set())
            words.setdefault((found[1], found[2] or ""), fqan.description or "")
    for entitlement in spec.entitlements:
        one = _parsed(entitlement.value)
        if one is not None:
            said.setdefault((one.path, one.role), set()).add(entitlement.value)
    for path, _ in list(said):
        said.setdefault((path, ""), set())
    for (path, role), values in sorted(said.items()):
        fqan_ = f"{path}/Role={role}" if role else path
        yield Group(path, role, fqan_, tuple(sorted(values)), words.get((path, role), ""))


def _parsed(value: str) -> GroupEntitlement | None:
    try:
        found = parse(value)
    except EntitlementError:
        return None
    return found if isinstance(found, GroupEntitlement) else None
