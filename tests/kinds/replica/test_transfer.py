"""Transfers: bounded on each link and target, in the order of their priority, fair, and told with rate and end."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from reconciler.errors import Terminal, Transient
from reconciler.kinds.replica.speed import Speed
from reconciler.kinds.replica.transfer import Job, Limits, Piece, Transfers, limits
from reconciler.model import Progress, Target
from tests.real.waiting import until


class Stage:
    """Pieces that wait until they are let go, and who runs."""

    def __init__(self):
        self.transfers = Transfers()
        self.lock, self.running, self.order = threading.Condition(), [], []
        self.let_go = 0

    def job(self, name, pieces=1, target="storage:B/disk", link="storage:A/disk", **more):
        work = [Piece(partial(self.wait, name), link) for _ in range(pieces)]
        return self.transfers.start(Job(name, target, more.pop("owner", name), lambda _job: work, files=pieces, **more))

    def wait(self, name, job):
        with self.lock:
            self.running.append(name)
            self.order.append(name)
            self.lock.notify_all()
            assert self.lock.wait_for(lambda: self.let_go or job.cancelled.is_set(), 10)
            self.let_go -= not job.cancelled.is_set()
            self.running.remove(name)
            self.lock.notify_all()
            job.advance(10)

    def steady(self, count):
        """Wait until so many run, and see that there are no more."""
        with self.lock:
            assert self.lock.wait_for(lambda: len(self.running) >= count, 10), self.running
            self.lock.wait_for(lambda: len(self.running) > count, 0.05)
            return sorted(self.running)

    def one(self):
        """Let one go, and wait until somebody else has come in its place or nobody is left."""
        with self.lock:
            before = len(self.order)
            self.let_go += 1
            self.lock.notify_all()
            self.lock.wait_for(lambda: len(self.order) > before, 1)

    def all(self, *jobs):
        with self.lock:
            self.let_go = 1000
            self.lock.notify_all()
        until("all have ended", lambda: all(job.state != "running" for job in jobs), every=0.005)


@pytest.fixture
def stage():
    made = Stage()
    yield made
    made.all()


def test_files_of_one_replica_run_side_by_side_up_to_the_limit_of_their_link(stage):
    job = stage.job("a", 5)
    assert stage.steady(2) == ["a", "a"]
    stage.all(job)
    assert (job.state, job.files_done, job.moved) == ("done", 5, 50)


def test_a_full_link_does_not_hold_up_another_link_to_the_same_storage(stage):
    jobs = [stage.job("a", 3), stage.job("b", 3, link="storage:C/disk")]
    assert stage.steady(4) == ["a", "a", "b", "b"]
    stage.all(*jobs)


def test_a_storage_takes_no_more_at_once_than_it_says_whatever_comes_from_where(stage):
    few = Limits(target=3)
    jobs = [stage.job(link, 3, link=link, limits=few) for link in ("storage:C/d", "storage:D/d", "")]
    assert len(stage.steady(3)) == 3
    stage.all(*jobs)


def test_storages_do_not_wait_for_each_other(stage):
    jobs = [stage.job("a", 3), stage.job("b", 3, target="storage:X/disk")]
    assert stage.steady(4) == ["a", "a", "b", "b"]
    stage.all(*jobs)


def test_what_has_priority_comes_first_and_equals_take_turns(stage):
    single = {"limits": Limits(link=1)}
    jobs = [stage.job("first", 3, **single)]
    stage.steady(1)
    jobs += [stage.job("second", 2, **single), stage.job("urgent", 2, priority=5, **single)]
    until("all have begun", lambda: all(job.begun for job in jobs), every=0.005)
    for _ in range(6):
        stage.one()
    stage.all(*jobs)
    assert stage.order == ["first", "urgent", "urgent", "second", "first", "second", "first"]


def test_a_newer_job_of_the_same_owner_waits_until_the_older_one_has_stopped(stage):
    old = stage.job("old", owner="x")
    stage.steady(1)
    new = stage.job("new", owner="x")
    stage.all(old, new)
    assert (old.state, old.error, new.state) == ("failed", None, "done")
    assert stage.order == ["old", "new"]


def test_what_waits_for_its_turn_is_called_off_at_once(stage):
    jobs = [stage.job("a", 2), stage.job("b", 2)]
    stage.steady(2)
    assert stage.transfers.cancel("storage:B/disk", "nobody") is False
    waiting = next(job for job in jobs if job.handle not in stage.running or len(set(stage.running)) == 2)
    stage.transfers.cancel("storage:B/disk", waiting.owner)
    stage.all(*jobs)
    assert waiting.state == "failed"
    assert waiting.files_done < 2


def test_what_fails_is_counted_and_what_it_moved_is_not(stage):
    def fails(job):
        job.advance(1000)
        raise Transient("broken off")

    def refused(_job):
        raise Terminal("no")

    def fine(job):
        job.advance(7)

    work = [Piece(refused), Piece(fails), Piece(fine)]
    job = stage.transfers.start(Job("a", "storage:B/disk", "a", lambda _job: work, 1007, 3))
    stage.all(job)
    assert (job.state, str(job.error)) == ("failed", "2 of 3 files failed, first: broken off")
    assert isinstance(job.error, Transient)
    assert (job.moved, job.files_done) == (7, 1)


def test_a_fault_of_ours_ends_the_job_and_not_the_transfers(stage, monkeypatch):
    seen = []
    monkeypatch.setattr(threading, "excepthook", lambda args: seen.append(args.exc_type))
    job = stage.transfers.start(Job("a", "storage:B/disk", "a", lambda _job: {}[1]))
    stage.all(job)
    after = stage.job("b")
    stage.all(after)
    assert "fault of its own" in str(job.error)
    assert (after.state, seen) == ("done", [KeyError])


def test_the_rate_is_of_the_last_seconds_and_the_end_follows_from_it():
    now = [0.0]
    speed = Speed(lambda: now[0])
    for _ in range(20):
        now[0] += 1
        speed.add(10_000_000)
    told = speed.progress(600_000_000, 0, 1)
    assert told == Progress(200_000_000, 600_000_000, 10_000_000.0, 40.0, 0, 1)
    assert str(told) == "200.0 MB of 600.0 MB, 10.0 MB/s, done in 40 s"
    now[0] += 5
    assert speed.rate() == pytest.approx(5_000_000)
    now[0] += 60
    assert speed.rate() == 0
    assert str(speed.progress(600_000_000, 3, 10)) == "3 of 10 files, 200.0 MB of 600.0 MB"


def test_limits_are_read_from_the_storage():
    options = {"copiesAtOnce": 8, "copiesPerLink": 3, "links": {"A/tape": 1, "D": 5}}
    found = limits(Target("storage:B/disk", "directory", options))
    links = ("", "storage:A/tape", "storage:C/disk", "storage:D/disk")
    assert [found.target, *map(found.of, links)] == [8, 8, 1, 3, 5]
    assert limits(Target("storage:B/disk", "directory", {"transfers": "fts:main"})).target == 100
