"""Which services a downtime affects."""

from __future__ import annotations

import pytest

from reconciler.kinds.downtime import intervals, whole_sites
from tests.kinds.downtime.downtimes import NORTH, REF, SITES, SOUTH, at, downtime, resources


def services(*affects: dict, labels: dict | None = None) -> list[str]:
    found = intervals(resources({**SITES, str(REF): downtime(affects=list(affects))}, labels), {}, at(0))
    return [f"{one.site}/{one.service}" for one in found]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"site": "NORTH"}, ["NORTH/dav", "NORTH/dav2", "NORTH/nova"]),
        ({"site": "NORTH", "services": ["nova"]}, ["NORTH/nova"]),
        ({"site": "NORTH", "serviceTypes": ["webdav"]}, ["NORTH/dav", "NORTH/dav2"]),
        ({"site": "NORTH", "services": ["nova"], "serviceTypes": ["webdav"]}, ["NORTH/dav", "NORTH/dav2", "NORTH/nova"]),
        ({"selector": {"country": "DE"}, "serviceTypes": ["CE", "webdav"]}, ["NORTH/dav", "NORTH/dav2", "SOUTH/ce"]),
        ({"selector": {"ngi": "NGI_Y"}}, ["SOUTH/ce"]),
        ({"selector": {"scopes": ["EGI"]}}, ["SOUTH/ce"]),
        ({"selector": {"country": "DE", "ngi": "NGI_Z"}}, []),
        ({"selector": {"labels": {"wing": "east"}}}, ["SOUTH/ce"]),
        ({"site": "NOWHERE"}, []),
    ],
)  # fmt: skip
def test_an_entry_affects_services_of_sites(entry, expected):
    assert services(entry, labels={"Site/SOUTH": {"wing": "east"}}) == expected


def test_what_says_most_about_a_service_counts():
    entries = [
        {"selector": {"country": "DE"}, "severity": "WARNING"},
        {"site": "NORTH", "serviceTypes": ["webdav"]},
        {"site": "NORTH", "services": ["dav2"], "start": at(50).isoformat()},
    ]
    found = intervals(resources({**SITES, str(REF): downtime(affects=entries)}), {}, at(0))
    said = {one.service: (one.severity, one.start) for one in found}
    assert said == {
        "nova": ("WARNING", at(48)),
        "dav": ("OUTAGE", at(48)),
        "dav2": ("OUTAGE", at(50)),
        "ce": ("WARNING", at(48)),
    }


def test_a_service_may_be_at_risk_first_and_down_then():
    entries = [
        {"site": "SOUTH", "services": ["ce"], "end": at(50).isoformat(), "severity": "WARNING"},
        {"site": "SOUTH", "services": ["ce"], "start": at(50).isoformat()},
    ]
    found = intervals(resources({**SITES, str(REF): downtime(affects=entries)}), {}, at(0))
    assert [(one.start, one.end, one.severity) for one in found] == [
        (at(48), at(50), "WARNING"),
        (at(50), at(52), "OUTAGE"),
    ]


def test_a_whole_site_is_down_also_without_services():
    sites = {"Site/BARE": {"country": "DE"}, "Site/NORTH": NORTH, "Site/SOUTH": SOUTH}
    entries = [{"site": "BARE"}, {"site": "NORTH", "services": ["nova"]}, {"site": "SOUTH", "severity": "WARNING"}]
    found = whole_sites(resources({**sites, str(REF): downtime(affects=entries)}), {}, at(0))
    assert [(one.site, one.severity, one.service) for one in found] == [
        ("BARE", "OUTAGE", ""),
        ("SOUTH", "WARNING", ""),
    ]
