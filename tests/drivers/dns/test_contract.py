"""The contract of the DNS port for whole zones: a master file, a real BIND, a real PowerDNS, and Route 53's API."""

from __future__ import annotations

import pytest

from reconciler.errors import Conflict, Terminal
from reconciler.ports import RRset, ZoneChange

UID = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"


def rrset(zone, name, rdtype, *values, ttl=300, uid=UID):
    full = zone.name if name == "@" else f"{name}.{zone.name}"
    return RRset(full, rdtype, ttl, tuple(sorted(values)), uid)


def create(one, uid=UID):
    return ZoneChange(one, None, uid)


def held(dns, one):
    return dns.read().rrsets.get((one.name, one.type))


def test_a_zone_is_read_whole_with_absolute_lower_case_names(zone):
    reading = zone.open().read()
    assert (f"static.{zone.name}", "A") in reading.rrsets
    assert (zone.name, "SOA") in reading.rrsets
    assert reading.rrsets[zone.name, "NS"].values == (f"ns1.{zone.name}",)
    assert not reading.unchanged


def test_what_is_created_is_read_back_with_its_mark(zone):
    dns, www = zone.open(), rrset(zone, "www", "A", "192.0.2.10")
    dns.change([create(www)])
    assert held(dns, www) == www
    assert held(zone.open(), www) == www
    assert not [key for key in dns.read().rrsets if key[0].startswith("_hanse")]


def test_creating_the_same_again_is_a_conflict_and_changes_nothing(zone):
    dns, www = zone.open(), rrset(zone, "www", "A", "192.0.2.10")
    dns.change([create(www)])
    before = dns.read()
    with pytest.raises(Conflict):
        dns.change([create(www)])
    assert dns.read() == before


def test_a_change_expects_exactly_what_was_read(zone):
    dns, first = zone.open(), rrset(zone, "www", "A", "192.0.2.10")
    second, third = rrset(zone, "www", "A", "192.0.2.11"), rrset(zone, "www", "A", "192.0.2.12")
    dns.change([create(first)])
    dns.change([ZoneChange(second, first, UID)])
    with pytest.raises(Conflict):
        dns.change([ZoneChange(third, first, UID)])
    assert held(dns, first) == second


def test_a_superset_of_what_was_expected_is_a_conflict(zone):
    dns, www = zone.open(), rrset(zone, "www", "A", "192.0.2.10")
    dns.change([create(www)])
    zone.by_hand(f"add www.{zone.name} 300 A 192.0.2.99")
    with pytest.raises(Conflict):
        dns.change([ZoneChange(rrset(zone, "www", "A", "192.0.2.11"), www, UID)])
    assert held(dns, www).values == ("192.0.2.10", "192.0.2.99")


def test_a_conflict_in_one_change_stops_all_of_them(zone):
    dns, good = zone.open(), rrset(zone, "good", "A", "192.0.2.10")
    with pytest.raises(Conflict):
        dns.change([create(good), create(rrset(zone, "static", "A", "192.0.2.10"))])
    assert held(dns, good) is None


def test_a_record_that_a_person_made_has_no_uid_and_is_not_overwritten(zone):
    dns, static = zone.open(), rrset(zone, "static", "A", "192.0.2.1")
    assert held(dns, static).uid == ""
    with pytest.raises(Conflict):
        dns.change([create(rrset(zone, "static", "A", "192.0.2.10"))])
    with pytest.raises(Conflict, match=r"."):
        dns.change([ZoneChange(None, static, UID)])
    assert held(dns, static).values == ("192.0.2.1",)


def test_what_carries_another_mark_is_not_changed(zone):
    dns, www = zone.open(), rrset(zone, "www", "A", "192.0.2.10", uid=OTHER)
    dns.change([create(www, OTHER)])
    with pytest.raises(Conflict):
        dns.change([ZoneChange(None, rrset(zone, "www", "A", "192.0.2.10"), UID)])
    assert held(dns, www) == www


def test_an_unmarked_record_can_be_adopted_on_purpose(zone):
    dns = zone.open()
    static = rrset(zone, "static", "A", "192.0.2.1", uid="")
    dns.change([ZoneChange(rrset(zone, "static", "A", "192.0.2.1"), static, UID)])
    assert held(dns, static).uid == UID


def test_removing_takes_the_mark_along(zone):
    dns, www = zone.open(), rrset(zone, "www", "A", "192.0.2.10")
    before = set(dns.read().rrsets)
    dns.change([create(www)])
    dns.change([ZoneChange(None, www, UID)])
    assert set(dns.read().rrsets) == before
    with pytest.raises(Conflict):
        dns.change([ZoneChange(None, www, UID)])


def test_an_address_beside_a_cname_is_a_conflict_not_a_silent_nothing(zone):
    dns, alias = zone.open(), rrset(zone, "www", "CNAME", f"static.{zone.name}")
    dns.change([create(alias)])
    with pytest.raises(Conflict):
        dns.change([create(rrset(zone, "www", "A", "192.0.2.10"))])
    assert held(dns, alias) == alias


