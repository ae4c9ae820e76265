"""The kinds, found by being there: every folder beside this file that has a ``KIND``."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from reconciler.kinds.base import (
    Candidate,
    Derived,
    Fault,
    Federation,
    Kind,
    Occasion,
    OpenChoice,
    Repair,
    Rule,
    Settled,
    Stated,
)
from reconciler.kinds.federation import Declared, connect
from reconciler.kinds.shedding import shed
from reconciler.kinds.world import NOWHERE, Demand, Held, Listed, Lock, Need, Offer, Question, World

__all__ = [
    "NOWHERE",
    "Candidate",
    "Declared",
    "Demand",
    "Derived",
    "Fault",
    "Federation",
    "Held",
    "Kind",
    "Listed",
    "Lock",
    "Need",
    "Occasion",
    "Offer",
    "OpenChoice",
    "Question",
    "Repair",
    "Rule",
    "Settled",
    "Stated",
    "World",
    "connect",
    "registry",
    "shed",
]


@cache
def registry() -> dict[str, Kind[Any]]:
    """Every kind by its name, in the order of their names."""
    found = [import_module(f"{__name__}.{m.name}").KIND for m in iter_modules(__path__) if m.ispkg]
    return {kind.name: kind for kind in sorted(found, key=lambda kind: kind.name)}
