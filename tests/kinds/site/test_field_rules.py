"""GOCDB's verdict on the values of each field, the traps included."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from reconciler.kinds import gocdb

ACCEPTED = {
    "SHORT_NAME": ["CESGA-CLOUD", "fedcloud.srce.hr", "a_b", "x" * 255],
    "PLAIN": ["", 'Instituto (CSIC), [Santander]; "IFCA": a/b\'s', "two\nlines", "tab\there"],
    "DOMAIN": ["cesga.es", "a+b/c (d)'s", "x_y-z"],
    "SITE_DESCRIPTION": ["Centro de Supercomputación de Galicia", "x" * 2000, "line\nline", "a & b | c % {d}"],
    "DESCRIPTION": ["x" * 255, "."],
    "DOWNTIME_DESCRIPTION": ["x" * 4000, "é" * 2000],
    "REASON": ["x" * 300],
    "HOME_URL": ["", "http://www.cesga.es", "https://a.b/c?d=e#f", "https://a-b_c.d"],
    "GIIS_URL": ["", "ldap://bdii.cesga.es:2170/mds-vo-name=CESGA,o=grid"],
    "URL": ["", "https://a.b:5000/v3/", "srm://x:8446/srm?SFN=/a", "no scheme".replace(" ", "-"), "a@b[0];c=~%20!*'()"],
    "HOSTNAME": ["a.b", "192.0.2.1", "under_score.example.org", "a.b.c.d.e"],
    "HOST_DN": ["", "/DC=org/CN=host.example.org", "/C=UK/O=eScience/CN=a b.c,d@e(f)/g"],
    "IP_RANGE": ["192.0.2.0/255.255.255.0", "999.0.0.0/999.0.0.0"],
    "IPV6_RANGE": ["2001:db8::/32", "::", "abcdef", "///"],
    "ADDRESS": ["192.0.2.1", "::1", "2001:db8::1", "2001:db8::/64", "2001:db8::/129", "::ffff:192.0.2.1"],
    "EMAIL": ["", "user@localhost", "a.b+c@d-e.org"],
    "EMAILS": ["", "a@b", "a@b;c@d", "a@b,c@d;e@f"],
    "REQUIRED_EMAIL": ["a@b"],
    "REQUIRED_EMAILS": ["a@b", "a@b;c@d"],
    "TELEPHONE": ["+34 981 56 98 10", "(0471) 1-2.3", "+1,+2", "1,2,", "++".replace("++", "+1+2")],
    "TIMEZONE": ["Europe/Madrid", "America/New_York", "America/Port-au-Prince"],
    "GROUP_NAME": ["ARGO_MON", "a1_b2"],
    "GROUP_EMAILS": ["a@b", "a@b;c@d", "user@localhost"],
    "SCOPE": ["EGI", "a_b-c1"],
    "SERVICE_TYPE": ["CE", "org.openstack.nova", "Site-BDII", "a_b"],
    "PROPERTY_NAME": ["ARC_QUEUE", "a@b[0]+c.d", "two  words"],
    "PROPERTY_VALUE": ["x" * 255, "a;b"],
    "SERVICE_PROPERTY_VALUE": ["<a>", "x"],
    "LATITUDE": ["0", "-90", "+90", "89.9999", "42.87", "5"],
    "LONGITUDE": ["180", "-180", "179.9", "99", "-8.5"],
}

REFUSED = {
    "SHORT_NAME": ["", "a b", "name\n", "zürich", "x" * 256, "a/b", "[:alnum:]x"],
    "PLAIN": ["name\n", "ü", "a<b", "x" * 256, "a&b"],
    "DOMAIN": ["", "a@b", "a:b", "cesga.es\n"],
    "SITE_DESCRIPTION": ["", "it's", 'a"b', "a;b", "a<b", "a>b", "a`b", "x" * 2001, "é" * 1001, "text\n"],
    "DESCRIPTION": ["", "é" * 128, "x" * 256],
    "DOWNTIME_DESCRIPTION": ["", "x" * 4001, "é" * 2001, "a;b", "it's", "text\n"],
    "REASON": ["", "x" * 301, "é" * 151, "a;b"],
    "HOME_URL": ["http://host", "http://a.b:80", "http://a.b:8080/c", "ftp://a.b", "a.b", "http://a.b/ c"],
    "GIIS_URL": ["http://a.b", "ldap://", "ldap:/a.b"],
    "URL": ["a b", "a\n", "<a>", 'a"b', "ü", "a|b", "a\\b", "{a}", "a^b"],
    "HOSTNAME": ["", "localhost", "a.b:80", "a..b", ".a.b", "a.b.", "a.b\n", "ä.b", "a.b-c", "a.b_c"],
    "HOST_DN": ["DC=org", "/DC", "/DC=", "/1=a", "/CN=ü", "/DC=org\n", "/CN=a;b"],
    "IP_RANGE": ["192.0.2.0/24", "192.0.2.0", "1.2.3/255.0.0.0", "a.b.c.d/255.0.0.0", "1.2.3.4/5.6.7.8\n"],
    "IPV6_RANGE": ["", "2001:db8::/32 ", "g::", "2001:db8::,::1"],
    "ADDRESS": ["", "256.0.0.1", "01.2.3.4", "1.2.3.4/24", "a.example.org", "2001:db8::/0", "2001:db8::/x", "::1%eth0"],
    "EMAIL": ["a", "a@", "@b", "a@b;c@d", "a@b, c@d", "a@b\n", "ü@b", "a b@c"],
    "EMAILS": ["a@b; c@d", "a@b;", ";a@b", "a@b c@d"],
    "REQUIRED_EMAIL": ["", "a@b;c@d"],
    "REQUIRED_EMAILS": ["", "a@b;;c@d"],
    "TELEPHONE": ["", "+", ",", "1,,2", "call me", "1x", "12\n", "1;2", "+,1", "1,+"],
    "TIMEZONE": ["UTC", "Europe", "Europe/Madrid/X", "Etc/GMT+1", "Europe/Madrid\n", "Europe Madrid"],
    "GROUP_NAME": ["", "a-b", "a.b", "ä", "a b", "a\n", "[:alnum:]"],
    "GROUP_EMAILS": ["", "a@b,c@d", "a@b; c@d", "a@b;"],
    "SCOPE": ["", "a b", "a.b", "ä", "a\n"],
    "SERVICE_TYPE": ["", "a b", "a/b", "ä", "a\n"],
    "PROPERTY_NAME": ["", " a", "a ", "a:b", "ä", "a\n"],
    "PROPERTY_VALUE": ["it's", 'a"b', "a`b", "<a>", "x" * 256, "ü" * 128, "a\n"],
    "SERVICE_PROPERTY_VALUE": ["it's", 'a"b', "a`b", "x" * 256],
    "LATITUDE": ["90.0", "90.1", "91", "north", "5.", ".5", "1,5", "1e1", "45\n", "--1", "\u0664\u0665"],
    "LONGITUDE": ["180.0", "181", "200", "1e2", "x", "180\n"],
}


def rule(name):
    return getattr(gocdb, name)


def cases(table):
    return [
        pytest.param(name, value, id=f"{name}-{value[:24]!r}") for name, values in table.items() for value in values
    ]


@pytest.mark.parametrize(("name", "value"), cases(ACCEPTED))
def test_gocdb_accepts(name, value):
    assert rule(name).fault(value) == ""


@pytest.mark.parametrize(("name", "value"), cases(REFUSED))
def test_gocdb_refuses(name, value):
    assert rule(name).fault(value)


def test_every_rule_has_cases_both_ways():
    rules = {name for name, value in vars(gocdb).items() if isinstance(value, gocdb.Text)}
    assert rules == set(ACCEPTED) == set(REFUSED)


def test_a_length_is_counted_in_bytes_and_said_before_anything_else():
    assert gocdb.DESCRIPTION.fault("é" * 128) == "is 256 bytes long; at most 255 are allowed"


def test_a_trailing_newline_is_named():
    assert gocdb.SHORT_NAME.fault("name\n") == "ends in a newline"


@pytest.mark.parametrize(
    ("name", "value"),
    [("TELEPHONE", "1" * 250 + "x"), ("HOSTNAME", "a." * 120 + "!"), ("HOST_DN", "/CN=" + "/a" * 120 + "=")],
)
def test_no_value_makes_the_check_go_on_for_ever(name, value):
    assert rule(name).fault(value)


@pytest.mark.parametrize(("given", "read"), [(42.87, 42.87), (-90, -90.0), ("42.87", 42.87), ("+90", 90.0)])
def test_a_latitude_is_a_number_or_gocdbs_text(given, read):
    assert TypeAdapter(gocdb.Latitude).validate_python(given) == read


@pytest.mark.parametrize("given", [90.01, float("nan"), float("inf"), "90.0", True])
def test_a_latitude_beyond_the_pole_is_refused(given):
    with pytest.raises(ValidationError):
        TypeAdapter(gocdb.Latitude).validate_python(given, strict=True)
