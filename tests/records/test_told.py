"""Results that others tell: many at once, twice, late and out of order, and what they add up to."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.model import Ref
from reconciler.ports import CheckResult
from reconciler.records.told import Told

WEB, MAIL = Ref("Probe/vo-x/web"), Ref("Probe/vo-x/mail")


def told(clock, minute, status="OK", ref=WEB, said="", attempts=2):
    return Told(ref, clock() + timedelta(minutes=minute), CheckResult(status, said or f"it is {status}"), attempts)


def stand(store, ref=WEB):
    state = store.probes.states()[ref]
    return (state.status, state.hard_status, state.attempt, state.runs)


def everything(store, ref):
    rows = [(r.at, r.status, r.attempt, r.hard) for r in store.probes.results(ref)]
    changes = [(c.at, c.before, c.after, c.hard) for c in store.probes.status_changes(ref)]
    state = store.probes.states()[ref]
    return rows, changes, (state.status, state.hard_status, state.attempt, state.since, state.runs)


def test_results_of_many_probes_are_kept_at_once(store, clock):
    some = [told(clock, n, "CRITICAL", ref) for n in range(3) for ref in (WEB, MAIL)]
    assert store.telling.add(some) == ["kept"] * 6
    assert stand(store) == stand(store, MAIL) == ("CRITICAL", "CRITICAL", 2, 3)


def test_the_same_again_changes_nothing(store, clock):
    some = [told(clock, n, status) for n, status in enumerate(("OK", "CRITICAL", "CRITICAL"))]
    store.telling.add(some)
    before = everything(store, WEB)
    assert store.telling.add(some) == ["known"] * 3
    assert everything(store, WEB) == before


def test_the_same_twice_in_one_telling_is_kept_once(store, clock):
    assert store.telling.add([told(clock, 1), told(clock, 1)]) == ["kept", "known"]


def test_another_result_of_the_same_time_does_not_replace_the_first(store, clock):
    assert store.telling.add([told(clock, 1), told(clock, 1, "CRITICAL")]) == ["kept", "other"]
    assert store.telling.add([told(clock, 1, "WARNING")]) == ["other"]
    assert stand(store) == ("OK", "OK", 0, 1)


def test_a_late_result_is_put_where_it_belongs(store, clock):
    store.telling.add([told(clock, 0), told(clock, 2, "CRITICAL"), told(clock, 3, "OK")])
    assert store.telling.add([told(clock, 1, "CRITICAL")]) == ["kept"]
    assert [(r.status, r.hard) for r in reversed(store.probes.results(WEB))] == [
        ("OK", True),
        ("CRITICAL", False),
        ("CRITICAL", True),
        ("OK", True),
    ]
    assert stand(store) == ("OK", "OK", 0, 4)


def test_results_of_hanse_and_of_others_are_one_row(store, clock):
    store.probes.add_result(WEB, CheckResult("CRITICAL", "own", seconds=1.5), 2, clock(), 3.5)
    store.telling.add([told(clock, -1, "CRITICAL"), told(clock, 1, "CRITICAL")])
    assert [(r.seconds, r.late, r.hard) for r in store.probes.results(WEB)] == [
        (0.0, 0.0, True),
        (1.5, 3.5, True),
        (0.0, 0.0, False),
    ]


STATUS = st.sampled_from(("OK", "WARNING", "CRITICAL", "UNKNOWN"))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(statuses=st.lists(STATUS, min_size=1, max_size=9), data=st.data())
def test_the_order_in_which_results_come_does_not_matter(store, clock, statuses, data):
    clock.pass_by(86_400)
    some = [told(clock, n, status, Ref(f"Probe/vo-x/{clock()}-in-order")) for n, status in enumerate(statuses)]
    mixed = [Told(Ref(f"Probe/vo-x/{clock()}-mixed"), *(one.at, one.result, one.attempts)) for one in some]
    store.telling.add(some)
    order = data.draw(st.permutations(mixed))
    cut = data.draw(st.integers(0, len(order)))
    store.telling.add(order[:cut])
    store.telling.add(order[cut:])
    assert everything(store, some[0].ref) == everything(store, mixed[0].ref)


@pytest.mark.parametrize("days", [1, 3])
def test_days_whose_results_come_late_are_computed_again(store, clock, days):
    from reconciler.model.uptime import UptimeDay

    day = clock().date() - timedelta(days=days)
    store.uptime.rebuild(UptimeDay("Default", day, "b", "c", complete=True, computed_at=clock()), [])
    store.uptime.reopen([day])
    assert not store.uptime.days("Default", day, day)[day].complete


def test_a_token_is_known_by_its_digest_until_it_is_revoked_or_over(store, clock):
    token = store.tokens.create("box", ["results"], "me", lambda n: "ab" * n)
    assert token.startswith("hanse_")
    found = store.tokens.shown(token)
    assert (found.name, found.may) == ("box", ("results",))
    assert store.tokens.shown(f"{token}x") is None
    assert token not in repr(store.tokens.all())
    assert store.tokens.revoke("box")
    assert not store.tokens.revoke("box")
    assert store.tokens.shown(token) is None
    short = store.tokens.create("short", ["read"], "me", lambda n: "cd" * n, clock() + timedelta(hours=1))
    assert store.tokens.shown(short)
    clock.pass_by(3601)
    assert store.tokens.shown(short) is None


def test_a_name_is_never_given_to_another_token(store):
    from reconciler.errors import RecordsError

    store.tokens.create("box", ["results"], "me", lambda n: "ab" * n)
    store.tokens.revoke("box")
    with pytest.raises(RecordsError, match="take another name"):
        store.tokens.create("box", ["results"], "me", lambda n: "cd" * n)
