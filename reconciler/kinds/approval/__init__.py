"""Approval: a permission committed to git.

Deletes and replaces above the limits (`[limits]`), and whatever says `deletionPolicy: wait`, need one. It permits
nothing until it is committed where the plan is made from: the review of that commit is the approval. `hanse approve`
writes one.
"""

from reconciler.kinds.approval.kind import ApprovalKind
from reconciler.kinds.approval.spec import ApprovalScope, ApprovalSpec

KIND = ApprovalKind()

__all__ = ["KIND", "ApprovalKind", "ApprovalScope", "ApprovalSpec"]
