"""What only the RFC 2136 driver meets: keys, refusals, hung and dying servers, lost answers, incremental transfers."""

from __future__ import annotations

import os
import signal
import socket
import time

import pytest

from reconciler.drivers import rfc2136
from reconciler.errors import Conflict, OutcomeUnknown, Terminal, Transient
from reconciler.model import Target
from reconciler.ports import RRset, ZoneChange
from tests.drivers.dns.relay import relay
from tests.real.bind import READER, start
from tests.real.waiting import PATIENCE
from tests.real.zones import Secrets

UID = "0123456789abcdef0123456789abcdef"


def www(zone, value="192.0.2.10"):
    return RRset(f"www.{zone}", "A", 300, (value,), UID)


def create(zone):
    return [ZoneChange(www(zone), None, UID)]


@pytest.fixture
def opened(bind_zone, bind_options):
    def make(**changed):
        options = {k: v for k, v in {**bind_options, **changed}.items() if v is not None}
        return rfc2136.open(Target(f"dns:{bind_zone.name}", "rfc2136", options), Secrets())

    return make


@pytest.fixture
def through(bind):
    with relay(bind.port) as server:
        yield server


def test_an_unknown_key_is_terminal_for_reading_and_writing(bind_zone, opened):
    dns = opened(key_name="nobody.", transfer_key=None, transfer_key_name=None)
    for attempt in (dns.read, lambda: dns.read("1"), lambda: dns.change(create(bind_zone.name))):
        with pytest.raises(Terminal, match="key_name"):
            attempt()


def test_a_wrong_secret_is_terminal(bind_zone, opened, bind):
    dns = opened(key={"file": str(bind.reader_key)}, transfer_key=None, transfer_key_name=None)
    for attempt in (dns.read, lambda: dns.read("1"), lambda: dns.change(create(bind_zone.name))):
        with pytest.raises(Terminal, match="secret"):
            attempt()


def test_no_key_is_refused_with_the_cure(bind_zone, opened):
    dns = opened(key=None, transfer_key=None)
    with pytest.raises(Terminal, match="update-policy"):
        dns.change(create(bind_zone.name))
    with pytest.raises(Terminal, match="allow-transfer"):
        dns.read()


def test_a_key_that_may_only_read_cannot_write(bind_zone, opened, bind):
    dns = opened(key_name=READER, key={"file": str(bind.reader_key)})
    assert dns.read().rrsets
    with pytest.raises(Terminal, match="REFUSED"):
        dns.change(create(bind_zone.name))


def test_a_type_outside_the_update_policy_is_refused(bind_zone, opened):
    with pytest.raises(Terminal, match="REFUSED"):
        opened().change([ZoneChange(RRset(f"x.{bind_zone.name}", "SSHFP", 300, ("1 1 " + "ab" * 20,)), None, UID)])


def test_a_refused_transfer_is_an_error_and_never_an_empty_zone(bind, bind_options):
    with bind.zone("closed.example.", transfer="none") as name:
        dns = rfc2136.open(Target(f"dns:{name}", "rfc2136", bind_options), Secrets())
        with pytest.raises(Terminal, match="REFUSED"):
            dns.read()


def test_a_zone_that_is_not_served_is_an_error(bind_options):
    dns = rfc2136.open(Target("dns:nowhere.example.", "rfc2136", bind_options), Secrets())
    for attempt in (dns.read, lambda: dns.read("1"), lambda: dns.change(create("nowhere.example."))):
        with pytest.raises(Terminal):
            attempt()


def test_secrets_are_read_at_the_moment_of_use(bind_zone, opened, bind, monkeypatch):
    dns = opened(key={"env": "ZONE_KEY"}, transfer_key=None)
    monkeypatch.delenv("ZONE_KEY", raising=False)
    with pytest.raises(Terminal, match="ZONE_KEY"):
        dns.read()
    monkeypatch.setenv("ZONE_KEY", bind.writer_key.read_text().split('"')[-2])
    assert dns.read().rrsets
    monkeypatch.setenv("ZONE_KEY", "this is no base64 text")
    with pytest.raises(Terminal, match="base64") as raised:
        dns.read()
    assert "this is" not in str(raised.value)


