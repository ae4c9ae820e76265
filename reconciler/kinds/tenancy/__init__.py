"""Tenancy: who may do what to which things, and whose word some changes need besides.

Kept in Hanse's register (`registry:tenancies`). Of what a Tenancy speaks, only what it allows may be done; where none
speaks, nothing is different from before. A change is judged by the Tenancies that were in force before it, so nobody
gives himself a right; Tenancies themselves are changed by the owners that `[tenancy] owners` in `hanse.toml` names.
"""

from reconciler.kinds.tenancy.charters import charter, subject
from reconciler.kinds.tenancy.kind import TenancyKind
from reconciler.kinds.tenancy.spec import Allow, Needed, Refers, SomeBody, TenancyScope, TenancySpec

KIND = TenancyKind()

__all__ = [
    "KIND",
    "Allow",
    "Needed",
    "Refers",
    "SomeBody",
    "TenancyKind",
    "TenancyScope",
    "TenancySpec",
    "charter",
    "subject",
]
