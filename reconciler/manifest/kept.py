"""What one content declares, and the notes on disk of contents that the snapshot does not have."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from reconciler.kinds import Kind
from reconciler.manifest.snapshot import stamp
from reconciler.model import PLAIN, Diagnostic, Edge, Lifecycle, Location, Ref, Resource


@dataclass(frozen=True, slots=True)
class Kept:
    """What one content declares, as read at ``path``, and every fault in it."""

    path: str
    resources: tuple[Resource, ...]
    faults: tuple[Diagnostic, ...] = ()
    torn: tuple[Resource, ...] = ()
    """What faulty documents mean to declare: by name, and with its content where only unknown fields are wrong.

    They are looked at beside the sound ones to find more faults, and nothing else is made of them."""

    def at(self, path: str) -> Kept:
        """The same content under another path."""
        if path == self.path:
            return self
        moved, torn = (
            tuple(r._replace(location=Location(path, r.location.line)) for r in some)
            for some in (self.resources, self.torn)
        )
        return Kept(path, moved, tuple(replace(fault, file=path) for fault in self.faults), torn)


def note(file: Path, kept: Mapping[str, Kept]) -> None:
    """Add contents, by blob id, to the notes. Notes of other code are begun anew; a failure to write is no error."""
    first = f"{stamp()}\n".encode()
    lines = [_line(orjson.dumps([blob, *_row(one)])) for blob, one in kept.items()]
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        begun = file.exists() and _begins(file, first)
        with file.open("ab" if begun else "wb") as notes:
            notes.writelines([*([] if begun else [first]), *lines])


def noted(file: Path, kinds: Mapping[str, Kind[Any]]) -> dict[str, Kept]:
    """The notes, by blob id; up to the first line that is damaged."""
    try:
        first, *lines = file.read_bytes().split(b"\n")
    except OSError:
        return {}
    if first.decode("utf-8", "replace") != stamp():
        return {}
    return dict(_read(lines, kinds))


def _begins(file: Path, first: bytes) -> bool:
    """True for whole notes of this code: after a half-written line nothing may be added."""
    with file.open("rb") as notes:
        if notes.read(len(first)) != first:
            return False
        notes.seek(-1, 2)
        return notes.read(1) == b"\n"


def _line(row: bytes) -> bytes:
    return b"%s %s\n" % (_sum(row), row)


def _read(lines: list[bytes], kinds: Mapping[str, Kind[Any]]) -> Iterator[tuple[str, Kept]]:
    for line in lines:
        digest, _, row = line.partition(b" ")
        if not row or _sum(row) != digest:
            return
        blob, path, resources, faults, torn = orjson.loads(row)
        if all(Ref(r[0]).kind in kinds for r in (*resources, *torn)):
            said = tuple([Diagnostic(path, *fault) for fault in faults])
            made, half = (tuple([_resource(path, r, kinds) for r in some]) for some in (resources, torn))
            yield blob, Kept(path, made, said, half)


def _sum(row: bytes) -> bytes:
    return hashlib.blake2b(row, digest_size=16).hexdigest().encode()


def _row(kept: Kept) -> list[Any]:
    faults = [astuple(fault)[1:] for fault in kept.faults]
    return [kept.path, [_fields(r) for r in kept.resources], faults, [_fields(r) for r in kept.torn]]


def _fields(r: Resource) -> list[Any]:
    return [
        r.ref,
        r.digest,
        r.content.decode(),
        [list(edge) for edge in r.edges],
        r.target,
        r.location.line,
        None if r.lifecycle is PLAIN else r.lifecycle.model_dump(mode="json", exclude_defaults=True),
        r.labels,
        r.annotations,
        r.open,
    ]


def _resource(path: str, row: list[Any], kinds: Mapping[str, Kind[Any]]) -> Resource:
    name, digest, content, edges, target, line, lifecycle, labels, annotations, is_open = row
    return Resource(
        ref=(ref := Ref(name)),
        digest=digest,
        content=content.encode(),
        edges=tuple([Edge(Ref(to), *rest) for to, *rest in edges]),
        target=target,
        location=Location(path, line),
        decode=kinds[ref.kind].Spec.model_validate_json,
        lifecycle=PLAIN if lifecycle is None else Lifecycle.model_validate_json(orjson.dumps(lifecycle)),
        labels=labels,
        annotations=annotations,
        open=is_open,
    )
