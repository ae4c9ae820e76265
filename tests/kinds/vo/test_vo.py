"""VOs: what may be declared and what the rules say."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

import reconciler.kinds.vo
from reconciler.kinds.vo import KIND, VOSpec, unknown_sites, vo_name
from reconciler.model import Location, Ref, Resource

GOOD = "urn:mace:egi.eu:group:biomed:role=vm_operator#aai.egi.eu"


def vo(**spec):
    return VOSpec.model_validate(spec, strict=False)


def faults(spec, rule, ref="VO/biomed"):
    (found,) = (r for r in KIND.rules if r.id == rule)
    return [(f.path, f.message) for f in found.check(Ref(ref), spec)]


def test_the_group_keeps_its_path_and_names_the_manifest():
    assert vo(group="/biomed/vip").group == "/biomed/vip"
    assert vo_name("/biomed/vip") == "biomed_vip"
    assert vo_name("vo.access.egi.eu") == "vo.access.egi.eu"
    assert faults(vo(group="/biomed/vip"), "vo-group", "VO/biomed_vip") == []
    assert faults(vo(group="/biomed/vip"), "vo-group", "VO/vip") == [
        ("spec.group", "the group /biomed/vip belongs to a VO called biomed_vip")
    ]


@pytest.mark.parametrize("group", ["", "/", "a//b", "a b", "a/"])
def test_a_broken_group_is_refused(group):
    with pytest.raises(ValidationError):
        vo(group=group)


def test_the_clouds_entitlement_is_that_of_the_vm_operator():
    spec = vo(entitlements=[{"role": "member", "value": "x"}, {"role": "vm_operator", "value": GOOD}])
    assert spec.entitlement() == GOOD
    assert spec.entitlement("admin") is None


def test_a_malformed_entitlement_is_a_warning_with_its_position():
    spec = vo(entitlements=[{"role": "vm_operator", "value": "urn:mace:egi.eu: group:vo.imagine-ai.eu"}])
    ((path, message),) = faults(spec, "vo-entitlement")
    assert path == "spec.entitlements[0].value"
    assert message.startswith("a space does not belong into an entitlement (character 17)")
    between = {"vo-entitlement-shared", "vo-entitlement-unmapped", "vo-entitlement-unused"}
    card = {"vo-fqan", "vo-voms"}
    warnings = {r.id for r in KIND.rules if r.severity == "warning"}
    assert warnings == {"vo-entitlement", "vo-entitlement-group", *between, *card}


def test_an_entitlement_of_another_group_is_noticed_and_that_of_the_parent_is_not():
    spec = vo(group="/biomed/vip", entitlements=[{"role": "vm_operator", "value": GOOD}])
    assert faults(spec, "vo-entitlement-group", "VO/biomed_vip") == []
    assert faults(vo(entitlements=[{"role": "x", "value": GOOD}]), "vo-entitlement-group", "VO/cms") == [
        ("spec.entitlements[0].value", "the entitlement is of the group biomed, the VO is cms")
    ]


def test_a_role_has_one_entitlement():
    one = {"role": "member", "value": GOOD}
    assert [path for path, _ in faults(vo(entitlements=[one, one]), "vo-entitlement-role")] == [
        "spec.entitlements[1].role"
    ]


def test_an_allocation_ends_after_it_starts_and_overlaps_no_other():
    spec = vo(
        allocations=[
            {"site": "A", "start": "2026-01-01", "end": "2026-12-31"},
            {"site": "A", "start": "2026-12-31"},
            {"site": "B", "start": "2026-02-01", "end": "2026-01-01"},
            {"site": "A", "end": "2025-12-31"},
        ]
    )
    assert spec.allocations[0].start == dt.date(2026, 1, 1)
    assert [path for path, _ in faults(spec, "vo-allocation-period")] == ["spec.allocations[2].end"]
    assert [path for path, _ in faults(spec, "vo-allocation-overlap")] == ["spec.allocations[1]"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"site": "a b"},
        {"site": "A", "vcpus": -1},
        {"site": "A", "availabilityTarget": 101},
        {"site": "A", "start": "1.1.2026"},
    ],
)
def test_a_wrong_allocation_is_refused(wrong):
    with pytest.raises(ValidationError):
        vo(allocations=[wrong])


def test_a_use_policy_is_a_url_or_a_text():
    with pytest.raises(ValidationError, match="exactly one of url, text"):
        vo(aup={"url": "https://a.b", "text": "be nice"})


def resource(ref, spec):
    return Resource(
        Ref(ref), spec.digest(), spec.canonical(), (), "", Location("x.yaml", 1), VOSpec.model_validate_json
    )


def test_allocations_at_unknown_sites_are_found_over_the_federation_and_make_no_edge():
    spec = vo(allocations=[{"site": "CESGA"}, {"site": "CESGAA"}, {"site": "NOWHERE"}])
    resources = {r.ref: r for r in (resource("Site/CESGA", VOSpec()), resource("VO/biomed", spec))}
    found = [(ref, f.path, f.message, f.cure) for ref, f in unknown_sites(resources)]
    assert found == [
        ("VO/biomed", "spec.allocations[1].site", "no Site is called CESGAA", "did you mean CESGA?"),
        (
            "VO/biomed",
            "spec.allocations[2].site",
            "no Site is called NOWHERE",
            "declare the site, or remove the allocation",
        ),
    ]
    assert list(KIND.references(Ref("VO/biomed"), spec)) == []


def test_the_example_is_whole_and_without_fault():
    file = Path(reconciler.kinds.vo.__file__).with_name("example.yaml")
    document = YAML(typ="safe", pure=True).load(file)
    spec = vo(**document["spec"])
    assert VOSpec.model_validate_json(spec.canonical()) == spec
    assert [f for rule in KIND.rules for f in rule.check(Ref.of("VO", document["metadata"]["name"]), spec)] == []
