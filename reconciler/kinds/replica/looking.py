"""One full look at a storage beside the catalogue: how each replica stands, what is lost, what is dark.

Three lists are compared: what was applied before the listing, what the storage shows, and what is wanted after it.
Lost is what both catalogue lists have and the storage has not; dark is what the storage has in a folder of ours and
neither list has. What is being brought in meanwhile counts as neither.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.errors import DriverError
from reconciler.kinds.replica.fileset import NOTHING, Background, Comparison, compare, dark_file, joined, observation
from reconciler.kinds.replica.observed import Folders
from reconciler.kinds.replica.owning import ALONE, Owners
from reconciler.kinds.replica.seen import Cache, Seen
from reconciler.kinds.replica.spec import ReplicaSpec
from reconciler.kinds.replica.transfer import Transfers
from reconciler.model import Observation, Ref, Target, Unknown, Wanted
from reconciler.ports import DarkFile, Drivers, Files, Listing, Scan

_MOST = 100_000
"""Dark and missing files of one storage that are told one by one."""


@dataclass(frozen=True)
class Look:
    """One listing of one storage, and what it is compared with."""

    target: Target
    drivers: Drivers
    listing: Listing
    folders: Folders
    transfers: Transfers
    seen: Seen
    owners: Owners = ALONE
    """Who has files on the storage."""

    def files(self, spec: ReplicaSpec | None) -> Files | None:
        """The files of a replica; None when nobody has said what its digest stands for."""
        if spec is None or spec.fileset is None:
            return NOTHING
        return self.drivers.catalogue.files(spec.fileset.digest)


def look_at_all(look: Look, wanted: Sequence[Wanted]) -> dict[Ref, Observation]:
    """The observation of every replica of a dataset on one storage."""
    look.seen.files = look.drivers.catalogue.files
    results: dict[Ref, Observation] = {}
    compared: dict[Ref, Comparison] = {}
    for one in wanted:
        said = _compared(look, one)
        if isinstance(said, Unknown):
            results[one.ref] = said
        else:
            compared[one.ref] = said
    guarded = _concluded(look, wanted, compared)
    due = look.seen.due.get(look.target.id, frozenset())
    for one in wanted:
        if one.ref not in compared:
            continue
        seen, files = observation(compared[one.ref], one.uid, look.listing, due, guarded=guarded)
        results[one.ref] = seen
        if files is not None:
            look.drivers.catalogue.remember(files)
    for found in compared.values():
        _remember_good(look, found, due)
    whole = (seen.spec.dataset for seen in compared.values() if not (seen.missing or seen.wrong))
    look.seen.whole[look.target.id] = frozenset(name for name in whole if name)
    _fullness(look, wanted)
    return results


def _remember_good(look: Look, seen: Comparison, due: Collection[str]) -> None:
    """Which files of a replica count as a copy, where some are missing or wrong, or dark ones are shown with them."""
    where = (seen.spec.dataset or "", str(seen.spec.storage))
    dark = sum(1 for found in seen.dark if found.path in due)
    if seen.missing or seen.wrong:
        look.seen.good[where] = look.drivers.catalogue.remember(seen.files.only(seen.right))
    elif dark:
        look.seen.good[where] = look.drivers.catalogue.remember(joined(seen.files, seen.leaving))
    else:
        look.seen.good.pop(where, None)
    look.seen.dark.pop(where, None)
    if dark:
        look.seen.dark[where] = dark


def _compared(look: Look, one: Wanted) -> Comparison | Unknown:
    spec, applied = _standing(look, one)
    files, before = look.files(spec), look.files(applied)
    if files is None:
        digest = spec.fileset.digest if spec.fileset else ""
        return Unknown(f"the files behind {digest[:12]} are not known here: hanse plan looks them up at their Dataset")
    return compare(spec, one.uid, files, _background(look, spec, before), look.listing, look.folders)


def _background(look: Look, spec: ReplicaSpec, applied: Files | None) -> Background:
    catalogue = look.drivers.catalogue
    whole = catalogue.files(spec.whole) if spec.whole else None
    if whole is None or spec.dataset is None:
        return Background(applied or NOTHING, owners=look.owners)
    dataset, storage = spec.dataset, str(spec.storage)

    def others() -> list[Files]:
        found = (catalogue.files(digest) for digest in catalogue.elsewhere(dataset, storage))
        return [files for files in found if files is not None]

    return Background(applied or NOTHING, whole, others, look.owners)


def _standing(look: Look, one: Wanted) -> tuple[ReplicaSpec, ReplicaSpec | None]:
    """What is wanted (or what was applied, while its files still lie in another folder), and what was applied."""
    spec, applied = one.spec, one.applied
    assert isinstance(spec, ReplicaSpec)  # noqa: S101 (its own kind's)
    if not isinstance(applied, ReplicaSpec):
        return spec, None
    moved = applied.fileset is not None and applied.lies is None and applied.folder != spec.folder
    if moved and any(file.uid == one.uid for file in look.folders.under(applied.folder)):
        return applied, applied
    return spec, applied


def _concluded(look: Look, wanted: Sequence[Wanted], compared: Mapping[Ref, Comparison]) -> bool:
    """Tell the catalogue what is lost and dark. True when so much is missing that nothing is concluded."""
    name = look.target.id.partition(":")[2]
    if not look.listing.complete:
        look.seen.due.pop(look.target.id, None)
        return False
    still = {one.ref: one for one in wanted if not look.transfers.busy(look.target.id, one.uid)}
    quiet = {ref: seen for ref, seen in compared.items() if ref in still and not _left_alone(seen.spec)}
    read = {one.uid: at for one in wanted if (at := _read(look, one)) is not None}
    scan = _scan(look, quiet)._replace(read=read)
    doubtful = scan.doubtful(look.drivers.catalogue.policy)
    if doubtful:
        share = f"{len(scan.missing):,} of {scan.expected:,} files known at {name} are missing at once"
        limit = look.drivers.catalogue.policy.lost_percent
        said = f"{share} ({scan.missing_percent:.0f} %, over {limit:g} %): is it mounted, and whole?"
        look.seen.guards[name] = said
    else:
        look.seen.guards.pop(name, None)
    look.seen.due[look.target.id] = look.drivers.catalogue.scanned(scan)
    return doubtful


def _left_alone(spec: ReplicaSpec) -> bool:
    """Whether its files lie there by themselves and no rule holds them: nothing of it is lost to us."""
    return spec.origin and not spec.rules


def _scan(look: Look, quiet: Mapping[Ref, Comparison]) -> Scan:
    missing: list[str] = []
    dark: list[DarkFile] = []
    files = expected = 0
    for seen in quiet.values():
        there = len(seen.right) + len(seen.wrong)
        files += there + len(seen.leaving) + len(seen.dark)
        expected += there + len(seen.lost)
        missing += [seen.path(row) for row in seen.lost]
        dark += [dark_file(found) for found in seen.dark]
    return Scan(look.target.id, files, expected, missing, dark)


def _fullness(look: Look, wanted: Sequence[Wanted]) -> None:
    """How full a cache is, and when its replicas were read last."""
    name, options = look.target.id.partition(":")[2], look.target.options
    high, low = options.get("highPercent"), options.get("lowPercent")
    look.seen.caches.pop(name, None)
    if not isinstance(high, int | float) or not isinstance(low, int | float):
        return
    try:
        space = look.drivers.storage(look.target).space()
    except DriverError:
        return
    told = look.drivers.catalogue.last_read(name)
    known = {one.ref: (told.get(one.uid), _read(look, one)) for one in wanted}
    read = {ref: max(filter(None, times)) for ref, times in known.items() if any(times)}
    look.seen.caches[name] = Cache(float(high), float(low), space, read)


def _read(look: Look, one: Wanted) -> datetime | None:
    """When any file of a replica was read last, or else written."""
    assert isinstance(one.spec, ReplicaSpec)  # noqa: S101 (its own kind's)
    if one.spec.lies is not None:  # nobody asks what may go of it, and others' files lie among its own
        return None
    times = [file.accessed or file.modified for file in look.folders.under(one.spec.folder)]
    return max((at for at in times if at is not None), default=None)