def test_a_cname_beside_an_address_is_a_conflict_not_a_silent_nothing(zone):
    dns, alias = zone.open(), rrset(zone, "static", "CNAME", f"ns1.{zone.name}")
    with pytest.raises(Conflict):
        dns.change([create(alias)])
    assert held(dns, alias) is None


def test_a_cname_and_an_address_in_one_message_is_a_conflict(zone):
    dns = zone.open()
    with pytest.raises(Conflict):
        dns.change(
            [create(rrset(zone, "www", "CNAME", f"static.{zone.name}")), create(rrset(zone, "www", "A", "192.0.2.1"))]
        )
    assert (f"www.{zone.name}", "A") not in dns.read().rrsets


@pytest.mark.parametrize("order", [0, 1])
def test_an_address_gives_way_to_a_cname_in_one_message_and_back(zone, order):
    dns, address = zone.open(), rrset(zone, "www", "A", "192.0.2.10")
    alias = rrset(zone, "www", "CNAME", f"static.{zone.name}", uid=OTHER)
    dns.change([create(address)])
    changes = [ZoneChange(None, address, UID), create(alias, OTHER)]
    dns.change(changes[::-1] if order else changes)
    assert held(dns, alias) == alias
    assert held(dns, address) is None
    changes = [ZoneChange(None, alias, OTHER), create(address)]
    dns.change(changes[::-1] if order else changes)
    assert held(dns, address) == address
    assert held(dns, alias) is None


def test_a_cname_does_not_replace_an_address_while_another_record_stays(zone):
    dns, address = zone.open(), rrset(zone, "www", "A", "192.0.2.10")
    dns.change([create(address), create(rrset(zone, "www", "TXT", '"stays"'))])
    alias = rrset(zone, "www", "CNAME", f"static.{zone.name}")
    with pytest.raises(Conflict):
        dns.change([ZoneChange(None, address, UID), create(alias)])
    assert held(dns, address) == address


def test_a_ttl_is_changed_alone(zone):
    dns, www = zone.open(), rrset(zone, "www", "A", "192.0.2.10", "192.0.2.11")
    dns.change([create(www)])
    slow = rrset(zone, "www", "A", "192.0.2.10", "192.0.2.11", ttl=7200)
    dns.change([ZoneChange(slow, www, UID)])
    assert held(dns, www) == slow


def test_values_are_added_and_taken_away(zone):
    dns = zone.open()
    two, three = (rrset(zone, "www", "AAAA", *(f"2001:db8::{n:x}" for n in range(1, 1 + count))) for count in (2, 3))
    dns.change([create(two)])
    dns.change([ZoneChange(three, two, UID)])
    assert held(dns, three) == three
    dns.change([ZoneChange(two, three, UID)])
    assert held(dns, two) == two


@pytest.mark.parametrize(
    ("rdtype", "value"),
    [
        ("A", "192.0.2.10"),
        ("AAAA", "2001:db8::1"),
        ("AAAA", "::ffff:c000:201"),
        ("CNAME", "x.elsewhere.example."),
        ("TXT", '"v=spf1 -all"'),
        ("TXT", r'"say \"hello\" \\ ; ( ) @ $TTL"'),
        ("TXT", r'"gr\195\188n\009tab"'),
        ("TXT", '""'),
        ("TXT", '"one" "two three"'),
        ("TXT", " ".join(f'"{c * 255}"' for c in "abcdefghij")),
        ("SRV", "10 60 5060 sip.elsewhere.example."),
        ("SRV", "0 0 0 ."),
        ("CAA", '0 issue "ca.example"'),
        ("CAA", '128 iodef "mailto:security@fed.example"'),
        ("CAA", '0 issuewild ";"'),
    ],
)
def test_canonical_values_come_back_as_they_went(zone, rdtype, value):
    dns, one = zone.open(), rrset(zone, "_sip._tcp" if rdtype == "SRV" else "x", rdtype, value)
    if value == "::ffff:c000:201":
        import ipaddress

        one = rrset(zone, "x", rdtype, str(ipaddress.ip_address(value)))
    dns.change([create(one)])
    assert held(dns, one) == one
    dns.change([ZoneChange(None, one, UID)])
    assert held(dns, one) is None


def test_what_a_person_wrote_is_read_in_canonical_form(zone):
    zone.by_hand(f"add v6.{zone.name} 300 AAAA 2001:0DB8:0:0::0001")
    zone.by_hand(f"add UPPER.{zone.name} 300 CNAME Static.{zone.name.upper()}")
    zone.by_hand(f"add srv.{zone.name} 300 SRV 010 5 80 WWW.{zone.name}")
    held = zone.open().read().rrsets
    assert held[f"v6.{zone.name}", "AAAA"].values == ("2001:db8::1",)
    assert held[f"upper.{zone.name}", "CNAME"].values == (f"static.{zone.name}",)
    assert held[f"srv.{zone.name}", "SRV"].values == (f"10 5 80 www.{zone.name}",)


