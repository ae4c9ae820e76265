"""Stage: how far something that is built in steps has come, as its kind finds it. records/ makes conditions of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StageName = Literal["Nodes", "Reachable", "Configured"]
"""Of what consists of machines, in this order: they run; they answer; they are as their manifest says."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step on the way to ready."""

    name: StageName
    status: Literal["True", "False", "Unknown"]
    reason: str
    """One word in capitals: ``Missing``, ``Silent``."""
    message: str = ""
