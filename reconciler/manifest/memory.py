"""Memory: what was parsed, so that no content is parsed twice. In memory for a daemon, and on disk between commands.

On disk it is a cache: checked by digests, tied to the code that wrote it, and made anew on any doubt. The snapshot
holds the last revision whole; what was parsed since is noted beside it, until that is more than a little.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from reconciler.kinds import Kind
from reconciler.manifest import snapshot
from reconciler.manifest.bulk import uncollected
from reconciler.manifest.kept import Kept, note, noted
from reconciler.manifest.snapshot import Snapshot
from reconciler.model import Diagnostic, Ref, Resource, Revision

__all__ = ["Kept", "Memory"]

SPARE = 50_000
"""Contents remembered that the last revision does not have: of other branches, of broken commits."""
SPARE_ON_DISK = 2_000
"""How many of them the next command is given."""
_SNAPSHOT = "parsed"
_NOTES = "parsed.more"
_SHARE = 50
"""One file in so many may differ from the snapshot before it is written anew."""


class _NoBlobs:
    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        raise LookupError(f"only names are remembered, not contents: {', '.join(blobs)}")


@dataclass
class Memory:
    """The last revision that was without fault, and other contents that were parsed."""

    revision: Revision | None = None
    items: Mapping[Ref, Resource] = field(default_factory=dict)
    refs: dict[str, tuple[Ref, ...]] = field(default_factory=dict)
    """Path -> what it declares."""
    found: dict[str, tuple[Diagnostic, ...]] = field(default_factory=dict)
    """Path -> what named rules found there, before any configuration is asked."""
    ordered: bool = False
    """Nothing is wrong between the resources of ``revision`` either: graph/ has said so."""
    directory: Path | None = None
    _spare: dict[str, Kept] = field(default_factory=dict)
    _unsaved: set[str] = field(default_factory=set)
    """Blob ids that are neither in the snapshot nor noted."""
    _withheld: set[str] = field(default_factory=set)
    """Blob ids of contents that are never written down: there is a secret in them."""
    _ordered_on_disk: bool = False
    _stale: int = 0
    """How many files differ from the snapshot on disk."""
    _paths: dict[str, str] | None = None
    """Blob id -> a path of ``revision``, made when it is asked for."""

    @classmethod
    def open(cls, directory: Path, kinds: Mapping[str, Kind[Any]]) -> Memory:
        """What an earlier command kept; empty when there is nothing sound."""
        memory = cls(directory=directory, _spare=noted(directory / _NOTES, kinds))
        with uncollected():
            read = snapshot.read(directory / _SNAPSHOT, kinds)
        if read is not None:
            memory.revision = Revision(read.commit, read.files, _NoBlobs(), paths=read.paths, refused=read.refused)
            memory.items, memory.refs, memory.found = read.items, dict(read.refs), dict(read.found)
            memory.ordered = memory._ordered_on_disk = read.ordered
            gc.freeze()  # a command that begins with so many values keeps them to its end
        return memory

    def known(self, blob: str) -> Kept | None:
        """What a content declares; None when it was never parsed."""
        return self._spare.get(blob) or self._from_revision(blob)

    def learn(self, blob: str, kept: Kept) -> None:
        """Keep what a content declares, faulty or not."""
        self._spare[blob] = kept
        if self.directory is not None:
            self._unsaved.add(blob)

    def withhold(self, blob: str) -> None:
        """Never write down what a content declares, while no revision without fault has it."""
        self._withheld.add(blob)

    def remember(
        self,
        revision: Revision,
        items: Mapping[Ref, Resource],
        gone: Sequence[str],
        added: Mapping[str, Kept],
    ) -> None:
        """Bring the memory to a revision without fault: ``gone`` paths are no more, those of ``added`` differ."""
        for path in {*gone, *added} & self.refs.keys():
            self._spare_what_was_at(path)
        for path in gone:
            self.refs.pop(path, None)
            self.found.pop(path, None)
        for path, kept in added.items():
            self.refs[path] = tuple([resource.ref for resource in kept.resources])
            self.found.pop(path, None)
            if kept.faults:
                self.found[path] = kept.faults
            self._spare.pop(revision.files[path], None)
        self.ordered = self.ordered and not added and not gone
        self._stale += len(added)
        self._paths = None if added or gone else self._paths
        self.revision, self.items = revision, items
        self._forget()

    def save(self) -> None:
        """Keep it for the next command."""
        if self.directory is None:
            return
        if self.revision is not None and self._differs(self.revision):
            self._save_whole(self.directory, self.revision)
        elif self._unsaved:
            wanted = self._unsaved - self._withheld
            kept = {blob: found for blob in wanted if (found := self.known(blob)) is not None}
            note(self.directory / _NOTES, kept)
        self._unsaved = set()

    def _differs(self, revision: Revision) -> bool:
        """The snapshot is so far from ``revision``, or knows so much less of it, that it is written anew."""
        return self._stale * _SHARE > len(revision.files) or (self.ordered and not self._ordered_on_disk)

    def _save_whole(self, directory: Path, revision: Revision) -> None:
        with contextlib.suppress(OSError):
            (directory / _NOTES).unlink()
        if self._spare:
            spare = ((blob, kept) for blob, kept in reversed(self._spare.items()) if blob not in self._withheld)
            newest = [*islice(spare, SPARE_ON_DISK)]
            note(directory / _NOTES, dict(reversed(newest)))
        parts = (self.refs, self.items, self.found, self.ordered, revision.refused)
        kept = Snapshot(revision.commit, revision.paths, revision.files, *parts)
        snapshot.write(directory / _SNAPSHOT, kept)
        self._stale, self._ordered_on_disk = 0, self.ordered

    def _from_revision(self, blob: str) -> Kept | None:
        if self.revision is None:
            return None
        if self._paths is None:
            self._paths = dict(zip(self.revision.files.values(), self.revision.files, strict=True))
        path = self._paths.get(blob)
        return None if path is None else self._at(path)

    def _at(self, path: str) -> Kept:
        return Kept(path, tuple([self.items[ref] for ref in self.refs[path]]), self.found.get(path, ()))

    def _spare_what_was_at(self, path: str) -> None:
        assert self.revision is not None  # noqa: S101 (refs are of a revision)
        self._spare[self.revision.files[path]] = self._at(path)

    def _forget(self) -> None:
        """Drop the oldest spare contents when there are too many."""
        for blob in [*islice(self._spare, max(0, len(self._spare) - SPARE))]:
            del self._spare[blob]
