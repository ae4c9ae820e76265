"""Stage 2, Revision -> Resources: parses and validates; every fault of every file is reported, once.

A file is parsed once for each content it ever has: what it declares is kept by blob id. Given a memory, only what
changed since the last load is looked at.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from reconciler.errors import ManifestError
from reconciler.kinds import Kind
from reconciler.manifest.document import Documents
from reconciler.manifest.memory import Kept, Memory
from reconciler.manifest.reader import documents
from reconciler.manifest.rules import RuleSettings, rules
from reconciler.model import Diagnostic, Ref, Resource, Resources, Revision

__all__ = ["Memory", "RuleSettings", "load", "rules"]


def load(
    revision: Revision,
    kinds: Mapping[str, Kind[Any]],
    settings: RuleSettings | None = None,
    memory: Memory | None = None,
) -> Resources:
    """Everything declared at a revision. Raises ManifestError with every fault of every file.

    ``memory`` is brought up to date only when the revision is without fault, so a broken commit costs nothing later.
    """
    kept = memory if memory is not None else Memory()
    judge = settings or RuleSettings()
    with _uncollected():
        return _load(revision, kinds, judge, kept)


def _load(revision: Revision, kinds: Mapping[str, Kind[Any]], judge: RuleSettings, kept: Memory) -> Resources:
    cold = kept.revision is None
    before: Mapping[str, str] = kept.revision.files if kept.revision else {}
    paths = {path for path, _ in revision.files.items() ^ before.items()}
    _parse(revision, paths, kinds, kept)
    items: dict[Ref, Resource] = dict(kept.items)
    gone = [ref for path in paths for ref in kept.refs.get(path, ())]
    for ref in gone:
        items.pop(ref, None)
    faults: list[Diagnostic] = []
    added: dict[str, tuple[Ref, ...]] = {}
    for path in sorted(path for path in paths if path in revision.files):
        found = kept.parsed[revision.files[path]].at(path)
        faults += [judge.judged(fault) for fault in found.faults]
        faults += _joined(items, found.resources)
        added[path] = tuple(resource.ref for resource in found.resources)
    warnings = [fault for fault in kept.warnings if fault.file not in paths]
    warnings += [fault for fault in faults if fault.severity == "warning"]
    if len(faults) > len(warnings) or any(fault.severity == "error" for fault in faults):
        raise ManifestError(sorted(faults))
    changed = frozenset(_changed(kept.items, items, gone, added))
    kept.remember(revision, items, paths, added, tuple(sorted(warnings)))
    return Resources(revision.commit, items, kept.warnings, None if cold else changed)


def _changed(
    before: Mapping[Ref, Resource], now: Mapping[Ref, Resource], gone: Iterable[Ref], added: Mapping[str, Iterable[Ref]]
) -> Iterator[Ref]:
    """Refs that came, went, or are not as they were."""
    for ref in {*gone, *(ref for refs in added.values() for ref in refs)}:
        if before.get(ref) != now.get(ref):
            yield ref


def _parse(revision: Revision, paths: set[str], kinds: Mapping[str, Kind[Any]], kept: Memory) -> None:
    """Parse every blob that was never seen."""
    wanted = {blob: path for path in paths if (blob := revision.files.get(path)) and blob not in kept.parsed}
    reader = Documents(kinds)
    for blob, content in revision.blobs.read(wanted):
        kept.parsed[blob] = _file(reader, wanted[blob], content)


def _file(reader: Documents, path: str, content: bytes) -> Kept:
    resources, faults = [], []
    for document in documents(content):
        resource, found = reader.resource(document, path)
        faults += found
        if resource is not None:
            resources.append(resource)
    return Kept(path, tuple(resources), tuple(faults))


def _joined(items: dict[Ref, Resource], resources: Iterable[Resource]) -> Iterator[Diagnostic]:
    """Add resources to ``items``; a name that is taken is a fault that names both places."""
    for resource in resources:
        other = items.get(resource.ref)
        if other is None:
            items[resource.ref] = resource
            continue
        here, there = resource.location, other.location
        message = f"{resource.ref} is declared in {there.file}:{there.line} already"
        yield Diagnostic(here.file, here.line, 1, "metadata.name", message, "rename or remove one", "name-taken")


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection while hundreds of thousands of values are made that all stay."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
