"""How a role assignment behaves: it is registered, after the site or the VO that it is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from reconciler.kinds.base import Fault, Rule
from reconciler.kinds.registered import Registered
from reconciler.kinds.roleassignment.roles import ROLES
from reconciler.kinds.roleassignment.spec import RoleAssignmentSpec
from reconciler.model import Edge, Ref
from reconciler.nearest import meant


def _known(_ref: Ref, spec: RoleAssignmentSpec) -> Iterator[Fault]:
    known = ROLES[spec.over.level]
    for role in spec.roles:
        if role not in known:
            cure = meant(role, known, f"there are: {', '.join(known)}")
            yield Fault(f"spec.roles.{role}", f"{role} is no role over a {spec.over.level}", cure)


class RoleAssignmentKind(Registered[RoleAssignmentSpec]):
    """Who holds which role."""

    name = "RoleAssignment"
    plural = "roleassignments"
    Spec = RoleAssignmentSpec
    federation_wide: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("roleassignment-roles", "A role is one of those that are held over such a thing.", _known),
    )

    def canonical(self, spec: RoleAssignmentSpec) -> RoleAssignmentSpec:
        """Holders are a set: sorted, each once."""
        roles = {role: tuple(sorted(set(holders))) for role, holders in spec.roles.items()}
        return spec.model_copy(update={"roles": roles})

    def references(self, ref: Ref, spec: RoleAssignmentSpec) -> Iterable[Edge]:  # noqa: ARG002
        kinds = {"site": "Site", "vo": "VO", "serviceGroup": "ServiceGroup"}
        level = spec.over.level
        if level in kinds:
            yield Edge(Ref.of(kinds[level], spec.over.name), "exists", f"spec.over.{level}")
