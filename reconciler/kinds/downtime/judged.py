"""What is wrong with downtimes by the clock, by what is declared beside them, and by when commits stated them.

What is over is history: nothing is asked of it any more, so that sites and services may change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import combinations

from reconciler.kinds.base import Fault, Rule, Stated, between
from reconciler.kinds.downtime.affected import Places
from reconciler.kinds.downtime.astray import astray
from reconciler.kinds.downtime.classes import DECLARED
from reconciler.kinds.downtime.intervals import Interval, intervals
from reconciler.kinds.downtime.rules import LONGEST, shown
from reconciler.kinds.downtime.spec import DowntimeSpec
from reconciler.model import Ref, Resource

EMERGENCY = timedelta(hours=48)
"""How far before its declaration a downtime may have begun."""
AHEAD = timedelta(days=366)
"""Nobody announces more than a year ahead."""
Found = tuple[Ref, str, Fault]
StatedAll = Mapping[Ref, Sequence[Stated[DowntimeSpec]]]


def faults(resources: Mapping[Ref, Resource], stated: StatedAll, now: datetime) -> Iterator[Found]:
    """Everything that is wrong with the downtimes that are declared."""
    mine = {ref: one for ref, one in resources.items() if ref.startswith("Downtime/")}
    if not mine:
        return
    yield from _crowded(mine, resources)
    places = Places(resources)
    specs = {ref: mine[ref].spec for ref in sorted(mine)}
    live = {ref: spec for ref, spec in specs.items() if spec.end > now}
    for ref, spec in live.items():
        yield from ((ref, *found) for found in _astray(spec, places))
    sites = {ref: one for ref, one in resources.items() if ref.startswith("Site/")}
    young = {ref: one for ref, one in mine.items() if ref in live or _young(stated.get(ref, ()), now)}
    all_young = intervals({**sites, **young}, stated, now)
    known = [one for one in all_young if one.ref in live]
    yield from _overlaps(known)
    yield from _late(known, specs)
    yield from _far(live, now)
    believed = {ref: one for ref, one in mine.items() if ref in live and DECLARED in (one.annotations or {})}
    yield from _believed(known, {**sites, **believed}, stated, now)
    yield from _long_ago(all_young, specs)


def _crowded(mine: Mapping[Ref, Resource], resources: Mapping[Ref, Resource]) -> Iterator[Found]:
    """A downtime is alone in its file: so two people never write into one, and its past is that of the file."""
    files = {one.location.file for one in mine.values()}
    held = Counter(one.location.file for one in resources.values() if one.location.file in files)
    for ref, one in sorted(mine.items()):
        if held[one.location.file] > 1:
            message = f"{one.location.file} declares {held[one.location.file]} resources"
            yield ref, "downtime-alone", Fault("metadata.name", message, "give each downtime a file of its own")


# -- what it affects ---------------------------------------------------------------------------------------------------


def _astray(spec: DowntimeSpec, places: Places) -> Iterator[tuple[str, Fault]]:
    for n, entry in enumerate(spec.affects):
        yield from (("downtime-affects", fault) for fault in astray(f"spec.affects[{n}]", entry, places))


# -- overlaps ----------------------------------------------------------------------------------------------------------


def _overlaps(known: Iterable[Interval]) -> Iterator[Found]:
    """Told once for each two downtimes, at the one that was declared later."""
    by_service: dict[tuple[str, str], list[Interval]] = {}
    for one in known:
        by_service.setdefault((one.site, one.service), []).append(one)
    told = set[tuple[Ref, Ref, bool]]()
    for some in by_service.values():
        for one, other in combinations(some, 2):
            if not one.touches(other.start, other.end):
                continue
            first, second = sorted((one, other), key=lambda each: (each.declared, each.ref))
            same = one.severity == other.severity
            if (first.ref, second.ref, same) not in told:
                told.add((first.ref, second.ref, same))
                yield second.ref, f"downtime-overlap{'' if same else '-severity'}", _overlapping(first, second)


def _overlapping(first: Interval, second: Interval) -> Fault:
    whose = "two entries" if first.ref == second.ref else f"{first.ref} ({first.severity})"
    span = f"{shown(max(first.start, second.start))} to {shown(min(first.end, second.end))}"
    message = f"{second.service} of {second.site} is in {whose} too, {span}"
    return Fault("spec.affects", message, "close the one, or take the service out of the other")


# -- when it was declared ----------------------------------------------------------------------------------------------


def _late(known: Iterable[Interval], specs: Mapping[Ref, DowntimeSpec]) -> Iterator[Found]:
    told = set[tuple[Ref, datetime]]()
    for one in known:
        if one.classification == "UNSCHEDULED" and (one.ref, one.start) not in told:
            told.add((one.ref, one.start))
            what = "it" if one.start == specs[one.ref].start else f"what begins at {shown(one.start)}"
            path = "spec.start" if one.start == specs[one.ref].start else "spec.end"
            message = f"{what} counts as UNSCHEDULED: not stated more than 24 h ahead"
            yield one.ref, "downtime-late", Fault(path, message, "announce earlier where that is possible")


def _far(live: Mapping[Ref, DowntimeSpec], now: datetime) -> Iterator[Found]:
    for ref, spec in live.items():
        if spec.start - now > AHEAD:
            message = f"it begins in {(spec.start - now).days:,} days"
            yield ref, "downtime-far", Fault("spec.start", message, "is the year a typing error?")


def _believed(
    known: Iterable[Interval], resources: Mapping[Ref, Resource], stated: StatedAll, now: datetime
) -> Iterator[Found]:
    """Where an import's word makes a downtime scheduled that its commits alone would not."""
    commits = {ref: said[1:] for ref, said in stated.items() if ref in resources and len(said) > 1}
    scheduled = {one.ref for one in known if one.classification == "SCHEDULED"}
    late = {one.ref for one in intervals(resources, commits, now) if one.classification == "UNSCHEDULED"}
    for ref in sorted(scheduled & late):
        message = f"it counts as SCHEDULED by the annotation {DECLARED} alone, and not by its commits"
        yield (
            ref,
            "downtime-believed",
            Fault("metadata.annotations", message, "hanse import gocdb writes it, nobody else"),
        )


