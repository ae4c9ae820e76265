"""How an approval behaves: it is registered, so that the register too shows what was permitted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from reconciler.kinds.approval.spec import ApprovalSpec
from reconciler.kinds.base import Fault, Rule
from reconciler.kinds.registered import Registered
from reconciler.model import Ref


def _narrowed(_ref: Ref, spec: ApprovalSpec) -> Iterator[Fault]:
    scope = spec.scope
    lists = (scope.kinds, scope.namespaces, scope.targets, scope.resources)
    if all(patterns is None or "*" in patterns for patterns in lists):
        cure = "give kinds, namespaces, targets or resources"
        yield Fault("spec.scope", "it permits everything everywhere", cure)


class ApprovalKind(Registered[ApprovalSpec]):
    """A committed permission."""

    name = "Approval"
    plural = "approvals"
    Spec = ApprovalSpec
    federation_wide: ClassVar[bool] = True
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("approval-scope", "An approval says what it permits: no approval is for everything.", _narrowed),
    )
