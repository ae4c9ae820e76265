"""VO: a virtual organisation, its entitlements and what it was promised where.

Kept in Hanse's register (`registry:vos`). Sites that support the VO refer to it. Its allocations guide placing: a
cluster with `site: auto` goes where the most of the allocation stays free. An allocation names its site without
waiting for it.
"""

from reconciler.kinds.vo.allocation import Allocation, unknown_sites
from reconciler.kinds.vo.card import WELL_FORMED, Card, Fqan, MemberList, Middleware, Range, Resources, VomsServer
from reconciler.kinds.vo.group import vo_name
from reconciler.kinds.vo.kind import VOKind
from reconciler.kinds.vo.spec import CLOUD_ROLE, AcceptableUse, Entitlement, MailingLists, Person, VoImage, VOSpec

KIND = VOKind()

__all__ = [
    "CLOUD_ROLE",
    "KIND",
    "WELL_FORMED",
    "AcceptableUse",
    "Allocation",
    "Card",
    "Entitlement",
    "Fqan",
    "MailingLists",
    "MemberList",
    "Middleware",
    "Person",
    "Range",
    "Resources",
    "VOKind",
    "VOSpec",
    "VoImage",
    "VomsServer",
    "unknown_sites",
    "vo_name",
]
