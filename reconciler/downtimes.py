"""What commits have stated of resources whose past matters, and when: downtimes, and sites that are suspended.

What was read of the past is kept by content and by tip: the next look reads only the commits that came since, and only
contents that it has not seen. It costs with the number of such resources, and not with the length of the history.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from reconciler import manifest, source
from reconciler.errors import SourceError
from reconciler.kinds import Kind, Stated, registry
from reconciler.kinds.downtime import Declarations
from reconciler.kinds.downtime.classes import DECLARED
from reconciler.manifest.snapshot import replace_file, stamp
from reconciler.model import Ref, Resource, Revision
from reconciler.source.stated import Content, contents, continues, cut_off, read_blobs
from reconciler.source.worktree import NAME as WORKTREE

_FILE = "stated.json"


def stated(
    repository: Path, read: Revision, resources: Mapping[Ref, Resource], cache: Path | None = None, tip: str = ""
) -> dict[Ref, list[Stated[Any]]]:
    """What commits have stated of each resource that ``read`` declares and whose kind remembers, the oldest first.

    Up to its commit, or to the later commit ``tip``; of a working tree, up to HEAD. Raises SourceError where the past
    is not all there: what was declared when cannot be said then.
    """
    files = {ref: one.location.file for ref, one in _remembered(resources)}
    up_to = tip or tip_of(repository, read) if files else ""
    if not up_to:
        return _told(_Kept(), files, resources)
    kept = _Kept.read(cache)
    if kept.knows(up_to, files.values()):
        return _told(kept, files, resources)
    if cut_off(repository):
        message = "the history is cut off (a shallow clone), so that nobody can say when a downtime was declared"
        raise SourceError(f"{message}: git fetch --unshallow")
    kept.bring_up(repository, up_to, set(files.values()))
    kept.write(cache)
    return _told(kept, files, resources)


def declarations(
    repository: Path, read: Revision, resources: Mapping[Ref, Resource], cache: Path | None = None, tip: str = ""
) -> Declarations:
    """What commits have stated of each downtime that ``read`` declares. Raises SourceError like ``stated``."""
    mine = {ref: one for ref, one in resources.items() if ref.startswith("Downtime/")}
    return stated(repository, read, mine, cache, tip)


def _elsewhere(one: Resource, said: Sequence[Stated[Any]]) -> Iterator[Stated[Any]]:
    """What another register stated of an imported downtime, before any commit did: what the first one says, or will."""
    with contextlib.suppress(ValueError):
        at = datetime.fromisoformat((one.annotations or {}).get(DECLARED, ""))
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        if not said:
            yield Stated(at, one.spec)
        elif at < said[0].at:
            yield Stated(at, said[0].spec)


def _told(kept: _Kept, files: Mapping[Ref, str], resources: Mapping[Ref, Resource]) -> dict[Ref, list[Stated[Any]]]:
    said = {ref: [*kept.stated(ref, path)] for ref, path in files.items()}
    told = {ref: [*_elsewhere(resources[ref], some), *some] for ref, some in said.items()}
    return {ref: some for ref, some in told.items() if some}


def _remembered(resources: Mapping[Ref, Resource]) -> Iterator[tuple[Ref, Resource]]:
    kinds = {f"{name}/": kind for name, kind in registry().items() if type(kind).remembers is not Kind.remembers}
    prefixes = tuple(kinds)
    for ref, one in resources.items():
        if ref.startswith(prefixes) and kinds[f"{ref.kind}/"].remembers(one):
            yield ref, one


def tip_of(repository: Path, read: Revision) -> str:
    """The commit up to which the past of a revision goes: of a working tree HEAD; "" where there is none yet."""
    if read.commit != WORKTREE:
        return read.commit
    try:
        return source.head_of(repository, "HEAD")
    except SourceError:
        return ""


@dataclass
class _Kept:
    """What was read of the past."""

    tip: str = ""
    past: dict[str, list[Content]] = field(default_factory=dict)
    """Path -> its contents, the oldest first; empty for a file that no commit has."""
    specs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Blob -> reference -> its spec."""

    @classmethod
    def read(cls, cache: Path | None) -> _Kept:
        """What an earlier look kept; nothing where there is nothing sound, or other code wrote it."""
        try:
            said = orjson.loads((cache / _FILE).read_bytes()) if cache else {}
        except (OSError, orjson.JSONDecodeError):
            return cls()
        if said.get("stamp") != stamp():
            return cls()
        past = {
            path: [Content(datetime.fromtimestamp(at, UTC), blob) for at, blob in some]
            for path, some in said["past"].items()
        }
        return cls(said["tip"], past, said["specs"])

    def write(self, cache: Path | None) -> None:
        """Keep it; a cache that cannot be written is no error."""
        if cache is None:
            return
        past = {path: [(int(one.at.timestamp()), one.blob) for one in some] for path, some in self.past.items()}
        wanted = {one.blob for some in self.past.values() for one in some}
        specs = {blob: said for blob, said in self.specs.items() if blob in wanted}
        text = orjson.dumps({"stamp": stamp(), "tip": self.tip, "past": past, "specs": specs})
        replace_file(cache / _FILE, [text])

    def knows(self, tip: str, paths: Collection[str]) -> bool:
        """Whether there is nothing to read."""
        return self.tip == tip and all(path in self.past for path in paths)

    def bring_up(self, repository: Path, tip: str, paths: Collection[str]) -> None:
        """Read what has come since, and all of the files that were not looked at before."""
        if self.tip != tip and not (self.tip and continues(repository, self.tip, tip)):
            self.past = {}
        if self.tip != tip and self.past:
            later = contents(repository, tip, self.past, self.tip)
            self.past = {path: [*some, *later.get(path, ())] for path, some in self.past.items()}
        new = {path for path in paths if path not in self.past}
        found = contents(repository, tip, new) if new else {}
        self.past |= {path: found.get(path, []) for path in new}
        self.tip = tip
        self._parse(repository)

    def _parse(self, repository: Path) -> None:
        unseen = {
            one.blob: path
            for path, some in self.past.items()
            for one in some
            if one.blob and one.blob not in self.specs
        }
        for blob, content in read_blobs(repository, unseen):
            self.specs[blob] = {
                str(one.ref): orjson.loads(one.content)
                for one in manifest.of_content(unseen[blob], content, registry())
                if type(registry()[one.ref.kind]).remembers is not Kind.remembers
            }

    def stated(self, ref: Ref, path: str) -> Iterator[Stated[Any]]:
        """What was stated of a resource, the oldest first; contents that cannot be read any more say nothing."""
        kind = registry()[ref.kind]
        for one in self.past.get(path, ()):
            said = {name: spec for name, spec in self.specs.get(one.blob, {}).items() if Ref(name).kind == ref.kind}
            mine = said.get(str(ref)) or (next(iter(said.values())) if len(said) == 1 else None)
            if not one.blob:
                yield Stated(one.at, None)
            elif mine is not None:
                yield Stated(one.at, kind.Spec.model_validate_json(orjson.dumps(mine)))
