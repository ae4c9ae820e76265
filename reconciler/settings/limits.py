"""How much may change without an Approval."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.model import Strict


class LimitSettings(Strict):
    """A blast radius, counted per kind and target."""

    absolute: Annotated[int, Field(ge=0)] = 10
    """More than this many need an Approval."""
    percent: Annotated[float, Field(ge=0, le=100)] = 30.0
    """More than this share needs an Approval, where at least ``minimum_population`` are held."""
    minimum_population: Annotated[int, Field(ge=1)] = 10
    """Below this population the share does not count."""


class UpdateLimitSettings(LimitSettings):
    """A blast radius for changes in place, which are wider."""

    absolute: Annotated[int, Field(ge=0)] = 1000
    """More than this many need an Approval."""
    percent: Annotated[float, Field(ge=0, le=100)] = 60.0
    """More than this share needs an Approval, where at least ``minimum_population`` are held."""


class Limits(Strict):
    """How much one run may change without an Approval."""

    deletes: LimitSettings = LimitSettings()
    """Deletes and replaces."""
    updates: UpdateLimitSettings = UpdateLimitSettings()
    """Updates."""
