"""Approval: a permission committed to git for what the safety limits would stop, scoped and with an end."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.kinds.when import Instant
from reconciler.model import Spec, Strict

Pattern = Annotated[str, Field(min_length=1, max_length=600)]
"""A shell pattern: ``*`` any text, ``?`` any character, ``[abc]`` one of them."""
Patterns = Annotated[tuple[Pattern, ...], Field(min_length=1)]


class ApprovalScope(Strict):
    """What is permitted. Patterns of one list are alternatives; every list that is given must match."""

    actions: Annotated[tuple[Literal["update", "replace", "delete"], ...], Field(min_length=1)] = ("delete",)
    kinds: Patterns | None = None
    namespaces: Patterns | None = None
    targets: Patterns | None = None
    """Target ids: ``dns:fed.example.org.``, ``compute:TIDE-CLOUD/*``."""
    resources: Patterns | None = None
    """References: ``DNSRecord/vo-x/*``."""


class ApprovalSpec(Spec):
    """A permission."""

    scope: ApprovalScope
    atMost: Annotated[int, Field(ge=1)]
    """The most resources to which it permits something, in all runs together."""
    expires: Instant
    """When it ends, UTC."""
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    """Why, for those who read the history."""
    by: Annotated[str, Field(min_length=1, max_length=255)]
    """Who takes responsibility."""
