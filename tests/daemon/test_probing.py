"""When probes run, and that they run side by side but never beside themselves."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.daemon.kept import Kept
from reconciler.daemon.prepared import Probe, prepared
from reconciler.daemon.probing import Prober, keep_probing, run_due, run_once
from reconciler.daemon.turns import Ran, late, missed, next_run, spread
from reconciler.errors import RecordsError, Terminal
from reconciler.kinds import dnsrecord, probe, registry
from reconciler.kinds.probe import ProbeSpec
from reconciler.model import Details, Entry, Inventory, ProbeState, Ref, encode
from reconciler.ports import CheckResult
from reconciler.records.store import open_store
from tests.real.waiting import PATIENCE, until

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def spec(target=None, **fields):
    given = {"target": target or {"url": "http://x.example/"}, "plugin": "check_http", **fields}
    return ProbeSpec.model_validate_json(encode(given))


def make(name, interval=300, **fields):
    return Probe(Ref(f"Probe/a/{name}"), spec(interval=interval, **fields), ("-H", name))


class Clock:
    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now


class Checker:
    """Answers at once, or when ``gate`` opens; notes how many run at a time."""

    def __init__(self, gate=None):
        self.gate, self.lock = gate, threading.Lock()
        self.calls, self.now, self.most, self.alone = [], Counter(), 0, True

    def plugins(self):
        return ["check_http"]

    def check(self, plugin, arguments, timeout_seconds):
        name = arguments[-1]
        with self.lock:
            self.calls.append((plugin, tuple(arguments), timeout_seconds))
            self.alone = self.alone and not self.now[name]
            self.now[name] += 1
            self.most = max(self.most, self.now.total())
        if self.gate:
            assert self.gate.wait(PATIENCE)
        with self.lock:
            self.now[name] -= 1
        return CheckResult("OK", f"HTTP OK {name}", (("time", 3.0, "s", "", "", "", ""),), 0.1)


class Records:
    """Keeps results, and says what is asked of it about how a probe stands."""

    def __init__(self, soft=False):
        self.kept, self.gaps, self.soft = [], [], soft

    def result(self, probe, result, began, late):
        self.kept.append((probe.ref, result, probe.spec.attempts, began, late))
        hard = "OK" if self.soft else result.status
        return ProbeState(probe.ref, result.status, hard, 1, began, began)

    def missed(self, gaps):
        self.gaps += gaps


def records():
    made = Records()
    return made.kept, made


def ran(seconds=0, soft=False):
    return Ran(NOW - timedelta(seconds=seconds), soft)


def due(probes, last, now):
    """What a prober begins at a moment, in its order."""
    with Prober(Checker(), Records(), Clock(now), per_second=0) as prober:
        begun = prober.start(probes, last)
        prober.finish(begun)
    known = {one.ref: one for one in probes}
    return [known[ref] for ref in begun]


# -- when ------------------------------------------------------------------------------------------------------------


def test_a_probe_that_never_ran_is_due_at_once():
    assert next_run(Ref("Probe/a/b"), 300, None, NOW) == NOW


@given(st.text("abc/", min_size=1, max_size=8), st.integers(60, 86_400), st.integers(0, 10**6), st.integers(0, 10**6))
def test_every_probe_keeps_its_place_in_the_interval(name, interval, first, later):
    ref = Ref(name)
    one = next_run(ref, interval, ran(first), NOW)
    assert timedelta() < one - (NOW - timedelta(seconds=first)) <= timedelta(seconds=interval, milliseconds=1)
    two = next_run(ref, interval, ran(later), NOW)
    off = (one - two).total_seconds() % interval
    assert min(off, interval - off) < 0.01


def test_probes_are_spread_over_the_interval():
    times = [next_run(Ref(f"Probe/a/{n}"), 300, ran(), NOW) for n in range(3000)]
    per_tenth = Counter(int((moment - NOW).total_seconds() // 30) for moment in times)
    assert all(200 < count < 400 for count in per_tenth.values())


def test_a_clock_that_was_put_back_does_not_stop_a_probe():
    assert next_run(Ref("Probe/a/b"), 300, ran(-2 * 86_400), NOW) == NOW


def test_the_longest_overdue_comes_first():
    probes = [make(str(n)) for n in range(5)]
    last = {p.ref: ran(3600 * (1 + n)) for n, p in enumerate(probes)}
    assert [p.ref.name for p in due(probes, last, NOW)] == ["4", "3", "2", "1", "0"]


def test_what_ran_just_now_is_not_due():
    probes = [make(str(n)) for n in range(50)]
    assert due(probes, {p.ref: ran() for p in probes}, NOW) == []
    assert len(due(probes, {p.ref: ran() for p in probes}, NOW + timedelta(seconds=301))) == 50


# -- running ---------------------------------------------------------------------------------------------------------


def test_all_that_is_due_is_run_and_kept():
    kept, record = records()
    probes = [make(str(n), attempts=2, timeout=7) for n in range(20)]
    checker = Checker()
    results = run_due(probes, {probes[0].ref: ran()}, checker, Clock(), record)
    assert results.keys() == {p.ref for p in probes[1:]}
    assert sorted(row[0] for row in kept) == sorted(results)
    assert {row[2:] for row in kept} == {(2, NOW, 0.0)}
    assert {call[2] for call in checker.calls} == {7}


def test_no_more_than_the_workers_run_at_a_time():
    gate, (_, record) = threading.Event(), records()
    checker = Checker(gate)
    with Prober(checker, record, Clock(), workers=3, per_second=0) as prober:
        started = prober.start([make(str(n)) for n in range(12)], {})
        until("three run", lambda: checker.most >= 3)
        gate.set()
        assert len(prober.finish(started)) == 12
    assert checker.most == 3


def test_a_probe_never_runs_beside_itself():
    gate, clock, (kept, record) = threading.Event(), Clock(), records()
    checker = Checker(gate)
    probes = [make("slow", interval=60)]
    with Prober(checker, record, clock) as prober:
        first = prober.start(probes, {})
        clock.now += timedelta(minutes=10)
        assert prober.start(probes, {}) == {}
        gate.set()
        prober.finish(first)
        prober.finish(until("it runs again", lambda: prober.start(probes, {})))
        assert prober.start(probes, {}) == {}
    assert (len(kept), checker.alone) == (2, True)


def test_what_cannot_be_run_is_unknown_and_kept():
    class Broken:
        def check(self, *_):
            raise Terminal("no plugins here")

    kept, record = records()
    missing = Probe(Ref("Probe/a/b"), spec(), missing="the target gives no host for {host}")
    results = run_due([missing, make("c")], {}, Broken(), Clock(), record)
    assert {r.status for r in results.values()} == {"UNKNOWN"}
    assert "no host" in results[missing.ref].summary
    assert "no plugins here" in results[Ref("Probe/a/c")].summary
    assert len(kept) == 2


def test_thresholds_grade_what_was_measured():
    one = make("x", thresholds=[{"label": "time", "warning": 2}])
    assert run_once(one, Checker()).status == "WARNING"


def test_records_that_cannot_be_written_do_not_stop_the_probes():
    class Full(Records):
        def result(self, *_):
            raise RecordsError("the disk is full")

    assert run_due([make("x")], {}, Checker(), Clock(), Full())[Ref("Probe/a/x")].status == "OK"


def test_probing_goes_on_until_it_is_told_to_stop():
    clock, stop, (kept, record) = Clock(), threading.Event(), records()
    before = {Ref("Probe/a/old"): ran()}

    def probes():
        clock.now += timedelta(seconds=61)
        if len(kept) >= 5:
            stop.set()
        return [make("x", interval=60), make("old", interval=86_400)]

    keep_probing(Prober(Checker(), record, clock), probes, lambda: before, stop, 0.001)
    assert {row[0] for row in kept} == {"Probe/a/x"}
    assert len(kept) >= 5


# -- what is to be run -----------------------------------------------------------------------------------------------


def test_what_is_in_the_inventory_and_enabled_is_prepared():
    record = dnsrecord.KIND.canonical(dnsrecord.DNSRecordSpec(zone="fed.example", name="www", values=("192.0.2.1",)))
    held = {
        Ref("DNSRecord/a/www"): (record, {"fqdn": "www.fed.example", "values": ["192.0.2.5"]}),
        Ref("Probe/a/name"): (spec({"dnsRecord": "www"}, arguments=["{host}", "{address}"]), {}),
        Ref("Probe/a/off"): (spec(enabled=False), {}),
        Ref("Probe/a/page"): (spec(arguments=["{host}"]), {}),
        Ref("Probe/a/early"): (spec({"virtualCluster": "none"}, arguments=["{host}"]), {}),
    }
    entries = {ref: Entry(ref, "a" * 32, 1, one.digest(), one.digest(), "x:y") for ref, (one, _) in held.items()}

    def details(refs):
        return {r: Details(held[r][0].canonical(), (), held[r][1], {}, {}, "", {}, None, "", "") for r in refs}

    found = prepared(Inventory(entries, details), registry())
    assert found.keys() == {"Probe/a/name", "Probe/a/page", "Probe/a/early"}
    assert found[Ref("Probe/a/name")].arguments == ("www.fed.example", "192.0.2.5")
    assert found[Ref("Probe/a/page")].arguments == ("x.example",)
    assert "no host" in found[Ref("Probe/a/early")].missing
    assert probe.KIND.name == "Probe"


# -- restarts, retries, and what was missed ------------------------------------------------------------------------------


def test_a_fault_that_does_not_count_yet_is_looked_at_again_sooner():
    ref = Ref("Probe/a/b")
    assert next_run(ref, 86_400, ran(soft=True), NOW, 30) == NOW + timedelta(seconds=30)
    assert next_run(ref, 86_400, ran(), NOW, 30) > NOW + timedelta(seconds=30)


def test_a_retry_never_comes_after_the_regular_turn():
    ref = Ref("Probe/a/b")
    turn = next_run(ref, 300, ran(), NOW)
    assert next_run(ref, 300, ran(soft=True), NOW, 300) == turn


@pytest.mark.parametrize(("soft", "runs"), [(True, 11), (False, 2)])
def test_retries_end_when_the_fault_is_hard(soft, runs):
    clock, kept = Clock(), Records(soft)

    class Bad(Checker):
        def check(self, *asked):
            return replace(super().check(*asked), status="CRITICAL")

    with Prober(Bad(), kept, clock, per_second=0) as prober:
        for _ in range(61):
            prober.finish(prober.start([make("x", interval=600, retryInterval=60)], {}))
            clock.now += timedelta(seconds=10)
    assert runs - 1 <= len(kept.kept) <= runs + 1


def test_turns_that_passed_while_nobody_ran_probes_are_told_as_missed():
    ref = Ref("Probe/a/b")
    gap = missed(ref, 300, ran(3600), NOW)
    assert gap is not None
    assert gap.count == 11
    assert timedelta() < gap.first - (NOW - timedelta(hours=1)) <= timedelta(seconds=300)
    assert timedelta(seconds=300) <= NOW - gap.last < timedelta(seconds=600)
    assert missed(ref, 300, ran(), NOW) is None
    assert missed(ref, 300, None, NOW) is None


@given(st.integers(0, 10**6), st.integers(60, 86_400))
def test_a_turn_is_run_or_missed_and_never_both(ago, interval):
    ref, last = Ref("Probe/a/b"), ran(ago)
    gap, turn = missed(ref, interval, last, NOW), next_run(ref, interval, last, NOW)
    passed = 0 if turn > NOW else int((NOW - turn).total_seconds() // interval) + 1
    assert passed == (gap.count if gap else 0) + (turn <= NOW)


def test_a_late_run_says_how_late_it_is():
    ref = Ref("Probe/a/b")
    turn = next_run(ref, 300, ran(), NOW)
    assert late(ref, 300, turn, turn) == 0
    assert late(ref, 300, turn, turn + timedelta(seconds=7)) == pytest.approx(7, abs=0.01)
    assert late(ref, 300, turn, turn + timedelta(seconds=307)) == pytest.approx(7, abs=0.01)
    assert late(ref, 86_400, NOW, NOW + timedelta(seconds=7)) <= 7


def test_what_is_overdue_after_a_restart_does_not_come_all_at_once():
    clock, kept = Clock(), Records()
    probes = [make(str(n), interval=3600) for n in range(600)]
    before = {p.ref: ran(7200) for p in probes}
    per_second = []
    with Prober(Checker(), kept, clock, per_second=10) as prober:
        for _ in range(61):
            per_second.append(len(prober.finish(prober.start(probes, before))))
            clock.now += timedelta(seconds=1)
    assert sum(per_second) >= 600
    assert max(per_second) < 30
    assert sum(gap.count for gap in kept.gaps) in range(600, 1300)


def test_one_that_is_overdue_alone_does_not_wait():
    assert spread(Ref("Probe/a/b"), 3600, 1) == timedelta()


def test_a_restart_goes_on_where_the_records_end(tmp_path):
    """No turn is lost without a word, none is made up, and none is run twice."""
    clock, probes = Clock(), [make("x", interval=300)]
    for seconds in (900, 3600, 900):
        with (
            open_store(f"sqlite:///{tmp_path}/hanse.db", clock) as store,
            Prober(Checker(), Kept(store), clock, per_second=10) as prober,
        ):
            before = {ref: Ran.of(state) for ref, state in store.probes.states().items()}
            for _ in range(900 if seconds == 900 else 0):
                prober.finish(prober.start(probes, before))
                clock.now += timedelta(seconds=1)
        clock.now += timedelta(seconds=3600 if seconds == 3600 else 0)
    with open_store(f"sqlite:///{tmp_path}/hanse.db", clock) as store:
        results, gaps = store.probes.results(probes[0].ref), store.probes.gaps()
        state = store.probes.states()[probes[0].ref]
    turns = 1 + len(results) - 1 + sum(gap.count for gap in gaps)
    assert (len(gaps), gaps[0].count) in {(1, 11), (1, 12)}
    assert turns == 1 + (5400 // 300)
    assert (state.runs, state.missed) == (len(results), gaps[0].count)
    assert [r.late > 1 for r in reversed(results)].count(True) == 1


def test_passive_probes_are_not_run():
    _, record = records()
    one = Probe(Ref("Probe/a/b"), spec(plugin=None, passive=True))
    assert run_due([one], {}, Checker(), Clock(), record) == {}


def test_who_waits_for_a_worker_is_told_as_lag():
    gate, clock, (_, record) = threading.Event(), Clock(), records()
    checker = Checker(gate)
    with Prober(checker, record, clock, workers=1, per_second=0) as prober:
        started = prober.start([make("a"), make("b")], {})
        until("one has a worker", lambda: prober.waiting <= 1)
        clock.now += timedelta(seconds=9)
        assert (prober.waiting, prober.lag) == (1, 9.0)
        gate.set()
        prober.finish(started)
    assert (prober.waiting, prober.lag) == (0, 0.0)


def test_a_clock_that_is_put_back_while_probes_run_does_not_stop_them():
    clock, kept, probes = Clock(), Records(), [make("x", interval=300)]
    with Prober(Checker(), kept, clock) as prober:
        prober.finish(prober.start(probes, {}))
        clock.now -= timedelta(days=2)
        prober.finish(prober.start(probes, {}))
        clock.now += timedelta(seconds=301)
        prober.finish(prober.start(probes, {}))
    assert len(kept.kept) == 3


def test_probes_that_come_and_go_while_others_run(caplog):
    clock, kept = Clock(), Records()
    first, second = make("first", interval=60), make("second", interval=60)
    with Prober(Checker(), kept, clock) as prober:
        for probes in ([first], [first, second], [second]):
            for _ in range(70):
                prober.finish(prober.start(probes, {}))
                clock.now += timedelta(seconds=1)
    ran_ = Counter(row[0].name for row in kept.kept)
    assert ran_["first"] in (3, 4)
    assert ran_["second"] in (3, 4)
    assert kept.gaps == []


def test_a_fault_of_hanse_in_one_probe_is_not_its_end():
    class Faulty(Checker):
        def check(self, plugin, arguments, timeout_seconds):
            if len(self.calls) == 0:
                self.calls.append(arguments)
                raise KeyError("a fault")
            return super().check(plugin, arguments, timeout_seconds)

    clock, kept, probes = Clock(), Records(), [make("x", interval=60)]
    with Prober(Faulty(), kept, clock) as prober:
        with pytest.raises(KeyError):
            prober.finish(prober.start(probes, {}))
        until("it has ended", lambda: not prober._running)
        for _ in range(130):
            clock.now += timedelta(seconds=1)
            prober.finish(prober.start(probes, {}))
    assert len(kept.kept) in (2, 3)
