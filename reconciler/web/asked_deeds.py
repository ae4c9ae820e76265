"""What programs say when somebody does something: bodies of ``POST``."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

REASON = 500
"""Letters of the longest reason."""
Said = Annotated[str, Field(min_length=1, max_length=REASON, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]


class Asked(BaseModel):
    """Nothing may be said besides."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class AskedConsent(Asked):
    """Somebody's word for a part of the plan. ``If-Match`` says the part's digest as it was seen."""

    part: Annotated[str, Field(min_length=1, max_length=300)]
    """``site:CESGA``."""
    reason: Said
    """Why, for those who read the history."""
    expires: AwareDatetime | None = None
    """Until when it counts; left out, until it is withdrawn."""


class AskedPause(Asked):
    """What shall be held."""

    scope: Annotated[str, Field(pattern=r"^(all|(resource|target|namespace):[^\x00-\x1f\x7f]{1,580})$")]
    """``all``, ``resource:KIND/NAME``, ``target:ID`` or ``namespace:NAME``."""
    reason: Said
    """Why, for those who read the history."""
