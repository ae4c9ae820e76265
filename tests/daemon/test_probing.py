"""When probes run, and that they run side by side but never beside themselves."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconciler.daemon.probing import Probe, Prober, due, keep_probing, next_run, prepared, run_due, run_once
from reconciler.errors import RecordsError, Terminal
from reconciler.kinds import dnsrecord, probe, registry
from reconciler.kinds.probe import ProbeSpec
from reconciler.model import Details, Entry, Inventory, Ref, encode
from reconciler.ports import CheckResult

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
            assert self.gate.wait(10)
        with self.lock:
            self.now[name] -= 1
        return CheckResult("OK", f"HTTP OK {name}", (("time", 3.0, "s", "", "", "", ""),), 0.1)


def records():
    kept = []
    return kept, lambda *row: kept.append(row)


# -- when ------------------------------------------------------------------------------------------------------------


def test_a_probe_that_never_ran_is_due_at_once():
    assert next_run(Ref("Probe/a/b"), 300, None, NOW) == NOW


@given(st.text("abc/", min_size=1, max_size=8), st.integers(60, 86_400), st.integers(0, 10**6), st.integers(0, 10**6))
def test_every_probe_keeps_its_place_in_the_interval(name, interval, first, later):
    ref = Ref(name)
    one = next_run(ref, interval, NOW - timedelta(seconds=first), NOW)
    assert timedelta() < one - (NOW - timedelta(seconds=first)) <= timedelta(seconds=interval, milliseconds=1)
    two = next_run(ref, interval, NOW - timedelta(seconds=later), NOW)
    off = (one - two).total_seconds() % interval
    assert min(off, interval - off) < 0.01


def test_probes_are_spread_over_the_interval():
    times = [next_run(Ref(f"Probe/a/{n}"), 300, NOW, NOW) for n in range(3000)]
    per_tenth = Counter(int((moment - NOW).total_seconds() // 30) for moment in times)
    assert all(200 < count < 400 for count in per_tenth.values())


def test_a_clock_that_was_put_back_does_not_stop_a_probe():
    assert next_run(Ref("Probe/a/b"), 300, NOW + timedelta(days=2), NOW) == NOW


def test_the_longest_overdue_comes_first():
    probes = [make(str(n)) for n in range(5)]
    last = {p.ref: NOW - timedelta(hours=1 + n) for n, p in enumerate(probes)}
    assert [p.ref.name for p in due(probes, last, NOW)] == ["4", "3", "2", "1", "0"]


def test_what_ran_just_now_is_not_due():
    probes = [make(str(n)) for n in range(50)]
    assert due(probes, {p.ref: NOW for p in probes}, NOW) == []
    assert len(due(probes, {p.ref: NOW for p in probes}, NOW + timedelta(seconds=301))) == 50


# -- running ---------------------------------------------------------------------------------------------------------


def test_all_that_is_due_is_run_and_kept():
    kept, record = records()
    probes = [make(str(n), attempts=2, timeout=7) for n in range(20)]
    checker = Checker()
    results = run_due(probes, {probes[0].ref: NOW}, checker, Clock(), record)
    assert results.keys() == {p.ref for p in probes[1:]}
    assert sorted(row[0] for row in kept) == sorted(results)
    assert {row[2:] for row in kept} == {(2, NOW)}
    assert {call[2] for call in checker.calls} == {7}


def test_no_more_than_the_workers_run_at_a_time():
    gate, (_, record) = threading.Event(), records()
    checker = Checker(gate)
    with Prober(checker, record, Clock(), workers=3) as prober:
        started = prober.start([make(str(n)) for n in range(12)], {})
        until = time.monotonic() + 5
        while checker.most < 3 and time.monotonic() < until:
            time.sleep(0.005)
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
        until = time.monotonic() + 5
        while not (again := prober.start(probes, {})) and time.monotonic() < until:
            time.sleep(0.005)
        prober.finish(again)
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
    def record(*_):
        raise RecordsError("the disk is full")

    assert run_due([make("x")], {}, Checker(), Clock(), record)[Ref("Probe/a/x")].status == "OK"


def test_probing_goes_on_until_it_is_told_to_stop():
    clock, stop, (kept, record) = Clock(), threading.Event(), records()
    before = {Ref("Probe/a/old"): NOW}

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