def _young(stated: Sequence[Stated[DowntimeSpec]], now: datetime) -> bool:
    """Stated for the first time not long ago: older ones were told at their time."""
    return not stated or now - stated[0].at < LONGEST


def _long_ago(known: Iterable[Interval], specs: Mapping[Ref, DowntimeSpec]) -> Iterator[Found]:
    told = set[Ref]()
    for one in known:
        begun = one.start == specs[one.ref].start
        if begun and one.declared - one.start > EMERGENCY and one.ref not in told:
            told.add(one.ref)
            hours = (one.declared - one.start).total_seconds() / 3600
            message = f"it began {hours:,.0f} h before it was declared, and at most 48 h are allowed"
            cure = "begin it not more than 48 h ago; for what was before, ask for a Recomputation"
            yield one.ref, "downtime-long-ago", Fault("spec.start", message, cure)


# -- what has begun ----------------------------------------------------------------------------------------------------


def turned(before: DowntimeSpec, wanted: DowntimeSpec | None, now: datetime) -> Iterator[tuple[str, Fault]]:
    """What has begun stays on record: it may be closed, and neither taken away nor made to begin otherwise."""
    if before.start > now:
        return
    since = f"it has begun at {shown(before.start)}"
    if wanted is None:
        over = before.end <= now
        cure = "put it back; it is over and may stay" if over else "put it back, and close it with an end that is now"
        yield "downtime-kept", Fault("", f"{since} and may not be taken away", cure)
    elif wanted.start != before.start:
        cure = f"leave start: {shown(before.start)}; for another time declare another downtime"
        yield "downtime-kept", Fault("spec.start", f"{since} and may not begin at {shown(wanted.start)} instead", cure)
    else:
        lost = sorted(_named(before) - _named(wanted))
        if lost:
            cure = "keep them, with an end of their own"
            yield "downtime-kept-services", Fault("spec.affects", f"{since}, also for {', '.join(lost)}", cure)
    if wanted is not None and before.end <= now:
        yield from _rewritten(before, wanted)


def _rewritten(before: DowntimeSpec, wanted: DowntimeSpec) -> Iterator[tuple[str, Fault]]:
    """What is over was counted as it stood: days that were published change with it."""
    for name in ("end", "severity", "affects"):
        if getattr(wanted, name) != getattr(before, name):
            message = f"it is over since {shown(before.end)}: days that were reported change with its {name}"
            cure = "leave it as it was; what was reported wrongly is put right by a Recomputation, which says why"
            yield "downtime-rewritten", Fault(f"spec.{name}", message, cure)


def _named(spec: DowntimeSpec) -> set[str]:
    """Sites, services and types that a downtime names; a whole site stands for all of its services."""
    whole = {one.site for one in spec.affects if one.site and not (one.services or one.serviceTypes)}
    found = {site for site in whole if site}
    for one in spec.affects:
        if one.site and one.site not in whole:
            found |= {f"{one.site}/{name}" for name in (*one.services, *one.serviceTypes)}
    return found


RULES = (
    Rule("downtime-history", "The past that says when a downtime was declared is there.", between, "warning"),
    Rule("downtime-alone", "A downtime has a file of its own.", between),
    Rule("downtime-affects", "What a downtime affects is declared: sites, their services, types.", between),
    Rule("downtime-overlap", "A service is in one downtime of a severity at a time.", between),
    Rule("downtime-overlap-severity", "A service is down or at risk, not both.", between, "warning"),
    Rule("downtime-late", "What begins within 24 hours of its declaration counts as UNSCHEDULED.", between, "warning"),
    Rule("downtime-far", "A downtime begins within a year.", between, "warning"),
    Rule(
        "downtime-believed",
        "A downtime is scheduled by its commits; what an import says of it is told.",
        between,
        "warning",
    ),
    Rule("downtime-long-ago", "A downtime has begun at most 48 hours before it is declared.", between),
    Rule("downtime-kept", "A downtime that has begun is closed, and never taken away.", between),
    Rule("downtime-rewritten", "A downtime that is over stays as it was.", between, "warning"),
    Rule("downtime-kept-services", "What was in a downtime that has begun stays in it.", between, "warning"),
)
