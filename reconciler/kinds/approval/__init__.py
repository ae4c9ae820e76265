"""Approval: a permission committed to git."""

from reconciler.kinds.approval.kind import ApprovalKind
from reconciler.kinds.approval.spec import ApprovalScope, ApprovalSpec

KIND = ApprovalKind()

__all__ = ["KIND", "ApprovalKind", "ApprovalScope", "ApprovalSpec"]
