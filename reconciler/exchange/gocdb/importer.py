"""Taking GOCDB's register in as manifests, again and again: what people wrote into them stays, comments too.

What the feed has no more is told; it is removed when that is asked for, everything was read, and nobody added to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reconciler.exchange.fedcloud.shelf import Shelf, read_lock
from reconciler.exchange.gocdb.merging import LOCK, Merging
from reconciler.exchange.gocdb.others import take_downtimes, take_groups
from reconciler.exchange.gocdb.reading import Read
from reconciler.exchange.gocdb.sites import take_sites
from reconciler.exchange.gocdb.standing import Standing
from reconciler.model import Diagnostic


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. Files are relative to the folder written."""

    problems: tuple[Diagnostic, ...]
    """What could not be taken in, and why."""
    findings: tuple[Diagnostic, ...]
    """What was put right, and taken in."""
    kept: tuple[Diagnostic, ...]
    """Hand edits that differ from the feed, and stay."""
    vanished: tuple[str, ...]
    """What an earlier import brought and the feed no longer has."""
    removed: tuple[str, ...]
    """What of it was taken away."""
    created: tuple[str, ...]
    changed: tuple[str, ...]
    counts: Mapping[str, int]
    """What -> how many were read."""

    @property
    def complete(self) -> bool:
        """True when everything could be taken in."""
        return not self.problems


def import_gocdb(read: Read, into: Path, now: datetime, *, remove: bool = False) -> ImportReport:
    """Turn what was read into ``sites/<name>.yaml``, ``downtimes/<name>.yaml`` and ``servicegroups/<name>.yaml``."""
    shelf = Shelf.of(into)
    merging = Merging(read, shelf, read_lock(into, LOCK).get("documents", {}), remove=remove)
    take_sites(merging)
    standing = Standing(shelf)
    take_downtimes(merging, standing, now)
    take_groups(merging, standing)
    merging.lock()
    return ImportReport(
        problems=tuple(sorted({*merging.problems, *shelf.problems})),
        findings=tuple(sorted(merging.findings)),
        kept=tuple(sorted(merging.kept)),
        vanished=tuple(sorted(merging.vanished)),
        removed=tuple(sorted(merging.removed)),
        created=tuple(sorted(shelf.created)),
        changed=tuple(sorted(shelf.changed)),
        counts=dict(merging.counts),
    )
