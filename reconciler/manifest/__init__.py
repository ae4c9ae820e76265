"""Stage 2, Revision -> Resources: parses and validates; every fault of every file is reported, once.

A file is parsed once for each content it ever has: what it declares is kept by blob id. Given a memory, only what
changed since the last load is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.errors import ManifestError, SourceError
from reconciler.kinds import Kind
from reconciler.manifest.bulk import uncollected
from reconciler.manifest.document import resource
from reconciler.manifest.memory import Kept, Memory
from reconciler.manifest.moves import moved_wrongly
from reconciler.manifest.reader import documents
from reconciler.manifest.rules import RuleSettings, checked, rules
from reconciler.model import Diagnostic, Ref, Resource, Resources, Revision

__all__ = ["Memory", "RuleSettings", "load", "rules"]


def load(
    revision: Revision,
    kinds: Mapping[str, Kind[Any]],
    settings: RuleSettings | None = None,
    memory: Memory | None = None,
) -> Resources:
    """Everything declared at a revision.

    Raises ManifestError with every fault of every file, and SettingsError for rules that there are not.

    ``memory`` is brought up to date only when the revision is without fault, so a broken commit costs nothing later.
    """
    kept = memory if memory is not None else Memory()
    judge = checked(settings or RuleSettings(), kinds)
    with uncollected():
        return _load(revision, kinds, judge, kept)


def _load(revision: Revision, kinds: Mapping[str, Kind[Any]], judge: RuleSettings, memory: Memory) -> Resources:
    cold = memory.revision is None
    before: Mapping[str, str] = memory.revision.files if memory.revision else {}
    came = [path for path, blob in revision.files.items() if before.get(path) != blob]
    gone = [path for path in before if path not in revision.files]
    parsed = _parsed(revision, came, kinds, memory)
    items: dict[Ref, Resource] = dict(memory.items)
    faults: list[Diagnostic] = []
    for path in (*gone, *came):
        for ref in memory.refs.get(path, ()):
            items.pop(ref, None)
    for kept in parsed.values():
        faults += _joined(items, kept.resources)
    if parsed or gone:
        faults += moved_wrongly(items)
    faults += [judge.judged(fault) for kept in parsed.values() for fault in kept.faults]
    faults += [judge.judged(fault) for path, found in memory.found.items() if path not in parsed for fault in found]
    faults = sorted(fault for fault in faults if fault.file in revision.files)
    if any(fault.severity == "error" for fault in faults):
        raise ManifestError(faults)
    changed = frozenset(_changed(memory, items, (*gone, *came), parsed.values()))
    ordered = memory.ordered
    memory.remember(revision, items, gone, parsed)
    return Resources(revision.commit, items, tuple(faults), None if cold else changed, ordered)


def _changed(
    memory: Memory, now: Mapping[Ref, Resource], paths: Iterable[str], parsed: Iterable[Kept]
) -> Iterator[Ref]:
    """Refs that came, went, or are not as they were."""
    suspects = {ref for path in paths for ref in memory.refs.get(path, ())}
    suspects.update(one.ref for kept in parsed for one in kept.resources)
    for ref in suspects:
        if memory.items.get(ref) != now.get(ref):
            yield ref


def _parsed(
    revision: Revision, paths: Iterable[str], kinds: Mapping[str, Kind[Any]], memory: Memory
) -> dict[str, Kept]:
    """What is declared at each path, in the order of the paths. A content that was seen before is not read."""
    wanted = {path: revision.files[path] for path in sorted(paths)}
    unseen = {blob: path for path, blob in wanted.items() if memory.known(blob) is None}
    fresh = {}
    for blob, content in revision.blobs.read(unseen):
        fresh[blob] = _file(unseen[blob], content, kinds)
        memory.learn(blob, fresh[blob])
    return {path: (fresh.get(blob) or _known(memory, blob)).at(path) for path, blob in wanted.items()}


def _known(memory: Memory, blob: str) -> Kept:
    kept = memory.known(blob)
    if kept is None:
        raise SourceError(f"blob {blob}: the repository did not give it")
    return kept


def _file(path: str, content: bytes, kinds: Mapping[str, Kind[Any]]) -> Kept:
    resources, faults = [], []
    for document in documents(content):
        made, found = resource(document, path, kinds)
        faults += found
        if made is not None:
            resources.append(made)
    return Kept(path, tuple(resources), tuple(faults))


def _joined(items: dict[Ref, Resource], resources: Iterable[Resource]) -> Iterator[Diagnostic]:
    """Add resources to ``items``; a name that is taken is a fault of the later place that names the earlier one."""
    for one in resources:
        other = items.setdefault(one.ref, one)
        if other is one:
            continue
        first, second = sorted((one, other), key=lambda r: r.location)
        items[one.ref] = first
        there, here = first.location, second.location
        message = f"{one.ref} is declared in {there.file}:{there.line} already"
        yield Diagnostic(here.file, here.line, 1, "metadata.name", message, "rename or remove one", "name-taken")
