"""From a timeline to numbers: availability, reliability, and what the day was made of."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from reconciler.availability.quirks import ARGO, Quirks
from reconciler.availability.states import DOWNTIME, EXCLUDED, NOT_KNOWN, UP
from reconciler.availability.timeline import DAY

UNDEFINED = -1.0
_PLACES = Decimal("0.00001")


class Numbers(NamedTuple):
    """Percentages, -1 when undefined; ``up``, ``unknown`` and ``down`` are fractions of the day."""

    availability: float
    reliability: float
    up: float
    unknown: float
    down: float


def numbers(seconds: Mapping[str, int], quirks: Quirks = ARGO) -> Numbers:
    """What seconds in each status are worth, rounded to 5 places, half up.

    Availability is up time of known time, reliability up time of known time that was no downtime.
    """
    up = sum(seconds.get(state, 0) for state in UP)
    unknown = sum(seconds.get(state, 0) for state in NOT_KNOWN)
    if not quirks.excluded_counts_as_down:
        unknown += seconds.get(EXCLUDED, 0)
    down = seconds.get(DOWNTIME, 0)
    known = DAY - unknown
    return Numbers(
        _percent(up, known), _percent(up, known - down), *(_rounded(part / DAY) for part in (up, unknown, down))
    )


def _percent(part: int, whole: int) -> float:
    return _rounded(part / whole * 100) if whole else UNDEFINED


def _rounded(value: float) -> float:
    return float(Decimal(repr(value)).quantize(_PLACES, ROUND_HALF_UP))