def test_a_key_file_names_itself(bind_zone, opened, bind):
    dns = opened(key_name=None, transfer_key_name=None)
    dns.change(create(bind_zone.name))
    assert dns.read().rrsets[f"www.{bind_zone.name}", "A"] == www(bind_zone.name)


def test_bare_base64_needs_a_name(opened, bind, monkeypatch):
    monkeypatch.setenv("ZONE_KEY", bind.writer_key.read_text().split('"')[-2])
    with pytest.raises(Terminal, match="key_name is missing"):
        opened(key={"env": "ZONE_KEY"}, key_name=None, transfer_key=None).read()


@pytest.mark.parametrize(
    ("option", "value"), [("key_algorithm", "hmac-nonsense"), ("port", 0), ("server", None), ("colour", "red")]
)
def test_options_that_make_no_sense_are_terminal(opened, option, value):
    with pytest.raises(Terminal, match=option if option != "key_algorithm" else "hmac-nonsense"):
        opened(**{option: value}).change(create("x."))


def test_a_hung_server_costs_the_timeout_and_no_more(bind_zone, opened, through):
    through.mood = "hang"
    dns = opened(port=through.port, timeout_seconds=0.4)
    for attempt, error in ((dns.read, Transient), (lambda: dns.change(create(bind_zone.name)), OutcomeUnknown)):
        begun = time.monotonic()
        with pytest.raises(error):
            attempt()
        assert 0.3 < time.monotonic() - begun < PATIENCE / 2


def test_a_server_that_is_not_there_is_transient(bind_zone, opened):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dns = opened(port=free.getsockname()[1])
        for attempt in (dns.read, lambda: dns.read("1"), lambda: dns.change(create(bind_zone.name))):
            with pytest.raises(Transient):
                attempt()


def test_a_name_of_a_server_that_does_not_resolve_is_transient(bind_zone, opened):
    dns = opened(server="ns.invalid.")
    for attempt in (dns.read, lambda: dns.change(create(bind_zone.name))):
        with pytest.raises(Transient):
            attempt()


@pytest.mark.parametrize(("mood", "happened"), [("swallow", True), ("close", False)])
def test_a_lost_answer_means_nobody_knows(bind_zone, opened, through, mood, happened):
    through.mood = mood
    with pytest.raises(OutcomeUnknown, match="answer was lost"):
        opened(port=through.port).change(create(bind_zone.name))
    assert ((f"www.{bind_zone.name}", "A") in bind_zone.open().read().rrsets) is happened


def test_a_server_killed_on_the_way_leaves_all_or_nothing(tmp_path, bind_options):
    server, name = start(tmp_path), "killed.example."
    try:
        server.add_zone(name)
        key = {"key": {"file": str(server.writer_key)}, "transfer_key": None}
        options = {**bind_options, **key, "port": server.port}
        target = Target(f"dns:{name}", "rfc2136", options)
        dns = rfc2136.open(target, Secrets())
        hasty = rfc2136.open(Target(target.id, "rfc2136", {**options, "timeout_seconds": 1.0}), Secrets())
        dns.change(create(name))
        os.killpg(server.process.pid, signal.SIGSTOP)
        with pytest.raises(OutcomeUnknown):
            hasty.change([ZoneChange(None, www(name), UID)])
        os.killpg(server.process.pid, signal.SIGCONT)
        assert dns.read().rrsets.get((f"www.{name}", "A")) in (None, www(name))
        server.stop(signal.SIGKILL)
        for attempt in (lambda: dns.change(create(name)), dns.read):
            with pytest.raises(Transient):
                attempt()
    finally:
        server.stop()


