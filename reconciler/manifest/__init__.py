"""Stage 2, Revision -> Resources: parses and validates; every fault of every file is reported, once.

A file is parsed once for each content it ever has: what it declares is kept by blob id. Given a memory, only what
changed since the last load is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.errors import ManifestError
from reconciler.kinds import Kind
from reconciler.manifest.memory import Memory
from reconciler.manifest.rules import RuleSettings, rules
from reconciler.manifest.survey import Survey, of_content, survey
from reconciler.model import Resources, Revision

__all__ = ["Memory", "RuleSettings", "Survey", "load", "of_content", "rules", "survey"]


def load(
    revision: Revision,
    kinds: Mapping[str, Kind[Any]],
    settings: RuleSettings | None = None,
    memory: Memory | None = None,
) -> Resources:
    """Everything declared at a revision.

    Raises ManifestError with every fault of every file, and SettingsError for rules that there are not.

    ``memory`` is brought up to date only when the revision is without fault, so a broken commit costs nothing later.
    """
    found = survey(revision, kinds, settings, memory)
    if not found.sound:
        raise ManifestError(found.faults)
    return found.resources
