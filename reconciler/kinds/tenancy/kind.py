"""How a tenancy behaves: it is registered, and says which resources may not refer to those of other namespaces."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import ClassVar

from reconciler.kinds.base import Fault, Rule, between
from reconciler.kinds.registered import Registered
from reconciler.kinds.roleassignment import ROLES
from reconciler.kinds.tenancy.reaching import intruding
from reconciler.kinds.tenancy.spec import SomeBody, TenancySpec
from reconciler.model import Ref, Resource

_REFERS = "tenancy-refers"


def _roles(_ref: Ref, spec: TenancySpec) -> Iterator[Fault]:
    for path, body in _bodies(spec):
        known = ROLES[body.over] if body.over else ()
        if body.role is not None and body.role not in known:
            yield Fault(f"{path}.role", f"{body.role} is no role over a {body.over}", f"there are: {', '.join(known)}")


def _bodies(spec: TenancySpec) -> Iterator[tuple[str, SomeBody]]:
    for n, allow in enumerate(spec.allow):
        yield from ((f"spec.allow[{n}].who[{m}]", body) for m, body in enumerate(allow.who))
    for n, needed in enumerate(spec.approvals):
        yield from ((f"spec.approvals[{n}].by[{m}]", body) for m, body in enumerate(needed.by))


class TenancyKind(Registered[TenancySpec]):
    """Rights over a part of the federation."""

    name = "Tenancy"
    plural = "tenancies"
    Spec = TenancySpec
    federation_wide: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("tenancy-roles", "A role is one of those that are held over such a thing.", _roles),
        Rule(
            _REFERS,
            "What refers to a resource of another namespace is let in by a Tenancy that speaks of that, if one does.",
            between,
        ),
    )

    def quarrels(self, resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterable[tuple[Ref, str, Fault]]:
        for ref, fault in intruding(resources, changed):
            yield ref, _REFERS, fault
