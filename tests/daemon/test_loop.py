"""The loop: its rhythm, what wakes it, what ends it, and that a failing step does not."""

import json
import os
import signal
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from reconciler import logs
from reconciler.daemon import lease, watch
from reconciler.daemon.loop import Bell, Rhythm, going_on, keep
from reconciler.daemon.service import obeying
from reconciler.daemon.watch import git_folder, watching
from reconciler.errors import LeaseHeld, RecordsError, SourceError
from reconciler.records.store import open_store
from tests.real.waiting import PATIENCE, until


class Waits(Bell):
    """A bell that remembers how long it was asked to wait, and waits not at all."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.waits: list[float] = []
        self.most = most

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        if len(self.waits) == self.most:
            self.end()


@pytest.fixture
def clock():
    """A clock that a test moves."""

    class Clock:
        now = 100.0

        def __call__(self) -> float:
            return self.now

    return Clock()


def test_intervals_count_from_beginning_to_beginning(clock):
    bell = Waits(3)
    seconds = iter([5.0, 0.0, 90.0])

    def step() -> None:
        clock.now += next(seconds)

    keep(step, bell, Rhythm(60, 0.1, lambda: 0.5, clock))
    assert bell.waits == [pytest.approx(58), pytest.approx(63), 0.0]


def test_a_step_that_fails_is_tried_again(clock, capsys):
    logs.configure("info", {})
    bell, tries = Waits(3), []

    def step() -> None:
        tries.append(1)
        raise [SourceError("no such branch"), ZeroDivisionError("ours"), SourceError("still none")][len(tries) - 1]

    keep(step, bell, Rhythm(60, 0, lambda: 0, clock))
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert len(tries) == 3
    assert [line["message"] for line in lines] == [
        "not reconciled",
        "not reconciled: this is a fault of Hanse",
        "not reconciled",
    ]
    assert "ZeroDivisionError" in lines[1]["exception"]


def test_a_lost_lease_ends_the_loop(clock):
    def step() -> None:
        raise LeaseHeld("another has it")

    with pytest.raises(LeaseHeld):
        keep(step, Waits(3), Rhythm(60, 0, lambda: 0, clock))


def test_a_stop_before_the_first_step_does_nothing(clock):
    bell = Waits(1)
    bell.end()
    keep(lambda: pytest.fail("no step may begin"), bell, Rhythm(60, 0, lambda: 0, clock))


def test_a_ring_during_a_step_is_not_lost():
    bell = Bell()
    bell.ring()
    began = time.monotonic()
    bell.wait(PATIENCE)
    assert time.monotonic() - began < PATIENCE / 2


# -- the lease -----------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: datetime.now(UTC)) as opened:
        yield opened


def test_the_lease_is_renewed_while_it_is_held_and_let_go_after(tmp_path):
    now = [datetime(2026, 11, 21, tzinfo=UTC)]
    with (
        open_store(f"sqlite:///{tmp_path}/hanse.db", lambda: now[0]) as store,
        lease.held(store, 0.6, lambda: pytest.fail("it was not lost")),
    ):
        for _ in range(3):
            now[0] += timedelta(seconds=0.5)
            until(
                "it is renewed", lambda: store.lease.current(lease.NAME).expires - now[0], timedelta(seconds=0.6).__eq__
            )
        assert store.lease.current(lease.NAME).holder == lease.holder()
        with pytest.raises(LeaseHeld, match=f"process {os.getpid()}"), lease.held(store, 1, lambda: None):
            pytest.fail("two hold it")
    assert store.lease.current(lease.NAME) is None


def test_who_loses_the_lease_is_told(store):
    lost = threading.Event()
    with lease.held(store, 0.3, lost.set) as fence:
        store.lease.release(lease.NAME, fence.token)
        assert lost.wait(PATIENCE)


@pytest.mark.parametrize("holder", ["somebody", "maria@elsewhere.example.org, process 1", ""])
def test_in_doubt_a_holder_lives(holder):
    assert not lease.dead(holder)
    assert not lease.dead(lease.holder())


def test_a_process_of_this_host_that_is_no_more_is_dead():
    assert lease.dead(f"{lease.who()}, process 4194305")


# -- the watch -----------------------------------------------------------------------------------------------------


def git(folder, *arguments):
    import subprocess

    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    (tmp_path / "manifests").mkdir()
    return tmp_path


def rings(repository, folders, act, within: float = PATIENCE) -> bool:
    rung = threading.Event()
    with watching(repository, folders, rung.set):
        act()
        return rung.wait(within)


def test_a_commit_rings(repository):
    assert rings(repository, (), lambda: git(repository, "commit", "-q", "--allow-empty", "-m", "next"))


def test_a_file_rings_only_where_working_trees_are_watched(repository):
    def write() -> None:
        (repository / "manifests" / "a.yaml").write_text("a: 1\n")

    assert rings(repository, ("manifests",), write)
    assert not rings(repository, (), write, within=1.5)


def test_a_push_to_a_bare_repository_rings(repository, tmp_path_factory):
    bare = tmp_path_factory.mktemp("bare")
    git(bare, "init", "-q", "--bare")
    assert rings(bare, (), lambda: git(repository, "push", "-q", str(bare), "HEAD:refs/heads/main"))


@pytest.mark.parametrize("folders", [(), ("manifests",)])
def test_what_moves_before_the_watch_is_in_place_rings_too(repository, folders, monkeypatch):
    """As on a machine that is so busy that a thread begins late."""
    late, real = threading.Event(), watch.watch

    def lately(*arguments, **options):
        assert late.wait(PATIENCE)
        yield from real(*arguments, **options)

    def act() -> None:
        if folders:
            (repository / "manifests" / "a.yaml").write_text("a: 1\n")
        else:
            git(repository, "commit", "-q", "--allow-empty", "-m", "next")
        late.set()

    monkeypatch.setattr(watch, "watch", lately)
    assert rings(repository, folders, act)


def test_branches_of_a_linked_working_tree_are_found(repository, tmp_path_factory):
    linked = tmp_path_factory.mktemp("linked") / "tree"
    git(repository, "worktree", "add", "-q", str(linked))
    assert git_folder(linked) == repository / ".git"
    assert git_folder(repository / "manifests") == repository / ".git"


@pytest.mark.parametrize("fault", [RecordsError("the database is away"), ValueError("a fault of our own")])
def test_what_fails_beside_the_loop_is_begun_again(fault):
    begun: list[int] = []
    well = threading.Event()

    def beside(bell: Bell) -> None:
        begun.append(1)
        if len(begun) < 3:
            raise fault
        well.set()
        bell.stop.wait(PATIENCE)

    with going_on([beside], Bell(), again=0.01):
        assert well.wait(PATIENCE)
    assert len(begun) == 3


def test_what_has_ended_by_itself_is_not_begun_again():
    begun: list[int] = []
    with going_on([lambda _bell: begun.append(1)], Bell(), again=0.01):
        until("it has begun", lambda: begun)
    assert begun == [1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_obeyed_whatever_lock_the_code_that_it_interrupts_holds(number, capsys):
    logs.configure("info", {})
    lock, ended = threading.Lock(), threading.Event()

    def end() -> None:
        if lock.acquire(timeout=PATIENCE):
            ended.set()

    with obeying(end):
        with lock:
            os.kill(os.getpid(), number)
        assert ended.wait(PATIENCE)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert [json.loads(line)["signal"] for line in capsys.readouterr().err.splitlines()] == [number.name]
    with obeying(end):
        ended.clear()
    assert not ended.is_set()