def test_the_first_read_is_a_transfer_and_the_next_is_incremental(bind_zone, opened, through):
    dns = opened(port=through.port)
    first = dns.read()
    assert through.seen == ["AXFR"]
    bind_zone.open().change(create(bind_zone.name))
    second = dns.read(first.token)
    assert through.seen == ["AXFR", "IXFR"]
    assert second.rrsets[f"www.{bind_zone.name}", "A"] == www(bind_zone.name)
    bind_zone.open().change([ZoneChange(www(bind_zone.name, "192.0.2.20"), www(bind_zone.name), UID)])
    bind_zone.open().change([ZoneChange(None, www(bind_zone.name, "192.0.2.20"), UID)])
    soa = (bind_zone.name, "SOA")
    third = dns.read(second.token)
    assert {k: v for k, v in third.rrsets.items() if k != soa} == {k: v for k, v in first.rrsets.items() if k != soa}
    assert dns.read(third.token).unchanged
    assert through.seen == ["AXFR", "IXFR", "IXFR", "IXFR"]


def test_a_token_alone_is_enough_for_a_cheap_answer(bind_zone, opened, through):
    token = bind_zone.open().read().token
    assert opened(port=through.port).read(token).unchanged
    assert through.seen == ["SOA"]


def test_a_zone_made_anew_is_transferred_whole(bind, bind_options):
    with bind.zone("again.example.") as name:
        dns = rfc2136.open(Target(f"dns:{name}", "rfc2136", bind_options), Secrets())
        dns.change(create(name))
        assert (f"www.{name}", "A") in dns.read().rrsets
    with bind.zone("again.example."):
        assert (f"www.{name}", "A") not in dns.read().rrsets


def test_hundreds_of_marked_records_are_one_atomic_message(bind_zone, opened, through):
    many = [RRset(f"h{n}.{bind_zone.name}", "A", 300, (f"10.0.{n // 250}.{n % 250}",), f"{n:032x}") for n in range(350)]
    opened(port=through.port).change([ZoneChange(one, None, one.uid) for one in many])
    assert through.seen == ["UPDATE"]
    last = ZoneChange(None, RRset(f"h0.{bind_zone.name}", "A", 300, ("10.9.9.9",), f"{0:032x}"), f"{0:032x}")
    with pytest.raises(Conflict):
        opened().change([ZoneChange(None, one, one.uid) for one in many[1:]] + [last])
    assert all((one.name, "A") in bind_zone.open().read().rrsets for one in many[:1] + many[-1:])


def test_more_than_a_message_holds_is_split_between_names(bind_zone, opened, through):
    text = " ".join(['"' + "x" * 250 + '"'] * 12)
    many = [RRset(f"t{n}.{bind_zone.name}", "TXT", 300, (text,), f"{n:032x}") for n in range(60)]
    opened(port=through.port).change([ZoneChange(one, None, one.uid) for one in many])
    assert set(through.seen) == {"UPDATE"}
    assert 3 <= len(through.seen) <= 5
    held = bind_zone.open().read().rrsets
    assert all(held[one.name, "TXT"] == one for one in many)


def test_one_name_too_big_for_a_message_is_terminal(bind_zone, opened):
    values = tuple(f'"{n:03}{"x" * 250}"' for n in range(300))
    with pytest.raises(Terminal, match="64 KiB"):
        opened().change([ZoneChange(RRset(f"big.{bind_zone.name}", "TXT", 300, values, UID), None, UID)])


def test_one_object_may_be_shared_by_threads(bind_zone, opened):
    from concurrent.futures import ThreadPoolExecutor

    dns = opened()

    def work(n):
        one = RRset(f"h{n}.{bind_zone.name}", "A", 300, (f"10.0.0.{n}",), f"{n:032x}")
        dns.change([ZoneChange(one, None, one.uid)])
        return dns.read().rrsets[one.name, "A"] == one

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(40)))
