"""What a Tenancy names that is not there: a misspelt kind or field is valid YAML and guards nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from reconciler.kinds.base import Fault
from reconciler.kinds.tenancy.paths import Missing, missing
from reconciler.kinds.tenancy.spec import TenancySpec
from reconciler.model import Ref, Spec
from reconciler.nearest import meant

_WILD = re.compile(r"[*?\[]")
_SAID = 3
"""So many kinds are named in a message; more are counted."""

_LISTED = 15
"""So many fields are listed in a cure."""


class _Part(NamedTuple):
    """A part of a Tenancy with patterns of its own."""

    path: str
    kinds: Sequence[str]
    resources: Sequence[str]
    fields: Sequence[str]


def kinds_there_are(_ref: Ref, spec: TenancySpec) -> Iterator[Fault]:
    """A fault for each kind that is none, and for each reference to one."""
    known = _known()
    for part in _parts(spec):
        for n, one in enumerate(part.kinds):
            if not any(fnmatchcase(kind, one) for kind in known):
                yield _no_kind(f"{part.path}.kinds[{n}]", one, known)
        for n, one in enumerate(part.resources):
            yield from _reference(f"{part.path}.resources[{n}]", one, known)


def fields_there_are(_ref: Ref, spec: TenancySpec) -> Iterator[Fault]:
    """A fault for each field that none of the kinds has of which is spoken there."""
    known = _known()
    for part in _parts(spec):
        concerned = {kind: known[kind] for kind in known if _any(kind, spec.scope.kinds) and _any(kind, part.kinds)}
        for n, one in enumerate(part.fields):
            found = missing(one, tuple(concerned.values())) if concerned else None
            if found is not None:
                yield _no_field(f"{part.path}.fields[{n}]", one, found, list(concerned))


def _known() -> dict[str, type[Spec]]:
    from reconciler.kinds import registry  # the kinds' own face, which cannot be imported before this one

    return {name: kind.Spec for name, kind in registry().items()}


def _parts(spec: TenancySpec) -> Iterator[_Part]:
    yield _Part("spec.scope", spec.scope.kinds or (), spec.scope.resources or (), ())
    for n, allow in enumerate(spec.allow):
        yield _Part(f"spec.allow[{n}]", allow.kinds or (), allow.resources or (), allow.fields or ())
    for n, needed in enumerate(spec.approvals):
        yield _Part(f"spec.approvals[{n}]", needed.kinds or (), needed.resources or (), needed.fields)
    for n, refers in enumerate(spec.refers):
        yield _Part(f"spec.refers[{n}]", refers.kinds or (), (), ())


def _any(kind: str, patterns: Sequence[str] | None) -> bool:
    return not patterns or any(fnmatchcase(kind, one) for one in patterns)


def _reference(path: str, one: str, known: Mapping[str, object]) -> Iterator[Fault]:
    """What comes before the first wildcard tells; a wildcard may stand for a slash, too."""
    plain = _WILD.split(one, maxsplit=1)[0]
    kind, slash, _ = plain.partition("/")
    if not slash and plain == one:
        cure = "write Kind/name or Kind/namespace/name; * stands for any text"
        yield Fault(path, f"{one} is the name of no resource", cure)
    elif (slash and kind not in known) or not any(name.startswith(kind) for name in known):
        yield _no_kind(path, kind if slash else one, known)


def _no_kind(path: str, one: str, known: Iterable[str]) -> Fault:
    wrong = f"no kind is called like {one}" if _WILD.search(one) else f"there is no kind {one}"
    return Fault(path, wrong, meant(one, known, f"there are: {', '.join(known)}"))


def _no_field(path: str, one: str, found: Missing, kinds: Sequence[str]) -> Fault:
    of = " or ".join(kinds) if len(kinds) <= _SAID else f"any of the {len(kinds)} kinds of which it speaks"
    near = meant(found.step, found.known)
    right = near.replace("did you mean ", f"did you mean {found.before}") if near else _there_are(found)
    return Fault(path, f"there is no field {one} in {of}", right)


def _there_are(found: Missing) -> str:
    if not found.known:
        return f"{found.before.rstrip('.')} has no fields"
    there = sorted(found.known)
    more = f" and {len(there) - _LISTED} more" if len(there) > _LISTED else ""
    return f"there are: {', '.join(f'{found.before}{one}' for one in there[:_LISTED])}{more}"