@pytest.mark.parametrize(
    ("name", "rdtype", "value"),
    [
        ("*", "A", "192.0.2.10"),
        ("*.vo", "CNAME", "static.elsewhere.example."),
        ("@", "TXT", '"at the top"'),
        ("@", "CAA", '0 issue "ca.example"'),
        ("xn--bcher-kva", "A", "192.0.2.10"),
        ("a.b.c.d.e", "A", "192.0.2.10"),
        ("_dmarc", "TXT", '"v=DMARC1; p=reject"'),
        ("x" * 63, "A", "192.0.2.10"),
    ],
)
def test_wildcards_the_apex_and_other_names_are_marked_too(zone, name, rdtype, value):
    dns, one = zone.open(), rrset(zone, name, rdtype, value)
    dns.change([create(one)])
    assert held(dns, one) == one
    changed = rrset(zone, name, rdtype, value, ttl=600)
    dns.change([ZoneChange(changed, one, UID)])
    dns.change([ZoneChange(None, changed, UID)])
    assert held(zone.open(), one) is None


def test_every_type_at_a_name_has_its_own_mark(zone):
    dns = zone.open()
    a, txt = rrset(zone, "www", "A", "192.0.2.10"), rrset(zone, "www", "TXT", '"x"', uid=OTHER)
    dns.change([create(a), create(txt, OTHER)])
    assert held(dns, a).uid == UID
    assert held(dns, txt).uid == OTHER


def test_a_mark_whose_record_is_gone_is_a_record_without_values(zone):
    dns, www = zone.open(), rrset(zone, "www", "A", "192.0.2.10")
    dns.change([create(www)])
    zone.by_hand(f"delete www.{zone.name} A")
    alone = held(dns, www)
    if zone.lone_marks:
        assert (alone.values, alone.uid) == ((), UID)
    else:
        assert alone is None
    again = rrset(zone, "www", "A", "192.0.2.20")
    dns.change([ZoneChange(again, alone, UID)])
    assert held(dns, www) == again


def test_a_mark_alone_can_be_removed(zone):
    dns, www = zone.open(), rrset(zone, "www", "A", "192.0.2.10")
    dns.change([create(www)])
    zone.by_hand(f"delete www.{zone.name} A")
    alone = held(dns, www)
    if alone is not None:
        dns.change([ZoneChange(None, alone, UID)])
    assert held(dns, www) is None


def test_a_thousand_records_go_in_and_out_in_one_call(zone):
    dns = zone.open()
    before = set(dns.read().rrsets)
    many = [rrset(zone, f"host-{n}", "A", f"192.0.{n // 250}.{n % 250}", uid=f"{n:032x}") for n in range(1000)]
    dns.change([create(one, one.uid) for one in many])
    held = dns.read().rrsets
    assert all(held[one.name, one.type] == one for one in many)
    dns.change([ZoneChange(None, one, one.uid) for one in many])
    assert set(dns.read().rrsets) == before


def test_an_unchanged_zone_says_so(zone):
    dns = zone.open()
    token = dns.read().token
    for reader in (dns, zone.open()):
        again = reader.read(token)
        assert again.unchanged
        assert (again.token, again.rrsets) == (token, {})


def test_any_change_gives_a_new_token_and_a_full_reading(zone):
    dns, www = zone.open(), rrset(zone, "www", "A", "192.0.2.10")
    token = dns.read().token
    zone.open().change([create(www)])
    for reader in (dns, zone.open()):
        reading = reader.read(token)
        assert not reading.unchanged
        assert reading.token != token
        assert reading.rrsets[www.name, "A"] == www
        assert (f"static.{zone.name}", "A") in reading.rrsets


def test_drift_by_hand_gives_a_new_token(zone):
    dns = zone.open()
    token = dns.read().token
    zone.by_hand(f"add static.{zone.name} 300 A 192.0.2.2")
    assert dns.read(token).rrsets[f"static.{zone.name}", "A"].values == ("192.0.2.1", "192.0.2.2")


def test_a_name_outside_the_zone_is_refused(zone):
    with pytest.raises(Terminal, match="not in the zone"):
        zone.open().change([create(RRset("www.elsewhere.example.", "A", 300, ("192.0.2.1",)))])


def test_a_value_that_is_no_record_is_refused(zone):
    with pytest.raises(Terminal, match="is not a A record"):
        zone.open().change([create(rrset(zone, "www", "A", "not-an-address"))])


def test_no_changes_are_no_message(zone):
    dns = zone.open()
    token = dns.read().token
    dns.change([])
    assert dns.read(token).unchanged
