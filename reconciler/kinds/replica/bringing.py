"""Put and remove of a replica whose files a Dataset declares: copy what is missing, then take away what is too many.

In this order: a file that goes elsewhere stays until it is known to be good there. Every file that could not be
brought in is told to the catalogue with its reason; one that fails is tried again after a while, not at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from reconciler.errors import Conflict, DriverError, Terminal, Transient
from reconciler.kinds.replica.change import FEW, Visit, handle_of, spec_of, started
from reconciler.kinds.replica.fileset import NOBODY, Comparison, compare, note, without
from reconciler.kinds.replica.seen import Seen
from reconciler.kinds.replica.sourcing import Origin, Place, Sourcing, places
from reconciler.kinds.replica.spec import ReplicaSpec
from reconciler.kinds.replica.transfer import Job, Piece, limits
from reconciler.model import Answer, Change, Done, Failed, Reason, Started, Target, digest_of
from reconciler.ports import Copy, Files, Standstill, Trouble

_NAMED = 10
"""Files that are named in one message."""


def put_files(visit: Visit, seen: Seen, change: Change) -> Answer:
    """Bring in what is missing or wrong, mark what is right and unmarked, take away what is too many."""
    spec = spec_of(change)
    files = known(visit, spec)
    if spec.origin:
        return _origin(visit, seen, change, files)
    for digest in filter(None, (files.digest, spec.whole)):
        visit.drivers.catalogue.keep(digest)
    there = compare(spec, change.uid, files, NOBODY, visit.listing, visit.folders)
    _refuse_others(change, there)
    if there.missing and not visit.listing.complete:
        raise Transient(f"{visit.target.name} could be read only in part")
    due = sorted((*there.wrong, *there.missing))
    if due:
        return _bring(visit, seen, change, files, due)
    right = set(there.unmarked)
    too_many = _too_many(visit, seen, change, files)
    if too_many or len(right) > FEW:
        return _tidied(visit, change, files, [there.path(row) for row in right], too_many)
    for row in right:
        visit.storage.mark(there.path(row), change.uid)
    return Done(_outputs(spec, there))


def remove_files(visit: Visit, change: Change) -> Answer:
    """Take away the files with this replica's mark, and only those."""
    spec, transfers, target = spec_of(change), visit.transfers, visit.target
    if spec.origin:
        return Done(message="its files lie there by themselves: left standing")
    if transfers.cancel(target.id, change.uid):
        return Failed("transient", "its transfer is being stopped", retry_after=1.0)
    if not visit.listing.complete:
        raise Transient(f"{target.name} could be read only in part")
    there = visit.folders.under(spec.folder)
    ours = [file.path for file in there if file.uid == change.uid]
    reader = next(filter(None, (transfers.reader(target.id, path, change.uid) for path in ours)), "")
    if reader:
        return Failed("transient", f"it is being copied to {reader}", retry_after=5.0)
    if len(ours) > FEW:
        work = partial(_removed, visit, ours)
        job = Job(f"{handle_of(visit, change)}#remove", target.id, change.uid, work, files=len(ours))
        return started(transfers.start(job), 0)
    for path in ours:
        visit.storage.remove(path)
    left = len(there) - len(ours)
    return Done(message=f"{left} files without its mark were left standing" if left else "")


def known(visit: Visit, spec: ReplicaSpec) -> Files:
    """The files of a replica. Raises Transient when nobody has said what its digest stands for."""
    digest = spec.fileset.digest if spec.fileset else ""
    found = visit.drivers.catalogue.files(digest)
    if found is None:
        raise Transient(f"the files behind {digest[:12]} are not known here: the next plan looks them up")
    return found


def _origin(visit: Visit, seen: Seen, change: Change, files: Files) -> Answer:
    """Files that lie there by themselves: what a rule holds and is missing is mended, unless they are others' to mend.

    Nothing is written over.
    """
    spec = spec_of(change)
    there = compare(spec, change.uid, files, NOBODY, visit.listing, visit.folders)
    if (spec.rules or spec.lies) and there.missing and not visit.listing.complete:
        raise Transient(f"{visit.target.name} could be read only in part")
    if spec.lies is not None and spec.rules and (there.missing or there.wrong):
        return Failed("terminal", note(there), reason=Reason.STUCK)
    if spec.rules and there.missing:
        return _bring(visit, seen, change, files, there.missing)
    if spec.rules and there.wrong:
        said = (
            f"{len(there.wrong):,} files have another content where they come from, first {there.path(there.wrong[0])}"
        )
        return Failed("terminal", f"{said}: put them back, or name them under lost", reason=Reason.STUCK)
    gone = len(there.missing) + len(there.wrong)
    if gone == len(files) and gone:
        first = there.path((*there.missing, *there.wrong)[0])
        raise Terminal(f"none of its files lie there, first {first}: put them there, or name another place")
    return Done(_outputs(spec, there), f"{gone} of its files are missing or wrong" if gone else "")


