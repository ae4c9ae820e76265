"""Service groups: GOCDB's rules, and which services they have."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from reconciler.kinds import registry
from reconciler.kinds.servicegroup import members
from reconciler.model import Ref
from tests.kinds.downtime.downtimes import SITES, resources

KIND = registry()["ServiceGroup"]
PLAIN = {"description": "a group", "email": "a@b.org", "members": [{"site": "NORTH"}]}


def group(**more):
    return KIND.Spec.model_validate({**PLAIN, **more}, strict=False)


def broken(name: str = "MON", **more) -> list[str]:
    spec = group(**more)
    return [f"{r.id} {fault.path}" for r in KIND.rules for fault in r.check(Ref.of("ServiceGroup", name), spec)]


@pytest.mark.parametrize(
    ("name", "more", "expected"),
    [
        ("MON_1", {}, []),
        ("MON-1", {}, ["group-name metadata.name"]),
        ("MON.1", {}, ["group-name metadata.name"]),
        ("MON", {"members": [{}]}, ["group-members spec.members[0]"]),
        ("MON", {"members": [{"selector": {}}]}, ["group-members spec.members[0].selector"]),
        ("MON", {"extensions": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}, []),
        ("MON", {"extensions": [{"key": "a", "value": "1"}] * 2}, ["group-extensions spec.extensions[1]"]),
    ],
)
def test_gocdbs_rules(name, more, expected):
    assert broken(name, **more) == expected


@pytest.mark.parametrize(
    "more",
    [
        {"email": "a@b.org,c@d.org"},
        {"email": ""},
        {"description": "it's"},
        {"description": "x" * 256},
        {"members": []},
        {"extensions": [{"key": "a", "value": "<b>"}]},
    ],
)
def test_fields_that_gocdb_refuses_are_refused(more):
    with pytest.raises(ValidationError):
        group(**more)


def test_its_services_are_those_of_all_entries_each_once():
    spec = group(
        members=[{"site": "NORTH", "services": ["nova"]}, {"selector": {"country": "DE"}, "serviceTypes": ["CE"]}] * 2
    )
    found = [(one.site, one.service.name) for one in members(spec, resources(SITES))]
    assert found == [("NORTH", "nova"), ("SOUTH", "ce")]


def test_a_service_that_there_is_not_is_told_with_the_nearest():
    spec = group(members=[{"site": "NORTH", "services": ["novva"]}])
    everything = resources({**SITES, "ServiceGroup/MON": spec})
    ((ref, rule, fault),) = KIND.quarrels(everything, everything.keys())
    assert (ref.name, rule, fault.path) == ("MON", "group-services", "spec.members[0].services[0]")
    assert fault.cure == "did you mean nova?"
    assert [*KIND.quarrels(everything, [Ref("VO/x")])] == []


def test_scopes_are_a_set():
    assert KIND.canonical(group(scopes=["b", "a", "b"])).scopes == ("a", "b")
