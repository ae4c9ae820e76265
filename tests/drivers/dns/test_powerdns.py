"""What only the PowerDNS driver meets: its API's refusals, comments of people, values switched off, lost answers."""

from __future__ import annotations

import socket
import threading
from contextlib import closing, contextmanager

import pytest

from reconciler.drivers.libcloud import powerdns as driver
from reconciler.errors import Conflict, OutcomeUnknown, Terminal, Transient
from reconciler.model import Target
from reconciler.ports import RRset, ZoneChange
from tests.real.ports import free_port
from tests.real.zones import Secrets

UID = "0123456789abcdef0123456789abcdef"


def www(zone, *values):
    return RRset(f"www.{zone.name}", "A", 300, values or ("192.0.2.10",), UID)


def create(zone):
    return [ZoneChange(www(zone), None, UID)]


def rows(name, rdtype, *contents, comments=None, off=()):
    records = [{"content": c, "disabled": c in off} for c in contents]
    row = {"name": name, "type": rdtype, "ttl": 300, "changetype": "REPLACE", "records": records}
    return {"rrsets": [row if comments is None else {**row, "comments": comments}]}


@pytest.fixture
def opened(powerdns_zone, powerdns_options):
    def make(name=powerdns_zone.name, **changed):
        return driver.open(Target(f"dns:{name}", "powerdns", {**powerdns_options, **changed}), Secrets())

    return make


def test_a_wrong_key_is_terminal_and_not_told(opened, powerdns_zone, monkeypatch):
    dns = opened()
    monkeypatch.setenv("POWERDNS_KEY", "not-the-key")
    for attempt in (dns.read, lambda: dns.change(create(powerdns_zone))):
        with pytest.raises(Terminal, match="refuses the API key") as raised:
            attempt()
        assert "not-the-key" not in str(raised.value)


def test_a_key_that_changes_is_taken_up(opened, monkeypatch):
    dns = opened()
    monkeypatch.setenv("POWERDNS_KEY", "not-the-key")
    with pytest.raises(Terminal):
        dns.read()
    monkeypatch.undo()
    monkeypatch.setenv("POWERDNS_KEY", "a-key-for-tests")
    assert dns.read().rrsets


def test_a_zone_or_server_that_is_not_there_is_terminal_and_never_empty(opened, powerdns_zone):
    for dns in (opened("nowhere.example."), opened(server="elsewhere")):
        with pytest.raises(Terminal, match="404"):
            dns.read()
        with pytest.raises(Terminal, match="404"):
            dns.change(create(powerdns_zone))


def test_a_server_that_is_not_there_is_transient(opened, powerdns_zone):
    dns = opened(url=f"http://127.0.0.1:{free_port()}")
    for attempt in (dns.read, lambda: dns.change(create(powerdns_zone))):
        with pytest.raises(Transient, match="no answer"):
            attempt()


