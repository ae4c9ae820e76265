"""Specs of DNS records: canonical form, references, what is refused and with which rule."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from reconciler.kinds import dnsrecord
from reconciler.kinds.dnsrecord import KIND, DNSRecordSpec, conflicts
from reconciler.model import Edge, Location, Ref, Resource, encode

REF = Ref("DNSRecord/tides/www")
SOURCE = {"kind": "VirtualCluster", "name": "hub", "output": "frontend_address"}


def spec(**fields):
    given = {"zone": "fed.example.org", "name": "www", "values": ["192.0.2.1"], **fields}
    return DNSRecordSpec.model_validate_json(encode({k: v for k, v in given.items() if v is not None}))


def declared(*records):
    return {
        ref: Resource(
            ref,
            one.digest(),
            KIND.canonical(one).canonical(),
            (),
            "",
            Location("x.yaml", 1),
            KIND.Spec.model_validate_json,
        )
        for ref, one in records
    }


def faults(one):
    return {(rule.id, fault.path) for rule in KIND.rules for fault in rule.check(REF, one)}


@pytest.mark.parametrize(
    ("zone", "name", "fqdn"),
    [
        ("fed.example.org", "www", "www.fed.example.org."),
        ("Fed.Example.ORG.", "WWW", "www.fed.example.org."),
        ("fed.example.org", "www.fed.example.org.", "www.fed.example.org."),
        ("fed.example.org", "@", "fed.example.org."),
        ("fed.example.org", "*.vo", "*.vo.fed.example.org."),
        ("fed.example.org", "bücher", "xn--bcher-kva.fed.example.org."),
        ("bücher.example", "a", "a.xn--bcher-kva.example."),
    ],
)
def test_names_have_one_form(zone, name, fqdn):
    one = KIND.canonical(spec(zone=zone, name=name))
    assert (one.name, one.fqdn) == (fqdn, fqdn)
    assert KIND.target(REF, spec(zone=zone)) == f"dns:{one.zone}"
    assert KIND.canonical(one) == one


def test_the_order_and_spelling_of_values_mean_nothing():
    one = spec(type="AAAA", values=["2001:db8::2", "2001:DB8:0::1", "2001:db8::2"])
    other = spec(type="AAAA", values=["2001:db8::1", "2001:db8:0:0::2"])
    assert KIND.canonical(one).digest() == KIND.canonical(other).digest()


def test_a_record_that_takes_a_value_waits_for_who_gives_it():
    one = spec(values=None, valuesFrom=SOURCE)
    assert list(KIND.references(REF, one)) == [
        Edge(Ref("VirtualCluster/tides/hub"), "ready", "spec.valuesFrom", "frontend_address")
    ]
    elsewhere = spec(values=None, valuesFrom={**SOURCE, "namespace": "waves"})
    assert next(iter(KIND.references(REF, elsewhere))).ref == "VirtualCluster/waves/hub"
    federal = spec(values=None, valuesFrom={**SOURCE, "kind": "Site", "name": "TIDE"})
    assert next(iter(KIND.references(REF, federal))).ref == "Site/TIDE"
    assert list(KIND.references(REF, spec())) == []


@pytest.mark.parametrize(
    ("rdtype", "output", "values"),
    [
        ("A", "192.0.2.7", ("192.0.2.7",)),
        ("A", ["2001:db8::1", "192.0.2.8", "192.0.2.7"], ("192.0.2.7", "192.0.2.8")),
        ("AAAA", ["2001:DB8::1", "192.0.2.8"], ("2001:db8::1",)),
        ("CNAME", "Front.Cloud.example", ("front.cloud.example.",)),
        ("TXT", "a text", ("a text",)),
        ("A", "2001:db8::1", ("2001:db8::1",)),
    ],
)
def test_an_output_fills_the_values_and_the_reference_is_gone(rdtype, output, values):
    one = KIND.canonical(spec(type=rdtype, values=None, valuesFrom=SOURCE))
    full = KIND.fill(one, {"spec.valuesFrom": output})
    assert (full.values, full.valuesFrom) == (values, None)
    assert DNSRecordSpec.model_validate_json(full.canonical()) == full
    assert KIND.canonical(full) == full


@pytest.mark.parametrize("output", [[], "", None, [None]])
def test_an_empty_output_fills_nothing(output):
    one = spec(values=None, valuesFrom=SOURCE)
    assert KIND.fill(one, {"spec.valuesFrom": output}) == one
    assert KIND.fill(one, {}) == one


@pytest.mark.parametrize(
    "fields",
    [
        {"values": None},
        {"valuesFrom": SOURCE},
        {"values": []},
        {"type": "MX"},
        {"ttl": "300"},
        {"ttl": -1},
        {"zone": ""},
        {"colour": "red"},
        {"values": "192.0.2.1"},
    ],
)
def test_what_has_not_the_form_of_a_record_is_refused(fields):
    with pytest.raises(ValidationError):
        spec(**fields)


@pytest.mark.parametrize(
    ("fields", "rule", "path"),
    [
        ({"zone": "fed..org"}, "dns-zone", "spec.zone"),
        ({"name": "a b"}, "dns-name", "spec.name"),
        ({"name": "a.*"}, "dns-name", "spec.name"),
        ({"name": "x" * 64}, "dns-name", "spec.name"),
        ({"name": "-a"}, "dns-name", "spec.name"),
        ({"name": "www.elsewhere.org."}, "dns-in-zone", "spec.name"),
        ({"name": "notfed.example.org."}, "dns-in-zone", "spec.name"),
        ({"name": "www.fed.example.org"}, "dns-in-zone", "spec.name"),
        ({"name": "fed.example.org"}, "dns-in-zone", "spec.name"),
        ({"name": ".".join(["x" * 50] * 4) + ".1234567890123456789012345"}, "dns-mark", "spec.name"),
        ({"name": "_hanse-a.www"}, "dns-mark", "spec.name"),
        ({"ttl": 59}, "dns-ttl", "spec.ttl"),
        ({"ttl": 604_801}, "dns-ttl", "spec.ttl"),
        ({"values": ["192.0.2.1", "192.0.2.300"]}, "dns-value", "spec.values[1]"),
        ({"values": ["2001:db8::1"]}, "dns-value", "spec.values[0]"),
        ({"type": "CNAME", "values": ["a.example.", "b.example."]}, "dns-count", "spec.values"),
        ({"values": [f"10.0.0.{n}" for n in range(101)]}, "dns-count", "spec.values"),
        ({"type": "CNAME", "name": "@", "values": ["a.example."]}, "dns-cname-apex", "spec.type"),
        ({"type": "SRV", "values": ["1 2 3 x.example."]}, "dns-srv-name", "spec.name"),
    ],
)
def test_a_rule_names_the_field_it_is_about(fields, rule, path):
    assert (rule, path) in faults(spec(**fields))


def test_a_good_record_breaks_no_rule():
    assert faults(spec()) == set()
    assert faults(spec(name="*.vo", type="CNAME", values=["www.fed.example.org."])) == set()
    assert faults(spec(name="@", type="TXT", values=["v=spf1 -all"])) == set()
    assert faults(spec(name="_https._tcp", type="SRV", values=["1 2 443 www.fed.example.org."])) == set()


def test_rule_ids_are_unique_and_say_their_kind():
    ids = [rule.id for rule in KIND.rules]
    assert len(set(ids)) == len(ids)
    assert all(one.startswith("dns-") for one in ids)


def test_one_name_and_type_is_declared_once():
    records = [
        (Ref("DNSRecord/b/two"), spec(name="www")),
        (Ref("DNSRecord/a/one"), spec(name="WWW.fed.example.org.", values=["192.0.2.2"])),
        (Ref("DNSRecord/a/text"), spec(type="TXT", values=["x"])),
    ]
    ((ref, fault),) = conflicts(declared(*records))
    assert ref == "DNSRecord/b/two"
    assert "declared by DNSRecord/a/one" in fault.message


def test_a_cname_stands_alone_at_its_name():
    records = [
        (Ref("DNSRecord/a/alias"), spec(type="CNAME", values=["x.example."])),
        (Ref("DNSRecord/a/text"), spec(type="TXT", values=["x"])),
        (Ref("DNSRecord/a/other"), spec(name="other")),
    ]
    ((ref, fault),) = conflicts(declared(*records))
    assert ref == "DNSRecord/a/alias"
    assert "DNSRecord/a/text" in fault.message


def test_only_names_that_changed_are_compared():
    records = declared(
        (Ref("DNSRecord/a/one"), KIND.canonical(spec(name="www"))),
        (Ref("DNSRecord/b/two"), KIND.canonical(spec(name="www.fed.example.org."))),
        (Ref("DNSRecord/c/three"), KIND.canonical(spec(name="other"))),
        (Ref("DNSRecord/c/taker"), KIND.canonical(spec(values=None, valuesFrom=SOURCE, name="taker"))),
    )
    assert list(KIND.quarrels(records, {Ref("DNSRecord/c/three"), Ref("Site/x"), Ref("DNSRecord/gone/x")})) == []
    for changed in (Ref("DNSRecord/a/one"), Ref("DNSRecord/b/two")):
        ((ref, rule, _),) = KIND.quarrels(records, {changed})
        assert (ref, rule) == ("DNSRecord/b/two", "dns-declared-once")


def test_the_example_is_valid():
    folder = Path(dnsrecord.__file__).parent
    for document in yaml.safe_load_all((folder / "example.yaml").read_text()):
        one = KIND.canonical(DNSRecordSpec.model_validate_json(encode(document["spec"])))
        assert faults(one) == set()


def test_the_schema_shows_the_bounds_of_a_ttl():
    ttl = DNSRecordSpec.model_json_schema()["properties"]["ttl"]
    assert (ttl["minimum"], ttl["maximum"]) == (60, 604_800)
