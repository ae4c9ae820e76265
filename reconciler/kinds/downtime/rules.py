"""What must hold for one downtime beyond the types of its fields."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from reconciler.kinds.base import Fault, Rule
from reconciler.kinds.downtime.astray import unchosen
from reconciler.kinds.downtime.spec import DowntimeSpec
from reconciler.model import Ref

LONGEST = timedelta(days=31)
"""Without a reason."""
_DECADE = timedelta(days=3653)


def _times(_ref: Ref, spec: DowntimeSpec) -> Iterator[Fault]:
    if spec.end <= spec.start:
        yield Fault("spec.end", f"{shown(spec.end)} is not after the start, {shown(spec.start)}", "give a later end")


def _long(_ref: Ref, spec: DowntimeSpec) -> Iterator[Fault]:
    lasts = spec.end - spec.start
    if lasts > _DECADE:
        yield Fault("spec.end", f"it lasts {lasts.days:,} days", "is the year a typing error?")
    elif lasts > LONGEST and not spec.reason:
        cure = "check the year and the month; if it is meant, give spec.reason (or suspend the site)"
        yield Fault("spec.end", f"it lasts {lasts.days:,} days, over {LONGEST.days}, without a reason", cure)


def _where(_ref: Ref, spec: DowntimeSpec) -> Iterator[Fault]:
    for n, entry in enumerate(spec.affects):
        yield from unchosen(f"spec.affects[{n}]", entry)


def _inside(_ref: Ref, spec: DowntimeSpec) -> Iterator[Fault]:
    if spec.end <= spec.start:
        return
    for n, entry in enumerate(spec.affects):
        path = f"spec.affects[{n}]"
        for name, moment in (("start", entry.start), ("end", entry.end)):
            if moment is not None and not spec.start <= moment <= spec.end:
                cure = f"keep between {shown(spec.start)} and {shown(spec.end)}, or widen those"
                yield Fault(f"{path}.{name}", f"{shown(moment)} is outside of the whole downtime", cure)
        if (entry.end or spec.end) <= (entry.start or spec.start):
            where = f"{path}.end" if entry.end is not None else f"{path}.start"
            yield Fault(where, "for these services it would end before it begins", "give a later end")


def shown(moment: datetime) -> str:
    """A time as manifests write it."""
    return f"{moment:%Y-%m-%dT%H:%MZ}"


RULES = (
    Rule("downtime-times", "A downtime ends after it starts.", _times),
    Rule("downtime-long", "A downtime of over 31 days says why; one of over ten years is a typing error.", _long),
    Rule("downtime-where", "Each entry of affects names one site, or selects sites by something.", _where),
    Rule("downtime-inside", "Times of an entry lie within the whole downtime, and end after they start.", _inside),
)
