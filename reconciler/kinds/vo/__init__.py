"""VO: a virtual organisation, its entitlements and what it was promised where."""

from reconciler.kinds.vo.allocation import Allocation, unknown_sites
from reconciler.kinds.vo.group import vo_name
from reconciler.kinds.vo.kind import VOKind
from reconciler.kinds.vo.spec import CLOUD_ROLE, AcceptableUse, Entitlement, MailingLists, Person, VoImage, VOSpec

KIND = VOKind()

__all__ = [
    "CLOUD_ROLE",
    "KIND",
    "AcceptableUse",
    "Allocation",
    "Entitlement",
    "MailingLists",
    "Person",
    "VOKind",
    "VOSpec",
    "VoImage",
    "unknown_sites",
    "vo_name",
]
