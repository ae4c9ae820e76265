"""Which files a dataset has: those that its manifest names, or those that were found, less what is lost.

Doubt never takes a file away. A folder that cannot be read leaves the dataset as it was; a file that was known and is
not found, or is found with another content, stays wanted as it was known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.kinds.base import Fault, Settled
from reconciler.kinds.dataset.spec import DatasetSpec
from reconciler.kinds.replica import Fileset
from reconciler.kinds.replica.connect import target_id
from reconciler.kinds.world import Listed, World
from reconciler.model import Choice, Ref, Unknown
from reconciler.ports import File, Files

FIELD = "files"


def about(spec: DatasetSpec) -> str:
    """Where the answer about a dataset's folder stands in the World."""
    assert spec.listing is not None  # noqa: S101 (asked of those alone)
    return f"{target_id(spec.listing.site, spec.listing.storage)} {spec.listing.path}"


def filed(files: Files) -> Fileset:
    """What stands for files in a spec."""
    return Fileset(digest=files.digest, count=len(files), bytes=files.bytes)


def declared(spec: DatasetSpec) -> Files:
    """The files that the manifest names."""
    lost = set(spec.lost)
    rows = [file for file in spec.files if file.path not in lost]
    urls = {file.path: file.source for file in rows if file.source}
    return Files.of((File(file.path, file.size, file.checksum or "") for file in rows), urls)


def settled(ref: Ref, spec: DatasetSpec, world: World) -> Settled[DatasetSpec]:
    """The dataset with its files, as far as they are known."""
    if spec.listing is None:
        return _with(spec, declared(spec))
    before = world.applied(ref)
    known = before.fileset if isinstance(before, DatasetSpec) else None
    found = world.listing(about(spec))
    if isinstance(found, Unknown):
        return _unread(ref, spec, known, found.reason, world)
    return _read(spec, known, found, world)


def _with(spec: DatasetSpec, files: Files, faults: Iterable[Fault] = ()) -> Settled[DatasetSpec]:
    return Settled(spec.model_copy(update={"fileset": filed(files)}), files=(files,), faults=tuple(faults))


def _unread(ref: Ref, spec: DatasetSpec, known: Fileset | None, reason: str, world: World) -> Settled[DatasetSpec]:
    """A folder that says nothing: what was known stays."""
    if known is None:
        return Settled(spec, undecided=Choice(ref, FIELD, (), f"{spec.listing} cannot be read: {reason}"))
    fault = Fault("spec.listing", f"{spec.listing} cannot be read, its files stay as they were known: {reason}")
    files = world.files(known.digest)
    if files is None:
        return Settled(spec.model_copy(update={"fileset": known}), faults=(fault,))
    return _with(spec, _without(files, spec.lost), [fault])


def _read(spec: DatasetSpec, known: Fileset | None, found: Listed, world: World) -> Settled[DatasetSpec]:
    busy = _busy(spec, found, world)
    here = _without(found.files, [*spec.lost, *busy])
    odd = [Fault("spec.listing", found.odd)] if found.odd else []
    earlier = world.files(known.digest) if known else None
    if earlier is None:
        return _with(spec, here, odd)
    here = _whole(earlier, found.files, here, busy)
    earlier = _without(earlier, spec.lost)
    if earlier == here:
        return _with(spec, here, odd)
    both, faults = _joined(earlier, here, closed=not spec.open)
    return _with(spec, both, [*odd, *faults])


def _whole(earlier: Files, found: Files, here: Files, busy: list[str]) -> Files:
    """What is here, with files that were known already and are written to now: that is told, not taken for a loss."""
    again = set(busy).intersection(earlier.paths)
    return Files.of([*here, *(file for file in found if file.path in again)]) if again else here


def _busy(spec: DatasetSpec, found: Listed, world: World) -> list[str]:
    """Files that somebody may still be writing to."""
    if not spec.quietSeconds:
        return []
    limit = world.now.timestamp() - spec.quietSeconds
    return [path for path, at in zip(found.files.paths, found.written, strict=False) if at > limit]


def _without(files: Files, lost: Iterable[str]) -> Files:
    gone = set(lost)
    if gone.isdisjoint(files.paths):
        return files
    return files.only([n for n, path in enumerate(files.paths) if path not in gone])


def _joined(earlier: Files, here: Files, *, closed: bool) -> tuple[Files, list[Fault]]:
    """What was known, with what has come besides; and what is odd about the difference."""
    known = dict(zip(earlier.paths, range(len(earlier)), strict=True))
    rows = [known.get(path) for path in here.paths]
    come = [n for n, row in enumerate(rows) if row is None]
    missing = sorted(known.keys() - set(here.paths)) if len(here) - len(come) < len(earlier) else []
    before, now = earlier.marks, here.marks
    other = [(n, row) for n, row in enumerate(rows) if row is not None and before[row] != now[n]]
    changed = [here.paths[n] for n, row in other if not _same(earlier, row, here, n)]
    faults = list(_odd(missing, changed, [here.paths[n] for n in come] if closed else []))
    if closed or not come:
        return earlier, faults
    return earlier.joined(here.only(come)), faults


def _same(one: Files, n: int, other: Files, m: int) -> bool:
    """Whether two rows may be the same content, as far as both say."""
    sums = one.checksums[n], other.checksums[m]
    comparable = all(sums) and sums[0].partition(":")[0] == sums[1].partition(":")[0]
    sizes = one.sizes[n], other.sizes[m]
    return (sizes[0] == sizes[1] or -1 in sizes) and (not comparable or sums[0] == sums[1])


def _odd(missing: list[str], changed: list[str], come: list[str]) -> Iterator[Fault]:
    cure = "it is wanted as it was known; let go of it by naming it in lost"
    if missing:
        yield Fault("spec.listing", f"{_some(missing)} not found at its source any more", cure)
    if changed:
        yield Fault("spec.listing", f"{_some(changed)} found with another content at its source", cure)
    if come:
        yield Fault("spec.listing", f"{_some(come)} found at its source, and it is closed", "open it, or leave it so")


def _some(paths: list[str]) -> str:
    return f"{paths[0]} was" if len(paths) == 1 else f"{len(paths)} files, first {paths[0]}, were"
