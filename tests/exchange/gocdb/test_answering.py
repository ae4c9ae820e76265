"""What GOCDB's interface answers: elements and their order, filters, pages, refusals."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from reconciler.exchange.gocdb import Feed, Refused, View, answer, topology
from reconciler.exchange.gocdb.asked import fits, parsed
from tests.exchange.gocdb.federation import federation, resource, service, site

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ALICE, ATLAS = {"key": "VO", "value": "Alice"}, {"key": "VO", "value": "Atlas"}
GROUP = {
    "description": "Clouds of two sites",
    "email": "clouds@example.org",
    "members": [{"site": "CESGA", "services": ["cloud"]}, {"site": "TIDE"}],
    "scopes": ["Local"],
}


@pytest.fixture(scope="module")
def feed():
    some = federation(
        site(
            "CESGA",
            service("cloud", endpoints=[{"name": "identity", "url": "https://cloud.example.org:5000/v3"}]),
            service("ce", "CE", monitored=False, production=False, scopes=["EGI", "wlcg"], primaryKey="77G0"),
            key="12G0",
            extensions=[ALICE],
            scopes=["EGI", "wlcg"],
        ),
        site("TIDE", service("old"), ngi="NGI_DE", country="DE", extensions=[ATLAS], scopes=["Local"]),
        site("gone", service("left"), certification="Closed", scopes=["EGI", "Local"]),
        site("young", certification="Candidate", infrastructure="Test"),
        site("cloudonly", certification=None),
        resource("Vocabulary", "own", {"serviceTypes": [{"name": "org.example.portal", "description": "A portal"}]}),
        resource("ServiceGroup", "NGI_CLOUDS", GROUP, {"gocdb/key": "5G0"}),
    )
    return Feed(topology(some, {}, NOW), View())


def asked(feed, method, default="", **parameters):
    text = answer(feed, method, parameters, NOW, default)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<results')
    return ET.fromstring(text)


def names(feed, method="get_site", **parameters):
    return [one.get("NAME") or one.findtext("HOSTNAME") for one in asked(feed, method, **parameters)]


def refused(feed, method, **parameters):
    with pytest.raises(Refused) as caught:
        answer(feed, method, parameters, NOW)
    return str(caught.value)


def test_a_site_has_gocdbs_elements_in_its_order_and_no_empty_ones(feed):
    (found,) = asked(feed, "get_site", sitename="CESGA")
    assert found.attrib == {"ID": "12", "PRIMARY_KEY": "12G0", "NAME": "CESGA"}
    assert [one.tag for one in found] == [
        "PRIMARY_KEY",
        "SHORT_NAME",
        "OFFICIAL_NAME",
        "CONTACT_EMAIL",
        "CONTACT_TEL",
        "COUNTRY_CODE",
        "COUNTRY",
        "ROC",
        "PRODUCTION_INFRASTRUCTURE",
        "CERTIFICATION_STATUS",
        "TIMEZONE",
        "CSIRT_EMAIL",
        "NOTIFICATIONS",
        "DOMAIN",
        "SCOPES",
        "EXTENSIONS",
    ]
    assert found.findtext("COUNTRY") == "Spain"
    assert found.findtext("DOMAIN/DOMAIN_NAME") == "example.org"
    assert [one.text for one in found.findall("SCOPES/SCOPE")] == ["EGI", "wlcg"]
    assert found.findtext("EXTENSIONS/EXTENSION/KEY") == "VO"


def test_a_service_has_gocdbs_elements_in_its_order(feed):
    (found,) = asked(feed, "get_service_endpoint", hostname="cloud.%")
    assert [one.tag for one in found] == [
        "PRIMARY_KEY",
        "HOSTNAME",
        "BETA",
        "SERVICE_TYPE",
        "CORE",
        "IN_PRODUCTION",
        "NODE_MONITORED",
        "NOTIFICATIONS",
        "SITENAME",
        "COUNTRY_NAME",
        "COUNTRY_CODE",
        "ROC_NAME",
        "URL",
        "ENDPOINTS",
        "SCOPES",
        "EXTENSIONS",
    ]
    endpoint = found.find("ENDPOINTS/ENDPOINT")
    assert [one.tag for one in endpoint] == ["ID", "NAME", "EXTENSIONS", "URL", "INTERFACENAME", "ENDPOINT_MONITORED"]


def test_a_list_that_is_empty_is_still_there(feed):
    (found,) = asked(feed, "get_service", hostname="ce.example.org")
    assert len(found.find("ENDPOINTS")) == len(found.find("EXTENSIONS")) == 0


def test_imported_keys_are_kept_and_others_never_clash_with_them(feed):
    keys = {one.findtext("HOSTNAME"): one.get("PRIMARY_KEY") for one in asked(feed, "get_service")}
    assert keys["ce.example.org"] == "77G0"
    assert int(keys["cloud.example.org"].removesuffix("G0")) >= 1 << 47


def test_a_key_depends_on_the_name_alone(feed):
    other = Feed(topology(federation(site("TIDE", service("new"), service("old"))), {}, NOW), View())
    mine = asked(feed, "get_service", hostname="old.example.org")[0].get("PRIMARY_KEY")
    assert mine == asked(other, "get_service", hostname="old.example.org")[0].get("PRIMARY_KEY")


def test_services_of_closed_sites_are_hidden_and_the_sites_are_not(feed):
    assert "left.example.org" not in names(feed, "get_service")
    assert "gone" in names(feed)


def test_sites_that_are_not_registered_are_told_apart(feed):
    assert "cloudonly" not in names(feed)
    assert feed.topology.unregistered == ("cloudonly",)


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({}, ["CESGA", "gone", "TIDE", "young"]),
        ({"sitename": "tide"}, ["TIDE"]),
        ({"sitename": "%O%"}, ["gone", "young"]),
        ({"roc": "NGI_DE"}, ["TIDE"]),
        ({"country": "Germany"}, ["TIDE"]),
        ({"certification_status": "Certified", "production_status": "Production"}, ["CESGA", "TIDE"]),
        ({"exclude_certification_status": "Closed"}, ["CESGA", "TIDE", "young"]),
        ({"scope": ""}, ["CESGA", "gone", "TIDE", "young"]),
        ({"scope": "EGI,Local"}, ["gone"]),
        ({"scope": "wlcg,Local", "scope_match": "any"}, ["CESGA", "gone", "TIDE"]),
        ({"extensions": "(VO=Alice)"}, ["CESGA"]),
        ({"extensions": "OR(VO=Alice)(VO=Atlas)"}, ["CESGA", "TIDE"]),
        ({"extensions": "NOT(VO=)"}, ["gone", "young"]),
    ],
)
def test_sites_are_found_as_gocdb_finds_them(feed, parameters, found):
    assert names(feed, **parameters) == found


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"monitored": "N"}, ["ce.example.org"]),
        ({"service_type": "CE"}, ["ce.example.org"]),
        ({"sitename": "TIDE"}, ["old.example.org"]),
        ({"scope": "wlcg"}, ["ce.example.org"]),
    ],
)
def test_services_are_found_as_gocdb_finds_them(feed, parameters, found):
    assert names(feed, "get_service", **parameters) == found


def test_a_default_scope_counts_only_where_none_is_named(feed):
    assert [one.get("NAME") for one in asked(feed, "get_site", default="EGI")] == ["CESGA", "gone", "young"]
    assert len(ET.fromstring(answer(feed, "get_site", {"scope": ""}, NOW, "EGI"))) == 4


@pytest.mark.parametrize(
    ("method", "parameters", "why"),
    [
        ("get_site", {"foo": "1"}, "Unsupported parameter: foo"),
        ("get_service", {"certification_status": "Certified"}, "Unsupported parameter: certification_status"),
        ("get_site", {"sitename": "a'b"}, "Unsupported character in value: a'b"),
        ("get_site", {"scope_match": "some"}, "Invalid scope_match value - must be all or any"),
        (
            "get_site",
            {"next_cursor": "x"},
            "Invalid 'next_cursor' parameter - must be a whole number, and one cursor alone",
        ),
        ("get_site", {"extensions": "and(VO=Alice)"}, "Invalid query expression"),
        ("get_site", {"extensions": "(VO)"}, "Invalid key=value pair, missing = char"),
        ("get_sites", {}, "Unknown method: get_sites (did you mean get_site?)"),
    ],
)
def test_what_cannot_be_answered_is_refused(feed, method, parameters, why):
    assert refused(feed, method, **parameters) == why


@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        ("(VO=Alice)", {"Alice", "both"}),
        ("(VO=Alice)(VO=Atlas)", {"both"}),
        ("(VO=Alice)NOT(VO=Atlas)", {"Alice"}),
        ("OR(VO=Alice)(VO=Atlas)", {"Alice", "Atlas", "both"}),
        ("NOT(VO=Alice)(VO=Atlas)", {"none", "odd"}),
        ("(VO=)", {"Alice", "Atlas", "both"}),
        (r"AND (K=a\(b\)=c) ", {"odd"}),
        ("(VO=alice)", set()),
    ],
)
def test_a_prefix_of_extensions_stays_in_force(expression, meant):
    alice, atlas = ("VO", "Alice"), ("VO", "Atlas")
    held = {"Alice": [alice], "Atlas": [atlas], "both": [alice, atlas], "none": [], "odd": [("K", "a(b)=c")]}
    assert {name for name, pairs in held.items() if fits(parsed(expression), pairs)} == meant


def test_pages_are_followed_by_their_links_until_one_is_empty():
    many = Feed(
        topology(federation(*(site(f"S{n:03}") for n in range(230))), {}, NOW), View("https://pi.example.org/public/")
    )
    cursor, found, counts = "0", [], []
    while True:
        page = asked(many, "get_site", next_cursor=cursor, scope="")
        assert page[0].tag == "meta"
        assert page.findtext("meta/max_page_size") == "100"
        counts.append(int(page.findtext("meta/count")))
        if counts[-1] == 0:
            break
        found += [int(one.get("ID")) for one in page[1:]]
        links = {one.get("rel"): one.get("href") for one in page.findall("meta/link")}
        assert links["next"].startswith("https://pi.example.org/public/?method=get_site&scope=&next_cursor=")
        cursor = links["next"].rpartition("=")[2]
    assert counts == [100, 100, 30, 0]
    assert all(a < b for a, b in pairwise(found))
    back = asked(many, "get_site", prev_cursor=str(found[150]))
    assert [int(one.get("ID")) for one in back[1:]] == found[50:150]


def test_without_contacts_neither_mail_nor_telephone_is_told(feed):
    text = answer(Feed(feed.topology, View(contacts=False)), "get_site", {}, NOW)
    assert "example.org</CONTACT" not in text
    assert "+34" not in text
    assert "csirt" not in text


def test_lists_tell_ngis_countries_types(feed):
    assert [(one.get("NAME"), one.findtext("SITE_COUNT")) for one in asked(feed, "get_ngi")] == [
        ("NGI_DE", "1"),
        ("NGI_IBERGRID", "3"),
    ]
    assert [one.get("ROC_NAME") for one in asked(feed, "get_roc_list")] == ["NGI_DE", "NGI_IBERGRID"]
    assert {one.findtext("COUNTRY"): one.findtext("COUNT") for one in asked(feed, "get_site_count_per_country")}[
        "Spain"
    ] == "3"
    types = {
        one.findtext("SERVICE_TYPE_NAME"): one.findtext("SERVICE_TYPE_DESC") for one in asked(feed, "get_service_types")
    }
    assert {"CE", "org.openstack.nova", "Top-BDII"} < types.keys()
    assert types["org.example.portal"] == "A portal"
    assert asked(feed, "get_site_list", sitename="TIDE")[0].get("COUNTRY_CODE") == "DE"


def test_a_group_has_its_services_inside(feed):
    (found,) = asked(feed, "get_service_group", service_group_name="NGI%", scope="Local")
    assert found.attrib == {"PRIMARY_KEY": "5G0"}
    assert [one.tag for one in found] == [
        "NAME",
        "DESCRIPTION",
        "MONITORED",
        "CONTACT_EMAIL",
        "SERVICE_ENDPOINT",
        "SERVICE_ENDPOINT",
        "SCOPES",
        "EXTENSIONS",
    ]
    assert [one.findtext("HOSTNAME") for one in found.findall("SERVICE_ENDPOINT")] == [
        "cloud.example.org",
        "old.example.org",
    ]
    assert [one.tag for one in found.find("SERVICE_ENDPOINT")] == [
        "HOSTNAME",
        "SERVICE_TYPE",
        "HOST_IP",
        "HOST_IPV6",
        "HOSTDN",
        "IN_PRODUCTION",
        "NODE_MONITORED",
        "ENDPOINTS",
        "SCOPES",
        "EXTENSIONS",
    ]
    assert len(asked(feed, "get_service_group", scope="EGI")) == 0


def test_security_contacts_are_told_where_contacts_are(feed):
    (found,) = asked(feed, "get_site_security_info", sitename="CESGA")
    assert (found.findtext("CSIRT_EMAIL"), found.findtext("CSIRT_TEL")) == ("csirt@a.example.org", "+34 2")
    assert refused(Feed(feed.topology, View(contacts=False)), "get_site_security_info") == (
        "get_site_security_info is not public"
    )
