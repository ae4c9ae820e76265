"""Words that sites and groups may use: those that come with Hanse, and the federation's own."""

from __future__ import annotations

import pytest

from reconciler.kinds import registry
from reconciler.kinds.site.rules import UNMONITORED_TYPES
from reconciler.kinds.vocabulary import RESERVED_SCOPES, SERVICE_TYPES
from reconciler.model import Ref
from tests.kinds.downtime.downtimes import resources

SITE, GROUP = registry()["Site"], registry()["ServiceGroup"]
OWN = {"serviceTypes": [{"name": "org.example.gauge", "monitoringOptional": True}, {"name": "org.example.map"}]}


def found(site: dict, *vocabularies: dict) -> list[str]:
    specs = {"Site/A": site} | {f"Vocabulary/v{n}": spec for n, spec in enumerate(vocabularies)}
    everything = resources(specs)
    severity = {rule.id: rule.severity for rule in SITE.rules}
    told = SITE.quarrels(everything, everything.keys())
    return [f"{severity[rule]} {rule} {fault.path}: {fault.message}; {fault.cure}" for _, rule, fault in told]


def service(kind: str, **more: object) -> dict:
    return {"name": "s", "type": kind, "hostname": "s.example.org", **more}


def test_gocdbs_types_and_those_of_the_profiles_are_known():
    assert len(SERVICE_TYPES) > 96
    assert UNMONITORED_TYPES < SERVICE_TYPES
    assert {"wlcg", "atlas"} < RESERVED_SCOPES


def test_a_type_that_is_not_known_is_a_warning_with_the_nearest():
    assert found({"services": [service("org.openstack.nova"), service("webdaw")]}) == [
        "warning site-words-unknown spec.services[1].type: there is no service type webdaw; did you mean webdav?"
    ]
    assert found({"services": [service("zzz")]})[0].endswith("a Vocabulary may add it (serviceTypes)")


def test_a_vocabulary_adds_types_and_may_close_the_list():
    here = {"services": [service("org.example.gauge")]}
    assert found(here, OWN) == []
    assert found({"services": [service("webdaw")]}, {"closed": True}) == [
        "error site-words spec.services[0].type: there is no service type webdaw; did you mean webdav?"
    ]
    assert found(here, {"closed": True}, OWN) == []


def test_an_own_type_is_monitored_in_production_unless_its_vocabulary_excuses_it():
    bare = {"production": True, "monitored": False}
    assert found({"services": [service("org.example.gauge", **bare)]}, OWN) == []
    (line,) = found({"services": [service("org.example.map", **bare)]}, OWN)
    assert line.startswith(
        "error site-own-monitored spec.services[0].monitored: org.example.map at s.example.org is in"
    )


@pytest.mark.parametrize(
    ("site", "vocabulary", "expected"),
    [
        ({"scopes": ["anything"]}, {}, []),
        ({"scopes": ["EGY"]}, {"scopes": [{"name": "EGI"}]}, ["warning site-words-unknown spec.scopes"]),
        ({"scopes": ["EGY"]}, {"scopes": [{"name": "EGI"}], "closed": True}, ["error site-words spec.scopes"]),
        ({"scopes": ["wlcg"]}, {"scopes": [{"name": "EGI"}]}, []),
        ({"services": [service("CE", scopes=["sea"])]}, {"scopes": [{"name": "sea", "reserved": True}]}, ["error site-own-reserved-scopes spec.services[0].scopes"]),
        ({"scopes": ["sea"], "services": [service("CE", scopes=["sea"])]}, {"scopes": [{"name": "sea", "reserved": True}]}, []),
        ({"certification": "Certified"}, {"minimumScopes": 1}, ["error site-minimum-scopes spec.scopes"]),
        ({}, {"minimumScopes": 1}, []),
        ({"certification": "Certified", "scopes": ["EGI"], "services": [service("CE")]}, {"minimumScopes": 1}, ["error site-minimum-scopes spec.services[0].scopes"]),
    ],
)  # fmt: skip
def test_scopes(site, vocabulary, expected):
    assert [line.partition(":")[0] for line in found(site, vocabulary)] == expected


def test_groups_have_scopes_too():
    group = {"description": "a", "email": "a@b.org", "members": [{"site": "A"}], "scopes": ["EGY"]}
    vocabulary = {"scopes": [{"name": "EGI"}], "closed": True, "minimumScopes": 2}
    everything = resources({"Site/A": {}, "ServiceGroup/G": group, "Vocabulary/v": vocabulary})
    told = [(rule, fault.message) for _, rule, fault in GROUP.quarrels(everything, [Ref("Vocabulary/v")])]
    assert told == [
        ("group-scopes", "there is no scope EGY"),
        ("group-scopes", "it has 1 of at least 2 scopes"),
    ]


def test_a_word_is_defined_once():
    kind = registry()["Vocabulary"]
    spec = kind.Spec.model_validate({"scopes": [{"name": "a"}, {"name": "a"}]}, strict=False)
    assert [fault.path for rule in kind.rules for fault in rule.check(Ref("Vocabulary/v"), spec)] == [
        "spec.scopes[1].name"
    ]


@pytest.mark.parametrize(("zone", "told"), [("Europe/Madrid", ""), ("Europe/Madird", "did you mean Europe/Madrid?")])
def test_a_time_zone_is_one_of_the_ianas(zone, told):
    rule = next(rule for rule in SITE.rules if rule.id == "site-timezone")
    spec = SITE.Spec.model_validate({"timezone": zone}, strict=False)
    assert [fault.cure for fault in rule.check(Ref("Site/A"), spec)] == ([told] if told else [])


def test_sites_that_did_not_change_are_left_alone():
    everything = resources({"Site/A": {"services": [service("zzz")]}, "Site/B": {"services": [service("zzz")]}})
    assert [ref.name for ref, _, _ in SITE.quarrels(everything, [Ref("Site/B")])] == ["B"]
