"""Scopes: which actions an Approval or a Timing speaks of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase

from reconciler.model import Action


def covers(scope: Mapping[str, Collection[str]], action: Action, *targets: str) -> bool:
    """Whether every list of patterns that is given matches the action; ``targets`` are others that it touches."""
    values = {
        "actions": (str(action.verb),),
        "kinds": (action.ref.kind,),
        "namespaces": (action.ref.namespace or "",),
        "targets": (action.target, *targets),
        "resources": (str(action.ref),),
    }
    return all(
        not patterns or any(fnmatchcase(value, pattern) for value in values[key] for pattern in patterns)
        for key, patterns in scope.items()
    )