@contextmanager
def swallowing(port):
    """A relay that passes GET on and swallows the answer to PATCH, after the server has done it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        stop = threading.Event()

        def serve():
            while not stop.is_set():
                client, _ = listener.accept()
                with client, socket.create_connection(("127.0.0.1", port)) as server:
                    request = _message(client)
                    if request:
                        server.sendall(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
                        while part := server.recv(65536):
                            if not request.startswith(b"PATCH"):
                                client.sendall(part)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        stop.set()
        socket.create_connection(listener.getsockname()).close()
        thread.join()


def _message(client):
    held = b""
    while b"\r\n\r\n" not in held:
        part = client.recv(65536)
        if not part:
            return b""
        held += part
    head, _, body = held.partition(b"\r\n\r\n")
    length = next((int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")), 0)
    while len(body) < length:
        body += client.recv(65536)
    return head + b"\r\n\r\n" + body


def test_a_lost_answer_to_a_change_is_unknown_and_the_next_look_tells(opened, powerdns, powerdns_zone):
    with swallowing(powerdns.api) as port, pytest.raises(OutcomeUnknown, match="was lost"):
        opened(url=f"http://127.0.0.1:{port}").change(create(powerdns_zone))
    assert opened().read().rrsets[f"www.{powerdns_zone.name}", "A"] == www(powerdns_zone)


def test_comments_of_people_stay_beside_the_mark(opened, powerdns, powerdns_zone):
    theirs = {"content": "ask Ada before you change this", "account": "ada"}
    path, name = f"/zones/{powerdns_zone.name}", f"www.{powerdns_zone.name}"
    powerdns.ask(path, "PATCH", rows(name, "A", "192.0.2.10", comments=[theirs]))
    dns = opened()
    found = dns.read().rrsets[name, "A"]
    assert found.uid == ""
    dns.change([ZoneChange(www(powerdns_zone, "192.0.2.11"), found, UID)])
    (shown,) = [one for one in powerdns.ask(path)["rrsets"] if one["name"] == name]
    said = {(c["account"], c["content"]) for c in shown["comments"]}
    assert said == {("ada", theirs["content"]), ("hanse", f"hanse=1,uid={UID}")}


def test_a_comment_that_only_looks_like_a_mark_is_none(opened, powerdns, powerdns_zone):
    faked = [{"content": f"hanse=1,uid={UID}", "account": "ada"}, {"content": "made by hanse", "account": "hanse"}]
    name = f"www.{powerdns_zone.name}"
    powerdns.ask(f"/zones/{powerdns_zone.name}", "PATCH", rows(name, "A", "192.0.2.10", comments=faked))
    assert opened().read().rrsets[name, "A"].uid == ""


def test_a_value_of_ours_that_is_switched_off_is_drift(opened, powerdns, powerdns_zone):
    dns, both = opened(), www(powerdns_zone, "192.0.2.10", "192.0.2.11")
    dns.change([ZoneChange(both, None, UID)])
    path = f"/zones/{powerdns_zone.name}"
    powerdns.ask(path, "PATCH", rows(both.name, "A", *both.values, off=["192.0.2.11"]))
    found = dns.read().rrsets[both.name, "A"]
    assert (found.values, found.uid) == (("192.0.2.10",), UID)
    dns.change([ZoneChange(both, found, UID)])
    assert dns.read().rrsets[both.name, "A"] == both


@pytest.mark.parametrize("mark", ["comment", "record"])
def test_a_record_that_a_person_switched_off_is_still_theirs(opened, powerdns, powerdns_zone, mark):
    name = f"www.{powerdns_zone.name}"
    powerdns.ask(f"/zones/{powerdns_zone.name}", "PATCH", rows(name, "A", "192.0.2.99", off=["192.0.2.99"]))
    dns = opened(mark=mark)
    assert dns.read().rrsets[name, "A"].values == ("192.0.2.99",)
    with pytest.raises(Conflict):
        dns.change(create(powerdns_zone))


def test_what_powerdns_alone_knows_is_read_and_left_alone(opened, powerdns, powerdns_zone):
    name = f"apex.{powerdns_zone.name}"
    powerdns.ask(f"/zones/{powerdns_zone.name}", "PATCH", rows(name, "ALIAS", "elsewhere.example."))
    assert opened().read().rrsets[name, "ALIAS"].values == ("elsewhere.example.",)


def test_with_serials_that_tell_an_unchanged_zone_is_not_read(opened, powerdns_zone, monkeypatch):
    dns = opened(serial_tells=True)
    token = dns.read().token
    asked = []
    whole = driver.WholePowerDNS.ex_whole_zone

    def noted(self, zone, *, rrsets=True):
        asked.append(rrsets)
        return whole(self, zone, rrsets=rrsets)

    monkeypatch.setattr(driver.WholePowerDNS, "ex_whole_zone", noted)
    assert dns.read(token).unchanged
    assert asked == [False]
    dns.change(create(powerdns_zone))
    assert dns.read(token).rrsets[f"www.{powerdns_zone.name}", "A"] == www(powerdns_zone)


def test_a_change_is_two_calls_whatever_its_size(opened, powerdns_zone, monkeypatch):
    calls = []
    request = driver.WholePowerDNS.connectionCls.request

    def counted(self, *args, **kwargs):
        calls.append(kwargs.get("method", "GET"))
        return request(self, *args, **kwargs)

    monkeypatch.setattr(driver.WholePowerDNS.connectionCls, "request", counted)
    many = [RRset(f"h{n}.{powerdns_zone.name}", "A", 300, (f"10.0.0.{n}",), UID) for n in range(200)]
    opened().change([ZoneChange(one, None, UID) for one in many])
    assert calls == ["GET", "PATCH"]


@pytest.mark.parametrize("option", [{"url": "192.0.2.53:8081"}, {"mark": "paint"}, {"key": None}, {"colour": "red"}])
def test_a_wrong_option_is_terminal(opened, option):
    with pytest.raises(Terminal, match=next(iter(option))):
        opened(**option)
