"""The contract that every driver of the DNS port passes: addresses of a few names, as a cluster needs them.

Dynamic DNS services hold nothing else. Drivers of whole zones pass this one and that of whole zones (test_contract.py).
"""

from __future__ import annotations

import pytest

from reconciler.errors import Conflict, DriverError, Terminal
from reconciler.kinds.dnsrecord import KIND, DNSRecordSpec
from reconciler.model import Change, Done, Failed, Present, Ref, Target, Wanted
from reconciler.ports import RRset, ZoneChange

UID = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"


def rrset(zone, label, *values, rdtype="A", uid=UID):
    return RRset(f"{label}.{zone.name}", rdtype, 60, tuple(sorted(values)), uid)


def create(one):
    return ZoneChange(one, None, one.uid)


def held(dns, one):
    return dns.read().rrsets.get((one.name, one.type))


def test_what_is_created_is_read_back_with_its_mark(hosts):
    dns, www = hosts.open(), rrset(hosts, "www", "192.0.2.10")
    dns.change([create(www)])
    assert held(dns, www) == www
    assert held(hosts.open(), www) == www


def test_both_families_of_one_name_have_a_mark_each(hosts):
    dns, four = hosts.open(), rrset(hosts, "www", "192.0.2.10")
    six = rrset(hosts, "www", "2001:db8::10", rdtype="AAAA", uid=OTHER)
    dns.change([create(four), create(six)])
    assert (held(dns, four), held(dns, six)) == (four, six)
    dns.change([ZoneChange(None, four, UID)])
    assert held(dns, four) is None
    assert held(hosts.open(), six) == six


def test_a_second_family_comes_later(hosts):
    dns, four = hosts.open(), rrset(hosts, "www", "192.0.2.10")
    six = rrset(hosts, "www", "2001:db8::10", rdtype="AAAA", uid=OTHER)
    dns.change([create(six)])
    dns.change([create(four)])
    assert (held(dns, four), held(dns, six)) == (four, six)


def test_an_address_is_changed(hosts):
    dns, first, second = hosts.open(), rrset(hosts, "www", "192.0.2.10"), rrset(hosts, "www", "192.0.2.11")
    dns.change([create(first)])
    dns.change([ZoneChange(second, first, UID)])
    assert held(dns, second) == second


def test_a_change_expects_exactly_what_was_read(hosts):
    dns, first, second = hosts.open(), rrset(hosts, "www", "192.0.2.10"), rrset(hosts, "www", "192.0.2.11")
    dns.change([create(first)])
    dns.change([ZoneChange(second, first, UID)])
    with pytest.raises(Conflict):
        dns.change([ZoneChange(rrset(hosts, "www", "192.0.2.12"), first, UID)])
    with pytest.raises(Conflict):
        dns.change([ZoneChange(None, first, UID)])
    assert held(dns, second) == second


def test_what_is_removed_is_gone_and_can_come_back(hosts):
    dns, www = hosts.open(), rrset(hosts, "www", "192.0.2.10")
    for _ in range(2):
        dns.change([create(www)])
        dns.change([ZoneChange(None, www, UID)])
        assert held(dns, www) is None


def test_what_a_person_made_is_not_overwritten(hosts):
    dns = hosts.open()
    with pytest.raises(Conflict):
        dns.change([create(rrset(hosts, "static", "192.0.2.10"))])
    with pytest.raises(Conflict):
        dns.change([ZoneChange(None, rrset(hosts, "static", "192.0.2.1"), UID)])
    hosts.by_hand(f"delete other.{hosts.name} A")
    hosts.by_hand(f"add other.{hosts.name} 60 A 192.0.2.77")
    with pytest.raises(Conflict):
        dns.change([create(rrset(hosts, "other", "192.0.2.10"))])


def test_what_carries_another_mark_is_not_changed(hosts):
    dns, www = hosts.open(), rrset(hosts, "www", "192.0.2.10", uid=OTHER)
    dns.change([create(www)])
    with pytest.raises(Conflict):
        dns.change([ZoneChange(None, rrset(hosts, "www", "192.0.2.10"), UID)])
    with pytest.raises(Conflict):
        dns.change([create(rrset(hosts, "www", "192.0.2.11"))])
    assert held(dns, www) == www


