"""How a plan is carried out: order, batches, patience, failures, and what is written down before what."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from reconciler.apply import Conduct, Pace, Serial, Threads, Work, apply
from reconciler.errors import Conflict, OutcomeUnknown, Terminal, Transient
from reconciler.kinds import Kind
from reconciler.model import (
    Absent,
    Action,
    Change,
    Done,
    Edge,
    Graph,
    Location,
    Plan,
    Present,
    Progress,
    Reading,
    Reason,
    Ref,
    Resource,
    Spec,
    Started,
    Target,
    Verb,
)


class ThingSpec(Spec):
    """A thing."""

    value: int = 0
    taken: str = ""


@dataclass
class Script:
    """What the back end will do: ref -> answers or errors, in turn; after the last one it simply works."""

    turns: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    calls: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    world: dict[Ref, ThingSpec] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    kind: Kind[Any] | None = None


class Things(Kind[ThingSpec]):
    """A kind that follows a script."""

    name, plural, Spec, batch = "Thing", "things", ThingSpec, 3

    def __init__(self, script: Script) -> None:
        self.script = script

    def target(self, ref, spec):
        return "things:one"

    def fill(self, spec, values):
        return spec.model_copy(update={"taken": values["spec.taken"]})

    def observe(self, target, wanted, drivers, token=""):
        world = self.script.world
        return Reading({w.ref: Present(world[w.ref]) if w.ref in world else Absent() for w in wanted})

    def put(self, target, changes, drivers):
        return self._do("put", changes)

    def remove(self, target, changes, drivers):
        return self._do("remove", changes)

    def _do(self, verb: str, changes: list[Change]) -> Mapping[Ref, Any]:
        with self.script.lock:
            self.script.calls.append((verb, tuple(c.ref.name for c in changes)))
            return {c.ref: self._turn(verb, c) for c in changes}

    def _turn(self, verb: str, change: Change) -> Any:
        turns = self.script.turns[change.ref.name]
        answer = turns.pop(0) if turns else None
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            if verb == "put":
                self.script.world[change.ref] = change.spec
            else:
                self.script.world.pop(change.ref, None)
            return Done({"out": f"of {change.ref.name}"})
        return answer


class Notes:
    """A journal that remembers in which order it was told."""

    def __init__(self, script: Script) -> None:
        self.script, self.said = script, []

    def intend(self, operations):
        self.said += [f"intend {o.action.ref.name} after {len(self.script.calls)} calls" for o in operations]

    def started(self, operations):
        self.said += [f"started {o.action.ref.name} {s.handle}" for o, s in operations]

    def settle(self, outcomes):
        self.said += [f"{o.state} {o.action.ref.name}" for o in outcomes]


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def thing(name: str, *needs: str, output: str = "") -> Resource:
    spec = ThingSpec(value=1)
    edges = tuple(Edge(Ref(f"Thing/{n}"), "ready", "spec.taken", output) for n in needs)
    return Resource(
        Ref(f"Thing/{name}"),
        spec.digest(),
        spec.canonical(),
        edges,
        "things:one",
        Location("m.yaml", 1),
        ThingSpec.model_validate_json,
    )


def do(script: Script, *resources: Resource, actions=None, executor=None, stop=None, pace=None, leave=None, held=None):
    clock = Clock()
    by_ref = {r.ref: r for r in resources}
    target = Target("things:one", "script")
    graph = Graph("c", by_ref, {r.ref: r.digest for r in resources}, {target.id: target})
    made = actions or [
        Action(
            Verb.CREATE,
            r.ref,
            Reason.NEW,
            target.id,
            "u",
            fingerprint="absent",
            edges=r.edges,
            waits_for=tuple(e.ref for e in r.edges),
            spec={"value": 1},
        )
        for r in resources
    ]
    work = Work(Plan("c", "hanse/v1", tuple(made), 0), graph, {}, {"Thing": script.kind or Things(script)}, None, "run")
    notes = Notes(script)
    leave, stop = leave or threading.Event(), stop or threading.Event()
    conduct = Conduct(pace or Pace(), clock, clock.sleep, lambda: 1.0, leave=leave, stop=stop, held=held or {})
    outcomes = apply(work, notes, executor or Serial(), conduct)
    return {o.action.ref.name: o for o in outcomes}, notes.said, clock


def test_nothing_is_called_before_the_journal_has_it():
    script = Script()
    _, said, _ = do(script, thing("a"), thing("b", "a"))
    assert said == ["intend a after 0 calls", "done a", "intend b after 1 calls", "done b"]


def test_what_is_ready_goes_out_in_batches():
    script = Script()
    do(script, *[thing(n) for n in "abcde"])
    assert script.calls == [("put", ("a", "b", "c")), ("put", ("d", "e"))]


@pytest.mark.parametrize("executor", [Serial, Threads])
def test_references_decide_the_order(executor):
    script = Script()
    outcomes, _, _ = do(script, thing("a", "b"), thing("b", "c"), thing("c"), executor=executor())
    assert [names for _, names in script.calls] == [("c",), ("b",), ("a",)]
    assert {o.state for o in outcomes.values()} == {"done"}


def test_an_output_reaches_the_one_that_takes_it_and_the_record_of_it():
    script = Script()
    outcomes, _, _ = do(script, thing("a"), thing("b", "a", output="out"))
    assert script.world[Ref("Thing/b")].taken == "of a"
    assert outcomes["b"].action.spec["taken"] == "of a"


def test_a_missing_output_fails_by_name():
    outcomes, _, _ = do(Script(), thing("a"), thing("b", "a", output="nothing"))
    assert outcomes["b"].message == "Thing/a has no output nothing"


def test_a_failure_stops_only_what_depends_on_it():
    script = Script()
    script.turns["a"] = [Terminal("no")]
    outcomes, _, _ = do(script, thing("a"), thing("b", "a"), thing("c", "b"), thing("d"), pace=Pace(concurrency=1))
    # a and d went out in one batch and the error was about the batch
    assert {n: o.state for n, o in outcomes.items()} == {"a": "failed", "b": "deferred", "c": "deferred", "d": "failed"}
    assert (outcomes["c"].reason, outcomes["c"].blocker) == ("DependencyFailed", Ref("Thing/b"))


def test_a_transient_failure_is_tried_again_with_growing_pauses():
    script = Script()
    script.turns["a"] = [Transient("busy"), Transient("busy", retry_after=7)]
    outcomes, _, clock = do(script, thing("a"))
    assert (outcomes["a"].state, outcomes["a"].attempts) == ("done", 3)
    assert clock.now >= 7.5


def test_patience_ends():
    script = Script()
    script.turns["a"] = [Transient("busy")] * 10
    outcomes, _, _ = do(script, thing("a"), pace=Pace(attempts=3))
    assert (outcomes["a"].state, outcomes["a"].attempts, len(script.calls)) == ("failed", 3, 3)


def test_a_target_that_keeps_failing_is_left_alone():
    script = Script()
    for n in "abcdefgh":
        script.turns[n] = [Transient("down")] * 50
    outcomes, _, _ = do(script, *[thing(n) for n in "abcdefgh"], pace=Pace(attempts=50, breaker=4))
    assert {o.reason for o in outcomes.values()} == {"TargetUnreachable"}
    assert len(script.calls) <= 8


def test_what_takes_long_is_asked_about_and_its_handle_written_down():
    script = Script()
    script.turns["a"] = [Started("h1", 5, 100), Started("h2", 5, 100)]
    outcomes, said, clock = do(script, thing("a"), thing("b", "a"))
    assert outcomes["b"].state == "done"
    assert said[1:3] == ["started a h1", "started a h2"]
    assert clock.now >= 10


class Leaves(Script):
    """Git moves while a certain call is under way."""

    def leave_at(self, call: int) -> threading.Event:
        event, turn = threading.Event(), Things._turn

        class Now(Things):
            def _turn(self, verb: str, change: Change) -> Any:
                if len(self.script.calls) >= call:
                    event.set()
                return turn(self, verb, change)

        self.kind = Now(self)
        return event


def test_nothing_is_waited_for_once_git_has_moved_and_the_next_run_looks_again():
    script = Leaves()
    leave = script.leave_at(1)
    script.turns["a"] = [Started("copy", 1, 1e6, "half", progress=Progress(5, 10))] * 1000
    script.turns["b"] = [Started("vm", 60, 3600, "boots")] * 3
    outcomes, said, clock = do(script, thing("a"), thing("b"), thing("c", "b"), leave=leave)
    assert {name: outcome.state for name, outcome in outcomes.items()} == dict.fromkeys("abc", "deferred")
    assert outcomes["b"].message == "left to the next run, which begins now"
    assert [line for line in said if line.startswith(("intend c", "failed", "unknown"))] == []
    assert clock.now == 0


def test_a_pause_before_the_next_try_ends_when_git_has_moved():
    script = Leaves()
    leave = script.leave_at(1)
    script.turns["a"] = [Transient("busy", retry_after=300)]
    outcomes, _, clock = do(script, thing("a"), leave=leave)
    assert (outcomes["a"].state, clock.now, len(script.calls)) == ("deferred", 0, 1)


@pytest.mark.parametrize("call", [1, 2])
def test_a_replace_that_is_half_done_is_finished_although_git_has_moved(call):
    script = Leaves(world={Ref("Thing/a"): ThingSpec(value=0)})
    leave = script.leave_at(call)
    script.turns["a"] = [Started("going", 1, 60), None, Started("coming", 1, 60)]
    outcomes, said, _ = do(
        script, thing("a"), actions=[update("a", ThingSpec(value=0).digest(), Verb.REPLACE)], leave=leave
    )
    assert [verb for verb, _ in script.calls] == ["remove", "remove", "put", "put"]
    assert (outcomes["a"].state, said[-1]) == ("done", "done a")


def test_nothing_of_the_old_commit_is_begun_once_git_has_moved_but_what_is_in_flight_comes_to_its_end():
    script = Leaves()
    leave = script.leave_at(1)
    outcomes, _, _ = do(script, thing("a"), thing("b", "a"), leave=leave)
    assert (outcomes["a"].state, outcomes["b"].state) == ("done", "deferred")
    assert [names for _, names in script.calls] == [("a",)]


def test_what_is_held_back_is_not_done_and_neither_is_what_waits_for_it():
    held = {Ref("Thing/a"): (Reason.BACKING_OFF, "failed 3 times in a row: tried again at 12:00:05 UTC")}
    script = Script()
    outcomes, _, _ = do(script, thing("a"), thing("b", "a"), thing("c", "b"), thing("d"), held=held)
    assert {name: (o.state, str(o.reason or "")) for name, o in outcomes.items()} == {
        "a": ("deferred", "BackingOff"),
        "b": ("deferred", "BackingOff"),
        "c": ("deferred", "BackingOff"),
        "d": ("done", ""),
    }
    assert outcomes["b"].message == f"Thing/a comes first: {outcomes['a'].message}"
    assert [names for _, names in script.calls] == [("d",)]


def test_what_never_ends_is_given_up_at_its_deadline():
    script = Script()
    script.turns["a"] = [Started("h", 10, 30)] * 100
    outcomes, _, _ = do(script, thing("a"))
    assert outcomes["a"].state == "failed"
    assert "not finished after 30 s" in outcomes["a"].message


def test_a_lost_answer_is_an_unknown_outcome_and_is_not_repeated():
    script = Script()
    script.turns["a"] = [OutcomeUnknown("no reply")]
    outcomes, said, _ = do(script, thing("a"))
    assert (outcomes["a"].state, len(script.calls), said[-1]) == ("unknown", 1, "unknown a")


def update(name: str, fingerprint: str, verb=Verb.UPDATE) -> Action:
    return Action(
        verb,
        Ref(f"Thing/{name}"),
        Reason.SPEC_CHANGED,
        "things:one",
        "u",
        fingerprint=fingerprint,
        spec={"value": 1},
        before={"value": 0},
    )


@pytest.mark.parametrize("verb", [Verb.UPDATE, Verb.DELETE])
def test_an_object_that_moved_since_the_plan_is_not_touched(verb):
    script = Script(world={Ref("Thing/a"): ThingSpec(value=5), Ref("Thing/b"): ThingSpec(value=0)})
    seen = ThingSpec(value=0).digest()
    outcomes, _, _ = do(script, thing("a"), thing("b"), actions=[update("a", seen, verb), update("b", seen, verb)])
    assert (outcomes["a"].state, outcomes["a"].reason) == ("failed", "PlanStale")
    assert outcomes["b"].state == "done"
    assert [names for _, names in script.calls] == [("b",)]


def test_a_replace_takes_away_first_and_then_makes():
    script = Script(world={Ref("Thing/a"): ThingSpec(value=0)})
    outcomes, said, _ = do(script, thing("a"), actions=[update("a", ThingSpec(value=0).digest(), Verb.REPLACE)])
    assert script.calls == [("remove", ("a",)), ("put", ("a",))]
    assert (outcomes["a"].state, said[-1]) == ("done", "done a")


def test_a_conflict_is_told_and_not_repeated():
    script = Script()
    script.turns["a"] = [Conflict("somebody was faster")]
    outcomes, _, _ = do(script, thing("a"))
    assert (outcomes["a"].reason, len(script.calls)) == ("PlanStale", 1)


def test_a_stop_finishes_what_is_in_flight_and_starts_nothing_new():
    stop, script = threading.Event(), StopsAtFirstCall()
    script.event = stop
    outcomes, _, _ = do(script, thing("a"), thing("b", "a"), stop=stop)
    assert (outcomes["a"].state, outcomes["b"].state) == ("done", "deferred")
    assert [names for _, names in script.calls] == [("a",)]


@dataclass
class StopsAtFirstCall(Script):
    """Somebody asks to stop while the first call is under way."""

    event: threading.Event | None = None

    def __post_init__(self) -> None:
        self.lock = self

    def __enter__(self) -> None:
        self.event.set()

    def __exit__(self, *_: object) -> None:
        pass


def test_blocked_and_deferred_actions_are_told_and_not_done():
    blocked = Action(
        Verb.DELETE, Ref("Thing/a"), Reason.REMOVED_FROM_GIT, "things:one", blocked=Reason.APPROVAL_REQUIRED
    )
    waiting = Action(Verb.DEFER, Ref("Thing/b"), Reason.PAUSED, "things:one", message="held")
    script = Script()
    outcomes, _, _ = do(script, thing("a"), actions=[blocked, waiting])
    assert [(o.state, o.reason) for o in outcomes.values()] == [
        ("deferred", "ApprovalRequired"),
        ("deferred", "Paused"),
    ]
    assert not script.calls
