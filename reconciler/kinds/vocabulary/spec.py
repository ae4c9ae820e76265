"""What a vocabulary is: the federation's own words, beside those that everybody has."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.kinds.gocdb import Description, Scope, ServiceType
from reconciler.model import Spec, Strict


class OwnServiceType(Strict):
    """A service type of the federation's own."""

    name: ServiceType
    """By the reversed domain of who defines it: ``org.example.portal``."""
    description: Description | None = None
    monitoringOptional: bool = False
    """A service of this type may be in production without being monitored."""


class OwnScope(Strict):
    """A scope of the federation's own."""

    name: Scope
    description: Description | None = None
    reserved: bool = False
    """A service may have it only if its site has it."""


class VocabularySpec(Spec):
    """Words that manifests may use, beside those that come with Hanse."""

    serviceTypes: tuple[OwnServiceType, ...] = ()
    scopes: tuple[OwnScope, ...] = ()
    """Where any are given, other scopes than these and the reserved ones are told."""
    closed: bool = False
    """Words that are not known are errors, and not warnings."""
    minimumScopes: Annotated[int, Field(ge=0, le=20)] = 0
    """Scopes that each registered site, its services and each service group have at least; GOCDB wants 1."""
