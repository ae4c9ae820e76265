"""The language in which a report chooses its sites and services."""

from __future__ import annotations

import pytest

from reconciler.availability import Endpoint, Filter, Group, filtered

GROUPS = [
    Group(
        "NGI_DE", "NORTH", tags={"certification": "Certified", "infrastructure": "Production", "scope": "EGI, tier10"}
    ),
    Group(
        "NGI_DE", "SOUTH", tags={"certification": "Suspended", "infrastructure": "Production", "scope": "EGI, tier2"}
    ),
    Group("NGI_FR", "WEST", tags={"certification": "Certified", "infrastructure": "Test", "scope": "FedCloud"}),
]
ENDPOINTS = [
    Endpoint("NORTH", "SRM", "a.north.org", tags={"production": "1"}),
    Endpoint("NORTH", "CREAM-CE", "b.north.org", tags={"production": "0"}),
    Endpoint("SOUTH", "SRM", "a.south.org", tags={"production": "1"}),
    Endpoint("WEST", "ARC-CE", "a.west.org", tags={"production": "1"}),
]
GROUP_FIELDS, GROUP_TAGS, GROUP_ARRAY = (f"argo.group.filter.{kind}" for kind in ("fields", "tags", "tags.array"))
END_FIELDS, END_TAGS = (f"argo.endpoint.filter.{kind}" for kind in ("fields", "tags"))


@pytest.mark.parametrize(
    ("filters", "sites", "hosts"),
    [
        ([], "NSW", "4"),
        ([("group", "NGI_DE", GROUP_FIELDS)], "NS", "3"),
        ([("group", "NGI_DE", GROUP_FIELDS), ("group", "NGI_FR", GROUP_FIELDS)], "NSW", "4"),
        ([("group", "NGI_*", GROUP_FIELDS)], "NSW", "4"),
        ([("group", "NGI_", GROUP_FIELDS)], "", "0"),
        ([("subgroup", "~SOUTH", GROUP_FIELDS)], "NW", "3"),
        ([("subgroup", "~SOUTH", GROUP_FIELDS), ("subgroup", "NORTH", GROUP_FIELDS)], "N", "2"),
        ([("certification", "Certified", GROUP_TAGS)], "NW", "3"),
        ([("certification", "Certified", GROUP_TAGS), ("infrastructure", "Production", GROUP_TAGS)], "N", "2"),
        ([("nothing", "x", GROUP_TAGS)], "", "0"),
        ([("scope", "tier1", GROUP_ARRAY)], "N", "2"),
        ([("scope", "FedCloud, tier2", GROUP_ARRAY)], "SW", "2"),
        ([("service", "*CE", END_FIELDS)], "NSW", "2"),
        ([("production", "1", END_TAGS), ("group", "NGI_DE", GROUP_FIELDS)], "NS", "2"),
        ([("group", "NORTH", END_FIELDS)], "NSW", "2"),
        ([("hostname", "a.*.org", END_FIELDS)], "NSW", "3"),
    ],
)
def test_filters_choose_sites_and_services(filters, sites, hosts):
    groups, endpoints = filtered(GROUPS, ENDPOINTS, [Filter(*one) for one in filters])
    assert ("".join(group.subgroup[0] for group in groups), str(len(endpoints))) == (sites, hosts)


def test_a_context_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="not a context of a filter"):
        filtered(GROUPS, ENDPOINTS, [Filter("group", "x", "argo.site.filter.fields")])
