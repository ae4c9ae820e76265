"""Where a rule's copies may lie: every storage of the federation, with what speaks for it and against it.

Pure: only what the manifests say counts, so that the same federation gives the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

from reconciler.kinds.base import Candidate, OpenChoice
from reconciler.kinds.datasetrule.copies import Held, files_of
from reconciler.kinds.datasetrule.expression import Expression
from reconciler.kinds.datasetrule.places import Place, Places
from reconciler.kinds.datasetrule.spec import DatasetRuleSpec
from reconciler.kinds.vo.group import vo_name

FIELD = "locations"
_HAS_IT = 1e12
"""Data that is there already outweighs every weight."""


def open_choices(spec: DatasetRuleSpec, copies: Sequence[Held], places: Places) -> Sequence[OpenChoice]:
    """One choice for all files; with grouping NONE one for each file."""
    if spec.chosen or spec.chosenFiles:
        return ()
    files = files_of(spec, copies)
    if spec.grouping != "NONE" or not files:
        total = sum(file.size or 0 for file in files)
        return (OpenChoice(FIELD, _candidates(spec, copies, places, total, files=bool(files)), spec.copies),)
    largest = max(file.size or 0 for file in files)
    candidates = _candidates(spec, copies, places, largest, files=True)
    return tuple(OpenChoice(f"{FIELD}:{file.path}", candidates, spec.copies) for file in files)


def _candidates(
    spec: DatasetRuleSpec, copies: Sequence[Held], places: Places, size: int, *, files: bool
) -> tuple[Candidate, ...]:
    expression = Expression.parse(spec.locations)
    matching, explain = expression.matching(places.storages), expression.explainer(places.storages)
    holding = {str(copy.spec.storage) for copy in copies}
    found = []
    for name, place in places.by_name.items():
        why_not = [] if files else [f"no files of {spec.dataset} are known: give files, or declare a Replica of it"]
        if name not in matching:
            why_not.append(f"is not in {spec.locations}: {explain(name)}")
        why_not.extend(_objections(spec, place, size))
        found.append(_candidate(spec, place, "; ".join(why_not), holds=name in holding))
    return tuple(found)


def _candidate(spec: DatasetRuleSpec, place: Place, why_not: str, *, holds: bool) -> Candidate:
    if why_not:
        return Candidate(place.name, why_not)
    weight = _weight(spec, place) or 0.0
    said = ["has a copy already"] if holds else []
    if spec.weight:
        said.append(f"{spec.weight} is {weight:g}")
    return Candidate(place.name, "", weight + (_HAS_IT if holds else 0.0), ", ".join(said) or "fits the expression")


def _objections(spec: DatasetRuleSpec, place: Place, size: int) -> Iterator[str]:
    storage, most = place.storage, place.storage.limits.maxBytes
    write = storage.availability.write
    if not write.allowed:
        until = f" until {write.until:%Y-%m-%d}" if write.until else ""
        yield f"may not be written{until}: {write.reason or 'closed'}"
    if spec.vo and storage.vos and vo_name(spec.vo) not in map(vo_name, storage.vos):
        yield f"does not serve {spec.vo}"
    if spec.qos and storage.qos != spec.qos:
        yield f"is of class {storage.qos or 'none'}, not {spec.qos}"
    if spec.weight and _weight(spec, place) is None:
        yield f"has no attribute {spec.weight} that is a number of 0 or more"
    if most is not None and size > most:
        yield f"takes {most} bytes, {size} are needed"


def _weight(spec: DatasetRuleSpec, place: Place) -> float | None:
    """The storage's weight; None when it has none that counts."""
    value = place.attributes().get(spec.weight or "")
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or value < 0:
        return None
    return float(value)
