"""Standing: what is not as it should be, as the records have it, in words that can be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import shorten
from typing import NamedTuple

from reconciler.model import HELD, Condition, ConditionType, Event, Reason, Ref
from reconciler.records.heads import Head
from reconciler.settings import Happening

_HELD = frozenset(map(str, HELD))
_DRIFT = frozenset({str(Reason.DRIFT_DETECTED), str(Reason.VANISHED)})
_LONGEST = 400
_WELL = {
    "not-ready": "{} is ready again",
    "drift": "{} is as git says again",
    "blocked": "{} waits for nobody any more",
    "source": "the head of {} is in force again",
}


class Fact(NamedTuple):
    """One thing that is to be known."""

    event: Happening
    about: str
    """A resource, a branch; "" for the leader."""
    state: str
    said: str

    @property
    def subject(self) -> str:
        """By which it is remembered that it was told."""
        return f"{self.event} {self.about}"


def of_conditions(standing: Mapping[Ref, Sequence[Condition]]) -> Iterator[Fact]:
    """What is not ready, has drifted, or waits for a person. What waits because somebody said so is well."""
    for ref, conditions in sorted(standing.items()):
        found = {condition.type: condition for condition in conditions}
        ready, in_sync = found.get(ConditionType.READY), found.get(ConditionType.IN_SYNC)
        protected = found.get(ConditionType.PROTECTED)
        if ready is not None and ready.status != "True" and ready.reason not in _HELD:
            yield Fact("not-ready", ref, "not ready", plain(f"{ref} is not ready: {_why(ready)}"))
        if in_sync is not None and in_sync.status == "False" and in_sync.reason in _DRIFT:
            fields = f": {in_sync.message}" if in_sync.message else ""
            yield Fact("drift", ref, "drifted", plain(f"{ref} has drifted{fields}"))
        if protected is not None and protected.status == "True":
            yield Fact("blocked", ref, "blocked", plain(f"{ref} waits for a person: {_why(protected)}"))


def of_heads(heads: Sequence[Head]) -> Iterator[Fact]:
    """Branches whose head is not in force, or that cannot be fetched."""
    for head in heads:
        if head.withheld and head.why:
            said = f"{head.withheld[:12]} of {head.branch} is not in force: {head.why}"
            yield Fact("source", head.branch, head.withheld, plain(said))
        elif head.why:
            yield Fact("source", head.branch, "not fetched", plain(f"{head.branch} cannot be fetched: {head.why}"))


def of_event(event: Event) -> Fact | None:
    """What is to be said of something that was done; None for what was meant to be."""
    if event.state in ("failed", "unknown"):
        said = f"{event.ref}: {event.verb} {'failed' if event.state == 'failed' else 'may have failed'}: "
        return Fact("failed", event.ref, event.reason or event.state, plain(said + (event.message or event.reason)))
    if event.state == "done" and event.reason in _DRIFT:
        return Fact("drift", event.ref, "mended", f"{event.ref} had drifted and was mended")
    return None


def well(subject: str) -> Fact | None:
    """What is said of something that is as it should be again; None for what nobody waits for."""
    event, _, about = subject.partition(" ")
    said = _WELL.get(event)
    return Fact(event, about, "", said.format(about)) if said else None  # type: ignore[arg-type]


def plain(said: str) -> str:
    """One line of no more than so much: what others have said may be of any form."""
    return shorten(
        " ".join("".join(one if one.isprintable() else " " for one in said).split()), _LONGEST, placeholder="..."
    )


def _why(condition: Condition) -> str:
    return f"{condition.reason}: {condition.message}" if condition.message else condition.reason
