"""The queue: what is taken first, how long what failed is left alone, and how readings spread."""

from __future__ import annotations

import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from reconciler.daemon.queue import Beat, Queue, Rest, Settling, Urgency

BEAT = Beat(interval=60, first=5, longest=900, jitter=0.1, together=6)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def queue(clock):
    return Queue(BEAT, clock, lambda: 0.5)


def keys(taken) -> list[str]:
    return [item.key for item in taken]


def test_what_changed_comes_before_what_is_retried_before_what_time_brings(queue, clock):
    queue.looked(["dns:a"])
    queue.failed(["VO/b"])
    clock.now += 100
    queue.changed(["VO/c"])
    assert [(item.urgency.name, item.key) for item in queue.take()] == [
        ("CHANGED", "VO/c"),
        ("RETRIED", "VO/b"),
        ("PERIODIC", "dns:a"),
    ]
    assert queue.take() == ()


def test_what_stands_in_the_queue_twice_is_taken_once_and_at_its_most_urgent(queue, clock):
    queue.wanted(["VO/a"])
    clock.now += 3
    queue.changed(["VO/a", "VO/a"])
    (item,) = queue.take()
    assert (item.urgency, item.since) == (Urgency.CHANGED, 1000.0)


def test_what_fails_waits_longer_each_time_and_never_longer_than_the_longest(queue, clock):
    pauses = []
    for _ in range(12):
        queue.failed(["VO/a"])
        pauses.append(queue.soon())
        clock.now += queue.soon()
        assert keys(queue.take()) == ["VO/a"]
    assert pauses[:3] == [pytest.approx(4.75), pytest.approx(9.5), pytest.approx(19)]
    assert pauses[-1] == pytest.approx(855)
    assert max(pauses) <= BEAT.longest


def test_success_and_a_change_in_git_end_the_waiting(queue, clock):
    for _ in range(8):
        queue.failed(["VO/a", "VO/b"])
    assert queue.resting == {"VO/a": Rest(8, pytest.approx(clock.now + 608)), "VO/b": Rest(8, pytest.approx(1608))}
    queue.succeeded(["VO/a"])
    queue.changed(["VO/b"])
    assert queue.resting == {}
    assert keys(queue.take()) == ["VO/b"]
    queue.failed(["VO/a", "VO/b"])
    assert queue.soon() == pytest.approx(4.75)


def test_another_look_does_not_shorten_the_wait_of_what_failed(queue):
    queue.failed(["VO/a"])
    queue.wanted(["VO/a", "VO/b"])
    assert keys(queue.take()) == ["VO/b"]
    assert set(queue.resting) == {"VO/a"}


def test_a_failure_does_not_delay_what_git_changed_meanwhile(queue):
    queue.changed(["VO/a"])
    queue.failed(["VO/a"])
    assert keys(queue.take()) == ["VO/a"]


def test_how_long_each_item_was_due_is_told(clock):
    told = []
    queue = Queue(BEAT, clock, lambda: 0.5, lambda urgency, seconds: told.append((urgency.name, round(seconds, 2))))
    queue.failed(["VO/a"])
    queue.changed(["VO/b"])
    clock.now += 5
    queue.take()
    assert told == [("CHANGED", 5.0), ("RETRIED", 0.25)]


def test_two_hundred_targets_are_not_read_in_the_same_second(clock):
    queue = Queue(Beat(interval=60, together=6), clock, random.Random(7).random)
    targets = [f"dns:{n}" for n in range(200)]
    queue.looked(targets, anew=True)
    rounds = []
    for _ in range(120):
        clock.now += 1
        if taken := queue.take():
            rounds.append(len(taken))
            queue.looked(keys(taken))
    assert max(rounds) < 60
    assert len(rounds) >= 16
    assert sum(rounds) >= 380


def test_a_change_does_not_bring_readings_along_that_are_not_due(queue, clock):
    queue.looked(["dns:a", "dns:b"], anew=True)
    clock.now += 29
    queue.changed(["VO/a"])
    assert keys(queue.take()) == ["VO/a"]
    clock.now += 2
    assert keys(queue.take()) == ["dns:a", "dns:b"]


def test_what_nobody_declares_any_more_is_forgotten(queue):
    queue.changed(["VO/a", "VO/b"])
    queue.failed(["VO/c"])
    queue.only(["VO/b"])
    assert keys(queue.take()) == ["VO/b"]
    assert queue.soon() is None


def test_threads_may_put_in_while_the_loop_takes_out():
    queue = Queue(Beat(), Clock(), random.random)
    names = [f"VO/{n}" for n in range(400)]
    threads = [threading.Thread(target=queue.changed, args=(names[n::4],)) for n in range(4)]
    found: set[str] = set()
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        found.update(keys(queue.take()))
    found.update(keys(queue.take()))
    assert found == set(names)


@given(some.integers(1, 60), some.floats(0, 1), some.floats(0.1, 60), some.floats(0, 1))
def test_no_pause_is_negative_or_above_the_longest(failures, chance, first, jitter):
    beat = Beat(first=first, longest=120, jitter=jitter)
    assert 0 <= beat.pause(failures, chance) <= 120
    assert beat.pause(failures + 1, 0) >= beat.pause(failures, 0)


class Anyhow(RuleBasedStateMachine):
    """Whatever happens in whatever order: nothing is lost, nothing is there twice, and what changed never waits."""

    names = some.sampled_from(["VO/a", "VO/b", "dns:x", "dns:y"])

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.dice = Clock(), random.Random(1)
        self.queue = Queue(BEAT, self.clock, self.dice.random)
        self.changed: set[str] = set()

    @rule(name=names)
    def change(self, name: str) -> None:
        self.queue.changed([name])
        self.changed.add(name)

    @rule(name=names)
    def fail(self, name: str) -> None:
        self.queue.failed([name])

    @rule(name=names)
    def want(self, name: str) -> None:
        self.queue.wanted([name])

    @rule(name=names)
    def succeed(self, name: str) -> None:
        self.queue.succeeded([name])

    @rule(name=names, anew=some.booleans())
    def look(self, name: str, anew: bool) -> None:
        self.queue.looked([name], anew=anew)

    @rule(seconds=some.floats(0, 2000))
    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def take(self) -> None:
        taken = self.queue.take()
        assert len(set(keys(taken))) == len(taken)
        assert list(taken) == sorted(taken, key=lambda item: item.urgency)
        assert self.changed <= {item.key for item in taken if item.urgency is Urgency.CHANGED}
        self.changed = set()

    @invariant()
    def what_rests_is_due_in_time(self) -> None:
        assert all(0 < rest.until - self.clock.now <= BEAT.longest for rest in self.queue.resting.values())
        assert not self.changed & self.queue.resting.keys()
        assert not self.changed or self.queue.soon() == 0


TestAnyhow = Anyhow.TestCase
TestAnyhow.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


def test_many_calls_close_together_are_one(clock):
    settling = Settling(1.0, 5.0, clock)
    assert settling.left() is None
    settling.call()
    clock.now += 0.75
    settling.call()
    assert settling.left() == pytest.approx(1.0)
    clock.now += 1
    assert settling.left() == 0
    settling.answered()
    assert settling.left() is None


def test_calls_that_never_end_are_answered_all_the_same(clock):
    settling = Settling(1.0, 5.0, clock)
    for _ in range(11):
        settling.call()
        clock.now += 0.5
    assert settling.left() == 0
