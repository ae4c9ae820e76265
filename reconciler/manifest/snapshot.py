"""What was parsed, as a file: columns of plain JSON, then the specs' canonical JSON, byte after byte.

A hundred thousand resources are read back in a fraction of a second, because columns are turned into resources by
loops that run in C, and what many resources share (edges, targets, labels) stands there once. The file begins with
what wrote it (format and code) and a digest of the rest. It is read whole or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import cache, partial
from itertools import accumulate, pairwise, repeat
from pathlib import Path
from typing import Any

import orjson

import reconciler
from reconciler.kinds import Kind
from reconciler.model import PLAIN, Diagnostic, Edge, Lifecycle, Location, Ref, Resource

_MAGIC = b"hanse-parsed-4\n"
_HEAD = len(_MAGIC) + 32 + 32 + 8


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a revision declared, and the findings of named rules in it."""

    commit: str
    paths: tuple[str, ...]
    files: Mapping[str, str]
    """Path -> blob id."""
    refs: Mapping[str, tuple[Ref, ...]]
    """Path -> what it declares."""
    items: Mapping[Ref, Resource]
    found: Mapping[str, tuple[Diagnostic, ...]]
    """Path -> what rules found there, as it stands before any configuration is asked."""
    ordered: bool = False
    """Nothing was wrong between the resources."""
    refused: tuple[Diagnostic, ...] = ()
    """Files that were left aside, which forbids nothing."""


def write(file: Path, snapshot: Snapshot) -> None:
    """Replace the file whole, or not at all: a cache that cannot be written is no error."""
    resources = [snapshot.items[ref] for refs in snapshot.refs.values() for ref in refs]
    shared = _Shared()
    columns = {
        "commit": snapshot.commit,
        "ordered": snapshot.ordered,
        "paths": snapshot.paths,
        "files": list(snapshot.refs),
        "blobs": [snapshot.files[path] for path in snapshot.refs],
        "counts": [len(refs) for refs in snapshot.refs.values()],
        "refs": [r.ref for r in resources],
        "digests": [r.digest for r in resources],
        "lines": [r.location.line for r in resources],
        "sizes": [len(r.content) for r in resources],
        "open": [r.open for r in resources],
        "rest": [shared.number(r) for r in resources],
        "shared": shared.rows,
        "found": {path: [astuple(fault)[1:] for fault in faults] for path, faults in snapshot.found.items()},
        "refused": [astuple(fault) for fault in snapshot.refused],
    }
    content = b"".join([r.content for r in resources])
    replace_file(file, [*_framed(orjson.dumps(columns), content)])


def read(file: Path, kinds: Mapping[str, Kind[Any]]) -> Snapshot | None:
    """What the file holds; None when there is none, or it is damaged, or other code wrote it."""
    try:
        written = file.read_bytes()
    except OSError:
        return None
    head, body = written[:_HEAD], memoryview(written)[_HEAD:]
    if head[: len(_MAGIC) + 32] != _MAGIC + stamp().encode() or head[-40:-8] != _sum(head[-8:], body):
        return None
    size = int.from_bytes(head[-8:], "big")
    with contextlib.suppress(KeyError):  # a kind that is not known here: other code wrote it after all
        return _restored(orjson.loads(body[:size]), body[size:], kinds)
    return None


