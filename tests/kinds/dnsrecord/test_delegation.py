"""Whose names stand where: parts of the name space that VOs were given, and wildcards."""

from __future__ import annotations

import pytest

from reconciler.kinds.dnsrecord import KIND
from reconciler.kinds.vo import KIND as VO
from reconciler.kinds.vo.spec import VOSpec
from reconciler.model import Location, Ref, Resource, encode

ZONE = "fed.example.org"


def resource(kind, ref, given):
    spec = kind.canonical(kind.Spec.model_validate_json(encode(given)))
    decode = kind.Spec.model_validate_json
    return Resource(ref, spec.digest(), spec.canonical(), (), "", Location("x.yaml", 1), decode)


def record(namespace, name, **more):
    ref = Ref(f"DNSRecord/{namespace}/{name.replace('*', 'any').replace('.', '-')}")
    return resource(KIND, ref, {"zone": ZONE, "name": name, "values": ["192.0.2.1"], **more})


def vo(name, *zones):
    return resource(VO, Ref(f"VO/{name}"), {"zones": list(zones)})


def quarrels(*resources, changed=None):
    declared = {one.ref: one for one in resources}
    found = KIND.quarrels(declared, list(declared) if changed is None else changed)
    return [(ref, rule, fault.message, fault.cure) for ref, rule, fault in found]


def broken(*resources, **more):
    return {(ref, rule) for ref, rule, _, _ in quarrels(*resources, **more)}


TIDES = vo("vo.tides.example", {"name": f"tides.{ZONE}", "namespaces": ["tides"]})


def test_names_that_nobody_was_given_are_free():
    assert broken(TIDES, record("coast", "www"), record("tides", "www2")) == set()


@pytest.mark.parametrize("name", ["tides", "www.tides", "a.b.tides"])
def test_a_share_holds_names_of_its_own_namespaces_alone(name):
    assert broken(TIDES, record("tides", name)) == set()
    ((ref, rule, said, cure),) = quarrels(TIDES, record("coast", name))
    assert (ref.namespace, rule) == ("coast", "dns-delegated")
    assert "VO/vo.tides.example's" in said
    assert "namespace tides" in cure


def test_a_name_that_only_ends_alike_is_not_in_the_share():
    assert broken(TIDES, record("coast", "notides")) == set()


def test_the_closest_share_counts():
    whole = vo("vo.fed.example", {"name": ZONE, "namespaces": ["operations"]})
    resources = TIDES, whole, record("tides", "www.tides"), record("operations", "www")
    assert broken(*resources) == set()
    assert broken(*resources, record("operations", "x.tides"), record("tides", "x")) == {
        (Ref("DNSRecord/operations/x-tides"), "dns-delegated"),
        (Ref("DNSRecord/tides/x"), "dns-delegated"),
    }


def test_without_namespaces_a_share_is_for_the_namespace_called_as_the_vo():
    own = vo("vo.tides.example", {"name": f"tides.{ZONE}"})
    assert broken(own, record("vo.tides.example", "www.tides")) == set()
    assert len(broken(own, record("tides", "www.tides"))) == 1


def test_the_same_share_for_two_vos_is_refused():
    other = vo("vo.waves.example", {"name": f"TIDES.{ZONE}.", "namespaces": ["waves"]})
    assert broken(TIDES, other) == {(Ref("VO/vo.waves.example"), "dns-delegated")}


def test_a_wildcard_stands_only_where_it_is_allowed():
    wild = vo("vo.waves.example", {"name": f"waves.{ZONE}", "namespaces": ["waves"], "wildcards": True})
    assert broken(wild, record("waves", "*.waves"), record("waves", "*.apps.waves")) == set()
    assert broken(TIDES, record("tides", "*.tides")) == {(Ref("DNSRecord/tides/any-tides"), "dns-wildcard")}
    assert broken(record("coast", "*")) == {(Ref("DNSRecord/coast/any"), "dns-wildcard")}
    assert broken(wild, record("coast", "*.waves")) == {(Ref("DNSRecord/coast/any-waves"), "dns-delegated")}


def test_a_share_that_is_given_later_shows_names_that_were_there_before():
    before = record("coast", "www.tides")
    assert broken(TIDES, before, changed=[TIDES.ref]) == {(before.ref, "dns-delegated")}
    assert broken(TIDES, before, changed=[Ref("Site/X")]) == set()


@pytest.mark.parametrize("name", ["", "*.fed.example.org", "a..b", "x" * 64, "a b"])
def test_a_share_is_a_plain_name(name):
    with pytest.raises(ValueError, match="zones"):
        VOSpec.model_validate_json(encode({"zones": [{"name": name}]}))
