"""How to get at what was declared when: from the commits of the branch that is reconciled, each read once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

from reconciler import manifest, source
from reconciler.downtimes import declarations
from reconciler.errors import ManifestError, SourceError
from reconciler.kinds import registry
from reconciler.model import Ref, Resource, Revision
from reconciler.settings import Settings
from reconciler.source.dated import commit_at
from reconciler.uptime.days import Asked
from reconciler.uptime.outages import Outages

Note = Callable[[str], None]
"""Is told what could not be read."""


def asked_of(
    settings: Settings, read: Revision, resources: Mapping[Ref, Resource], report: str, now: datetime, note: Note
) -> Asked:
    """A report as it is declared at a revision, and how to get at what was declared before."""
    past = Past(settings, read.commit, note)
    stated = declarations(Path(settings.source.repository), read, resources, Path(settings.cache))
    downtimes = Outages(resources, stated, lambda moment: past.topology(moment, resources), now)
    return Asked(report, resources, read.commit, past.at, past.commit_at, downtimes.outages, downtimes.told)


class Past:
    """What was declared at earlier commits, each read once."""

    def __init__(self, settings: Settings, tip: str, note: Note) -> None:
        self._settings, self._tip, self._note = settings, tip, note
        self.at = cache(self._at)
        self.commit_at = cache(self._commit_at)

    def topology(self, moment: datetime, now: Mapping[Ref, Resource]) -> Mapping[Ref, Resource]:
        """What was declared at a time; what is declared now where that cannot be told."""
        commit = self.commit_at(moment)
        found = self.at(commit) if commit and commit != self._tip else None
        return now if found is None else found

    def _commit_at(self, moment: datetime) -> str:
        return commit_at(Path(self._settings.source.repository), self._tip, moment)

    def _at(self, commit: str) -> Mapping[Ref, Resource] | None:
        """None where that commit has faults by the rules of today."""
        settings = self._settings
        try:
            read = source.read(Path(settings.source.repository), commit, paths=settings.source.paths)
            return manifest.load(read, registry(), manifest.RuleSettings(settings.rules)).items
        except (ManifestError, SourceError) as error:
            self._note(f"the manifests at {commit[:12]} cannot be read any more ({error}): those of now are taken")
            return None
