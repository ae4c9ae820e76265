"""Where each file of a dataset can be read: storages nearest first, then the place of its own that it may have.

A copy counts only when its storage shows it with the size and checksum wanted. Storages are listed once for a
transfer; where many datasets share one folder, what the last look has found right there counts, and else the files are
asked for one by one. What fails at one place is tried at the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from reconciler.errors import DriverError, Terminal, Transient
from reconciler.kinds.replica.connect import closed, permitted, reached, target_id
from reconciler.kinds.replica.fileset import fits
from reconciler.kinds.replica.naming import Layout
from reconciler.kinds.replica.spec import ReplicaSpec, source_at
from reconciler.model import Change, Reason, Ref, Target
from reconciler.ports import Drivers, Files, Listing, Source, StoredFile


class Place(NamedTuple):
    """A storage that a dataset can be read from."""

    target: Target
    layout: Layout
    shut: str = ""
    """Why it may not be read now."""


class Origin(NamedTuple):
    """One place where one file can be read."""

    name: str
    link: str
    """Id of the storage; "" for a URL."""
    place: Place | None
    path: str
    """Path on the storage, or the URL."""


Right = Callable[[Target], Files | None]
"""What the last look has found right of a dataset at a storage; None where that is not known."""


def _nobody_looked(_target: Target) -> None:
    """Nothing is known."""


def places(spec: ReplicaSpec, change: Change, drivers: Drivers, now: datetime) -> list[Place]:
    """The storages that the files of ``spec`` may be read from, nearest first."""
    found = []
    for name in spec.sources:
        where, layout = source_at(name, spec.dataset or "")
        site, _, storage = where.partition("/")
        there = reached(target_id(site, storage), change.context.get(Ref.of("Site", site)), drivers)
        shut = closed(there, "read", now)
        found.append(Place(there, layout, shut.reason if shut else ""))
    return found


@dataclass(frozen=True)
class Sourcing:
    """The places of one replica's files, as they were listed."""

    target: Target
    drivers: Drivers
    files: Files
    places: Sequence[tuple[Place, Listing | None, str]]
    """Each with what it holds, or with why that is not known."""

    @classmethod
    def listed(
        cls,
        target: Target,
        drivers: Drivers,
        files: Files,
        places: Sequence[Place],
        rows: Sequence[int] | None = None,
        right: Right = _nobody_looked,
    ) -> Sourcing:
        """List every place, for some ``rows`` of the files. One that cannot be read is remembered with the reason."""
        paths = files.paths if rows is None else [files.paths[row] for row in rows]
        return cls(target, drivers, files, [_listed(place, drivers, paths, right) for place in places])

    def of(self, row: int) -> Iterator[Origin]:
        """Where one file can be read, the best first."""
        path, size, checksum = self.files.paths[row], self.files.sizes[row], self.files.checksums[row]
        for place, listing, _ in self.places:
            at = place.layout.at(path)
            there = listing.files.get(at) if listing else None
            if there is not None and fits(there, size, checksum):
                yield Origin(place.target.name, place.target.id, place, at)
        url = self.files.urls.get(path)
        if url is not None:
            yield Origin("its own place", "", None, url)

    def nowhere(self, row: int) -> tuple[DriverError, bool]:
        """Why a file can be read nowhere, and whether that means that it is lost."""
        path = self.files.paths[row]
        said = [f"{place.target.name}: {self._why(place, listing, why, row)}" for place, listing, why in self.places]
        unread = [place for place, listing, _ in self.places if listing is None or not listing.complete]
        if unread or not self.places:
            shown = "; ".join(said) or "no storage is known that has it"
            return Transient(f"{path} can be read nowhere now ({shown})", reason=Reason.STUCK), False
        return Terminal(f"{path} is lost, no good copy of it is left ({'; '.join(said)})", reason=Reason.STUCK), True

    def _why(self, place: Place, listing: Listing | None, why: str, row: int) -> str:
        if listing is None:
            return why
        there = listing.files.get(place.layout.at(self.files.paths[row]))
        return "not there" if there is None else "another size or checksum"

    def source(self, origin: Origin) -> Source:
        """What reads a file at one of its places."""
        if origin.place is not None:
            return self.drivers.storage(origin.place.target).source(origin.path)
        permitted(self.target, origin.path)
        return Source(origin.path)

    def good(self, path: str, size: int, checksum: str) -> str:
        """The first storage that has a good copy of a file; "" when none is known."""
        for place, listing, _ in self.places:
            there = listing.files.get(place.layout.at(path)) if listing else None
            if there is not None and fits(there, size, checksum):
                return place.target.name
        return ""


def _listed(place: Place, drivers: Drivers, paths: Sequence[str], right: Right) -> tuple[Place, Listing | None, str]:
    if place.shut:
        return place, None, f"may not be read: {place.shut}"
    found = right(place.target) if place.layout.scope else None
    if found is not None:
        return place, _as_seen(place, found), ""
    prefixes = map(place.layout.at, paths) if place.layout.scope else (f"{place.layout.folder}/",)
    try:
        return place, drivers.storage(place.target).listing(set(prefixes)), ""
    except DriverError as error:
        return place, None, str(error)


def _as_seen(place: Place, files: Files) -> Listing:
    """What a look has found right, as a listing would show it."""
    rows = zip(map(place.layout.at, files.paths), files.sizes, files.checksums, strict=True)
    return Listing({path: StoredFile(path, size, frozenset({checksum})) for path, size, checksum in rows})
