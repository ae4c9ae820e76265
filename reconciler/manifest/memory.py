"""Memory: what was parsed, by blob id. In memory for a daemon, and on disk between commands.

The file on disk is a cache: it is checked by digest, tied to the code that wrote it, and thrown away on any doubt.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import orjson

import reconciler
from reconciler.kinds import Kind
from reconciler.model import PLAIN, Diagnostic, Edge, Lifecycle, Location, Ref, Resource, Revision, Spec

_FILE = "parsed"
_MAGIC = b"hanse-parsed-1\n"


@dataclass(frozen=True, slots=True)
class Kept:
    """What one content declares, as read at ``path``."""

    path: str
    resources: tuple[Resource, ...]
    faults: tuple[Diagnostic, ...] = ()

    def at(self, path: str) -> Kept:
        """The same content under another path."""
        if path == self.path:
            return self
        moved = tuple(r._replace(location=Location(path, r.location.line)) for r in self.resources)
        return Kept(path, moved, tuple(replace(fault, file=path) for fault in self.faults))


class _NoBlobs:
    def read(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        raise LookupError(f"only names are remembered, not contents: {', '.join(blobs)}")


@dataclass
class Memory:
    """Parsed contents, and the last revision that was without fault."""

    parsed: dict[str, Kept] = field(default_factory=dict)
    revision: Revision | None = None
    items: Mapping[Ref, Resource] = field(default_factory=dict)
    refs: dict[str, tuple[Ref, ...]] = field(default_factory=dict)
    """Path -> what it declares."""
    warnings: tuple[Diagnostic, ...] = ()
    directory: Path | None = None
    stale: int = 0
    """How many files differ from what is on disk."""

    @classmethod
    def open(cls, directory: Path, kinds: Mapping[str, Kind[Any]]) -> Memory:
        """What an earlier command kept; empty when there is nothing sound."""
        rows = _rows(directory / _FILE)
        memory = cls(directory=directory)
        if rows is None:
            return memory
        try:
            _restore(memory, rows, kinds)
        except (KeyError, TypeError, ValueError, AttributeError):
            return cls(directory=directory)
        return memory

    def remember(
        self,
        revision: Revision,
        items: Mapping[Ref, Resource],
        paths: set[str],
        added: Mapping[str, tuple[Ref, ...]],
        warnings: tuple[Diagnostic, ...],
    ) -> None:
        """Bring the memory to a revision that was without fault."""
        forgotten = {self.revision.files[p] for p in paths if self.revision and p in self.revision.files}
        for blob in forgotten - (set(revision.files.values()) if forgotten else set()):
            self.parsed.pop(blob, None)
        for path in paths - added.keys():
            self.refs.pop(path, None)
        self.refs.update(added)
        self.revision, self.items, self.warnings = revision, items, warnings
        self.stale += len(paths)

    def save(self) -> None:
        """Keep it for the next command, when more than a little has changed."""
        if self.directory is None or self.revision is None or self.stale * 50 <= len(self.revision.files):
            return
        rows = {
            "commit": self.revision.commit,
            "paths": self.revision.paths,
            "files": self.revision.files,
            "kept": {blob: _row(self.parsed[blob]) for blob in self.revision.files.values()},
        }
        content = orjson.dumps(rows)
        _write(self.directory / _FILE, _MAGIC + _stamp().encode() + _sum(content) + content)
        self.stale = 0


def _row(kept: Kept) -> list[Any]:
    return [
        kept.path,
        [
            [
                r.ref,
                r.digest,
                r.content.decode(),
                [list(edge) for edge in r.edges],
                r.target,
                r.location.line,
                r.lifecycle.model_dump(mode="json", exclude_defaults=True) or None,
                r.labels,
                r.annotations,
                r.open,
            ]
            for r in kept.resources
        ],
        [[f.line, f.column, f.path, f.message, f.cure, f.rule, f.severity] for f in kept.faults],
    ]


def _restore(memory: Memory, rows: Mapping[str, Any], kinds: Mapping[str, Kind[Any]]) -> None:
    decoders = {name: kind.Spec.model_validate_json for name, kind in kinds.items()}
    items: dict[Ref, Resource] = {}
    kept = {blob: _kept(row, decoders) for blob, row in rows["kept"].items()}
    memory.parsed = kept
    for path, blob in rows["files"].items():
        found = kept[blob].at(path)
        memory.refs[path] = tuple([resource.ref for resource in found.resources])
        for resource in found.resources:
            items[resource.ref] = resource
    memory.items = items
    memory.revision = Revision(rows["commit"], rows["files"], _NoBlobs(), paths=tuple(rows["paths"]))
    memory.warnings = tuple(sorted(f for k in kept.values() for f in k.faults))


def _kept(row: list[Any], decoders: Mapping[str, Callable[[bytes], Spec]]) -> Kept:
    path, resources, faults = row
    return Kept(
        path,
        tuple([_resource(path, r, decoders) for r in resources]),
        tuple([Diagnostic(path, *fault) for fault in faults]) if faults else (),
    )


def _resource(path: str, row: list[Any], decoders: Mapping[str, Callable[[bytes], Spec]]) -> Resource:
    name, digest, content, edges, target, line, lifecycle, labels, annotations, is_open = row
    ref = Ref(name)
    return Resource(
        ref,
        digest,
        content.encode(),
        tuple([Edge(Ref(e[0]), e[1], e[2], e[3]) for e in edges]) if edges else (),
        target,
        Location(path, line),
        decoders[name.partition("/")[0]],
        Lifecycle.model_validate(lifecycle, strict=False) if lifecycle else PLAIN,
        labels,
        annotations,
        None,
        is_open,
    )


def _rows(path: Path) -> Mapping[str, Any] | None:
    """The content of a cache file; None when there is none, or it is damaged, or other code wrote it."""
    try:
        read = path.read_bytes()
    except OSError:
        return None
    head = _MAGIC + _stamp().encode()
    start = len(head) + 32
    if not read.startswith(head) or read[len(head) : start] != _sum(read[start:]):
        return None
    rows: Mapping[str, Any] = orjson.loads(memoryview(read)[start:])
    return rows


def _sum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=32).digest()


@cache
def _stamp() -> str:
    """Digest over the code that parses and validates: another version's cache means nothing."""
    root = Path(reconciler.__file__).parent
    files = sorted(p for name in ("manifest", "kinds", "model") for p in (root / name).rglob("*.py"))
    said = "".join(f"{p.relative_to(root)}:{p.stat().st_size}:{p.stat().st_mtime_ns}\n" for p in files)
    return hashlib.blake2b(f"{reconciler.__version__}\n{said}".encode(), digest_size=16).hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Replace a file whole, or not at all: a cache that cannot be written is no error."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
