"""What follows once a rule's storages are chosen: which files lie where, and which Replicas it rests on.

Without grouping it is here that the places are found, file by file, for there is no one choice to be made of them.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.kinds.base import Fault, Settled
from reconciler.kinds.dataset.brought import replica_ref
from reconciler.kinds.dataset.content import filed
from reconciler.kinds.datasetrule.candidates import Seat, field_of, seats_of
from reconciler.kinds.datasetrule.data import Leaf
from reconciler.kinds.datasetrule.places import Places
from reconciler.kinds.datasetrule.ring import Ring
from reconciler.kinds.datasetrule.room import Room
from reconciler.kinds.datasetrule.scatter import Remembered, Scatter, Scattered
from reconciler.kinds.datasetrule.spec import DatasetRuleSpec
from reconciler.kinds.expression import Expression
from reconciler.kinds.replica import Fileset
from reconciler.kinds.world import World
from reconciler.model import Choice, Ranked, Ref
from reconciler.model.amounts import size as shown
from reconciler.ports import Files

Placed = Mapping[str, Mapping[str, Fileset]]
_REMEMBERED = 4_000_000
"""Files whose places are remembered from one run to the next, of all rules together."""


class Scatters:
    """Places files one by one, and remembers for the next run what it was worked out from."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._memory: OrderedDict[tuple[Ref, str], Remembered] = OrderedDict()

    def scatter(
        self, ref: Ref, spec: DatasetRuleSpec, leaf: Leaf, files: Files, seats: Sequence[Seat], room: Room, world: World
    ) -> Scattered:
        """The places of one dataset's files."""
        fit = [seat for seat in seats if not seat.why_not]
        names = [seat.place.name for seat in fit]
        standing = {name: held for name in names if (held := leaf.standing(name, world)) is not None}
        weights = {s.place.name: 0.0 if s.shut or s.closed else s.weight for s in fit}
        key = f"{ref}\0{leaf.name}"
        ring = Ring(leaf.name.encode()[:64], weights, {seat.place.name: seat.apart for seat in fit})
        limited = frozenset(name for name in names if room.limited(name))
        copies = spec.wants(world.now)[0].copies
        with self._lock:
            memory = self._memory.setdefault((ref, leaf.name), Remembered())
            self._memory.move_to_end((ref, leaf.name))
            found = Scatter(key, files, copies, ring, room, limited, memory).run(standing)
            while len(self._memory) > 1 and sum(len(m.places) for m in self._memory.values()) > _REMEMBERED:
                self._memory.popitem(last=False)
        return found


def settled(
    ref: Ref, spec: DatasetRuleSpec, leaves: Sequence[Leaf], places: Places, world: World, scatters: Scatters
) -> Settled[DatasetRuleSpec]:
    """The rule with all that its choices mean."""
    if spec.grouping == "NONE" and not spec.chosen:
        return _file_by_file(ref, spec, leaves, places, world, scatters)
    placed = {leaf.name: dict.fromkeys(sorted(_chosen(spec, leaf)), leaf.fileset) for leaf in leaves}
    odd = [*_odd(spec, places), *_over(placed, leaves, places, world)]
    return Settled(_filled(spec, placed, leaves, places), faults=tuple(odd))


def _chosen(spec: DatasetRuleSpec, leaf: Leaf) -> Iterable[str]:
    return spec.chosenDatasets.get(leaf.name) or spec.chosen


def _filled(spec: DatasetRuleSpec, placed: Placed, leaves: Sequence[Leaf], places: Places) -> DatasetRuleSpec:
    refs = {leaf.name: leaf.ref for leaf in leaves}
    replicas = {
        replica_ref(refs[name], storage).partition("/")[2] for name, there in placed.items() for storage in there
    }
    vo = spec.vo or next((leaf.vo for leaf in leaves if leaf.vo), None)
    said = {"vo": vo, "placed": placed, "replicas": tuple(sorted(replicas)), "readable": _readable(spec, places)}
    return spec.model_copy(update=said)


def _readable(spec: DatasetRuleSpec, places: Places) -> tuple[str, ...]:
    return Expression.parse(spec.sourceLocations).evaluate(places.storages) if spec.sourceLocations else ()


