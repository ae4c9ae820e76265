"""How a tenancy behaves: it is registered, and says which resources may not refer to those of other namespaces."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import ClassVar

from reconciler.kinds.base import Fault, Rule, between
from reconciler.kinds.registered import Registered
from reconciler.kinds.roleassignment import ROLES
from reconciler.kinds.tenancy.naming import fields_there_are, kinds_there_are
from reconciler.kinds.tenancy.nowhere import bodies, undeclared
from reconciler.kinds.tenancy.reaching import intruding
from reconciler.kinds.tenancy.spec import TenancySpec
from reconciler.model import Ref, Resource

_REFERS = "tenancy-refers"
_NOWHERE = "tenancy-nowhere"


def _roles(_ref: Ref, spec: TenancySpec) -> Iterator[Fault]:
    for path, body in bodies(spec):
        known = ROLES[body.over] if body.over else ()
        if body.role is not None and body.role not in known:
            yield Fault(f"{path}.role", f"{body.role} is no role over a {body.over}", f"there are: {', '.join(known)}")


class TenancyKind(Registered[TenancySpec]):
    """Rights over a part of the federation."""

    name = "Tenancy"
    plural = "tenancies"
    Spec = TenancySpec
    federation_wide: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("tenancy-roles", "A role is one of those that are held over such a thing.", _roles),
        Rule(
            "tenancy-kinds",
            "The kinds of which it speaks are there: of one that is none, nobody is kept.",
            kinds_there_are,
        ),
        Rule("tenancy-fields", "The fields of which it speaks can be in one of those kinds.", fields_there_are),
        Rule(
            _NOWHERE,
            "Namespaces, VOs, sites and NGIs that a Tenancy names are declared somewhere.",
            between,
            "warning",
        ),
        Rule(
            _REFERS,
            "What refers to a resource of another namespace is let in by a Tenancy that speaks of that, if one does.",
            between,
        ),
    )

    def quarrels(self, resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterable[tuple[Ref, str, Fault]]:
        for ref, fault in intruding(resources, changed):
            yield ref, _REFERS, fault
        for ref, fault in undeclared(resources, changed):
            yield ref, _NOWHERE, fault
