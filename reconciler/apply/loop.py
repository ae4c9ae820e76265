"""The loop: takes what is ready, sends it out in batches, and lets dependants follow."""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import replace
from itertools import count
from typing import Any

from reconciler.apply.conduct import Conduct
from reconciler.apply.executor import Executor
from reconciler.apply.lanes import Lanes
from reconciler.apply.task import Task, carry
from reconciler.apply.work import Work
from reconciler.model import Action, Answer, Done, Failed, Outcome, Reason, Ref, Started, Verb
from reconciler.ports import Journal

_INTENDED_AT_ONCE = 500
_Batch = list[Task]


class Loop:
    """One apply. Runs in one thread; only the calls to back ends run elsewhere."""

    def __init__(self, work: Work, journal: Journal, executor: Executor, conduct: Conduct) -> None:
        self._work, self._journal, self._executor = work, journal, executor
        self._clock, self._sleep, self._stop = conduct.clock, conduct.sleep, conduct.stop
        self._leave, self._progress, self._advance = conduct.leave, conduct.progress, conduct.advance
        self._held, self._alive = conduct.held, conduct.alive
        self._lanes = Lanes(conduct.pace, conduct.jitter, told=conduct.breaker)
        self._outcomes: dict[Ref, Outcome] = {}
        self._outputs: dict[Ref, Mapping[str, Any]] = {}
        self._waiting: dict[Ref, set[Ref]] = {}
        self._followers: dict[Ref, list[Ref]] = defaultdict(list)
        self._actions: dict[Ref, Action] = {}
        self._ready: deque[Ref] = deque()
        self._queues: dict[tuple[Any, ...], deque[Task]] = defaultdict(deque)
        self._later: list[tuple[float, int, Task]] = []
        self._flying: dict[Future[Mapping[Ref, Answer]], _Batch] = {}
        self._number = count(1)

    def run(self) -> dict[Ref, Outcome]:
        """Everything that can be done is done when this returns."""
        self._line_up()
        while self._ready or self._later or self._flying or any(self._queues.values()):
            if not self._flying and (self._stop.is_set() or self._may_leave()):
                break
            self._admit()
            self._send()
            self._collect()
        self._leave_rest()
        return self._outcomes

    def _may_leave(self) -> bool:
        """Whether nothing is half done, and somebody has better to do than wait."""
        if not self._leave.is_set():
            return False
        queued = (task for queue in self._queues.values() for task in queue)
        return not any(task.half_done for task in (*queued, *(task for _, _, task in self._later)))

    # -- before ----------------------------------------------------------------------------------------------------

    def _line_up(self) -> None:
        held: dict[Ref, tuple[Reason, str]] = {}
        for action in self._work.plan.actions:
            if action.verb is Verb.NOOP:
                continue
            if action.verb is Verb.DEFER or action.blocked is not None:
                reason = action.blocked or action.reason
                self._note(Outcome(action, "deferred", reason, action.message))
            elif why := self._why_held(action, held):
                held[action.ref] = why
                self._note(Outcome(action, "deferred", *why))
            else:
                self._actions[action.ref] = action
        for ref, action in self._actions.items():
            needs = {other for other in action.waits_for if other in self._actions}
            self._waiting[ref] = needs
            for other in needs:
                self._followers[other].append(ref)
            if not needs:
                self._ready.append(ref)

    def _why_held(self, action: Action, held: Mapping[Ref, tuple[Reason, str]]) -> tuple[Reason, str] | None:
        """Why an action is not done in this run: it is held, or what comes before it in the plan is."""
        if action.ref in self._held:
            return self._held[action.ref]
        before = next((other for other in action.waits_for if other in held), None)
        return (held[before][0], f"{before} comes first: {held[before][1]}") if before else None

    # -- out -------------------------------------------------------------------------------------------------------

    def _admit(self) -> None:
        """Write down the intentions of what is ready, many in one transaction, and queue them by target."""
        now = self._clock()
        while self._later and self._later[0][0] <= now:
            task = heapq.heappop(self._later)[2]
            self._queues[task.group].append(task)
        if not self._ready or self._stop.is_set() or self._leave.is_set():
            return
        tasks: list[Task] = []
        settled: list[Outcome] = []
        operations = []
        for _ in range(min(len(self._ready), _INTENDED_AT_ONCE)):
            action = self._actions[self._ready.popleft()]
            operation = self._work.operation(action, next(self._number))
            missing = self._work.missing_output(action, self._outputs)
            if missing:
                settled.append(Outcome(action, "failed", Reason.DEPENDENCY_FAILED, missing))
            elif self._work.recorded_only(action):
                operations.append(operation)
                handed = self._work.found_outputs(action.ref)
                settled.append(Outcome(action, "done", None, action.message, handed, operation=operation.id))
            else:
                task = self._work.task(action, operation, self._outputs, now)
                operations.append(task.operation)
                tasks.append(task)
        self._journal.intend(operations)
        for task in tasks:
            self._queues[task.group].append(task)
        self._settle(settled)

    def _send(self) -> None:
        now = self._clock()
        for group, queue in self._queues.items():
            target, kind = group[0], self._work.kinds[group[1]]
            while queue and self._lanes.broken(target):
                self._give_up(queue.popleft())
            while queue and self._lanes.free(target, now) and not self._stopping(queue):
                batch = [queue.popleft() for _ in range(min(len(queue), kind.batch))]
                self._lanes.running[target] += 1
                future = self._executor.submit(self._call(kind, batch))
                self._flying[future] = batch

    def _stopping(self, queue: deque[Task]) -> bool:
        """Whether nothing of this queue is begun any more."""
        first = queue[0]
        ending = self._stop.is_set() or (self._leave.is_set() and not first.half_done)
        return ending and not first.change.handle

    def _call(self, kind: Any, batch: _Batch) -> Callable[[], Mapping[Ref, Answer]]:
        return lambda: carry(kind, batch, self._work.drivers, recheck=self._work.recheck)

    def _give_up(self, task: Task) -> None:
        said = f"{task.target.id} failed {self._lanes.failures[task.target.id]} times in a row: left for the next run"
        self._finish(task, Outcome(task.action, "failed", Reason.TARGET_UNREACHABLE, said))

    # -- back ------------------------------------------------------------------------------------------------------

    def _collect(self) -> None:
        """Take every answer that is there; wait for one when none is."""
        if not self._flying:
            self._alive()
            self._rest()
            return
        finished, _ = wait(self._flying, timeout=self._patience(), return_when=FIRST_COMPLETED)
        outcomes: list[Outcome] = []
        started: list[tuple[Any, Started]] = []
        for future in finished:
            self._alive()
            batch = self._flying.pop(future)
            self._lanes.running[batch[0].target.id] -= 1
            answers = future.result()
            for task in batch:
                self._take(task, answers[task.change.ref], outcomes, started)
        if started:
            self._journal.started(started)
        self._settle(outcomes)

    def _patience(self) -> float | None:
        if not self._later:
            return 1.0
        return min(1.0, max(0.0, self._later[0][0] - self._clock()))

    def _rest(self) -> None:
        """Nothing is in flight: sleep until the next question is due."""
        if self._ready or not (self._later or any(self._queues.values())):
            return
        due = [self._later[0][0]] if self._later else []
        due += [self._lanes.not_before.get(group[0], 0.0) for group, queue in self._queues.items() if queue]
        pause = max(0.0, min(due, default=0.0) - self._clock())
        if pause:
            self._sleep(min(pause, 1.0))

    def _take(self, task: Task, answer: Answer, outcomes: list[Outcome], started: list[tuple[Any, Started]]) -> None:
        now, target = self._clock(), task.target.id
        if isinstance(answer, Failed):
            self._failed(task, answer, now, outcomes)
            return
        self._lanes.succeeded(target)
        if isinstance(answer, Started):
            task.deadline = task.deadline or now + answer.deadline
            if now > task.deadline:
                said = f"not finished after {answer.deadline:g} s: {answer.message}"
                outcomes.append(replace(self._outcome(task, "failed", None, said), stages=answer.stages))
                return
            task.change = replace(task.change, handle=answer.handle)
            started.append((replace(task.operation, handle=answer.handle), answer))
            self._advance(task.action, answer)
            self._again(task, now + answer.look_again_in)
        elif task.then is not None:
            task.then.outputs, task.then.half = answer.outputs, True
            self._queues[task.then.group].append(task.then)
        else:
            outcomes.append(self._done(task, answer))

    def _done(self, task: Task, answer: Done) -> Outcome:
        said = answer.message or task.action.message
        outputs = answer.outputs if task.phase == "put" else task.outputs
        return replace(self._outcome(task, "done", None, said), outputs=outputs, stages=answer.stages)

    def _failed(self, task: Task, answer: Failed, now: float, outcomes: list[Outcome]) -> None:
        if answer.fate == "transient" and task.attempts < self._lanes.pace.attempts:
            again = self._lanes.failed(task.target.id, task.attempts, answer.retry_after, now)
            task.attempts += 1
            task.change = replace(task.change, handle="")
            self._again(task, again)
            return
        state: Any = "unknown" if answer.fate == "unknown" else "failed"
        reason = answer.reason or (Reason.TARGET_UNREACHABLE if answer.fate == "transient" else None)
        outcomes.append(replace(self._outcome(task, state, reason, answer.message), stages=answer.stages))

    def _again(self, task: Task, when: float) -> None:
        heapq.heappush(self._later, (when, next(self._number), task))

    def _outcome(self, task: Task, state: Any, reason: Reason | None, message: str) -> Outcome:
        seconds = self._clock() - task.since
        return Outcome(
            task.action, state, reason, message, seconds=seconds, attempts=task.attempts, operation=task.operation.id
        )

    # -- settled ---------------------------------------------------------------------------------------------------

    def _finish(self, task: Task, outcome: Outcome) -> None:
        self._settle([replace(outcome, operation=task.operation.id, attempts=task.attempts)])

    def _settle(self, outcomes: list[Outcome]) -> None:
        """Write outcomes down, then let those follow that waited for them."""
        if not outcomes:
            return
        self._journal.settle(outcomes)
        for outcome in outcomes:
            ref = outcome.action.ref
            self._note(outcome)
            if outcome.state == "done":
                self._outputs[ref] = outcome.outputs
            self._release(ref, done=outcome.state == "done")

    def _release(self, ref: Ref, *, done: bool) -> None:
        for follower in self._followers.pop(ref, ()):
            if follower in self._outcomes:
                continue
            if not done:
                said = f"{ref} did not succeed"
                action = self._actions[follower]
                self._note(Outcome(action, "deferred", Reason.DEPENDENCY_FAILED, said, blocker=ref))
                self._release(follower, done=False)
                continue
            self._waiting[follower].discard(ref)
            if not self._waiting[follower]:
                self._ready.append(follower)

    def _note(self, outcome: Outcome) -> None:
        self._outcomes[outcome.action.ref] = outcome
        self._progress(outcome)

    def _leave_rest(self) -> None:
        """What a stop request left undone, and what is looked at again in the next run."""
        rest: Iterable[Action] = [a for ref, a in self._actions.items() if ref not in self._outcomes]
        why = "stopped before it was its turn" if self._stop.is_set() else "left to the next run, which begins now"
        begun = {task.action.ref for _, _, task in self._later}
        midway = "stopped while it was under way: the next run looks how far it has come"
        for action in rest:
            told = midway if self._stop.is_set() and action.ref in begun else why
            self._note(Outcome(action, "deferred", Reason.PAUSED, told))
