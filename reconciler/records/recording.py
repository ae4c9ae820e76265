"""Recording: the end of a run, in one transaction: conditions, what was seen, tokens, and the run itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from reconciler.model import (
    POSTPONED,
    WRITES,
    Action,
    Approval,
    Condition,
    Observation,
    Observed,
    Outcome,
    Plan,
    Policy,
    Present,
    Reason,
    Ref,
    Report,
    TargetState,
    Unknown,
    Verb,
    went_wrong,
)
from reconciler.records import conditions as rows
from reconciler.records.approvals import permitted
from reconciler.records.columns import said
from reconciler.records.database import Database, chunks
from reconciler.records.holdings import HEAVY, LIGHT, handed_on, seen
from reconciler.records.observations import missed, saved
from reconciler.records.runs import ended
from reconciler.records.tables import OperationRow, table
from reconciler.records.verdict import Evidence, Finding, verdict

_OPERATIONS = table(OperationRow)
_GONE = {Verb.DELETE, Verb.FORGET}
_TOUCHING = WRITES | {Verb.ADOPT}


@dataclass
class Recording:
    """One run, while it is written down."""

    database: Database
    connection: Connection
    run: str
    plan: Plan
    outcomes: Mapping[Ref, Outcome]
    observed: Observed
    now: datetime
    actions: Mapping[Ref, Action] = field(init=False)
    held: dict[Ref, tuple[str, int, str]] = field(default_factory=dict)
    """Of what was looked up: ref -> (target, generation, observed digest)."""

    def __post_init__(self) -> None:
        self.actions = {action.ref: action for action in self.plan.actions}

    # -- conditions ------------------------------------------------------------------------------------------------

    def judge(self) -> dict[Ref, tuple[Condition, ...]]:
        """Judge every resource about which there is something to say; write what differs."""
        moving = rows.moving(self.connection)
        touched = sorted(self._touched(moving))
        before = moving | rows.standing(self.connection, [ref for ref in touched if ref not in moving])
        touched = [ref for ref in touched if ref not in before or not self._postponed(ref)]
        self._look_up(touched)
        gone = [ref for ref in touched if self._is_gone(ref)]
        after = {ref: self._judged(ref, before.get(ref, ())) for ref in touched if not self._is_gone(ref)}
        rows.forget(self.connection, gone)
        rows.write(self.database, self.connection, before, after)
        return {ref: made for ref, (_, made) in after.items()}

    def _touched(self, moving: Collection[Ref]) -> set[Ref]:
        unwell = {ref for ref, found in self.observed.results.items() if _unwell(found)}
        down = [target for target, state in self.observed.targets.items() if not state.reachable]
        unjudged = rows.unjudged(self.connection)
        return self.actions.keys() | unwell | unjudged | set(moving) | set(self._standing_on(down))

    def _postponed(self, ref: Ref) -> bool:
        """Whether it was left to another round: then it stands as it was judged last."""
        outcome = self.outcomes.get(ref)
        return outcome is not None and outcome.state == "deferred" and outcome.reason in POSTPONED

    def _standing_on(self, targets: Iterable[str]) -> Iterable[Ref]:
        for some in chunks(targets):
            yield from map(Ref, self.connection.scalars(select(LIGHT.c.ref).where(LIGHT.c.target.in_(some))))

    def _look_up(self, refs: Iterable[Ref]) -> None:
        columns = (LIGHT.c.ref, LIGHT.c.target, LIGHT.c.generation, LIGHT.c.observed_digest)
        for some in chunks(refs):
            for ref, *rest in self.connection.execute(select(*columns).where(LIGHT.c.ref.in_(some))):
                self.held[Ref(ref)] = tuple(rest)

    def _is_gone(self, ref: Ref) -> bool:
        """It was taken away, or nobody wants, holds or sees it any more."""
        action, outcome = self.actions.get(ref), self.outcomes.get(ref)
        if action is not None:
            return action.verb in _GONE and outcome is not None and outcome.state == "done"
        return ref not in self.held and not isinstance(self.observed.results.get(ref), Present)

    def _judged(self, ref: Ref, before: Sequence[Condition]) -> tuple[tuple[Finding, ...], tuple[Condition, ...]]:
        action = self.actions.get(ref)
        evidence = Evidence(action, self.outcomes.get(ref), self.observed.results.get(ref), self._unread(ref))
        findings = tuple(Finding(f.type, f.status, f.reason, said(f.message)) for f in verdict(evidence))
        generation = self.held[ref][1] if ref in self.held else action.generation if action else 0
        if action is not None and action.spec is not None:
            generation = action.generation
        return findings, rows.merged(before, findings, generation, self.now)

    def _unread(self, ref: Ref) -> tuple[Reason, str] | None:
        target = self.held[ref][0] if ref in self.held else ""
        state = self.observed.targets.get(target)
        if state is not None and not state.reachable:
            return Reason.TARGET_UNREACHABLE, state.reason
        found = self.observed.results.get(ref)
        return (Reason.OBSERVATION_FAILED, found.reason) if isinstance(found, Unknown) else None

    # -- what was seen ---------------------------------------------------------------------------------------------

    def remember(self) -> None:
        """What resources looked like, what they hand on, and the tokens of targets that this run left alone."""
        read = self._read()
        self._digests(read)
        self._outputs(read)
        self._tokens()
        self._lay_to_rest(read)

    def _read(self) -> dict[Ref, Observation]:
        """What was seen, and is still so: a resource that was changed since looks like its new row."""
        done = {ref for ref, outcome in self.outcomes.items() if outcome.state == "done"}
        complete = {target for target, state in self.observed.targets.items() if state.reachable and state.complete}
        found = {
            ref: seen
            for ref, seen in self.observed.results.items()
            if ref not in done and not isinstance(seen, Unknown)
        }
        self._look_up(ref for ref in found if ref not in self.held)
        found = {ref: seen for ref, seen in found.items() if not self._is_old(ref)}
        return {
            ref: seen
            for ref, seen in found.items()
            if ref in self.held and (isinstance(seen, Present) or self.held[ref][0] in complete)
        }

    def _is_old(self, ref: Ref) -> bool:
        """Whether what is said of it is of an earlier run, which has written it down."""
        return ref in self.held and self.held[ref][0] in self.observed.kept

    def _digests(self, read: Mapping[Ref, Observation]) -> None:
        digests = {ref: found.digest if isinstance(found, Present) else "" for ref, found in read.items()}
        seen(self.connection, {ref: digest for ref, digest in digests.items() if self.held[ref][2] != digest})

    def _outputs(self, read: Mapping[Ref, Observation]) -> None:
        """Outputs seen in the world; of adopted resources too, for nobody else reports theirs."""
        adopted = {
            ref: self.observed.results[ref]
            for ref, outcome in self.outcomes.items()
            if outcome.state == "done" and outcome.action.verb is Verb.ADOPT and ref in self.observed.results
        }
        offered = {r: f.outputs for r, f in {**read, **adopted}.items() if isinstance(f, Present) and f.outputs}
        known: dict[Ref, Any] = {}
        for some in chunks(offered):
            found = self.connection.execute(select(HEAVY.c.ref, HEAVY.c.outputs).where(HEAVY.c.ref.in_(some)))
            known.update((Ref(ref), outputs) for ref, outputs in found)
        handed_on(self.connection, {r: outputs for r, outputs in offered.items() if r in known and known[r] != outputs})

    def _tokens(self) -> None:
        """A token says what a target looked like before this run. Where the run has acted, that is not so any more.

        Where something of ours stands that nobody wants, or something without our mark in the place of ours, every
        run looks again: it must not be forgotten.
        """
        foreign = {a.target for a in self.plan.actions if a.blocked is Reason.ADOPTION_CONFLICT}
        again = self._acted_on() | foreign | {stray.target for stray in self.observed.strays}
        reads = {
            target: ("" if target in again else state.token, state.digest, state.complete, self.now)
            for target, state in self._now_read()
            if state.reachable
        }
        saved(self.database, self.connection, reads)
        down = {target: state.reason for target, state in self._now_read() if not state.reachable}
        missed(self.database, self.connection, down)

    def _now_read(self) -> Iterable[tuple[str, TargetState]]:
        return ((target, s) for target, s in self.observed.targets.items() if target not in self.observed.kept)

    def _acted_on(self) -> set[str]:
        """Targets that this run has touched; a replace may have left one for another."""
        done = [outcome.action for outcome in self.outcomes.values() if outcome.state != "deferred"]
        touched = [action for action in done if action.verb in _TOUCHING]
        left = (self.observed.applied.get(action.previous or action.ref) for action in touched)
        return {action.target for action in touched} | {details.target for details in left if details}

    def _lay_to_rest(self, read: Mapping[Ref, Observation]) -> None:
        """Operations that a crash left open and that looking has answered: nothing more is to be done there.

        What a create left on another target than the resource lives on is answered only by looking there.
        """
        answered = [ref for ref, found in read.items() if ref not in self.actions and isinstance(found, Present)]
        row = _OPERATIONS.c
        lives_on = select(LIGHT.c.target).where(LIGHT.c.ref == row.ref).scalar_subquery()
        here = (row.verb != Verb.CREATE.value) | (row.target == lives_on)
        open_rows = row.state.in_(("intended", "started", "unknown")) & (row.run != self.run) & here
        haunted = set(self.connection.scalars(select(_OPERATIONS.c.ref).where(open_rows)))
        for some in chunks(ref for ref in answered if ref in haunted):
            found = update(_OPERATIONS).where(_OPERATIONS.c.ref.in_(some), open_rows)
            message = f"run {self.run} looked: it is as wanted"
            self.connection.execute(found.values(state="resolved", message=message, settled_at=self.now))

    # -- the run ---------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """The run's own row."""
        ended(self.connection, self.run, self._state(), self._counts(), self.now)

    def _state(self) -> str:
        if went_wrong(self.plan, self.outcomes.values()):
            return "failed"
        return "blocked" if self.plan.blocked else "done"

    def _counts(self) -> dict[str, int]:
        counts = Counter(o.action.verb.value if o.state == "done" else o.state for o in self.outcomes.values())
        counts["unchanged"] = self.plan.unchanged
        counts["unread"] = self.plan.unread
        counts["blocked"] = len(self.plan.blocked)
        return {what: number for what, number in sorted(counts.items()) if number}


def recorded(
    database: Database, run: str, plan: Plan, outcomes: Sequence[Outcome], observed: Observed, policy: Policy
) -> Report:
    """Write a run down and report how everything stands that it touched."""
    by_ref = {outcome.action.ref: outcome for outcome in outcomes}
    with database.writing() as connection:
        recording = Recording(database, connection, run, plan, by_ref, observed, database.now())
        standing = recording.judge()
        recording.remember()
        permitted(database, connection, run, _permits(outcomes, policy))
        recording.finish()
    return Report(run, plan, tuple(outcomes), standing)


def _permits(outcomes: Sequence[Outcome], policy: Policy) -> Iterable[tuple[Approval, Action]]:
    """Which approval let which attempted action through: plan/ begins the action's message with it."""
    attempted = [outcome.action for outcome in outcomes if outcome.state != "deferred" and outcome.action.message]
    for approval in policy.approvals:
        words = f"approved by {approval.ref} until "
        yield from ((approval, action) for action in attempted if action.message.startswith(words))


def _unwell(found: Observation) -> bool:
    if isinstance(found, Present):
        return found.healthy is False or any(stage.status != "True" for stage in found.stages)
    return isinstance(found, Unknown)
