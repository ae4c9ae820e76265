"""Values of Slurm's JSON, which differ from version to version: plain, null, or ``{set, infinite, number}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_GPU = re.compile(r"(?:^|[,/:])gpu(?:[:=][A-Za-z][\w.-]*)?[:=](\d+)")
_UNSET = 0xFFFFFFFE
"""From here on Slurm's 32 bit numbers mean unset and infinite."""
_SUFFIXES = "*~#!%$@+^-"


def number(value: Any) -> int:
    """A number; 0 for none, for unset and for infinite."""
    if isinstance(value, Mapping):
        return number(value.get("number")) if value.get("set") and not value.get("infinite") else 0
    if value is None or isinstance(value, bool):
        return 0
    found = int(value)
    return 0 if _UNSET <= found <= _UNSET + 1 else found


def moment(value: Any) -> datetime | None:
    """A time in seconds since 1970; None for none."""
    seconds = number(value)
    return datetime.fromtimestamp(seconds, UTC) if 0 < seconds < _UNSET else None


def words(*values: Any) -> frozenset[str]:
    """Words of a state: ``idle`` beside its flags, or ``["IDLE", "CLOUD"]``, or ``MIXED+DRAIN*``; upper case."""
    found: set[str] = set()
    for value in values:
        for item in [value] if isinstance(value, str) else value or ():
            found |= {word.strip(_SUFFIXES) for word in str(item).upper().replace("+", " ").split()}
            found |= {"NOT_RESPONDING"} if str(item).endswith("*") else set()
    return frozenset(found - {""})


def gpus(*texts: Any) -> int:
    """GPUs in the first text that names some: ``gres:gpu:a100:2``, ``gpu:2(S:0)``, ``cpu=4,gres/gpu=2``."""
    for text in texts:
        found = [int(n) for n in _GPU.findall(str(text or ""))]
        if found:
            return max(found)
    return 0


def tres(text: Any) -> Mapping[str, str]:
    """``cpu=4,mem=2G,node=1`` by name."""
    return dict(part.partition("=")[::2] for part in str(text or "").split(",") if "=" in part)
