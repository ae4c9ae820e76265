"""Where a rule's copies may lie: every storage of the federation, with what speaks for it and against it.

Data that is there already comes first; then storages in proportion to their weights, by a hash keyed with the rule
and the name of the data: the same each time, and another storage moves only what it must.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from reconciler.kinds.base import Candidate, OpenChoice
from reconciler.kinds.datasetrule.data import Group
from reconciler.kinds.datasetrule.places import Place, Places
from reconciler.kinds.datasetrule.room import Room
from reconciler.kinds.datasetrule.spec import Copies, DatasetRuleSpec
from reconciler.kinds.expression import Expression
from reconciler.kinds.vo.group import vo_name
from reconciler.kinds.world import World
from reconciler.model import Ref

FIELD = "locations"
_HAS_IT = 1e6
"""Data that is there already outweighs every weight."""

Picks = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Seat:
    """A storage as one rule sees it, whatever is to be put there."""

    place: Place
    why_not: str = ""
    shut: str = ""
    """Why nothing new may be put there; what is there stays."""
    weight: float = 1.0
    apart: str = ""
    """Where it is, as far as copies are to be apart."""
    closed: str = ""
    """Why it may not be written."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One rule's question about one group of data."""

    field: str
    want: Copies
    group: Group


def field_of(n: int, group: str) -> str:
    """Name of the choice for the ``n``-th entry of ``copies`` and a group."""
    entry = f"{FIELD}#{n + 1}" if n else FIELD
    return f"{entry}:{group}" if group else entry


def group_in(field: str) -> str:
    """The group that a choice is about."""
    return field.partition(":")[2]


def seats_of(spec: DatasetRuleSpec, want: Copies, places: Places, vo: str, world: World) -> list[Seat]:
    """Every storage, as far as it does not depend on the data."""
    expression = Expression.parse(want.locations)
    matching, explain = expression.matching(places.storages), expression.explainer(places.storages)
    found = []
    for name, place in places.by_name.items():
        why_not = [] if name in matching else [f"is not in {want.locations}: {explain(name)}"]
        weight = _weight(spec, place)
        why_not.extend(_objections(spec, want, place, vo, weight))
        shut = "" if weight is None or weight > 0 else f"its {spec.weight} is 0: nothing new goes there"
        shut = shut or _shut_by_site(place) or world.down(place.site_name, place.services)
        found.append(Seat(place, "; ".join(why_not), shut, weight or 0.0, _apart(spec, place), closed(place)))
    return found


def _shut_by_site(place: Place) -> str:
    """Why the site lets nothing new be put on its storages."""
    limits = place.site.limits
    return limits.objection("Replica") if limits else ""


def closed(place: Place) -> str:
    """Why a storage may not be written; "" when it may."""
    write = place.storage.availability.write
    if write.allowed:
        return ""
    until = f" until {write.until:%Y-%m-%d}" if write.until else ""
    return f"may not be written{until}: {write.reason or 'closed'}"


def open_choices(
    ref: Ref, spec: DatasetRuleSpec, groups: Sequence[Group], places: Places, world: World
) -> Sequence[OpenChoice]:
    """One choice for each group and each entry of ``copies``; what one takes is not there for the next."""
    vo = next((leaf.vo for group in groups for leaf in group.leaves), spec.vo or "")
    wants = spec.wants(world.now)
    asked = [Asked(field_of(n, group.name), want, group) for group in groups for n, want in enumerate(wants)]
    by_field = {one.field: one for one in asked}
    seats = {want: {seat.place.name: seat for seat in seats_of(spec, want, places, vo, world)} for want in wants}
    room, taken = Room(places, world, vo), dict[str, tuple[str, ...]]()

    limited = {name for name in places.by_name if room.limited(name)}
    key = blake2b(ref.encode(), digest_size=32).digest()

    def candidate(one: Asked, name: str, beside: Mapping[str, Seat]) -> Candidate:
        part, new = one.group.there(name, world)
        lacks = room.lacks(name, one.group.bytes, new) if name in limited else ""
        data = one.group.name or spec.dataset
        return _candidate(key, spec, seats[one.want][name], data, part, lacks, beside)

    def candidates(one: Asked, picks: Picks, earlier: tuple[str, ...] = ()) -> tuple[Candidate, ...]:
        for field in picks.keys() - taken.keys():
            taken[field] = picks[field]
            group = by_field[field].group
            for storage in limited.intersection(picks[field]):
                room.charge((storage,), group.bytes, group.there(storage, world)[1])
        there = [name for n in range(len(wants)) for name in taken.get(field_of(n, one.group.name), ())]
        beside = {name: seats[one.want][name] for name in there}
        kept = [candidate(one, name, beside) for name in earlier if name in places.by_name]
        if len(kept) == one.want.copies and _still(kept):
            return tuple(kept)
        return tuple(candidate(one, name, beside) for name in places.by_name)

    def later(one: Asked) -> Callable[[Picks, tuple[str, ...]], tuple[Candidate, ...]]:
        return lambda picks, earlier: candidates(one, picks, earlier)

    first = candidates(asked[0], {}) if len(asked) == 1 else ()
    return tuple(
        OpenChoice(one.field, first, one.want.copies, after=later(one) if len(asked) > 1 else None) for one in asked
    )


