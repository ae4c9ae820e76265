"""Onboarding: how the shares of a cloud are made in its keystone, and by whom."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from reconciler.kinds.share.spec import DOMAIN, ISSUER, ROLE, Claims, Quota
from reconciler.model import SecretRef, Strict

Word = Annotated[str, Field(min_length=1)]


class ApplicationCredential(Strict):
    """An application credential. The secret is a reference, read at the moment of use."""

    id: Word
    secret: SecretRef


class Administrator(Strict):
    """Who may change projects, groups and mappings: a user with a password, or an application credential."""

    username: Word | None = None
    password: SecretRef | None = None
    project: Word = "admin"
    userDomain: Word = "Default"
    projectDomain: Word = "Default"
    applicationCredential: ApplicationCredential | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        password = self.username is not None and self.password is not None
        if password == (self.applicationCredential is not None):
            message = "give either username and password, or applicationCredential"
            raise ValueError(message)
        return self


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
