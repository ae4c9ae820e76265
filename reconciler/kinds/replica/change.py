"""One replica's put and remove: look at what is there, do only what is missing, hand the long part to the transfers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from urllib.parse import quote, urlsplit

from reconciler.errors import Conflict, Terminal, Transient
from reconciler.kinds.replica.connect import closed, permitted, reached, target_id
from reconciler.kinds.replica.handing import handed
from reconciler.kinds.replica.observed import Folders, State, agrees, outputs, state
from reconciler.kinds.replica.spec import ReplicaFile, ReplicaSpec, StorageSource
from reconciler.kinds.replica.transfer import Job, Piece, Transfers, limits
from reconciler.model import Answer, Change, Done, Failed, Reason, Ref, Started, Target
from reconciler.ports import Copy, Drivers, Listing, Source, Storage, StoredFile

SMALL = 8 << 20
"""Bytes up to which a replica is copied inside a put."""
FEW = 20
"""Files up to which a replica is copied, and its files are removed, inside the call."""
_SLOWEST = 1e6
"""Bytes per second below which a transfer is given up."""
_LONGEST = 86400.0
"""Seconds that a transfer may wait for its turn. What stalls is given up by the storages, long before."""
_NEAR = ("data", "file")
"""Schemes whose bytes are at hand: nothing can make the put wait."""

Origin = Callable[[ReplicaFile], Source]
"""Where each file of a replica is read."""


@dataclass
class Visit:
    """One call of put or remove on one storage: what was seen at its beginning, and what it may still do itself."""

    target: Target
    drivers: Drivers
    listing: Listing
    folders: Folders
    transfers: Transfers
    now: datetime
    room: int = SMALL
    """Bytes that may be copied before the call answers."""

    @property
    def storage(self) -> Storage:
        """The storage itself, or with the transfer service that brings its files."""
        return handed(self.drivers.storage(self.target), self.target, self.drivers)


def put_one(visit: Visit, change: Change) -> Answer:
    """Bring in what is missing or wrong, mark what is right and unmarked, take away what is too many."""
    spec, storage = spec_of(change), visit.storage
    seen = state(spec, change.uid, visit.listing.files, visit.folders)
    _refuse_others(change, seen)
    if seen.missing and not visit.listing.complete:
        raise Transient(f"{visit.target.name} could be read only in part")
    for file in seen.right:
        if file.uid != change.uid:
            storage.mark(file.path, change.uid)
    due = [*(file for file, _ in seen.wrong), *seen.missing]
    answer = _copied(visit, change, due) if due else None
    if answer is not None:
        return answer
    for extra in seen.extra:
        storage.remove(extra.path)
    there = storage.listing([file.path for file in spec.parts()]).files if due else visit.listing.files
    return Done(outputs(spec, [there[file.path] for file in spec.parts() if file.path in there]))


def remove_one(visit: Visit, change: Change) -> Answer:
    """Take away the files with this replica's mark, and only those."""
    target, transfers = visit.target, visit.transfers
    if transfers.cancel(target.id, change.uid):
        return Failed("transient", "its transfer is being stopped", retry_after=1.0)
    if not visit.listing.complete:
        raise Transient(f"{target.name} could be read only in part")
    seen = state(spec_of(change), change.uid, visit.listing.files, visit.folders)
    there = [*seen.right, *(file for _, file in seen.wrong), *seen.extra]
    ours = [file for file in there if file.uid == change.uid]
    reader = next(filter(None, (transfers.reader(target.id, file.path, change.uid) for file in ours)), "")
    if reader:
        return Failed("transient", f"it is being copied to {reader}", retry_after=5.0)
    if len(ours) > FEW:
        work = partial(_remove_all, visit, ours)
        job = Job(f"{handle_of(visit, change)}#remove", target.id, change.uid, work, files=len(ours))
        return started(transfers.start(job), 0)
    for file in ours:
        visit.storage.remove(file.path)
    left = len(there) - len(ours)
    return Done(message=f"{left} files without its mark were left standing" if left else "")


def spec_of(change: Change) -> ReplicaSpec:
    """What is wanted, as a replica."""
    assert isinstance(change.spec, ReplicaSpec)  # noqa: S101 (its own kind's)
    return change.spec


def _refuse_others(change: Change, seen: State) -> None:
    """Files of others are left alone; unmarked ones too, unless the plan saw them and took the replica over."""
    for file in (*seen.right, *(file for _, file in seen.wrong)):
        if file.uid and file.uid != change.uid:
            said = f"{file.path} carries the mark of another resource ({file.uid})"
            raise Conflict(said, reason=Reason.ADOPTION_CONFLICT)
        if not file.uid and change.before is None:
            raise Conflict(f"{file.path} stands there already and is not ours", reason=Reason.ADOPTION_CONFLICT)


# -- where the bytes come from -----------------------------------------------------------------------------------------


