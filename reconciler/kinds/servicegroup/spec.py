"""What a service group is: services of several sites that belong together, whoever runs them."""

from __future__ import annotations

from pydantic import Field

from reconciler.kinds.downtime.spec import Chosen
from reconciler.kinds.gocdb import Description, GroupEmails, Scope
from reconciler.kinds.site.service import Extension
from reconciler.model import Spec


class Member(Chosen):
    """Services of a site, or of the sites that a selector finds: those named and those of the types given, or all."""


class ServiceGroupSpec(Spec):
    """Services that belong together across sites."""

    description: Description
    """Text without ` ' " ; < >."""
    email: GroupEmails
    """Contact of the group: one or several addresses, separated by ``;``."""
    monitored: bool = True
    members: tuple[Member, ...] = Field(min_length=1)
    scopes: tuple[Scope, ...] = ()
    extensions: tuple[Extension, ...] = ()
