"""Actions, outcomes and runs for tests, with as few words as possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from reconciler.model import (
    Action,
    BookKeeping,
    Edge,
    Observation,
    Observed,
    Operation,
    Outcome,
    Plan,
    Policy,
    Present,
    Reason,
    Ref,
    Report,
    Spec,
    Target,
    TargetState,
    Verb,
    digest_of,
    encode,
    uid_of,
)
from reconciler.records import record
from reconciler.records.journal import RunJournal
from reconciler.records.store import Store

ZONE = Target("dns:fed.example.org.", "zonefile", {"path": "/srv/zones", "key": {"env": "KEY"}})
OTHER = Target("dns:other.example.", "zonefile", {"path": "/srv/other"})
SITE = Edge(Ref("Site/A"), "ready", "spec.site", "address")
COMMIT = "c0ffee" * 6 + "c0ff"
POLICY = Policy(datetime(2026, 11, 21, 12, tzinfo=UTC))


class NameSpec(Spec):
    """A name."""

    ttl: int = 300


def name(number: int | str = 1) -> Ref:
    return Ref.of("DNSRecord", f"n{number}", "vo-x")


def action(verb: Verb = Verb.CREATE, ref: Ref | None = None, **fields: Any) -> Action:
    what = ref or name()
    given = {
        "reason": Reason.NEW,
        "target": ZONE.id,
        "uid": uid_of(what),
        "generation": 1,
        "spec": {"ttl": 300},
        "edges": (SITE,),
        "fingerprint": "absent" if verb is Verb.CREATE else digest_of(encode({"ttl": 300})),
    }
    if verb in (Verb.DELETE, Verb.FORGET):
        given |= {"spec": None, "before": {"ttl": 300}, "reason": Reason.REMOVED_FROM_GIT}
    return Action(verb, what, **(given | fields))


def book(*actions: Action, target: Target = ZONE, **fields: Any) -> dict[Ref, BookKeeping]:
    given = {
        "source": "5" * 32,
        "lifecycle": {"mode": "enforce"},
        "edges": (SITE,),
        "choices": {"spec.site": ("A", "B")},
        "owner": Ref("DatasetRule/vo-x/all"),
        "file": "names/www.yaml",
        "meta_digest": "3" * 32,
    }
    return {a.ref: BookKeeping(target, **(given | fields)) for a in actions if a.spec is not None}


def plan(*actions: Action, unchanged: int = 0, **fields: Any) -> Plan:
    return Plan(COMMIT, "1", actions, unchanged, digest="d" * 32, **fields)


def begin(store: Store, books: Mapping[Ref, BookKeeping] | None = None, **fields: Any) -> RunJournal:
    run = store.runs.begin(COMMIT, "d" * 32, "ada", "apply")
    return store.journal.open(run, COMMIT, "d" * 32, books or {}, **fields)


def operations(journal: RunJournal, *actions: Action) -> list[Operation]:
    return [Operation(f"{journal.run}/{n:06d}", journal.run, a) for n, a in enumerate(actions)]


def outcome(operation: Operation, state: Any = "done", **fields: Any) -> Outcome:
    return Outcome(operation.action, state, operation=operation.id, **fields)


def do(store: Store, *actions: Action, books: Mapping[Ref, BookKeeping] | None = None) -> tuple[str, list[Outcome]]:
    """A run that does all of it."""
    journal = begin(store, books if books is not None else book(*actions))
    due = operations(journal, *actions)
    journal.intend(due)
    outcomes = [outcome(operation, outputs={"address": "192.0.2.1"}) for operation in due]
    journal.settle(outcomes)
    return journal.run, outcomes


def observed(
    results: Mapping[Ref, Observation] | None = None, states: Mapping[str, TargetState] | None = None
) -> Observed:
    seen = dict(results or {})
    digests = {ref: found.digest for ref, found in seen.items() if isinstance(found, Present)}
    return Observed(states or {ZONE.id: TargetState(reachable=True, token="t1", digest="w1")}, digests, seen)


def record_run(
    store: Store, *actions: Action, outcomes: Sequence[Outcome] = (), seen: Observed | None = None, run: str = ""
) -> Report:
    run = run or store.runs.begin(COMMIT, "d" * 32, "ada", "apply")
    return record(store, run, plan(*actions), outcomes, seen or observed(), POLICY)


def deferred(made: Action, reason: Reason, message: str = "", blocker: Ref | None = None) -> Outcome:
    return Outcome(made, "deferred", reason, message, blocker=blocker)


def changed(made: Action, **fields: Any) -> Action:
    return replace(made, **fields)