def _source(visit: Visit, change: Change) -> Origin:
    """Where each file is read. Raises Terminal when the source may not be read."""
    spec = spec_of(change)
    source = spec.source
    if not isinstance(source, StorageSource):
        return partial(_at_url, spec, source, visit.target)
    site = change.context.get(Ref.of("Site", source.site))
    there = reached(target_id(source.site, source.storage), site, visit.drivers)
    shut = closed(there, "read", visit.now)
    if shut is not None:
        raise Terminal(f"its source {there.name} may not be read: {shut.reason}", reason=Reason.SITE_IN_DOWNTIME)
    return partial(_on_storage, spec, source, there, visit.drivers)


def _on_storage(spec: ReplicaSpec, source: StorageSource, there: Target, drivers: Drivers, file: ReplicaFile) -> Source:
    own = _own(spec, file)
    if own is not None:
        return Source(own)
    path = f"{source.path}/{file.path[len(spec.folder) + 1 :]}" if spec.files else source.path
    return drivers.storage(there).source(path)


def _at_url(spec: ReplicaSpec, source: str | None, target: Target, file: ReplicaFile) -> Source:
    url = _own(spec, file) or source
    if url is None:
        raise Terminal(f"{file.path} is not there and has no source: add source")
    if url == source and spec.files:
        url = f"{source.rstrip('/')}/{quote(file.path[len(spec.folder) + 1 :])}"
    permitted(target, url)
    return Source(url)


def _own(spec: ReplicaSpec, file: ReplicaFile) -> str | None:
    return file.source if spec.files else None


# -- now or later ------------------------------------------------------------------------------------------------------


def _copied(visit: Visit, change: Change, due: Sequence[ReplicaFile]) -> Answer | None:
    """Copy at once what is small and at hand (None: it is done); hand the rest to the transfers."""
    source = _source(visit, change)
    total = sum(file.size or 0 for file in due)
    work = partial(_copy_all, visit, due, source, change)
    job = Job(handle_of(visit, change), visit.target.id, change.uid, work, total, len(due), _reads(change))
    job.limits = limits(visit.target)
    if not _at_hand(visit, due, source, total):
        return started(visit.transfers.start(job), total)
    visit.room -= total
    job.at_once()
    return None


def _at_hand(visit: Visit, due: Sequence[ReplicaFile], source: Origin, total: int) -> bool:
    """True when nothing can make the call wait: few bytes, and no network to fetch them over."""
    if len(due) > FEW or total > visit.room or visit.target.options.get("transfers"):
        return False
    urls = [source(file).url for file in due]
    sized = all(file.size is not None or url.startswith("data:") for file, url in zip(due, urls, strict=True))
    return sized and all(urlsplit(url).scheme in _NEAR for url in urls)


def started(job: Job, total: int) -> Started:
    """It is under way; ``total`` is bytes."""
    first = 0.1 if total <= SMALL else 0.5
    return Started(job.handle, first, _LONGEST + total / _SLOWEST + job.files, job.said(), progress=job.progress())


def handle_of(visit: Visit, change: Change) -> str:
    """What a transfer of it is called: the same while the same is wanted."""
    return f"{visit.target.id}#{change.uid}#{change.spec.digest()}"


def _reads(change: Change) -> frozenset[tuple[str, str]]:
    spec = spec_of(change)
    if not isinstance(spec.source, StorageSource):
        return frozenset()
    there, path = target_id(spec.source.site, spec.source.storage), spec.source.path
    if not spec.files:
        return frozenset({(there, path)})
    return frozenset((there, f"{path}/{file.path}") for file in spec.files)


def _copy_all(visit: Visit, due: Sequence[ReplicaFile], source: Origin, change: Change, job: Job) -> Iterator[Piece]:
    """One piece for each file; what fails does not stop the others. What has come meanwhile is not copied again."""
    storage = visit.storage
    there = storage.listing([file.path for file in due]).files
    missing = [file for file in due if not _came(there.get(file.path), file, change.uid)]
    job.files_done += len(due) - len(missing)
    link = _link(spec_of(change))
    return (Piece(partial(_copy_one, visit, file, source, change.uid), link) for file in missing)


def _copy_one(visit: Visit, file: ReplicaFile, source: Origin, uid: str, job: Job) -> None:
    copy = Copy(file.path, source(file), uid, file.size, file.checksum or "", job.advance)
    visit.storage.copy_in(copy)


def _link(spec: ReplicaSpec) -> str:
    """The storage that the files come from; "" when they come from elsewhere."""
    return target_id(spec.source.site, spec.source.storage) if isinstance(spec.source, StorageSource) else ""


def _came(there: StoredFile | None, file: ReplicaFile, uid: str) -> bool:
    return there is not None and there.uid == uid and agrees(file, there)


def _remove_all(visit: Visit, files: Sequence[StoredFile], job: Job) -> None:
    storage = visit.storage
    for file in files:
        job.advance(0)
        storage.remove(file.path)
        job.files_done += 1