def test_a_conflict_in_one_change_stops_all_of_them(hosts):
    dns, good = hosts.open(), rrset(hosts, "good", "192.0.2.10")
    with pytest.raises(Conflict):
        dns.change([create(good), create(rrset(hosts, "static", "192.0.2.10"))])
    assert held(dns, good) is None


def test_drift_is_read_and_repaired(hosts):
    dns, www = hosts.open(), rrset(hosts, "www", "192.0.2.10")
    dns.change([create(www)])
    hosts.by_hand(f"delete www.{hosts.name} A")
    hosts.by_hand(f"add www.{hosts.name} 60 A 192.0.2.66")
    found = held(dns, www)
    assert found.values == ("192.0.2.66",)
    # Where a mark cannot outlive its record, this is a person's record now.
    dns.change([ZoneChange(www, found, UID)])
    assert held(dns, www) == www


def test_a_token_tells_whether_anything_changed(hosts):
    dns, www = hosts.open(), rrset(hosts, "www", "192.0.2.10")
    token = dns.read().token
    assert hosts.open().read(token).unchanged
    dns.change([create(www)])
    reading = hosts.open().read(token)
    assert not reading.unchanged
    assert reading.rrsets[www.name, "A"] == www


def test_a_name_outside_the_zone_is_refused(hosts):
    with pytest.raises(Terminal, match="not in the zone"):
        hosts.open().change([create(RRset("www.elsewhere.example.", "A", 60, ("192.0.2.1",), UID))])


class Handed:
    """What the kind is handed, with a failure in its midst: the first ``times`` changes of ``bad`` are refused."""

    def __init__(self, dns, bad="", times=99):
        self.port, self.bad, self.times = dns, bad, times

    def dns(self, _target):
        return self

    def read(self, token=""):
        return self.port.read(token)

    def change(self, changes):
        named = [one.rrset.name.partition(".")[0] for one in changes if one.rrset]
        if self.bad in named and self.times:
            self.times -= 1
            good = [one for one in changes if one.rrset and not one.rrset.name.startswith(self.bad)]
            if good:
                self.port.change(good[:1])  # a service without transactions has done some of them by then
            raise Terminal(f"{self.bad} is refused")
        self.port.change(changes)


def change(zone, label, value, uid):
    spec = KIND.canonical(DNSRecordSpec(zone=zone.name, name=label, ttl=60, values=(value,)))
    return Change(Ref(f"DNSRecord/vo/{label}"), uid, 1, spec)


def test_the_kind_puts_looks_and_removes(hosts):
    target, drivers = Target(f"dns:{hosts.name}", "x"), Handed(hosts.open())
    www = change(hosts, "www", "192.0.2.10", UID)
    wanted = [Wanted(www.ref, UID, www.spec)]
    for _ in range(2):
        (answer,) = KIND.put(target, [www], drivers).values()
        assert isinstance(answer, Done)
    (seen,) = KIND.observe(target, wanted, drivers).results.values()
    assert isinstance(seen, Present)
    assert (seen.owned, seen.uid, seen.digest) == (True, UID, www.spec.digest())
    for _ in range(2):
        (answer,) = KIND.remove(target, [www], drivers).values()
        assert isinstance(answer, Done)


def test_a_refusal_in_the_midst_of_a_batch_stops_that_record_alone(hosts):
    target, drivers = Target(f"dns:{hosts.name}", "x"), Handed(hosts.open(), "good")
    changes = [change(hosts, label, "192.0.2.10", f"{n:032x}") for n, label in enumerate(("www", "good", "last"), 1)]
    answers = KIND.put(target, changes, drivers)
    assert [type(answers[one.ref]) for one in changes] == [Done, Failed, Done]
    assert isinstance(KIND.put(target, changes[:1], drivers)[changes[0].ref], Done)


def test_the_kind_leaves_a_persons_record_alone(hosts):
    target, drivers = Target(f"dns:{hosts.name}", "x"), Handed(hosts.open())
    (answer,) = KIND.put(target, [change(hosts, "static", "192.0.2.10", UID)], drivers).values()
    assert isinstance(answer, Failed)
    assert answer.fate == "conflict"


def test_every_failure_is_one_of_ours(hosts):
    with pytest.raises(DriverError):
        hosts.open().change([create(rrset(hosts, "www", "not-an-address"))])
