"""What a driver's error means for the resources that a kind was about to change."""

from __future__ import annotations

from typing import Literal

from reconciler.errors import Conflict, DriverError, OutcomeUnknown, Transient
from reconciler.model import Failed


def failed(error: DriverError, said: str = "", *, lost: Literal["unknown", "transient"] = "unknown") -> Failed:
    """The answer, with ``said`` before the error's own words.

    ``lost`` is the fate of a call whose answer was lost: transient where what it may have made bears our mark, so that
    it is looked for and not feared.
    """
    message = f"{said}: {error}" if said else str(error)
    if isinstance(error, Transient):
        return Failed("transient", message, error.retry_after, error.reason)
    if isinstance(error, OutcomeUnknown):
        return Failed(lost, message, reason=error.reason)
    return Failed("conflict" if isinstance(error, Conflict) else "terminal", message, reason=error.reason)
