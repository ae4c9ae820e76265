"""What stands above ``spec:`` in every manifest: one form for all kinds, for validation and for the JSON Schemas."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.model import Strict

DEFAULT_NAMESPACE = "default"
NAME = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$"
"""A name as the schemas show it; the manifest stage checks it by a rule of its own, which says it in words."""

Name = Annotated[str, Field(min_length=1, max_length=253, json_schema_extra={"pattern": NAME})]


class FederationMetadata(Strict):
    """What a resource of the whole federation is called."""

    name: Name
    """Letters, digits, ``.``, ``_`` and ``-``; unique for the kind."""
    labels: dict[str, str] = Field(default_factory=dict)
    """For selecting."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """For people and other tools; Hanse does not act on them."""


class Metadata(FederationMetadata):
    """What a resource of a namespace is called."""

    namespace: Name | None = None
    """Whose it is, a VO as a rule; ``default`` when not given."""