def _refuse_others(change: Change, there: Comparison) -> None:
    if there.others:
        said = f"files in {there.spec.folder} carry the mark of another resource ({min(there.others)})"
        raise Conflict(said, reason=Reason.ADOPTION_CONFLICT)
    if there.unmarked and not there.marked and change.before is None:
        said = f"{there.path(there.unmarked[0])} stands there already and is not ours"
        raise Conflict(said, reason=Reason.ADOPTION_CONFLICT)


def _outputs(spec: ReplicaSpec, there: Comparison) -> dict[str, object]:
    return {"storage": str(spec.storage), "path": spec.folder, "bytes": there.bytes}


# -- bringing in -------------------------------------------------------------------------------------------------------


def basis(spec: ReplicaSpec) -> str:
    """Digest of what makes a try of its files another one: which files, and from where."""
    digest = spec.fileset.digest if spec.fileset else ""
    return digest_of("\n".join((digest, *spec.sources)).encode())


def _bring(visit: Visit, seen: Seen, change: Change, files: Files, due: Sequence[int]) -> Answer:
    spec = spec_of(change)
    still = visit.drivers.catalogue.standstill(change.uid, spec.rules, basis(spec))
    if still.suspended:
        return Failed("terminal", still.suspended, reason=Reason.SUSPENDED)
    rows = [row for row in due if files.paths[row] not in still.paths] if still.paths else due
    if not rows:
        return _stuck(files, due, still)
    around = places(spec, change, visit.drivers, visit.now)
    bringing = Bringing(visit, seen, change, files, rows, around)
    total = sum(max(0, files.sizes[row]) for row in rows)
    handle, target = handle_of(visit, change), visit.target
    job = Job(handle, target.id, change.uid, bringing.begin, total, len(rows), _Reads(around))
    job.limits, job.priority = limits(target), spec.priority
    with seen.turn:  # of two that begin at the same moment, one waits for the other
        nearer = seen.fills(spec.dataset or "", [place.target.id for place in around])
        if nearer is None:
            job = visit.transfers.start(job)
            seen.filling = {where: one for where, one in seen.filling.items() if one.state == "running"}
            seen.filling[spec.dataset or "", target.id] = job
            return started(job, total)
    said = f"waits for the copy at {nearer.target.partition(':')[2]}, which is nearer: {nearer.said()}"
    soon = min(30.0, 0.5 + len(due) / 1000)  # each look lists the folder
    return Started(f"{handle}#waits", soon, 86400.0, said)


def _stuck(files: Files, due: Sequence[int], still: Standstill) -> Failed:
    """Files that were tried in vain and are not due again."""
    again = f"{still.next_try:%Y-%m-%d %H:%M} UTC" if still.next_try else "later"
    names = ", ".join(files.paths[row] for row in due[:_NAMED])
    more = f" and {len(due) - _NAMED:,} more" if len(due) > _NAMED else ""
    said = f"{len(due):,} of {len(files):,} files are stuck ({names}{more}): {still.error}; tried again {again}"
    return Failed("terminal", said, reason=Reason.STUCK)


@dataclass(frozen=True)
class _Reads:
    """(target id, path) of everything where the files lie that a transfer reads."""

    places: Sequence[Place]

    def __contains__(self, item: object) -> bool:
        if not isinstance(item, tuple):
            return False
        target, path = item
        return any(place.target.id == target and place.layout.within(path) is not None for place in self.places)


@dataclass
class Bringing:
    """One transfer of a replica's files."""

    visit: Visit
    seen: Seen
    change: Change
    files: Files
    rows: Sequence[int]
    around: Sequence[Place]
    sourcing: Sourcing = field(init=False)

    def begin(self, job: Job) -> Iterator[Piece]:
        """Look where each file can be read; one piece for each that can. What has come meanwhile is not copied."""
        self.trouble(None)
        self.sourcing = Sourcing.listed(
            self.visit.target, self.visit.drivers, self.files, self.around, self.rows, self._right
        )
        listed = self.visit.storage.listing({f"{spec_of(self.change).folder}/"})
        there = compare(spec_of(self.change), self.change.uid, self.files, NOBODY, listed, self.visit.folders)
        gone = {*there.wrong, *there.missing}
        job.files_done += len(self.rows) - sum(1 for row in self.rows if row in gone)
        pieces = []
        for row in self.rows:
            if row not in gone:
                continue
            first = next(self.sourcing.of(row), None)
            if first is None:
                self._nowhere(row, job)
            else:
                pieces.append((row, first.link))
        return (Piece(partial(self._one, row), link) for row, link in pieces)

    def _right(self, target: Target) -> Files | None:
        return self.seen.right(spec_of(self.change).dataset or "", target.id, self.files)

    def trouble(self, trouble: Trouble | None) -> None:
        """Tell the catalogue; None: there is none yet."""
        told = (trouble,) if trouble else ()
        self.visit.drivers.catalogue.troubled(self.change.uid, basis(spec_of(self.change)), told)

    def _nowhere(self, row: int, job: Job) -> None:
        error, lost = self.sourcing.nowhere(row)
        self.trouble(Trouble(self.files.paths[row], str(error), lost))
        job.fail(error)

    def _one(self, row: int, job: Job) -> None:
        """Copy one file from the first place that gives it."""
        errors: list[DriverError] = []
        for origin in self.sourcing.of(row):
            try:
                self._copy(row, origin, job)
            except DriverError as error:
                errors.append(error)
                if error.reason is Reason.QUOTA_EXCEEDED:
                    break
            else:
                if origin.place is not None:
                    name = origin.place.target.id.partition(":")[2]
                    self.visit.drivers.catalogue.used(spec_of(self.change).dataset or "", name)
                return
        raised = _told(errors)
        self.trouble(Trouble(self.files.paths[row], str(raised)))
        raise raised

    def _copy(self, row: int, origin: Origin, job: Job) -> None:
        spec, size = spec_of(self.change), self.files.sizes[row]
        self.visit.storage.copy_in(
            Copy(
                spec.layout.at(self.files.paths[row]),
                self.sourcing.source(origin),
                self.change.uid,
                size if size >= 0 else None,
                self.files.checksums[row],
                job.advance,
                spec.priority,
                spec.activity or "",
            )
        )


