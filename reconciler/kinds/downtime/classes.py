"""Whether a downtime was scheduled: by the commit that first stated it, and nothing that anybody writes.

A stretch of a service's downtime counts as declared by the commit since which its start has been stated without a
break, at least as severely; what was added behind its end counts from the commit that added it. SCHEDULED is what
begins more than 24 hours after it was declared (GOCDB).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from reconciler.kinds.base import Stated
from reconciler.kinds.downtime.affected import Atom
from reconciler.kinds.downtime.spec import DowntimeSpec, Severity

Classification = Literal["SCHEDULED", "UNSCHEDULED"]

DECLARED = "gocdb/declared"
"""Annotation that an import writes: when the register that a downtime came from had it declared, UTC."""
NOTICE = timedelta(hours=24)
_WEIGHT: dict[Severity, int] = {"WARNING": 0, "OUTAGE": 1}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a downtime that one commit declared."""

    start: datetime
    end: datetime
    declared: datetime

    @property
    def classification(self) -> Classification:
        """SCHEDULED where it begins more than 24 hours after it was declared."""
        return classification(self.start, self.declared)


def classification(start: datetime, declared: datetime) -> Classification:
    """The class of what begins at ``start`` and was declared at ``declared``."""
    return "SCHEDULED" if start > declared + NOTICE else "UNSCHEDULED"


def standing(stated: Sequence[Stated[DowntimeSpec]], spec: DowntimeSpec, now: datetime) -> list[Stated[DowntimeSpec]]:
    """What was stated up to ``spec`` as it is, the oldest first; what no commit has stated yet is stated now."""
    same = next((n for n in range(len(stated), 0, -1) if stated[n - 1].spec == spec), 0)
    return [*stated[:same]] if same else [*stated, Stated(now, spec)]


def stretches(atom: Atom, history: Iterable[tuple[datetime, Sequence[Atom]]]) -> list[Stretch]:
    """The parts of ``atom`` that different commits declared, in the order of time; of one class each is one.

    ``history`` is what was stated of the same service, the newest first; the first is where ``atom`` stands.
    """
    statements = iter(history)
    declared, _ = next(statements)
    end, parts = atom.end, list[Stretch]()
    for at, stated in statements:
        reach = max((one.end for one in stated if _covers(one, atom)), default=atom.start)
        if reach <= atom.start:
            break
        if reach < end:
            parts.append(Stretch(reach, end, declared))
            end = reach
        declared = at
    return _joined([Stretch(atom.start, end, declared), *reversed(parts)])


def _covers(earlier: Atom, atom: Atom) -> bool:
    return earlier.start == atom.start and _WEIGHT[earlier.severity] >= _WEIGHT[atom.severity]


def _joined(parts: list[Stretch]) -> list[Stretch]:
    """An extension of the same class does not part a downtime."""
    joined = [parts[0]]
    for before, after in pairwise(parts):
        if before.classification == after.classification:
            joined[-1] = replace(joined[-1], end=after.end)
        else:
            joined.append(after)
    return joined
