"""What becomes of files that are dark, lost or stuck."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.model import Strict


class DataSettings(Strict):
    """How data is looked after."""

    dark: Literal["report", "delete"] = "report"
    """What becomes of files in folders of ours that nothing wants: they are reported, or taken away too."""
    dark_days: Annotated[float, Field(ge=0)] = 28.0
    """A dark file is taken away only when two scans so many days apart have seen it."""
    dark_percent: Annotated[float, Field(ge=0, le=100)] = 1.0
    """Percent of a storage's files: where more are dark, none is taken away."""
    lost_percent: Annotated[float, Field(ge=0, le=100)] = 10.0
    """Percent of a storage's files: where more are missing at once, nothing is mended until an Approval says so."""
    lost_minimum: Annotated[int, Field(ge=0)] = 10
    """So many missing files are mended without asking, whatever their share."""
    retry_hours: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)] = (2.0, 4.0, 6.0, 8.0)
    """Hours between two tries of a file that is stuck: in its first day, its second, and so on."""
    suspend_days: Annotated[float, Field(gt=0)] = 14.0
    """Days of failing, added up, after which a rule is suspended."""