def _still(kept: Sequence[Candidate]) -> bool:
    """Whether all that was chosen earlier may stay, side by side."""
    groups = [candidate.apart for candidate in kept if candidate.apart]
    return not any(candidate.why_not for candidate in kept) and len(set(groups)) == len(groups)


def nothing_known(places: Places, why: str) -> Sequence[OpenChoice]:
    """A choice that cannot be made: it is not known what is to be placed."""
    return (OpenChoice(FIELD, tuple(Candidate(name, why) for name in places.by_name), 1, why),)


def _candidate(
    key: bytes, spec: DatasetRuleSpec, seat: Seat, data: str, part: float, lacks: str, beside: Mapping[str, Seat]
) -> Candidate:
    name = seat.place.name
    why_not = [seat.why_not] if seat.why_not else []
    if name in beside:
        why_not.append("holds another of its copies already")
    elif seat.apart and any(other.apart == seat.apart for other in beside.values()):
        why_not.append(f"another of its copies is in {seat.apart}")
    if part == 0 and seat.closed:
        why_not.append(seat.closed)
    if why_not:
        return Candidate(name, "; ".join(why_not))
    anew = [] if part >= 1 else [said for said in (seat.shut, seat.closed) if said]
    score = _HAS_IT * part + luck(key, data, name, seat.weight)
    anew += [lacks] if lacks else []
    return Candidate(name, "", score, _for(spec, seat, part), "; ".join(anew), apart=seat.apart)


def _for(spec: DatasetRuleSpec, seat: Seat, part: float) -> str:
    said = [] if not part else ["has a copy already"] if part >= 1 else [f"has {part:.0%} of it already"]
    if spec.weight:
        said.append(f"{spec.weight} is {seat.weight:g}")
    return ", ".join(said) or "fits the expression"


def luck(key: bytes, data: str, storage: str, weight: float) -> float:
    """A score that falls to storages in proportion to their weights, by a keyed hash (weighted rendezvous)."""
    if weight <= 0:
        return -_HAS_IT
    digest = blake2b(f"{data}\0{storage}".encode(), digest_size=8, key=key).digest()
    drawn = (int.from_bytes(digest, "big") + 0.5) / 2**64
    return math.log(weight) - math.log(-math.log(drawn))


def _objections(spec: DatasetRuleSpec, want: Copies, place: Place, vo: str, weight: float | None) -> Iterator[str]:
    storage = place.storage
    if vo and storage.vos and vo_name(vo) not in map(vo_name, storage.vos):
        yield f"does not serve {vo}"
    if want.qos and storage.qos != want.qos:
        yield f"is of class {storage.qos or 'none'}, not {want.qos}"
    if weight is None:
        yield f"has no attribute {spec.weight} that is a number of 0 or more"
    if spec.spread and spec.spread not in place.attributes:
        yield f"it is not said which {spec.spread} it is in"


def _apart(spec: DatasetRuleSpec, place: Place) -> str:
    if spec.spread is None or spec.spread not in place.attributes:
        return ""
    return str(place.attributes[spec.spread])


def _weight(spec: DatasetRuleSpec, place: Place) -> float | None:
    """The storage's weight; None when it has none that counts."""
    if spec.weight is None:
        return 1.0
    value = place.attributes.get(spec.weight)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return float(value)
