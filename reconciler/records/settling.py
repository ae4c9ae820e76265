"""Settling: what an outcome means for the journal, the inventory and the events, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Literal, Protocol

from sqlalchemy import Connection, bindparam, insert, update

from reconciler.model import Action, BookKeeping, Outcome, Ref, Target, Verb, digest_of, encode
from reconciler.records.conditions import advanced
from reconciler.records.database import Database, chunks
from reconciler.records.holdings import Holding, drop, hold, keep_books, rename
from reconciler.records.tables import EventRow, OperationRow, table

_OPERATIONS, _EVENTS = table(OperationRow), table(EventRow)
_OPEN = _OPERATIONS.c.state.in_(("intended", "started", "unknown"))
_NOTHING = "absent"

Effect = Literal["held", "dropped", "renamed", "none"]


class Context(Protocol):
    """What settling must know of the run; RunJournal is one."""

    @property
    def database(self) -> Database: ...
    @property
    def run(self) -> str: ...
    @property
    def commit(self) -> str: ...
    @property
    def plan_digest(self) -> str: ...
    @property
    def who(self) -> str: ...
    @property
    def book(self) -> Mapping[Ref, BookKeeping]: ...
    @property
    def haunted(self) -> frozenset[str]: ...


class Settling:
    """Settles outcomes of one run in one transaction."""

    def __init__(self, context: Context, connection: Connection) -> None:
        self._run, self._connection = context, connection
        self._now = context.database.now()

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """All of it, or (when this raises) none of it."""
        self._close([outcome for outcome in outcomes if outcome.operation])
        self._lay_to_rest([o.action for o in outcomes if o.state == "done" or _became(o) == "unknown"])
        for effect, some in groupby(outcomes, effect_of):
            self._take_effect(effect, list(some))
        come = {o.action.ref: (o.action.generation, o.stages) for o in outcomes if o.stages}
        advanced(self._run.database, self._connection, come, self._now)
        self._tell([o for o in outcomes if o.state == "done" or (o.operation and o.state != "deferred")])

    def _close(self, outcomes: Sequence[Outcome]) -> None:
        if not outcomes:
            return
        statement = (
            update(_OPERATIONS)
            .where(_OPERATIONS.c.id == bindparam("key"))
            .values(
                state=bindparam("became"),
                message=bindparam("said", type_=_OPERATIONS.c.message.type),
                attempt=bindparam("times"),
                settled_at=self._now,
            )
        )
        values = [{"key": o.operation, "became": _became(o), "said": o.message, "times": o.attempts} for o in outcomes]
        self._connection.execute(statement, values)

    def _lay_to_rest(self, actions: Sequence[Action]) -> None:
        """What an earlier run left open about these resources, on these targets, is answered now.

        What a create left on another target, where the resource did not come to live, stays open until it is cleaned.
        """
        said = f"answered by run {self._run.run}"
        by_target: dict[str, list[Ref]] = {}
        for action in actions:
            if action.ref.whole in self._run.haunted:
                by_target.setdefault(action.target, []).append(action.ref.whole)
        elsewhere = _OPERATIONS.c.verb == Verb.CREATE.value
        for target, refs in by_target.items():
            here = (_OPERATIONS.c.target == target) | ~elsewhere
            for some in chunks(refs):
                found = update(_OPERATIONS).where(_OPERATIONS.c.ref.in_(some), _OPEN, here)
                found = found.where(_OPERATIONS.c.run != self._run.run)
                self._connection.execute(found.values(state="resolved", message=said, settled_at=self._now))

    def _take_effect(self, effect: Effect, outcomes: Sequence[Outcome]) -> None:
        actions = [outcome.action for outcome in outcomes]
        if effect == "dropped":
            drop(self._connection, [action.ref for action in actions])
        elif effect == "renamed":
            self._rename(actions)
            keep_books(self._connection, {a.ref: self._run.book[a.ref] for a in actions}, "")
        elif effect == "held":
            self._rename(actions)
            holdings = [self._holding(outcome) for outcome in outcomes]
            hold(self._run.database, self._connection, holdings, self._run.commit, self._now)

    def _rename(self, actions: Sequence[Action]) -> None:
        rename(self._connection, [(action.previous, action.ref) for action in actions if action.previous])

    def _holding(self, outcome: Outcome) -> Holding:
        action = outcome.action
        book = self._run.book.get(action.ref) or BookKeeping(Target(action.target, ""))
        wanted, found = encode(action.spec), encode(action.before)
        # An adoption leaves the thing as it is: what differs from the manifest is still to be done, and must show.
        content = found if action.verb is Verb.ADOPT and action.before is not None else wanted
        source = book.source if content == wanted else digest_of(content)
        return Holding(action.ref, action.uid, action.generation, content, action.edges, outcome.outputs, book, source)

    def _tell(self, outcomes: Sequence[Outcome]) -> None:
        if outcomes:
            self._connection.execute(insert(_EVENTS), [self._event(outcome) for outcome in outcomes])

    def _event(self, outcome: Outcome) -> dict[str, Any]:
        action = outcome.action
        before, after = hashes(action)
        return {
            "at": self._now,
            "run": self._run.run,
            "ref": str(action.ref),
            "verb": action.verb.value,
            "state": outcome.state,
            "reason": (outcome.reason or action.reason).value,
            "message": outcome.message,
            "target": action.target,
            "uid": action.uid,
            "generation": action.generation,
            "before_hash": before,
            "after_hash": after,
            "who": self._run.who,
            "commit": self._run.commit,
            "plan_digest": self._run.plan_digest,
            "operation": outcome.operation,
            "seconds": outcome.seconds,
        }


def _became(outcome: Outcome) -> str:
    """The state that closes an operation; a create that failed may have left a part, and stays open until one looks."""
    part = outcome.state == "failed" and outcome.action.verb is Verb.CREATE
    return "unknown" if part else outcome.state


def effect_of(outcome: Outcome) -> Effect:
    """What an outcome does to the inventory."""
    if outcome.state != "done":
        return "none"
    match outcome.action.verb:
        case Verb.CREATE | Verb.UPDATE | Verb.REPLACE | Verb.ADOPT:
            return "held"
        case Verb.DELETE | Verb.FORGET:
            return "dropped"
        case Verb.MOVE:
            return "renamed"
        case Verb.NOOP | Verb.DEFER:
            return "none"


def hashes(action: Action) -> tuple[str, str]:
    """Digests of what an action found and of what it leaves; "" for nothing."""
    found = action.fingerprint if action.fingerprint != _NOTHING else ""
    if not found and action.before is not None:
        found = digest_of(encode(action.before))
    match action.verb:
        case Verb.DELETE:
            return found, ""
        case Verb.ADOPT | Verb.MOVE | Verb.FORGET:
            return found, found
        case _:
            return found, "" if action.spec is None else digest_of(encode(action.spec))
