"""Onboarding: how the shares of a cloud are made in its keystone, and by whom."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.kinds.share.spec import DOMAIN, ISSUER, ROLE, Claims, Quota
from reconciler.model import Strict
from reconciler.ports import Administrator

Word = Annotated[str, Field(min_length=1)]


class Onboarding(Strict):
    """Each share becomes a project with its group, role, mapping rule and quota."""

    administrator: Administrator | None = None
    """Left out, it is expected in the operator's configuration; without any, the plan says so and does nothing."""
    domain: Word = DOMAIN
    """Keystone's domain of projects and groups; it must be there."""
    role: Word = ROLE
    """Role of a VO's members in its project."""
    issuer: Word = ISSUER
    """Issuer of the members' tokens."""
    mapping: Word | None = None
    """Id of the mapping; the one that the protocol has, or a new one, when not given."""
    claims: Claims = Claims()
    quota: Quota | None = None
    """Limits of every project; what the VO was promised by its allocations comes first."""
