"""What only dynamic DNS services meet: replies, faults they count, hosts that are blocked, addresses they misread."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from reconciler.drivers.dyndns import dyndns2, egi
from reconciler.drivers.dyndns.authority import Authority
from reconciler.drivers.dyndns.hosts import Habits, HostZone
from reconciler.drivers.dyndns.marks import Marks
from reconciler.drivers.dyndns.service import AGENT, Bearer, Service, basic
from reconciler.errors import Conflict, Terminal, Transient
from reconciler.model import Target
from reconciler.ports import RRset, ZoneChange
from tests.real.answering import answering
from tests.real.ports import free_port
from tests.real.zones import Secrets

UID = "0123456789abcdef0123456789abcdef"


def rrset(zone, *values, label="www", rdtype="A", ttl=60):
    return RRset(f"{label}.{zone.name}", rdtype, ttl, values or ("192.0.2.10",), UID)


def create(one):
    return [ZoneChange(one, None, UID)]


def opened(zone, module=dyndns2, **changed):
    return module.open(Target(zone.target.id, zone.target.driver, {**zone.target.options, **changed}), Secrets())


@pytest.fixture
def calls(monkeypatch):
    """Paths and parameters of every call to a service."""
    made = []
    get = Service.get

    def noted(self, path, parameters, auth):
        made.append((path, dict(parameters)))
        return get(self, path, parameters, auth)

    monkeypatch.setattr(Service, "get", noted)
    return made


def test_both_families_go_in_one_call(dyndns2_zone, calls):
    four, six = rrset(dyndns2_zone), rrset(dyndns2_zone, "2001:db8::10", rdtype="AAAA")
    dyndns2_zone.open().change([*create(six), *create(four)])
    host = four.name.rstrip(".")
    assert calls == [("/nic/update", {"hostname": host, "myip": "192.0.2.10,2001:db8::10"})]


def test_what_stands_already_is_never_sent(dyndns2_zone, nsupdate, calls):
    dyndns2_zone.by_hand(f"add www.{dyndns2_zone.name} 60 A 192.0.2.10")
    dns = dyndns2_zone.open()
    found = dns.read().rrsets[f"www.{dyndns2_zone.name}", "A"]
    assert found.uid == ""
    dns.change([ZoneChange(rrset(dyndns2_zone), found, UID)])  # adopted: the mark changes, the address does not
    assert dns.read().rrsets[f"www.{dyndns2_zone.name}", "A"] == rrset(dyndns2_zone)
    assert calls == []
    assert nsupdate.arrange(f"www.{dyndns2_zone.name}")["client_faults"] == 0


def test_a_life_of_changes_leaves_no_fault_at_the_service(dyndns2_zone, nsupdate):
    dns, held = dyndns2_zone.open(), None
    for value in ("192.0.2.10", "192.0.2.11", "192.0.2.10"):
        wanted = rrset(dyndns2_zone, value)
        dns.change([ZoneChange(wanted, held, UID)])
        held = dns.read().rrsets[wanted.name, "A"]
    dns.change([ZoneChange(None, held, UID)])
    counted = nsupdate.arrange(f"www.{dyndns2_zone.name}")
    assert (counted["client_faults"], counted["api_auth_faults"]) == (0, 0)


def test_what_was_sent_a_moment_ago_is_not_sent_again(dyndns2_zone, calls):
    dns, www = opened(dyndns2_zone, settle_seconds=300.0), rrset(dyndns2_zone)
    dns.change(create(www))
    dyndns2_zone.by_hand(f"delete {www.name} A")  # as a name server looks that has not caught up
    with pytest.raises(Transient, match="does not show it yet") as raised:
        dns.change([ZoneChange(www, dns.read().rrsets[www.name, "A"], UID)])
    assert raised.value.retry_after == pytest.approx(300, abs=30)
    assert len(calls) == 1


def test_a_wrong_secret_is_terminal_and_asked_about_once(dyndns2_zone, monkeypatch, nsupdate, calls):
    (variable,) = dyndns2_zone.target.options["hosts"][f"www.{dyndns2_zone.name}".rstrip(".")].values()
    monkeypatch.setenv(variable, "not-the-secret")
    dns, www = dyndns2_zone.open(), rrset(dyndns2_zone)
    for expect in ("badauth", "not asked again"):
        held = dns.read().rrsets.get((www.name, "A"))
        with pytest.raises(Terminal, match=expect) as raised:
            dns.change([ZoneChange(www, held, UID)])
        assert "not-the-secret" not in str(raised.value)
    assert len(calls) == 1
    assert nsupdate.arrange(www.name)["api_auth_faults"] == 1


def test_a_host_without_a_secret_is_refused_with_the_cure(dyndns2_zone):
    with pytest.raises(Terminal, match="add it to hosts"):
        dyndns2_zone.open().change(create(rrset(dyndns2_zone, label="unheard-of")))


def test_a_blocked_host_is_terminal(dyndns2_zone, nsupdate):
    nsupdate.arrange(f"www.{dyndns2_zone.name}", abuse_blocked=True)
    with pytest.raises(Terminal, match="abuse"):
        dyndns2_zone.open().change(create(rrset(dyndns2_zone)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ttl": 300}, "ttl: 60"),
        ({"rdtype": "TXT", "values": ('"x"',)}, "A and AAAA"),
        ({"values": ("192.0.2.10", "192.0.2.11")}, "one address"),
        ({"rdtype": "AAAA", "values": ("2001:db8:1:2::",)}, "whole network"),
        ({"label": "*.www"}, "no wildcards"),
    ],
)
def test_what_a_host_cannot_be_is_refused_before_anything_is_sent(dyndns2_zone, calls, change, said):
    given = {"ttl": change.get("ttl", 60), "rdtype": change.get("rdtype", "A"), "label": change.get("label", "www")}
    with pytest.raises(Terminal, match=said):
        dyndns2_zone.open().change(create(rrset(dyndns2_zone, *change.get("values", ()), **given)))
    assert calls == []


def test_a_cname_in_the_way_is_a_conflict(dyndns2_zone, calls):
    dyndns2_zone.by_hand(f"add www.{dyndns2_zone.name} 60 CNAME static.{dyndns2_zone.name}")
    with pytest.raises(Conflict, match="CNAME"):
        dyndns2_zone.open().change(create(rrset(dyndns2_zone)))
    assert calls == []


def test_without_its_name_server_nothing_is_read_and_nothing_sent(dyndns2_zone, calls):
    silent = opened(dyndns2_zone, nameserver="127.0.0.1", port=free_port(), timeout_seconds=0.5)
    for attempt in (silent.read, lambda: silent.change(create(rrset(dyndns2_zone)))):
        with pytest.raises(Transient, match="does not answer"):
            attempt()
    assert calls == []


def test_a_name_server_of_another_zone_is_terminal(dyndns2_zone, bind):
    with pytest.raises(Terminal, match="not authoritative"):
        opened(dyndns2_zone, nameserver="127.0.0.1", port=bind.port).read()


def test_lost_marks_make_a_record_somebody_elses(dyndns2_zone, tmp_path):
    www = rrset(dyndns2_zone)
    dyndns2_zone.open().change(create(www))
    afresh = opened(dyndns2_zone, state=str(tmp_path / "afresh"))
    assert afresh.read().rrsets[www.name, "A"].uid == ""
    with pytest.raises(Conflict):
        afresh.change(create(rrset(dyndns2_zone, "192.0.2.11")))


class Saying(BaseHTTPRequestHandler):
    """A service that says whatever the test wants."""

    def do_GET(self):
        status, headers, body = self.server.says
        self.server.heard.append((self.path, self.headers["User-Agent"], self.headers["Authorization"]))
        self.send_response(status)
        for name, value in {"Content-Type": "text/plain", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *words):
        pass


@pytest.fixture
def saying():
    server = HTTPServer(("127.0.0.1", 0), Saying)
    server.heard = []
    with answering(server):
        yield server


def service(server):
    return Service(f"http://127.0.0.1:{server.server_address[1]}/", 2.0)


@pytest.mark.parametrize(
    ("says", "fate", "said"),
    [
        ((200, {}, "badauth"), Terminal, "check both"),
        ((200, {}, "notfqdn"), Terminal, "full name"),
        ((200, {}, "nohost"), Terminal, "no such host"),
        ((200, {}, "badagent"), Terminal, AGENT),
        ((403, {}, "abuse"), Terminal, "blocked"),
        ((200, {}, "dnserr"), Transient, "name server does not work"),
        ((200, {}, "911"), Transient, "does not work"),
        ((401, {}, "Authorization Required"), Terminal, "401"),
        ((500, {}, "oops"), Transient, "500"),
        ((429, {"Retry-After": "17"}, "slowly"), Transient, "429"),
        ((302, {"Location": "https://elsewhere.example/?t=1"}, ""), Terminal, "https://elsewhere.example/"),
        ((200, {"Content-Type": "text/html"}, "<html>welcome</html>"), Terminal, "no dyndns2 reply"),
        ((200, {}, ""), Terminal, "no dyndns2 reply"),
        ((200, {}, "good 127.0.0.1"), Terminal, "and set 127.0.0.1"),
        ((200, {}, "good 192.0.2.1\nbadauth"), Terminal, "badauth"),
    ],
)
def test_every_reply_has_its_fate(saying, says, fate, said):
    saying.says = says
    with pytest.raises(fate) as raised:
        service(saying).update("www.dyn.example", ("192.0.2.1",), basic("www.dyn.example", "hush"))
    assert said in str(raised.value)
    assert "hush" not in str(raised.value)
    if says[0] == 429:
        assert raised.value.retry_after == 17


@pytest.mark.parametrize("reply", ["good 192.0.2.1,2001:db8::1", "nochg 192.0.2.1\ngood 2001:DB8:0::1"])
def test_replies_for_two_families_are_understood(saying, reply):
    saying.says = (200, {}, reply)
    service(saying).update("www.dyn.example", ("192.0.2.1", "2001:db8::1"), Bearer("t"))
    ((path, agent, shown),) = saying.heard
    assert path == "/nic/update?hostname=www.dyn.example&myip=192.0.2.1%2C2001%3Adb8%3A%3A1"
    assert (agent, shown) == (AGENT, "Bearer t")


def test_a_service_that_knows_no_delete_says_what_a_person_must_do(saying):
    saying.says = (404, {"Content-Type": "text/html"}, "not found")
    with pytest.raises(Terminal, match="by hand"):
        service(saying).delete("www.dyn.example", "A", Bearer("t"))


def test_a_service_that_is_not_there_is_transient():
    with pytest.raises(Transient, match="does not answer"):
        Service(f"http://127.0.0.1:{free_port()}", 1.0).get("/nic/hosts", {}, Bearer("t"))


def test_a_refusal_is_forgotten_after_an_hour(dyndns2_zone, nsupdate, tmp_path):
    now = [1000.0]
    zone, target = dyndns2_zone.name, dyndns2_zone.target
    authority, options = Authority(zone, nsupdate.address, 53, 5.0), target.options
    hosts = dyndns2.SecretHosts(Service(options["url"], 5.0), authority, {}, Secrets())
    dns = HostZone(zone, hosts, Marks(tmp_path / "m.sqlite"), Habits(60, 0.0), lambda: now[0])
    www = rrset(dyndns2_zone)
    for later, repeated in ((0, False), (1800, True), (3700, False)):
        now[0] = 1000.0 + later
        with pytest.raises(Terminal) as raised:
            dns.change([ZoneChange(www, dns.read().rrsets.get((www.name, "A")), UID)])
        assert ("not asked again" in str(raised.value)) is repeated


def test_egi_an_expired_token_is_terminal_for_all(egi_zone, monkeypatch):
    dns = egi_zone.open()
    monkeypatch.setenv("DYNDNS_TOKEN", "expired")
    for attempt in (dns.read, lambda: dns.change(create(rrset(egi_zone)))):
        with pytest.raises(Terminal, match="renew it") as raised:
            attempt()
        assert "expired;" not in str(raised.value).replace("have expired;", "")


def test_egi_a_domain_that_is_not_there_is_terminal_and_never_empty(egi_zone):
    target = Target("dns:nowhere.example.", "egi-dyndns", egi_zone.target.options)
    with pytest.raises(Terminal, match="no domain nowhere.example"):
        egi.open(target, Secrets()).read()


def test_egi_a_host_of_somebody_else_is_a_conflict(egi_zone, monkeypatch):
    dns, www = egi_zone.open(), rrset(egi_zone)
    monkeypatch.setenv("DYNDNS_TOKEN", "token-of-other")
    dns.change(create(www))
    monkeypatch.setenv("DYNDNS_TOKEN", "token-of-op")
    assert (www.name, "A") not in dns.read().rrsets or not dns.read().rrsets[www.name, "A"].values
    with pytest.raises(Conflict):
        egi_zone.open().change(create(rrset(egi_zone, "192.0.2.11")))


def test_egi_a_registered_name_without_address_is_still_somebody_elses(egi_zone, nsupdate):
    www = rrset(egi_zone, label="quiet")
    nsupdate.arrange(www.name, created_by_id=2)
    with pytest.raises(Conflict, match="belongs to somebody else"):
        egi_zone.open().change(create(www))


def test_egi_the_mark_is_the_hosts_comment(egi_zone, tmp_path):
    www = rrset(egi_zone)
    egi_zone.open().change(create(www))
    assert opened(egi_zone, egi, state=str(tmp_path / "afresh")).read().rrsets[www.name, "A"] == www


def test_egi_a_host_that_a_person_registered_is_theirs(egi_zone, nsupdate):
    name = f"theirs.{egi_zone.name}"
    nsupdate.arrange(name, comment="Ada's laptop")
    egi_zone.by_hand(f"add {name} 60 A 192.0.2.5")
    dns = egi_zone.open()
    assert dns.read().rrsets[name, "A"].uid == ""
    with pytest.raises(Conflict):
        dns.change(create(rrset(egi_zone, label="theirs")))


def test_egi_the_last_address_takes_the_host_along(egi_zone, calls):
    dns, four = egi_zone.open(), rrset(egi_zone)
    six = rrset(egi_zone, "2001:db8::10", rdtype="AAAA")
    dns.change([*create(four), *create(six)])
    dns.change([ZoneChange(None, four, UID)])
    dns.change([ZoneChange(None, six, UID)])
    changing = [path for path, _ in calls if path != "/nic/hosts"]
    assert changing == ["/nic/register", "/nic/update", "/nic/delete", "/nic/unregister"]
    assert not [key for key in dns.read().rrsets if key[0] == four.name]


def test_egi_a_blocked_host_cannot_be_taken_away(egi_zone, nsupdate):
    dns, www = egi_zone.open(), rrset(egi_zone)
    dns.change(create(www))
    nsupdate.arrange(www.name, abuse=True)  # the service takes its address away at once
    alone = dns.read().rrsets[www.name, "A"]
    assert (alone.values, alone.uid) == ((), UID)
    with pytest.raises(Terminal, match="blocked"):
        dns.change([ZoneChange(None, alone, UID)])
    nsupdate.arrange(www.name, abuse=False)
    egi_zone.open().change([ZoneChange(None, alone, UID)])
    assert (www.name, "A") not in dns.read().rrsets


def test_a_service_whose_name_server_is_out_of_reach_says_so(dyndns2_zone, nsupdate):
    www = rrset(dyndns2_zone)
    nsupdate.arrange(www.name, reachable=False)
    with pytest.raises(Transient, match="dnserr"):
        dyndns2_zone.open().change(create(www))
    nsupdate.arrange(www.name, reachable=True)
    dyndns2_zone.open().change([ZoneChange(www, dyndns2_zone.open().read().rrsets[www.name, "A"], UID)])
    assert dyndns2_zone.open().read().rrsets[www.name, "A"] == www


def test_egi_an_address_that_the_service_does_not_know_is_no_address_and_not_absent(egi_zone, nsupdate):
    dns, www = egi_zone.open(), rrset(egi_zone)
    dns.change(create(www))
    nsupdate.arrange(www.name, reachable=False)
    with pytest.raises(Transient, match="does not know the A of www"):
        dns.read()
    nsupdate.arrange(www.name, reachable=True)
    assert dns.read().rrsets[www.name, "A"] == www


def test_egi_a_host_that_is_forgotten_while_its_record_stays_is_told(egi_zone, nsupdate, monkeypatch):
    dns, www = egi_zone.open(), rrset(egi_zone)
    dns.change(create(www))
    get = Service.get

    def unreachable(self, path, parameters, auth):
        if path == "/nic/unregister":
            nsupdate.arrange(www.name, reachable=False)
        return get(self, path, parameters, auth)

    monkeypatch.setattr(Service, "get", unreachable)
    with pytest.raises(Terminal, match="still stands"):
        dns.change([ZoneChange(None, www, UID)])