def _restored(columns: Mapping[str, Any], content: memoryview, kinds: Mapping[str, Kind[Any]]) -> Snapshot:
    refs = [*map(Ref, columns["refs"])]
    files, counts = columns["files"], columns["counts"]
    ends = pairwise(accumulate(columns["sizes"], initial=0))
    where = [file for file, count in zip(files, counts, strict=True) for _ in range(count)]
    shared = [*map(partial(_unshared, kinds), columns["shared"])]
    edges, targets, decoders, lifecycles, labels, annotations = (
        [row[n] for row in map(shared.__getitem__, columns["rest"])] for n in range(6)
    )
    rows = zip(
        refs,
        columns["digests"],
        [bytes(content[start:end]) for start, end in ends],
        edges,
        targets,
        map(_made(Location), zip(where, columns["lines"], strict=True)),
        decoders,
        lifecycles,
        labels,
        annotations,
        repeat(None),
        columns["open"],
        strict=False,
    )
    return Snapshot(
        columns["commit"],
        tuple(columns["paths"]),
        dict(zip(files, columns["blobs"], strict=True)),
        dict(zip(files, _grouped(refs, counts), strict=True)),
        dict(zip(refs, map(_made(Resource), rows), strict=True)),
        {path: tuple([Diagnostic(path, *said) for said in faults]) for path, faults in columns["found"].items()},
        columns["ordered"],
        tuple([Diagnostic(*said) for said in columns["refused"]]),
    )


def _made(kind: type[Any]) -> Callable[[tuple[Any, ...]], Any]:
    """The constructor of a named tuple from its values, without the detour through Python."""
    return partial(tuple.__new__, kind)


def _grouped(refs: Sequence[Ref], counts: Sequence[int]) -> Iterable[tuple[Ref, ...]]:
    if counts == [1] * len(refs):
        return zip(refs)
    return [tuple(refs[start:end]) for start, end in pairwise(accumulate(counts, initial=0))]


class _Shared:
    """Numbers for what resources have in common; each combination is written once."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def number(self, resource: Resource) -> int:
        """The number of the resource's combination."""
        r = resource
        labels, annotations = (tuple(said.items()) if said else None for said in (r.labels, r.annotations))
        key = (r.edges, r.target, r.ref.kind, r.lifecycle, labels, annotations)
        if key not in self._numbers:
            self._numbers[key] = len(self.rows)
            plain = r.lifecycle is PLAIN
            lifecycle = None if plain else r.lifecycle.model_dump(mode="json", exclude_defaults=True)
            self.rows.append(
                [[list(edge) for edge in r.edges], r.target, r.ref.kind, lifecycle, r.labels, r.annotations]
            )
        return self._numbers[key]


def _unshared(kinds: Mapping[str, Kind[Any]], row: Sequence[Any]) -> tuple[Any, ...]:
    edges, target, kind, lifecycle, labels, annotations = row
    return (
        tuple([Edge(Ref(ref), *rest) for ref, *rest in edges]),
        target,
        _decoder(kinds[kind]),
        PLAIN if lifecycle is None else Lifecycle.model_validate_json(orjson.dumps(lifecycle)),
        labels,
        annotations,
    )


@cache
def _decoder(kind: Kind[Any]) -> Callable[[bytes], Any]:
    decode: Callable[[bytes], Any] = kind.Spec.model_validate_json
    return decode


def _framed(columns: bytes, content: bytes) -> Iterator[bytes]:
    size = len(columns).to_bytes(8, "big")
    yield from (_MAGIC, stamp().encode(), _sum(size, columns, content), size, columns, content)


def _sum(*parts: bytes | memoryview) -> bytes:
    """Digest of the parts one after the other."""
    digest = hashlib.blake2b(digest_size=32)
    for part in parts:
        digest.update(part)
    return digest.digest()


@cache
def stamp() -> str:
    """Digest over the code that parses and validates: what another version wrote means nothing."""
    root = Path(reconciler.__file__).parent
    files = sorted(p for name in ("manifest", "kinds", "model") for p in (root / name).rglob("*.py"))
    said = "".join(f"{p.relative_to(root)}:{p.stat().st_size}:{p.stat().st_mtime_ns}\n" for p in files)
    return hashlib.blake2b(f"{reconciler.__version__}\n{said}".encode(), digest_size=16).hexdigest()


def replace_file(path: Path, parts: Sequence[bytes]) -> None:
    """Write a file of the cache whole, or not at all; one that cannot be written is no error."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(parts)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