def _odd(spec: DatasetRuleSpec, places: Places) -> Iterable[Fault]:
    if spec.sourceLocations and not _readable(spec, places):
        said = f"no storage is in {spec.sourceLocations}: nothing can be copied for it"
        yield Fault("spec.sourceLocations", said, "hanse locations says why for each storage")


def _over(placed: Placed, leaves: Sequence[Leaf], places: Places, world: World) -> Iterator[Fault]:
    """Storages where what was chosen earlier has come to be too much: the data grew, or a limit was lowered."""
    room = Room(places, world, next((leaf.vo for leaf in leaves if leaf.vo), ""))
    total, new = Counter[str](), Counter[str]()
    for leaf in leaves:
        for name in placed[leaf.name]:
            if name in places.by_name and room.limited(name):
                total[name] += leaf.fileset.bytes
                new[name] += leaf.fileset.bytes - (leaf.there(name, world) or 0)
    for name in sorted(total):
        lacks = room.lacks(name, total[name], new[name])
        if lacks:
            cure = "raise the limit, or let the rule choose anew: what was chosen is kept"
            yield Fault("spec.locations", f"{name} holds more than it may: {lacks}", cure)


def _file_by_file(
    ref: Ref, spec: DatasetRuleSpec, leaves: Sequence[Leaf], places: Places, world: World, scatters: Scatters
) -> Settled[DatasetRuleSpec]:
    (want,) = spec.wants(world.now)
    vo = leaves[0].vo
    room, seats = Room(places, world, vo), seats_of(spec, want, places, vo, world)
    placed: dict[str, dict[str, Fileset]] = {}
    choices, parts = [], list[Files]()
    for leaf in leaves:
        files = world.files(leaf.fileset.digest)
        field = field_of(0, leaf.name if len(leaves) > 1 else "")
        if files is None:
            why = f"it is not known which files {leaf.name} has"
            return Settled(spec, undecided=Choice(ref, field, (), why))
        found = scatters.scatter(ref, spec, leaf, files, seats, room, world)
        if found.homeless:
            return Settled(spec, undecided=_refused(ref, field, want.copies, found, len(files), seats))
        choices.append(_told(ref, field, found, seats))
        placed[leaf.name] = {name: filed(part) for name, part in found.parts.items()}
        parts.extend(found.parts.values())
    filled = _filled(spec, placed, leaves, places)
    return Settled(filled, tuple(choices), tuple(parts), tuple(_odd(spec, places)))


def _told(ref: Ref, field: str, found: Scattered, seats: Sequence[Seat]) -> Choice:
    """All files as one choice: how many went where."""
    rows = sorted(((name, len(files), files.bytes) for name, files in found.parts.items()), key=lambda r: (-r[1], r[0]))
    copies = sum(count for _, count, _ in rows)
    said = f"{copies} copies of files at {len(rows)} storages, {found.kept} of them where they are"
    if rows:
        said += f"; most {_row(rows[0])}, least {_row(rows[-1])}"
    if found.full:
        said += f"; full: {', '.join(found.full)}"
    return Choice(
        ref=ref,
        field=field,
        chosen=tuple(sorted(found.parts)),
        reason=said,
        runner_up=found.next,
        rejected=_rejected(seats),
        kept=found.kept == copies,
        ranked=tuple(Ranked(name, float(count), f"{count} files, {shown(size)}") for name, count, size in rows),
    )


def _row(row: tuple[str, int, int]) -> str:
    name, count, size = row
    return f"{name} with {count} ({shown(size)})"


def _rejected(seats: Sequence[Seat]) -> tuple[tuple[str, str], ...]:
    why = ((seat.place.name, seat.why_not or seat.shut or seat.closed) for seat in seats)
    return tuple(sorted((name, said) for name, said in why if said))


def _refused(ref: Ref, field: str, copies: int, found: Scattered, count: int, seats: Sequence[Seat]) -> Choice:
    fit = sum(not (seat.why_not or seat.shut or seat.closed) for seat in seats)
    full = f"; full: {', '.join(found.full)}" if found.full else ""
    said = f"{found.homeless} of {count} files have no {copies} places; {fit} of {len(seats)} candidates fit{full}"
    return Choice(ref, field, (), said, rejected=_rejected(seats))
