"""Entitlements beside the sites that support the VOs: what is shared, unmapped and unused."""

from __future__ import annotations

import pytest

from tests.federation import graph, resource

ENTITLEMENT = "urn:mace:egi.eu:group:{}:role=vm_operator#aai.egi.eu"


def vo(name: str, group: str = "", role: str = "vm_operator"):
    return resource(f"VO/{name}", {"entitlements": [{"role": role, "value": ENTITLEMENT.format(group or name)}]})


def site(*vos: str, driver: str = "openstack"):
    shares = [{"vo": name} for name in vos]
    cloud = {"name": "c", "driver": driver, "endpoint": "https://c.example.org:5000/v3", "shares": shares}
    return resource("Site/CESGA", {"clouds": [cloud]})


def said(*resources):
    return [(w.rule, w.file.split("/")[1], w.path, w.message) for w in graph(*resources).warnings]


def test_vos_that_are_mapped_and_supported_are_fine():
    assert said(vo("a"), vo("b"), site("a", "b")) == []


def test_two_vos_with_one_entitlement_are_told_of_each_other():
    path = "spec.entitlements[0].value"
    assert said(vo("a"), vo("b", group="a"), site("a", "b")) == [
        ("vo-entitlement-shared", "a.yaml", path, "it shares its entitlement with b: who is in one is in the other"),
        ("vo-entitlement-shared", "b.yaml", path, "it shares its entitlement with a: who is in one is in the other"),
    ]


@pytest.mark.parametrize("other", [resource("VO/a", {}), vo("a", role="member")])
def test_a_supported_vo_without_the_clouds_entitlement_is_unmapped(other):
    assert said(other, site("a")) == [
        ("vo-entitlement-unmapped", "a.yaml", "spec.entitlements", "no entitlement is mapped to it")
    ]


def test_a_cloud_that_has_no_mapping_needs_no_entitlements():
    assert said(resource("VO/a", {}), site("a", driver="simulated")) == []


def test_an_entitlement_that_no_site_knows_is_unused_once_sites_support_anybody():
    unused = ("vo-entitlement-unused", "b.yaml", "spec.entitlements[0].value", "it is mapped, and no site supports it")
    assert said(vo("a"), vo("b"), site("a")) == [unused]
    assert said(vo("b"), site()) == []
    assert said(vo("b")) == []
