"""Downtimes as git tells them: what each commit stated of those that are declared, and so whether they were scheduled.

What was read of the past is kept by content and by tip: the next look reads only the commits that came since, and only
contents that it has not seen. It costs with the number of downtimes, and not with the length of the history.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from reconciler import manifest
from reconciler.errors import SourceError
from reconciler.kinds import registry
from reconciler.kinds.downtime import Declarations, DowntimeSpec, Stated
from reconciler.manifest.snapshot import stamp
from reconciler.model import Ref, Resource, Revision
from reconciler.source.stated import Content, contents, continues, cut_off, read_blobs

_FILE = "downtimes.json"
_WORKTREE = "worktree"


def declarations(
    repository: Path, read: Revision, resources: Mapping[Ref, Resource], cache: Path | None = None, tip: str = ""
) -> Declarations:
    """What commits have stated of each downtime that ``read`` declares, up to its commit; of a working tree, to HEAD.

    ``tip`` names another commit up to which the past is told. Raises SourceError where the past is not all there: what
    was declared when cannot be said then.
    """
    files = {ref: one.location.file for ref, one in resources.items() if ref.startswith("Downtime/")}
    up_to = tip or (read.commit if read.commit != _WORKTREE else _head(repository))
    if not files or not up_to:
        return {}
    if cut_off(repository):
        message = "the history is cut off (a shallow clone), so that nobody can say when a downtime was declared"
        raise SourceError(f"{message}: git fetch --unshallow")
    kept = _Kept.read(cache)
    kept.bring_up(repository, up_to, set(files.values()))
    kept.write(cache)
    return {ref: stated for ref, path in files.items() if (stated := [*kept.stated(ref, path)])}


def _head(repository: Path) -> str:
    """The commit of HEAD; "" where there is none yet."""
    from reconciler.source.names import resolved
    from reconciler.source.repository import opened

    try:
        return resolved(opened(repository), "HEAD")
    except SourceError:
        return ""


@dataclass
class _Kept:
    """What was read of the past."""

    tip: str = ""
    past: dict[str, list[Content]] = field(default_factory=dict)
    """Path -> its contents, the oldest first; empty for a file that no commit has."""
    specs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Blob -> name of a downtime -> its spec."""

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
        with contextlib.suppress(OSError):
            cache.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=cache)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(text)
                Path(name).replace(cache / _FILE)
            finally:
                Path(name).unlink(missing_ok=True)

    def bring_up(self, repository: Path, tip: str, paths: Collection[str]) -> None:
        """Read what has come since, and all of the files that were not looked at before."""
        if self.tip != tip and not (self.tip and continues(repository, self.tip, tip)):
            self.past = {}
        self.past = {path: some for path, some in self.past.items() if path in paths}
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
        kinds = {"Downtime": registry()["Downtime"]}
        for blob, content in read_blobs(repository, unseen):
            self.specs[blob] = {
                str(one.ref): orjson.loads(one.content) for one in _downtimes(unseen[blob], content, kinds)
            }

    def stated(self, ref: Ref, path: str) -> Iterator[Stated]:
        """What was stated of a downtime, the oldest first; contents that cannot be read any more say nothing."""
        for one in self.past.get(path, ()):
            said = self.specs.get(one.blob, {})
            mine = said.get(str(ref)) or (next(iter(said.values())) if len(said) == 1 else None)
            if not one.blob:
                yield Stated(one.at, None)
            elif mine is not None:
                yield Stated(one.at, DowntimeSpec.model_validate_json(orjson.dumps(mine)))


def _downtimes(path: str, content: bytes, kinds: Mapping[str, Any]) -> Iterable[Resource]:
    return (one for one in manifest.of_content(path, content, kinds) if one.ref.kind == "Downtime")
