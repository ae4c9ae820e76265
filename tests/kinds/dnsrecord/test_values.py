"""Values: one canonical form, the same that every driver reads back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.drivers.zonedata import canonical as read_back
from reconciler.kinds.dnsrecord.values import ValueFault, canonical_value, from_zone, in_zone


@pytest.mark.parametrize(
    ("rdtype", "written", "canonical"),
    [
        ("A", "192.0.2.10", "192.0.2.10"),
        ("AAAA", "2001:0DB8:0::1", "2001:db8::1"),
        ("AAAA", "::FFFF:192.0.2.1", "::ffff:c000:201"),
        ("CNAME", "WWW.Example.ORG.", "www.example.org."),
        ("CNAME", "bücher.example.", "xn--bcher-kva.example."),
        ("CNAME", "faß.example.", "xn--fa-hia.example."),
        ("TXT", "v=spf1 -all", "v=spf1 -all"),
        ("TXT", '"v=spf1 -all"', "v=spf1 -all"),
        ("TXT", '"a" "b"', '"a" "b"'),
        ("TXT", '""', ""),
        ("TXT", "", ""),
        ("TXT", r'"\"quoted\""', r'"\"quoted\""'),
        ("TXT", "a\\b", "a\\b"),
        ("TXT", r'"a\\b"', "a\\b"),
        ("TXT", r'"gr\195\188n"', "grün"),
        ("TXT", r'"\255"', r'"\255"'),
        ("TXT", "x" * 600, "x" * 600),
        ("TXT", f'"{"x" * 255}" "{"x" * 10}"', "x" * 265),
        ("SRV", "010  60 5060 SIP.example.org.", "10 60 5060 sip.example.org."),
        ("SRV", "0 0 0 .", "0 0 0 ."),
        ("CAA", "0 ISSUE ca.example.org", '0 issue "ca.example.org"'),
        ("CAA", '128  iodef "mailto:x@example.org"', '128 iodef "mailto:x@example.org"'),
        ("CAA", '0 issue ";"', '0 issue ";"'),
    ],
)
def test_each_value_has_one_form(rdtype, written, canonical):
    if rdtype == "AAAA":
        import ipaddress

        canonical = str(ipaddress.ip_address(canonical))
    assert canonical_value(rdtype, written) == canonical
    assert canonical_value(rdtype, canonical) == canonical


@pytest.mark.parametrize(
    ("rdtype", "value", "cure"),
    [
        ("A", "2001:db8::1", "AAAA"),
        ("A", "192.0.2.256", "192.0.2.10"),
        ("A", "192.0.2.01", "192.0.2.10"),
        ("A", " 192.0.2.1", "192.0.2.10"),
        ("AAAA", "192.0.2.1", "type A"),
        ("AAAA", "fe80::1%eth0", "leave out"),
        ("CNAME", "www", "www."),
        ("CNAME", "www.example.org", "www.example.org."),
        ("CNAME", "a..b.", ""),
        ("CNAME", "192.0.2.1 x.", ""),
        ("CNAME", "*.example.org.", ""),
        ("CNAME", "\ud800.", ""),
        ("TXT", '"unfinished', "quote every string"),
        ("TXT", '"a"b"', "quote every string"),
        ("TXT", f'"{"x" * 256}"', "quotation marks"),
        ("TXT", r'"\256"', "octets"),
        ("TXT", "x" * 8193, ""),
        ("SRV", "1 2 3", "priority"),
        ("SRV", "1 2 70000 x.", ""),
        ("SRV", "1 2 -3 x.", ""),
        ("SRV", "1 2 3 x", "x."),
        ("CAA", "issue ca.example.org", "flags"),
        ("CAA", '256 issue "x"', ""),
        ("CAA", '0 issue "x" "y"', ""),
    ],
)
def test_what_is_no_value_is_refused_with_its_cure(rdtype, value, cure):
    with pytest.raises(ValueFault) as raised:
        canonical_value(rdtype, value)
    assert cure in raised.value.cure


@given(st.text(max_size=700))
def test_any_text_goes_into_a_zone_and_comes_back(text):
    try:
        value = canonical_value("TXT", text)
    except (ValueFault, UnicodeEncodeError):
        return
    assert canonical_value("TXT", value) == value
    (held,) = read_back("TXT", [in_zone("TXT", value)])
    assert held == in_zone("TXT", value)
    assert from_zone("TXT", held) == value


@given(st.lists(st.binary(max_size=255), min_size=1, max_size=4))
def test_any_strings_of_octets_come_out_of_a_zone_and_go_back(strings):
    from reconciler.kinds.dnsrecord.values import presentation

    (held,) = read_back("TXT", [presentation(strings)])
    assert held == presentation(strings)
    assert in_zone("TXT", from_zone("TXT", held)) == held


@given(st.ip_addresses())
def test_addresses_are_written_as_drivers_read_them(address):
    rdtype = "A" if address.version == 4 else "AAAA"
    assert read_back(rdtype, [canonical_value(rdtype, str(address))]) == (canonical_value(rdtype, str(address)),)


@given(st.integers(0, 255), st.text("abcdefghijklmnop0123456789", min_size=1, max_size=15), st.text(max_size=60))
def test_caa_values_are_written_as_drivers_read_them(flags, tag, text):
    try:
        value = canonical_value("CAA", f'{flags} {tag} "{text}"')
    except (ValueFault, UnicodeEncodeError):
        return
    assert read_back("CAA", [value]) == (value,)


@given(st.tuples(*[st.integers(0, 65535)] * 3), st.from_regex(r"([A-Za-z0-9_]{1,20}\.){1,4}", fullmatch=True))
def test_srv_values_are_written_as_drivers_read_them(numbers, target):
    value = canonical_value("SRV", f"{numbers[0]} {numbers[1]} {numbers[2]} {target}")
    assert read_back("SRV", [value]) == (value,)
