"""Sessions: they end by themselves, when one leaves, and everywhere at once; a login comes back once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.model import Who
from reconciler.records.sessions import Begun
from reconciler.records.store import open_store

ANA = Who("Ana", "oidc", "ana@egi.example", "https://issuer.example", frozenset({"urn:x:group:tides"}))
BEGUN = Begun(ANA.issuer, "https://hanse.example/callback", "/plan")
HOUR = timedelta(hours=1)


class Clock:
    now = datetime(2026, 11, 22, tzinfo=UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sessions(clock, tmp_path):
    with open_store(f"sqlite:///{tmp_path}/hanse.db", clock) as store:
        yield store.sessions


def words():
    made = iter(range(100))
    return lambda n: f"{next(made):0{2 * n}x}"


def test_a_session_tells_who_it_is_and_keeps_no_more_than_a_digest(sessions):
    shown = sessions.open(ANA, lambda n: "a1" * n, 8 * HOUR)
    assert sessions.shown(shown, HOUR).who == ANA
    assert sessions.shown(shown[:-1] + "0", HOUR) is None
    with sessions.database.reading() as connection:
        rows = [tuple(row) for row in connection.exec_driver_sql("select * from sessions")]
    assert shown not in str(rows)


def test_a_session_that_nobody_uses_is_over_and_one_in_use_goes_on_to_its_end(sessions, clock):
    idle, used = (sessions.open(ANA, random, 3 * HOUR) for random in [words()] for _ in range(2))
    for _ in range(4):
        clock.now += HOUR / 2
        assert sessions.shown(used, HOUR)
    assert sessions.shown(idle, HOUR) is None
    clock.now += HOUR
    assert sessions.shown(used, HOUR) is None


def test_one_leaves_here_or_everywhere(sessions):
    random = words()
    first, second, third = (sessions.open(ANA, random, HOUR) for _ in range(3))
    other = sessions.open(Who("Bo", "oidc", "bo@egi.example", ANA.issuer), random, HOUR)
    assert sessions.close(first)
    assert [bool(sessions.shown(one, HOUR)) for one in (first, second, third)] == [False, True, True]
    assert sessions.close_all(ANA) == 2
    assert [bool(sessions.shown(one, HOUR)) for one in (second, third, other)] == [False, False, True]


def test_a_login_comes_back_once_and_in_time(sessions, clock):
    random = words()
    first, late = (sessions.begin(BEGUN, random, timedelta(minutes=10)) for _ in range(2))
    assert sessions.take(first) == BEGUN
    assert sessions.take(first) is None
    clock.now += timedelta(minutes=10)
    assert sessions.take(late) is None


def test_what_is_over_is_forgotten(sessions, clock):
    random = words()
    sessions.open(ANA, random, HOUR)
    clock.now += timedelta(minutes=30)
    sessions.open(ANA, random, 8 * HOUR)
    clock.now += timedelta(minutes=40)
    assert sessions.prune(HOUR) == 1
