"""Leases: one holder at a time, also between processes, and a token that only grows."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from reconciler.errors import LeaseHeld
from reconciler.records.store import open_store
from tests.real.waiting import PATIENCE


def test_a_free_lease_is_taken_and_its_token_grows(store):
    first = store.lease.acquire("reconcile", "one", 60)
    store.lease.release("reconcile", first)
    second = store.lease.acquire("reconcile", "two", 60)
    assert (first, second) == (1, 2)


def test_a_held_lease_names_its_holder_and_since_when(store, clock):
    store.lease.acquire("reconcile", "ada@host:17", 60)
    clock.pass_by(5)
    with pytest.raises(LeaseHeld, match="ada@host:17 holds the lease reconcile since 2026-11-21 12:00:00 UTC"):
        store.lease.acquire("reconcile", "bob", 60)


def test_not_even_its_holder_gets_it_twice(store):
    store.lease.acquire("reconcile", "ada", 60)
    with pytest.raises(LeaseHeld):
        store.lease.acquire("reconcile", "ada", 60)


def test_a_lease_that_ran_out_is_free(store, clock):
    store.lease.acquire("reconcile", "one", 60)
    clock.pass_by(60)
    assert store.lease.current("reconcile") is None
    assert store.lease.acquire("reconcile", "two", 60) == 2


def test_a_renewed_lease_lasts(store, clock):
    token = store.lease.acquire("reconcile", "one", 60)
    clock.pass_by(50)
    store.lease.renew("reconcile", token, 60)
    clock.pass_by(50)
    with pytest.raises(LeaseHeld):
        store.lease.acquire("reconcile", "two", 60)


def test_a_lost_lease_cannot_be_renewed_and_its_release_does_nothing(store, clock):
    token = store.lease.acquire("reconcile", "one", 60)
    clock.pass_by(61)
    store.lease.acquire("reconcile", "two", 60)
    with pytest.raises(LeaseHeld, match="two holds the lease"):
        store.lease.renew("reconcile", token, 60)
    store.lease.release("reconcile", token)
    assert store.lease.current("reconcile").holder == "two"


def test_a_released_lease_cannot_be_renewed(store):
    token = store.lease.acquire("reconcile", "one", 60)
    store.lease.release("reconcile", token)
    with pytest.raises(LeaseHeld, match="nobody holds it now"):
        store.lease.renew("reconcile", token, 60)


def test_the_lease_of_a_holder_proved_dead_is_taken_over(store):
    store.lease.acquire("reconcile", "host:17", 60)
    with pytest.raises(LeaseHeld):
        store.lease.acquire("reconcile", "host:18", 60, gone=lambda _: False)
    assert store.lease.acquire("reconcile", "host:18", 60, gone=lambda holder: holder == "host:17") == 2


def test_leases_of_different_names_do_not_meet(store):
    store.lease.acquire("a", "one", 60)
    assert store.lease.acquire("b", "two", 60) == 1


_PROCESS = """
import sys, time
from datetime import UTC, datetime
from reconciler.errors import LeaseHeld
from reconciler.records.store import open_store

store = open_store(sys.argv[1], lambda: datetime.now(UTC))
print("ready", flush=True)
sys.stdin.readline()
try:
    print("token", store.lease.acquire("reconcile", sys.argv[2], 60), flush=True)
except LeaseHeld as error:
    print("refused", error, flush=True)
sys.stdin.readline()
store.close()
"""


def _process(url: str, holder: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _PROCESS, url, holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_of_two_processes_that_ask_at_once_one_gets_it(migrated):
    processes = [_process(migrated, holder) for holder in ("one", "two")]
    assert [p.stdout.readline() for p in processes] == ["ready\n"] * 2
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.stdout.readline() for process in processes]
    for process in processes:
        process.communicate("done\n", timeout=PATIENCE)
    winner = next(n for n, line in enumerate(said) if line == "token 1\n")
    assert said[1 - winner].startswith(f"refused {('one', 'two')[winner]} holds the lease reconcile since ")


def test_a_killed_process_leaves_its_lease_until_it_runs_out(migrated):
    process = _process(migrated, "doomed")
    process.stdout.readline()
    process.stdin.write("go\n")
    process.stdin.flush()
    assert process.stdout.readline() == "token 1\n"
    process.kill()
    process.communicate(timeout=PATIENCE)
    with open_store(migrated, lambda: datetime.now(UTC)) as store:
        with pytest.raises(LeaseHeld, match="doomed"):
            store.lease.acquire("reconcile", "next", 60)
        assert store.lease.acquire("reconcile", "next", 60, gone=lambda _: True) == 2
