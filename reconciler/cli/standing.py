"""How everything stands, as ``hanse status`` tells it: what is not ready first, then what holds it, then the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from reconciler.cli import console
from reconciler.daemon.lease import NAME, dead
from reconciler.model import Condition, ConditionType, Ref, Unsettled
from reconciler.plan.render.causes import Stuck, causes
from reconciler.records.store import Store

Standing = Mapping[Ref, Sequence[Condition]]
_ORDER = {"False": 0, "Unknown": 1, "True": 2}
_BAD = {ConditionType.STALLED, ConditionType.PROTECTED, ConditionType.RECONCILING}
"""Conditions of which True is worth a look."""
_MANY = 20
"""Of more than so many that are not ready, causes are told."""


def data(store: Store, conditions: Standing) -> dict[str, Any]:
    """Everything as plain data."""
    runs = store.runs.history(1)
    return {
        "resources": {ref: {c.type: c for c in found} for ref, found in conditions.items()},
        "targets": [record for record in store.observations.all().values() if not record.reachable],
        "pauses": store.pauses.list(),
        "lease": store.lease.current(NAME),
        "last_run": runs[0] if runs else None,
        "data_rules": store.data.rules(),
        "scans": store.data.scans(),
        "branches": store.heads.all(),
        "under_way": [_moving(operation) for operation in under_way(store)],
    }


def under_way(store: Store) -> list[Unsettled]:
    """What somebody works on just now and takes a while."""
    lease = store.lease.current(NAME)
    if lease is None or dead(lease.holder):
        return []
    latest = {run.id for run in store.runs.history(1) if run.state == "running"}
    return [found for found in store.journal.unsettled() if found.state == "started" and found.run in latest]


def _moving(operation: Unsettled) -> dict[str, Any]:
    """An operation under way as plain data; bytes, rate and end where it moves bytes."""
    come = operation.progress
    said = {"ref": operation.ref, "verb": str(operation.verb), "target": operation.target.id}
    times = {"started_at": operation.started_at, "deadline": operation.deadline}
    return {**said, **times, "message": operation.message, **come}


def text(store: Store, conditions: Standing, counts: Mapping[str, int], now: datetime, *, together: bool = True) -> str:
    """Everything for people. ``counts`` says how many there are by status of Ready, listed or not.

    ``together``: of very many that are not ready, those that stand still for one cause are told once.
    """
    ready = {ref: _ready(found) for ref, found in conditions.items()}
    order = sorted(ready, key=lambda ref: (_ORDER[ready[ref].status], ref))
    hidden = sum(counts.values()) - len(order)
    troubled = [ref for ref in order if ready[ref].status != "True"]
    rows = {ref: _row(ref, ready[ref]) for ref in order}
    if together and len(troubled) > _MANY:
        rows = _by_cause(troubled, ready) | {ref: rows[ref] for ref in order[len(troubled) :]}
    blocks = [_table(rows, ready, now)] if order else []
    if len(rows) < len(order):
        blocks.append("what stands still for one cause is told once (--all lists each)")
    moving = [f"{found.ref} is under way: {found.message}" for found in under_way(store)]
    blocks += ["\n".join(moving)] if moving else []
    if hidden > 0:
        blocks.append(f"{hidden:,} that are ready are not listed (--all lists them)")
    blocks.append("\n".join(_around(store, now)))
    blocks.append(_sum(counts) if order or hidden else "nothing is known yet: hanse apply")
    return "\n\n".join(block for block in blocks if block)


def counted(conditions: Standing) -> Counter[str]:
    """How many there are by status of Ready."""
    return Counter(_ready(found).status for found in conditions.values())


def age(since: datetime | None, now: datetime) -> str:
    """How long ago, in one unit."""
    if since is None:
        return "-"
    seconds = max(0, int((now - since).total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def role(condition: Condition) -> str:
    """The colour of a condition's status."""
    if condition.type in _BAD:
        return "doubt" if condition.status == "True" else "quiet"
    return {"True": "good", "False": "bad", "Unknown": "doubt"}[condition.status]


def _ready(conditions: Sequence[Condition]) -> Condition:
    found = next((c for c in conditions if c.type is ConditionType.READY), None)
    return found or Condition(ConditionType.READY, "Unknown", "NeverLooked")


def _row(ref: Ref, condition: Condition) -> tuple[str, datetime | None, str]:
    """Name, since when, message."""
    return ref, condition.since, condition.message


def _by_cause(troubled: Sequence[Ref], ready: Mapping[Ref, Condition]) -> dict[Ref, tuple[str, datetime | None, str]]:
    """A row for each cause, under the first that it holds; what holds most first."""
    stuck = [Stuck(r, c.status, c.reason, c.message, since=c.since) for r, c in ((r, ready[r]) for r in troubled)]
    rows = {}
    for cause in causes(stuck):
        first, number, waiting = cause.those[0].ref, len(cause.those), len(cause.waiting)
        name = first if number == 1 else f"{first} and {number - 1:,} more"
        held = f"{waiting:,} {'waits' if waiting == 1 else 'wait'} for {'it' if number == 1 else 'them'}"
        rows[first] = name, cause.since, " ".join(filter(None, [cause.message, f"({held})" if waiting else ""]))
    return rows


def _table(rows: Mapping[Ref, tuple[str, datetime | None, str]], ready: Mapping[Ref, Condition], now: datetime) -> str:
    lines = [(name, ready[r].status, ready[r].reason, age(since, now), said) for r, (name, since, said) in rows.items()]
    roles = [("", role(ready[ref]), "", "quiet", "") for ref in rows]
    return console.table(("RESOURCE", "READY", "REASON", "FOR", "MESSAGE"), lines, roles)


def _around(store: Store, now: datetime) -> Iterator[str]:
    """What holds things back, and who works here."""
    for record in store.observations.all().values():
        if not record.reachable:
            yield f"{record.target} cannot be read for {age(record.since, now)}: {record.reason}"
    for pause in store.pauses.list():
        yield f"{pause.scope} is held by {pause.by} for {age(pause.since, now)}: {pause.reason}"
    yield from _data(store)
    lease = store.lease.current(NAME)
    if lease is not None:
        yield f"{lease.holder} is at work for {age(lease.since, now)}"
    runs = store.runs.history(1)
    if runs:
        ended = runs[0].finished_at or runs[0].started_at
        yield f"last run {age(ended, now)} ago at {runs[0].commit[:12]}: {runs[0].state}"


def _data(store: Store) -> Iterator[str]:
    """What is lost, dark or stuck of data."""
    for scan in store.data.scans():
        if scan.missing:
            share = f"{scan.missing:,} of {scan.expected:,} files were missing when it was looked at"
            yield f"{scan.storage}: {share}, first {scan.first_missing}"
        if scan.dark:
            what = f"{scan.dark:,} files ({scan.dark_bytes:,} bytes) in folders of Hanse that nothing wants"
            yield f"{scan.storage}: {what} (hanse report storage --dark)"
    for rule in store.data.rules():
        if rule.state in ("STUCK", "SUSPENDED"):
            yield f"{rule.ref} is {rule.state}: {rule.message} (hanse rule {rule.ref.removeprefix('DatasetRule/')})"


def _sum(counts: Mapping[str, int]) -> str:
    words = {"True": "ready", "False": "not ready", "Unknown": "unknown"}
    said = [f"{counts[status]:,} {word}" for status, word in words.items() if counts.get(status) or status == "True"]
    advice = " (hanse explain KIND/NAME says why)" if len(said) > 1 else ""
    return f"{', '.join(said)}.{advice}"
