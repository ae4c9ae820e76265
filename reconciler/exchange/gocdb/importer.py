"""Taking GOCDB's register in as manifests, again and again: what people wrote into them stays, comments too.

What the feed has no more is told; it is removed when that is asked for, everything was read, and nobody added to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler.exchange.fedcloud.shelf import Shelf, lock_fault, manifest_files, read_lock
from reconciler.exchange.gocdb.merging import LOCK, Merging
from reconciler.exchange.gocdb.others import take_downtimes, take_groups
from reconciler.exchange.gocdb.reading import Read
from reconciler.exchange.gocdb.sites import take_sites
from reconciler.exchange.gocdb.standing import Standing
from reconciler.manifest.reader import documents
from reconciler.model import Diagnostic

_KINDS = ("Site", "Downtime", "ServiceGroup", "Vocabulary")


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
    """Turn what was read into ``sites/<name>.yaml``, ``downtimes/<name>.yaml`` and ``servicegroups/<name>.yaml``.

    Raises ManifestError where the lock of the last import cannot be read.
    """
    before = _before(into)
    shelf = Shelf.of(into)
    untold = [*_doubled(shelf), *_unparsable(shelf)]
    merging = Merging(read, shelf, before, remove=remove)
    take_sites(merging)
    standing = Standing(shelf)
    take_downtimes(merging, standing, now)
    take_groups(merging, standing)
    merging.lock()
    return ImportReport(
        problems=tuple(sorted({*merging.problems, *shelf.problems, *untold})),
        findings=tuple(sorted(merging.findings)),
        kept=tuple(sorted(merging.kept)),
        vanished=tuple(sorted(merging.vanished)),
        removed=tuple(sorted(merging.removed)),
        created=tuple(sorted(shelf.created)),
        changed=tuple(sorted(shelf.changed)),
        counts=dict(merging.counts),
    )


def _before(into: Path) -> dict[str, Any]:
    """What the last import wrote. Raises ManifestError."""
    held = read_lock(into, LOCK).get("documents", {})
    if not isinstance(held, dict) or not all(isinstance(one, dict) for one in held.values()):
        raise lock_fault(into, LOCK, "its documents are none")
    return held


def _doubled(shelf: Shelf) -> Iterator[Diagnostic]:
    for key, file in shelf.doubled:
        if key[0] in _KINDS:
            message = f"{'/'.join(key)} is declared in {shelf.file_of(key)} already; this one is left as it is"
            yield Diagnostic(file, 1, 1, "", message, "take one of them away", "gocdb")


def _unparsable(shelf: Shelf) -> Iterator[Diagnostic]:
    """What is no YAML, beside what the shelf tells of: it may declare what is imported."""
    told = {one.file for one in shelf.problems}
    for path in manifest_files(shelf.folder):
        file = path.relative_to(shelf.folder).as_posix()
        if file in told:
            continue
        for fault in (fault for one in documents(path.read_bytes()) for fault in one.faults):
            message = f"it cannot be read, and is left as it is: {fault.message}"
            yield Diagnostic(file, fault.line, fault.column, fault.path, message, fault.cure, "gocdb")
            break
