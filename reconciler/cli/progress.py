"""How an apply is told: a bar and a line per outcome on a terminal, a line per outcome everywhere else."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reconciler.cli import console
from reconciler.daemon.working import NowAndThen, Told
from reconciler.inert import coloured
from reconciler.model import Action, Outcome, Progress, Ref, Started, Verb

if TYPE_CHECKING:
    from rich.progress import TaskID

_PAST = {
    Verb.CREATE: "created",
    Verb.UPDATE: "updated",
    Verb.REPLACE: "replaced",
    Verb.DELETE: "deleted",
    Verb.ADOPT: "adopted",
    Verb.MOVE: "moved",
    Verb.FORGET: "forgotten",
}
_EVERY = 15.0
"""Seconds between two lines about one transfer, where no line can move."""
_LINES = 20
"""So many of what is under way are shown at once."""
_ROLES = {"done": "good", "failed": "bad", "unknown": "bad", "deferred": "doubt"}


@contextmanager
def following(total: int, *, quiet: bool = False) -> Iterator[Told]:
    """Give it what happens; ``total`` is how many outcomes are expected."""
    if quiet:
        yield Told(attended=True)
    elif console.coloured(sys.stdout) and total:
        yield from _live(total)
    else:
        yield Told(
            lambda outcome: print(coloured(line(outcome)), flush=True), NowAndThen(_moving, _EVERY), attended=True
        )


def _moving(action: Action, progress: Progress) -> None:
    state = console.style("quiet", "moving".ljust(8))
    print(coloured(f"  {state} {action.verb:<7} {action.ref}  {progress}"), flush=True)


def _live(total: int) -> Iterator[Told]:
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    said, bar, much, since = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    with Bars(said, bar, much, since, TextColumn("{task.fields[said]}"), transient=True) as progress:
        task = progress.add_task("applying", total=total, said=f"0/{total}")
        moving: dict[Ref, TaskID] = {}

        def ended(outcome: Outcome) -> None:
            if outcome.action.ref in moving:
                progress.remove_task(moving.pop(outcome.action.ref))
            progress.console.out(line(outcome), highlight=False)
            progress.advance(task, 0 if outcome.state == "deferred" else 1)
            progress.update(task, said=f"{progress.tasks[0].completed:.0f}/{total}")

        def advanced(action: Action, started: Started) -> None:
            if action.ref not in moving and len(moving) < _LINES:
                moving[action.ref] = progress.add_task(str(action.ref), total=None, said="")
            if action.ref in moving:
                come = started.progress
                size = (come.total_bytes or None, come.bytes) if come else (None, 0)
                shown = str(come) if come else started.message
                progress.update(moving[action.ref], total=size[0], completed=size[1], said=shown)

        yield Told(ended, advanced, attended=True)


def line(outcome: Outcome) -> str:
    """``done create DNSRecord/vo-x/www 0.3 s``; with the reason where it is not done."""
    action = outcome.action
    state = console.style(_ROLES[outcome.state], outcome.state.ljust(8))
    head = f"  {state} {action.verb:<7} {action.ref}"
    if outcome.state == "done":
        return f"{head}  {console.style('quiet', f'{outcome.seconds:.1f} s')}"
    said = f"{outcome.reason}: {outcome.message}" if outcome.reason else outcome.message
    return f"{head}  {said}"


def counts(outcomes: Sequence[Outcome]) -> str:
    """``3 created, 1 updated; 1 failed, 2 deferred``."""
    done = Counter(o.action.verb for o in outcomes if o.state == "done")
    rest: Counter[str] = Counter(o.state for o in outcomes if o.state != "done")
    good = ", ".join(f"{done[verb]} {word}" for verb, word in _PAST.items() if done[verb])
    bad = ", ".join(f"{rest[state]} {_NAMES[state]}" for state in _NAMES if rest[state])
    return "; ".join(part for part in (good or "nothing", bad) if part)


_NAMES = {"failed": "failed", "unknown": "with unknown outcome", "deferred": "not done yet"}


def outcome_data(outcome: Outcome) -> dict[str, Any]:
    """An outcome as plain JSON data."""
    return {
        "ref": outcome.action.ref,
        "verb": str(outcome.action.verb),
        "state": outcome.state,
        "reason": str(outcome.reason) if outcome.reason else None,
        "message": outcome.message,
        "blocker": outcome.blocker,
        "seconds": round(outcome.seconds, 3),
        "attempts": outcome.attempts,
        "operation": outcome.operation,
    }
