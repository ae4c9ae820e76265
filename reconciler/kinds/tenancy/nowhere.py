"""What a Tenancy names that nothing declares: a namespace, a VO, a site or an NGI. It may still come: a warning."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase

from reconciler.kinds.base import Fault
from reconciler.kinds.tenancy.spec import SomeBody, TenancySpec
from reconciler.model import Ref, Resource
from reconciler.nearest import meant

_CALLED = {"vo": "VO", "site": "Site", "ngi": "NGI"}


def undeclared(resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterator[tuple[Ref, Fault]]:
    """(Tenancy, fault) for each name in one that changed of which nothing else speaks."""
    concerned = sorted(ref for ref in changed if ref.kind == "Tenancy" and ref in resources)
    if not concerned:
        return
    namespaces = {ref.namespace for ref in resources if ref.namespace}
    declared = {"vo": _names(resources, "VO"), "site": _names(resources, "Site"), "ngi": _ngis(resources)}
    for ref in concerned:
        spec = resources[ref].spec
        if isinstance(spec, TenancySpec):
            yield from ((ref, fault) for fault in _spaces(spec, namespaces))
            yield from ((ref, fault) for fault in _named(spec, declared))


def bodies(spec: TenancySpec) -> Iterator[tuple[str, SomeBody]]:
    """(where it stands, somebody) for all of whom a Tenancy speaks."""
    for n, allow in enumerate(spec.allow):
        yield from ((f"spec.allow[{n}].who[{m}]", body) for m, body in enumerate(allow.who))
    for n, needed in enumerate(spec.approvals):
        yield from ((f"spec.approvals[{n}].by[{m}]", body) for m, body in enumerate(needed.by))


def _spaces(spec: TenancySpec, known: Collection[str]) -> Iterator[Fault]:
    for n, one in enumerate(spec.scope.namespaces or ()):
        if not any(fnmatchcase(space, one) for space in known):
            message = f"nothing is declared in a namespace {one}"
            yield Fault(f"spec.scope.namespaces[{n}]", message, meant(one, known, "it guards nothing until there is"))


def _named(spec: TenancySpec, declared: Mapping[str, Collection[str]]) -> Iterator[Fault]:
    for path, level, name in _names_given(spec):
        known = declared.get(level)
        if known is not None and name not in known:
            yield Fault(path, f"no {_CALLED[level]} {name} is declared", meant(name, known))


def _names_given(spec: TenancySpec) -> Iterator[tuple[str, str, str]]:
    if spec.authority is not None:
        level, _, name = spec.authority.part.partition(":")
        yield f"spec.authority.{level}", level, name
    for path, body in bodies(spec):
        if body.over and body.name:
            yield f"{path}.name", body.over, body.name


def _names(resources: Mapping[Ref, Resource], kind: str) -> set[str]:
    return {ref.name for ref in resources if ref.kind == kind}


def _ngis(resources: Mapping[Ref, Resource]) -> set[str]:
    """NGIs have no manifests: sites name theirs, and roles are held over them."""
    found = {ngi for ref, one in resources.items() if ref.kind == "Site" and (ngi := getattr(one.spec, "ngi", None))}
    roles = (one.spec.over for ref, one in resources.items() if ref.kind == "RoleAssignment")
    return found | {ngi for over in roles if (ngi := getattr(over, "ngi", None))}
