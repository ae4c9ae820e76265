"""Amounts as templates write them: ``4 GiB``, ``4GB``, ``512m``, bytes. GB is 10^9 bytes, GiB is 2^30."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

_AMOUNT = re.compile(r"(?P<number>\d+(\.\d+)?)\s*(?P<unit>[kmgtp]?)(?P<binary>i?)b?", re.IGNORECASE)
_STEPS = "kmgtp"
MIB, GIB = 1 << 20, 1 << 30


def bytes_of(said: Any) -> int | None:
    """An amount in bytes, rounded up; None when it is none."""
    found = _AMOUNT.fullmatch(str(said).strip()) if isinstance(said, str | int | float) else None
    if found is None or isinstance(said, bool):
        return None
    step = _STEPS.index(found["unit"].lower()) + 1 if found["unit"] else 0
    factor: int = (1024 if found["binary"] else 1000) ** step
    return math.ceil(Decimal(found["number"]) * factor)


def rounded_up(amount: int, unit: int) -> int:
    """How many of the unit hold the amount."""
    return -(-amount // unit)


def whole(said: Any) -> int | None:
    """A whole number, written as one or as text; None when it is none."""
    if isinstance(said, bool) or not isinstance(said, int | float | str):
        return None
    text = str(said).strip()
    return int(float(text)) if re.fullmatch(r"\d{1,9}(\.0+)?", text) else None


def truth(said: Any) -> bool | None:
    """A truth value as any of these languages writes it; None when it is none."""
    known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}
    return known.get(str(said).strip().lower())