def _told(errors: Sequence[DriverError]) -> DriverError:
    """One error for a file that failed everywhere: transient when trying again may help."""
    first = next((error for error in errors if isinstance(error, Transient)), errors[0])
    if len(errors) == 1:
        return first
    said = "; then ".join(str(error) for error in errors)
    if isinstance(first, Transient):
        return Transient(said, retry_after=first.retry_after, reason=first.reason)
    return type(first)(said, reason=first.reason)


# -- taking away what is too many --------------------------------------------------------------------------------------


def _too_many(visit: Visit, seen: Seen, change: Change, files: Files) -> list[str]:
    """Paths that the plan saw here and that are not wanted: with our mark, or dark for long enough."""
    before, spec = change.before, spec_of(change)
    if not isinstance(before, ReplicaSpec) or before.fileset is None:
        return []
    found = visit.drivers.catalogue.files(before.fileset.digest)
    due = seen.due.get(visit.target.id, frozenset())
    paths = []
    for file in without(found, files) if found is not None else ():
        path = f"{spec.folder}/{file.path}"
        there = visit.listing.files.get(path)
        if there is not None and (there.uid == change.uid or (not there.uid and path in due)):
            paths.append(path)
    return paths


def _tidied(visit: Visit, change: Change, files: Files, mark: Sequence[str], gone: Sequence[str]) -> Answer:
    """Mark what is right and take away what is too many, as a job."""
    spec = spec_of(change)
    work = partial(_tidy, visit, change, files, mark, gone)
    job = Job(f"{handle_of(visit, change)}#tidy", visit.target.id, change.uid, work)
    reader = next(filter(None, (visit.transfers.reader(visit.target.id, path, change.uid) for path in gone)), "")
    if reader:
        return Failed("transient", f"{spec.folder} is being copied to {reader}", retry_after=5.0)
    return started(visit.transfers.start(job), 0)


def _tidy(visit: Visit, change: Change, files: Files, mark: Sequence[str], gone: Sequence[str], job: Job) -> None:
    spec = spec_of(change)
    whole = visit.drivers.catalogue.files(spec.whole) if spec.whole else None
    kept = _without_a_copy(visit, change, whole, gone) if whole is not None and spec.whole != files.digest else {}
    for path in mark:
        job.advance(0)
        visit.storage.mark(path, change.uid)
    for path in gone:
        job.advance(0)
        if path not in kept:
            visit.storage.remove(path)
    if kept:
        path, why = min(kept.items())
        said = f"{len(kept)} files stay until another storage has them, first {path}: {why}"
        raise Terminal(said, reason=Reason.DEPENDENCY_NOT_READY)


def _without_a_copy(visit: Visit, change: Change, whole: Files, gone: Sequence[str]) -> dict[str, str]:
    """Those of ``gone`` that are still part of the dataset and are not known to be good elsewhere."""
    spec, cut = spec_of(change), len(spec_of(change).folder) + 1
    rows = {path: row for row, path in enumerate(whole.paths)}
    asked = [row for path in gone if (row := rows.get(path[cut:])) is not None]
    around = places(spec, change, visit.drivers, visit.now)
    sourcing = Sourcing.listed(visit.target, visit.drivers, whole, around, asked)
    found = {}
    for path in gone:
        row = rows.get(path[cut:])
        if row is not None and not sourcing.good(path[cut:], whole.sizes[row], whole.checksums[row]):
            found[path] = "no other good copy of it is known"
    return found


def _removed(visit: Visit, paths: Sequence[str], job: Job) -> None:
    for path in paths:
        job.advance(0)
        visit.storage.remove(path)
        job.files_done += 1
