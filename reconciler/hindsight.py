"""What is wrong with a revision in the light of the past: of what commits stated when, and of what git had before.

Validation asks it of git; a plan compares with what was applied instead, and is told the rest as remarks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from reconciler import manifest, source
from reconciler.downtimes import stated
from reconciler.errors import SourceError
from reconciler.kinds import Fault, Kind, registry
from reconciler.model import Diagnostic, Graph, Ref, Resource, Revision, Severity

RULE = "downtime-history"


def judged(
    repository: Path, read: Revision, resources: Mapping[Ref, Resource], cache: Path | None, now: datetime
) -> list[Diagnostic]:
    """What is wrong by the clock and by when commits stated what; one warning more where the past is not there."""
    try:
        known = stated(repository, read, resources, cache)
    except SourceError as error:
        first = min(one.location for ref, one in resources.items() if registry()[ref.kind].remembers(one))
        said = Diagnostic(first.file, 1, 1, "", str(error), "", RULE, "warning")
        return [said, *(one for one in _judged(resources, {}, now) if one.rule not in _BY_TIME)]
    return [*_judged(resources, known, now)]


_BY_TIME = frozenset({"downtime-late", "downtime-long-ago", "site-suspended-long"})
"""Rules that cannot be judged where the past is not there."""


def _judged(
    resources: Mapping[Ref, Resource], known: Mapping[Ref, Sequence[Any]], now: datetime
) -> Iterator[Diagnostic]:
    for kind in registry().values():
        if type(kind).hindsight is not Kind.hindsight:
            mine = {ref: said for ref, said in known.items() if ref.kind == kind.name}
            for ref, rule, fault in kind.hindsight(resources, mine, now):
                yield _diagnostic(resources[ref], kind, rule, fault)


def turned(
    repository: Path,
    read: Revision,
    resources: Mapping[Ref, Resource],
    now: datetime,
    *,
    whole: bool = True,
    against: str = "",
) -> Iterator[Diagnostic]:
    """What is wrong with the steps from what git had before: at the first parent, or for a working tree at HEAD.

    With ``against``, a branch, at the last commit that both have in common; raises SourceError where there is none.
    Unless ``resources`` are the whole of what is declared, what is missing among them is not taken for taken away.
    """
    known = {name: kind for name, kind in registry().items() if type(kind).turned is not Kind.turned}
    moved = {
        Ref.of(ref.kind, one.lifecycle.moved): one for ref, one in resources.items() if one.lifecycle.moved is not None
    }
    for ref, old in sorted(_before(repository, read, against).items()):
        new = resources.get(ref) or moved.get(ref)
        if ref.kind not in known or (new is not None and new.digest == old.digest) or not (new or whole):
            continue
        kind = known[ref.kind]
        for rule, fault in kind.turned(old.spec, new.spec if new else None, now):
            yield _diagnostic(new or old, kind, rule, fault if new else replace(fault, path=""))


def _before(repository: Path, read: Revision, against: str) -> dict[Ref, Resource]:
    """What the files declared before that are not as they were; nothing where there was no commit before."""
    here = "HEAD" if read.committed is None else read.commit
    earlier = "HEAD" if read.committed is None else f"{read.commit}^"
    earlier = source.fork(repository, here, against) if against else earlier
    try:
        then = source.read(repository, earlier, paths=read.paths, earlier=read if read.committed else None)
    except SourceError:
        return {}
    changed = {blob: path for path, blob in then.files.items() if read.files.get(path) != blob}
    found: dict[Ref, Resource] = {}
    for blob, content in then.blobs.read(changed):
        found |= {one.ref: one for one in manifest.of_content(changed[blob], content, registry())}
    return found


def _diagnostic(resource: Resource, kind: Kind[Any], rule: str, fault: Fault) -> Diagnostic:
    severity: Severity = next((one.severity for one in kind.rules if one.id == rule), "error")
    where = resource.location
    return Diagnostic(where.file, where.line, 1, fault.path, fault.message, fault.cure, rule, severity)


def over(graph: Graph, repository: Path, read: Revision, cache: Path | None, now: datetime) -> Graph:
    """The graph with all that is odd in the light of the past as remarks: a plan tells it and goes on.

    Nothing that a plan does rests on it. What was valid when it was proposed may be odd once it is merged, and that
    must not stop a federation.
    """
    found = judged(repository, read, graph.resources, cache, now)
    return replace(graph, remarks=(*graph.remarks, *map(str, sorted(found)))) if found else graph
