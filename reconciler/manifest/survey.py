"""Everything that a revision declares, with every fault of every file, in one go; what became of it says the caller."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.errors import SourceError
from reconciler.kinds import Kind
from reconciler.manifest import secrets
from reconciler.manifest.broken import declared
from reconciler.manifest.bulk import uncollected
from reconciler.manifest.document import resource
from reconciler.manifest.located import placed
from reconciler.manifest.memory import Kept, Memory
from reconciler.manifest.moves import moved_wrongly
from reconciler.manifest.reader import documents
from reconciler.manifest.rules import RuleSettings, checked
from reconciler.manifest.scopes import overreaching
from reconciler.model import Diagnostic, Ref, Resource, Resources, Revision


@dataclass(frozen=True, slots=True)
class Survey:
    """What a revision declares, valid or not."""

    resources: Resources
    """What is valid one by one; without any error, what ``load`` returns."""
    faults: tuple[Diagnostic, ...]
    """Of every file, warnings too, sorted."""
    torn: Mapping[Ref, Resource]
    """What faulty documents mean to declare: by name, with content where only unknown fields are wrong."""
    unread: frozenset[str] = frozenset()
    """Files of which nothing is known: what they declare is not missing."""

    @property
    def sound(self) -> bool:
        """Nothing forbids to go on."""
        return all(fault.severity != "error" for fault in self.faults)


def survey(
    revision: Revision,
    kinds: Mapping[str, Kind[Any]],
    settings: RuleSettings | None = None,
    memory: Memory | None = None,
) -> Survey:
    """Everything declared at a revision, with every fault. Raises SettingsError for rules that there are not.

    ``memory`` is brought up to date only when the revision is without fault, so a broken commit costs nothing later.
    """
    kept = memory if memory is not None else Memory()
    judge = checked(settings or RuleSettings(), kinds)
    with uncollected():
        return _survey(revision, kinds, judge, kept)


def _survey(revision: Revision, kinds: Mapping[str, Kind[Any]], judge: RuleSettings, memory: Memory) -> Survey:
    cold = memory.revision is None
    before: Mapping[str, str] = memory.revision.files if memory.revision else {}
    came = [path for path, blob in revision.files.items() if before.get(path) != blob]
    gone = [path for path in before if path not in revision.files]
    parsed, unread = _parsed(revision, came, kinds, memory)
    items: dict[Ref, Resource] = dict(memory.items)
    torn: dict[Ref, Resource] = {}
    for path in (*gone, *came):
        for ref in memory.refs.get(path, ()):
            items.pop(ref, None)
    between: list[Diagnostic] = []
    for kept in parsed.values():
        between += _joined(items, kept.resources)
    for kept in parsed.values():
        between += _joined(torn, kept.torn, items)
    if parsed or gone:
        between += moved_wrongly(items)
    between += overreaching(items, judge.scopes)
    faults = [*placed(between, revision), *(judge.judged(fault) for fault in (*revision.refused, *unread))]
    faults += _within(revision, parsed, judge, memory)
    faults.sort()
    ordered = memory.ordered
    if any(fault.severity == "error" for fault in faults):
        files = frozenset(fault.file for fault in (*revision.refused, *unread) if fault.severity == "error")
        whole = Resources(revision.commit, items, tuple(faults), None, ordered=False)
        return Survey(whole, tuple(faults), torn, files - revision.files.keys() | {fault.file for fault in unread})
    changed = frozenset(_changed(memory, items, (*gone, *came), parsed.values()))
    memory.remember(revision, items, gone, parsed)
    made = Resources(revision.commit, items, tuple(faults), None if cold else changed, ordered)
    return Survey(made, tuple(faults), {})


def _within(
    revision: Revision, parsed: Mapping[str, Kept], judge: RuleSettings, memory: Memory
) -> Iterator[Diagnostic]:
    """The faults of single files, also of those that are as they were. No content with a secret stays in memory."""
    for path, kept in parsed.items():
        said = _judged(kept, judge)
        yield from said
        if any(fault.rule == secrets.ID and fault.severity == "error" for fault in said):
            memory.withhold(revision.files[path])
    for path, found in memory.found.items():
        if path not in parsed and path in revision.files:
            yield from map(judge.judged, found)


def _judged(kept: Kept, judge: RuleSettings) -> list[Diagnostic]:
    """The faults of a file as the configuration weighs them. What could not be made of it stays an error."""
    said = [judge.judged(fault) for fault in kept.faults]
    if kept.torn and all(fault.severity != "error" for fault in said):
        return [replace(fault, severity="error") for fault in said]
    return said


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
) -> tuple[dict[str, Kept], list[Diagnostic]]:
    """What is declared at each path, in the order of the paths, and the files that are too large to be read.

    A content that was seen before is not read.
    """
    wanted = {path: revision.files[path] for path in sorted(paths)}
    unseen = {blob: path for path, blob in wanted.items() if memory.known(blob) is None}
    fresh = {}
    too_large: tuple[str, ...] = ()
    try:
        for blob, content in revision.blobs.read(unseen):
            fresh[blob] = _file(unseen[blob], content, kinds)
            memory.learn(blob, fresh[blob])
    except SourceError as error:
        too_large = error.too_large
        if not too_large:
            raise
    refused = [
        Diagnostic(path, 1, 1, "", "over 1048576 bytes", "split it", "file")
        for path, blob in wanted.items()
        if blob in too_large
    ]
    read = {path: blob for path, blob in wanted.items() if blob not in too_large}
    return {path: (fresh.get(blob) or _known(memory, blob)).at(path) for path, blob in read.items()}, refused


def _known(memory: Memory, blob: str) -> Kept:
    kept = memory.known(blob)
    if kept is None:
        raise SourceError(f"blob {blob}: the repository did not give it")
    return kept


def of_content(path: str, content: bytes, kinds: Mapping[str, Kind[Any]]) -> tuple[Resource, ...]:
    """What one content declares that is valid by itself; nothing where it cannot be read by the rules of today."""
    return _file(path, content, kinds).resources


def _file(path: str, content: bytes, kinds: Mapping[str, Kind[Any]]) -> Kept:
    resources, torn, faults = [], [], []
    unparsed = False
    suspected = secrets.suspected(content)
    for document in documents(content):
        read = resource(document, path, kinds, suspected=suspected)
        faults += read.faults
        unparsed = unparsed or document.data is None
        if read.resource is not None:
            resources.append(read.resource)
        if read.torn is not None:
            torn.append(read.torn)
    if unparsed:
        known = {one.ref for one in (*resources, *torn)}
        torn += [one for one in declared(content, path, kinds) if one.ref not in known]
    return Kept(path, tuple(resources), tuple(faults), tuple(torn))


def _joined(
    items: dict[Ref, Resource], resources: Iterable[Resource], beside: Mapping[Ref, Resource] | None = None
) -> Iterator[Diagnostic]:
    """Add resources to ``items``; a name that is taken is a fault of the later place that names the earlier one."""
    for one in resources:
        other = (beside or {}).get(one.ref) or items.setdefault(one.ref, one)
        if other is one:
            continue
        first, second = sorted((one, other), key=lambda r: r.location)
        if beside is None:
            items[one.ref] = first
        there, here = first.location, second.location
        message = f"{one.ref} is declared in {there.file}:{there.line} already"
        yield Diagnostic(here.file, here.line, 1, "metadata.name", message, "rename or remove one", "name-taken")
