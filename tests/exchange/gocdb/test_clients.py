"""Clients as there are: the bridge from GOCDB to ARGO and a downtime client, written anew as their authors read the XML."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit
from xml.dom import minidom

import pytest

from reconciler.exchange.gocdb import Feed, View, answer, topology
from reconciler.kinds.downtime import Stated
from tests.exchange.gocdb.federation import federation, resource, service, site

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def asked(feed, method, **parameters):
    return minidom.parseString(answer(feed, method, parameters, NOW))


def text(parent, name):
    """The first of a name, which must be there: such clients break down without it."""
    return parent.getElementsByTagName(name)[0].childNodes[0].data


def listed(parent, name):
    (held,) = [one for one in parent.childNodes if one.nodeName == name]
    return [one for one in held.childNodes if one.nodeType == one.ELEMENT_NODE]


def pages(feed, method, **parameters):
    """All elements, page by page, until one says that it has none."""
    cursor = "0"
    while True:
        document = asked(feed, method, next_cursor=cursor, **parameters)
        if int(text(document, "count")) == 0:
            return
        yield from (one for one in document.documentElement.childNodes if one.nodeName not in ("meta", "#text"))
        (link,) = [one for one in document.getElementsByTagName("link") if one.getAttribute("rel") == "next"]
        cursor = parse_qs(urlsplit(link.getAttribute("href")).query)["next_cursor"][0]


def groups(feed):
    """Sites as the bridge tells ARGO of them."""
    for one in pages(feed, "get_site", scope=""):
        scopes = ", ".join(scope.childNodes[0].data for scope in listed(one, "SCOPES"))
        tags = {
            "certification": text(one, "CERTIFICATION_STATUS"),
            "infrastructure": text(one, "PRODUCTION_INFRASTRUCTURE"),
        }
        yield {
            "type": "NGI",
            "group": text(one, "ROC"),
            "subgroup": one.getAttribute("NAME"),
            "tags": {**tags, "scope": scopes},
        }


def endpoints(feed):
    """Services as the bridge tells ARGO of them."""
    for one in pages(feed, "get_service_endpoint", scope=""):
        tags = {
            "scope": ", ".join(scope.childNodes[0].data for scope in listed(one, "SCOPES")),
            "monitored": "1" if text(one, "NODE_MONITORED") == "Y" else "0",
            "production": "1" if text(one, "IN_PRODUCTION") == "Y" else "0",
            "info_ID": one.getAttribute("PRIMARY_KEY"),
        }
        urls = [
            text(endpoint, "URL")
            for endpoint in listed(one, "ENDPOINTS")
            if text(endpoint, "ENDPOINT_MONITORED").lower() == "y"
        ]
        tags |= {"info_service_endpoint_URL": ", ".join(urls)} if urls else {}
        tags |= {f"info_ext_{text(pair, 'KEY')}": text(pair, "VALUE") for pair in listed(one, "EXTENSIONS")}
        yield {
            "type": "SITES",
            "group": text(one, "SITENAME"),
            "service": text(one, "SERVICE_TYPE"),
            "hostname": text(one, "HOSTNAME"),
            "tags": tags,
        }


def downtimes(feed, day):
    """Scheduled outages of a day, cut to it, as the bridge tells ARGO of them."""
    first, last = datetime.fromisoformat(f"{day}T00:00"), datetime.fromisoformat(f"{day}T23:59")
    for one in pages(feed, "get_downtime", windowstart=day, windowend=day, scope=""):
        if one.getAttribute("CLASSIFICATION") != "SCHEDULED" or text(one, "SEVERITY") != "OUTAGE":
            continue
        start, end = (datetime.fromisoformat(text(one, f"FORMATED_{name}_DATE")) for name in ("START", "END"))
        yield text(one, "HOSTNAME"), text(one, "SERVICE_TYPE"), f"{max(start, first):%H:%M}", f"{min(end, last):%H:%M}"


@pytest.fixture(scope="module")
def feed():
    def downtime(name, severity, start):
        spec = {"description": "x", "severity": severity, "start": start, "end": "2026-11-25T12:00:00Z"}
        return resource("Downtime", name, {**spec, "affects": [{"site": "CESGA", "services": ["cloud"]}]})

    some = federation(
        site(
            "CESGA",
            service("cloud", extensions=[{"key": "port", "value": "5000"}], endpoints=ENDPOINTS),
            scopes=["EGI", "x"],
        ),
        *(site(f"S{n:03}", service(f"h{n}", "CE", monitored=False, production=False)) for n in range(150)),
        downtime("scheduled", "OUTAGE", "2026-11-23T08:00:00Z"),
        downtime("late", "OUTAGE", "2026-11-23T09:00:00Z"),
        downtime("risk", "WARNING", "2026-11-23T08:00:00Z"),
    )
    early, late = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)
    stated = {
        ref: [Stated(late if ref.name == "late" else early, some[ref].spec)] for ref in some if ref.kind == "Downtime"
    }
    return Feed(topology(some, stated, NOW), View())


ENDPOINTS = [
    {"name": "one", "url": "https://one.example.org/"},
    {"name": "two", "url": "https://two.example.org/", "monitored": False},
]


def test_the_bridge_to_argo_reads_sites(feed):
    found = {one["subgroup"]: one for one in groups(feed)}
    assert len(found) == 151
    tags = {"certification": "Certified", "infrastructure": "Production", "scope": "EGI, x"}
    assert found["CESGA"] == {"type": "NGI", "group": "NGI_IBERGRID", "subgroup": "CESGA", "tags": tags}


def test_the_bridge_to_argo_reads_services(feed):
    found = {one["hostname"]: one for one in endpoints(feed)}
    assert len(found) == 151
    tags = found["cloud.example.org"]["tags"]
    assert tags.pop("info_ID").endswith("G0")
    assert tags == {
        "scope": "EGI",
        "monitored": "1",
        "production": "1",
        "info_service_endpoint_URL": "https://one.example.org/",
        "info_ext_port": "5000",
    }
    assert found["h7.example.org"]["tags"]["monitored"] == "0"


def test_the_bridge_to_argo_reads_scheduled_outages_of_a_day(feed):
    assert list(downtimes(feed, "2026-11-23")) == [("cloud.example.org", "org.openstack.nova", "08:00", "23:59")]
    assert list(downtimes(feed, "2026-11-25")) == [("cloud.example.org", "org.openstack.nova", "00:00", "12:00")]
    assert list(downtimes(feed, "2026-11-26")) == []


def test_a_client_of_downtimes_tells_them_by_key_and_endpoint(feed):
    document = asked(feed, "get_downtime", topentity="CESGA", startdate="2026-11-01", scope="")
    found = {
        f"{one.getAttribute('PRIMARY_KEY')} {text(one, 'ENDPOINT')}": [
            urlsplit(text(endpoint, "URL")).hostname for endpoint in listed(one, "AFFECTED_ENDPOINTS")
        ]
        for one in document.getElementsByTagName("DOWNTIME")
    }
    assert len(found) == 3
    assert all(name.endswith("cloud.example.orgorg.openstack.nova") for name in found)
    assert all(hosts == ["one.example.org", "two.example.org"] for hosts in found.values())
