"""Which files a dataset has: those that its manifest names, or those that were found, less what is lost.

Doubt never takes a file away. A folder that cannot be read leaves the dataset as it was; a file that was known and is
not found, or is found with another content, stays wanted as it was known. So does a file that the manifest has ceased
to name; what it names with another size or checksum is a new version, for git says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from reconciler.kinds.base import Fault, Settled
from reconciler.kinds.dataset.spec import DatasetSpec
from reconciler.kinds.replica import Fileset
from reconciler.kinds.replica.connect import target_id
from reconciler.kinds.world import Listed, World
from reconciler.model import Choice, Ref, Unknown
from reconciler.ports import File, Files

FIELD = "files"
_CURE = "it is wanted as it was known; let go of it by naming it in lost"


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
    before = _before(ref, spec, world)
    if spec.listing is None:
        return _named(spec, before, world)
    found = world.listing(about(spec))
    if isinstance(found, Unknown):
        return _unread(ref, spec, before, found.reason, world)
    return _read(spec, before, found, world)


def _before(ref: Ref, spec: DatasetSpec, world: World) -> DatasetSpec | None:
    """The same data as it was applied, with its files; None where there was none, or it was other data."""
    before = world.applied(ref)
    known = isinstance(before, DatasetSpec) and before.dataset == spec.dataset and before.fileset is not None
    return cast("DatasetSpec", before) if known else None


def _known(before: DatasetSpec) -> Fileset:
    assert before.fileset is not None  # noqa: S101 (of those alone it is asked)
    return before.fileset


def _earlier(before: DatasetSpec | None, world: World) -> Files | None:
    """The files that were known: from the catalogue, or else from the manifest of then where it named all of them."""
    if before is None:
        return None
    found = world.files(_known(before).digest)
    if found is None and before.files:
        named = declared(before)
        return named if named.digest == _known(before).digest else None
    return found


def _named(spec: DatasetSpec, before: DatasetSpec | None, world: World) -> Settled[DatasetSpec]:
    """The files that the manifest names, with those that it named once, or that lay in the folder it named."""
    now = declared(spec)
    if before is None or now.digest == _known(before).digest:
        return _with(spec, now)
    earlier = _earlier(before, world)
    if earlier is None:
        return _as_known(spec, _known(before), FIELD)
    kept = _without(earlier, [*now.paths, *spec.lost])
    if not len(kept):
        return _with(spec, now)
    fault = Fault("spec.files", f"{_some(kept.paths)} not found among its files any more", _CURE)
    return _with(spec, now.joined(kept), [fault])


def _as_known(spec: DatasetSpec, known: Fileset, where: str, faults: Iterable[Fault] = ()) -> Settled[DatasetSpec]:
    """What was known can be compared with nothing: it stays, for it may be more than what is seen now."""
    said = f"its {known.count} files stay as they were known: the records do not say any more which they are"
    fault = Fault(f"spec.{where}", said, "bring the records back from a backup")
    return Settled(spec.model_copy(update={"fileset": known}), faults=(*faults, fault))


def _with(spec: DatasetSpec, files: Files, faults: Iterable[Fault] = ()) -> Settled[DatasetSpec]:
    return Settled(spec.model_copy(update={"fileset": filed(files)}), files=(files,), faults=tuple(faults))


def _unread(ref: Ref, spec: DatasetSpec, before: DatasetSpec | None, reason: str, world: World) -> Settled[DatasetSpec]:
    """A folder that says nothing: what was known stays."""
    if before is None:
        return Settled(spec, undecided=Choice(ref, FIELD, (), f"{spec.listing} cannot be read: {reason}"))
    fault = Fault("spec.listing", f"{spec.listing} cannot be read, its files stay as they were known: {reason}")
    earlier = _earlier(before, world)
    if earlier is None:
        return Settled(spec.model_copy(update={"fileset": before.fileset}), faults=(fault,))
    return _with(spec, _without(earlier, spec.lost), [fault])


def _read(spec: DatasetSpec, before: DatasetSpec | None, found: Listed, world: World) -> Settled[DatasetSpec]:
    busy = _busy(spec, found, world)
    here = _without(found.files, [*spec.lost, *busy])
    odd = [Fault("spec.listing", found.odd)] if found.odd else []
    if before is None or here.digest == _known(before).digest:
        return _with(spec, here, odd)
    earlier = _earlier(before, world)
    if earlier is None:
        return _as_known(spec, _known(before), "listing", odd)
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
    if missing:
        yield Fault("spec.listing", f"{_some(missing)} not found at its source any more", _CURE)
    if changed:
        yield Fault("spec.listing", f"{_some(changed)} found with another content at its source", _CURE)
    if come:
        yield Fault("spec.listing", f"{_some(come)} found at its source, and it is closed", "open it, or leave it so")


def _some(paths: Sequence[str]) -> str:
    return f"{paths[0]} was" if len(paths) == 1 else f"{len(paths)} files, first {paths[0]}, were"
