"""Task: one action on its way, and the call that carries a batch of them to a back end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from reconciler.errors import Conflict, DriverError, OutcomeUnknown, Terminal, Transient
from reconciler.kinds import Kind
from reconciler.model import (
    Absent,
    Action,
    Answer,
    Change,
    Failed,
    Observation,
    Operation,
    Present,
    Reason,
    Ref,
    Target,
    Unknown,
    Verb,
    Wanted,
)
from reconciler.ports import Drivers

Phase = Literal["put", "remove"]


@dataclass
class Task:
    """One action, with how far it has come."""

    action: Action
    operation: Operation
    change: Change
    target: Target
    phase: Phase
    since: float
    """Clock reading, in seconds, when it was first attempted."""
    deadline: float = 0.0
    attempts: int = 1
    written: bool = False
    """True once its intention is in the journal."""
    then: Task | None = None
    """For replace: what to do once this is done."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """What the put gave, when it is not the last that is done."""
    waits_for: set[Ref] = field(default_factory=set)
    half: bool = False
    """The other half of its replace is done."""

    @property
    def half_done(self) -> bool:
        """Whether it is a replace of which something was begun: it is not left before all of it is done."""
        return self.half or (self.then is not None and bool(self.change.handle))

    @property
    def group(self) -> tuple[str, str, Phase, bool]:
        """Tasks of one group may go in one call; a question about something started does not mix with new work."""
        return self.target.id, self.action.ref.kind, self.phase, bool(self.change.handle)


def carry(kind: Kind[Any], tasks: Sequence[Task], drivers: Drivers, *, recheck: bool) -> Mapping[Ref, Answer]:
    """Look once more where that matters, then do the batch. Every task gets an answer; nothing is raised."""
    first = tasks[0]
    answers: dict[Ref, Answer] = {}
    try:
        due = tasks if first.change.handle else _unmoved(kind, tasks, drivers, answers, recheck=recheck)
        changes = [task.change for task in due]
        if changes:
            do = kind.put if first.phase == "put" else kind.remove
            answers.update(do(first.target, changes, drivers))
    except DriverError as error:
        failed = failure(error)
        answers.update({task.change.ref: failed for task in tasks if task.change.ref not in answers})
    lost = Failed("unknown", "the back end gave no answer for it")
    return {task.change.ref: answers.get(task.change.ref, lost) for task in tasks}


def failure(error: DriverError) -> Failed:
    """What a driver's error means for an operation."""
    match error:
        case Transient():
            return Failed("transient", str(error), error.retry_after, error.reason)
        case Conflict():
            return Failed("conflict", str(error), reason=error.reason or Reason.PLAN_STALE)
        case OutcomeUnknown():
            return Failed("unknown", str(error), reason=Reason.OUTCOME_UNKNOWN)
        case Terminal():
            return Failed("terminal", str(error), reason=error.reason)
        case _:
            return Failed("terminal", str(error), reason=error.reason)


def _unmoved(
    kind: Kind[Any], tasks: Sequence[Task], drivers: Drivers, answers: dict[Ref, Answer], *, recheck: bool
) -> list[Task]:
    """The tasks whose object is still as the plan saw it; the others get their answer here."""
    looked = [task for task in tasks if _must_look(task, recheck=recheck)]
    if not looked:
        return list(tasks)
    wanted = [Wanted(t.change.ref, t.change.uid, t.change.spec, t.change.before) for t in looked]
    seen = kind.observe(looked[0].target, wanted, drivers)
    due = [task for task in tasks if not _must_look(task, recheck=recheck)]
    for task in looked:
        found = seen.results.get(task.change.ref, Unknown("not read"))
        if isinstance(found, Absent) and not seen.complete:
            found = Unknown("only a part of the target could be read")
        moved = _moved(task, found)
        if moved is None:
            due.append(task)
        else:
            answers[task.change.ref] = moved
    return due


def _must_look(task: Task, *, recheck: bool) -> bool:
    """Before every update and delete on the first attempt; before creates when the plan is not of this run.

    Not before the new one of a replace is made: the plan has seen what is taken away, not what is to come.
    """
    if task.attempts > 1 or (task.action.verb is Verb.REPLACE and task.phase == "put"):
        return False
    return recheck or task.phase == "remove" or task.change.before is not None


def _moved(task: Task, found: Observation) -> Failed | None:
    if isinstance(found, Unknown):
        return Failed(
            "transient", f"could not be observed just before: {found.reason}", reason=Reason.OBSERVATION_FAILED
        )
    now = found.digest if isinstance(found, Present) else "absent"
    before = task.action.fingerprint
    if now == before or (task.phase == "remove" and now == "absent"):
        return None
    said = "it moved since the plan was made (somebody changed it, or it is gone): plan again"
    return Failed("conflict", said, reason=Reason.PLAN_STALE)
