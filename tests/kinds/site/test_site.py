"""Sites: what may be declared, what is refused, and what the rules say."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

import reconciler.kinds.site
from reconciler.kinds.site import KIND, SiteSpec
from reconciler.model import Edge, Ref
from tests.federation import resource

REF = Ref("Site/TIDE")


def site(**spec):
    return SiteSpec.model_validate(spec, strict=False)


def faults(spec, rule, ref=REF):
    (found,) = (r for r in KIND.rules if r.id == rule)
    return [(f.path, f.message) for f in found.check(ref, spec)]


def service(**more):
    return {"name": "ce", "type": "CE", "hostname": "ce.example.org", **more}


def cloud(name="c", endpoint="https://a.b/v3", **more):
    return {"name": name, "driver": "openstack", "endpoint": endpoint, **more}


def test_a_site_known_by_its_cloud_alone_is_valid_and_quiet():
    spec = site(clouds=[cloud(shares=[{"vo": "ops", "projectId": "0" * 32}])])
    assert [fault for rule in KIND.rules for fault in rule.check(REF, spec)] == []


def test_an_empty_site_is_valid():
    assert site() == SiteSpec()


@pytest.mark.parametrize(
    ("path", "spec"),
    [
        ("country", {"country": "UK"}),
        ("certification", {"certification": "certified"}),
        ("infrastructure", {"infrastructure": "Prod"}),
        ("integration", {"integration": "none"}),
        ("contacts", {"contacts": {"email": "nobody"}}),
        ("services", {"services": [service(hostname="localhost")]}),
        ("clouds", {"clouds": [cloud(shares=[{"vo": ""}])]}),
        ("clouds", {"clouds": [cloud(shares=[{"vo": "x", "projctId": "1"}])]}),
        ("storage", {"storage": [{"name": "s", "driver": "directory", "limits": {"maxBytes": -1}}]}),
        ("batch", {"batch": [{"name": "b", "type": "pbs"}]}),
        ("ipRanges", {"ipRanges": ["192.0.2.0/24"]}),
        ("latitude", {"latitude": 91}),
    ],
)
def test_a_wrong_field_is_refused_where_it_stands(path, spec):
    with pytest.raises(ValidationError) as caught:
        site(**spec)
    assert caught.value.errors()[0]["loc"][0] == path


def test_a_country_that_is_no_iso_code_is_told_what_was_meant():
    with pytest.raises(ValidationError, match=r"'UK' is not an ISO 3166-1 alpha-2 country code; did you mean GB\?"):
        site(country="UK")
    with pytest.raises(ValidationError, match=r"did you mean DE\?"):
        site(country="de")


def test_scopes_are_a_set():
    a = KIND.canonical(site(scopes=["b", "a", "b"], services=[service(scopes=["y", "x"])]))
    b = KIND.canonical(site(scopes=["a", "b"], services=[service(scopes=["x", "y"])]))
    assert a == b
    assert KIND.canonical(a) is a


def test_a_site_waits_for_every_vo_it_names_once_and_paths_lead_to_the_vos_manifest():
    spec = site(
        clouds=[cloud(shares=[{"vo": "ops"}, {"vo": "/biomed/vip"}], networks=[{"name": "n", "vos": ["ops"]}])],
        storage=[{"name": "s", "driver": "directory", "vos": ["cms"]}],
        batch=[{"name": "b", "type": "slurm", "queues": [{"name": "q", "vos": ["atlas"]}]}],
    )
    assert list(KIND.references(REF, spec)) == [
        Edge(Ref("VO/ops"), "exists", "spec.clouds[0].shares[0].vo"),
        Edge(Ref("VO/biomed_vip"), "exists", "spec.clouds[0].shares[1].vo"),
        Edge(Ref("VO/cms"), "exists", "spec.storage[0].vos[0]"),
        Edge(Ref("VO/atlas"), "exists", "spec.batch[0].queues[0].vos[0]"),
    ]


def test_a_share_is_found_by_the_vos_name_and_by_its_group():
    found = site(clouds=[cloud(shares=[{"vo": "/biomed/vip", "projectId": "1"}])]).clouds[0]
    assert found.shares_of("biomed_vip") == found.shares_of("/biomed/vip") == found.shares


def test_a_production_service_is_monitored_unless_its_type_cannot_be():
    spec = site(
        services=[
            service(production=True, monitored=False),
            service(name="v", type="VOMS", production=True, monitored=False),
            service(name="n", production=False, monitored=False),
        ]
    )
    assert faults(spec, "site-production-monitored") == [
        ("spec.services[0].monitored", "CE at ce.example.org is in production and not monitored")
    ]


def test_extension_keys_may_repeat_with_another_value_only():
    pair = {"key": "A", "value": "1"}
    spec = site(extensions=[pair, {"key": "A", "value": "2"}, pair], services=[service(extensions=[pair, pair])])
    assert faults(spec, "site-unique-extensions") == [
        ("spec.extensions[2]", "the extension A 1 stands already at spec.extensions[0]"),
        ("spec.services[0].extensions[1]", "the extension A 1 stands already at spec.services[0].extensions[0]"),
    ]


def test_names_endpoints_and_shares_stand_once():
    spec = site(
        services=[service(endpoints=[{"name": "e"}, {"name": "e"}]), service()],
        clouds=[cloud("x"), cloud("y", shares=[{"vo": "/a/b"}, {"vo": "a_b"}])],
    )
    assert [path for path, _ in faults(spec, "site-unique-names")] == [
        "spec.services[1].name",
        "spec.services[0].endpoints[1].name",
    ]
    assert [path for path, _ in faults(spec, "site-unique-endpoints")] == ["spec.clouds[1].endpoint"]
    assert [path for path, _ in faults(spec, "site-unique-shares")] == ["spec.clouds[1].shares[1]"]


def test_a_service_has_a_reserved_scope_only_with_its_site():
    spec = site(scopes=["atlas"], services=[service(scopes=["atlas", "wlcg", "Local"])])
    assert faults(spec, "site-reserved-scopes") == [
        ("spec.services[0].scopes", "the scope wlcg is reserved and the site does not have it")
    ]


def test_a_certified_site_is_told_all_that_gocdb_would_miss():
    missing = [path for path, _ in faults(site(certification="Certified", country="ES"), "site-mandatory")]
    assert missing == [
        "spec.officialName",
        "spec.ngi",
        "spec.domain",
        "spec.timezone",
        "spec.infrastructure",
        "spec.scopes",
        "spec.contacts.email",
        "spec.contacts.telephone",
        "spec.contacts.csirtEmail",
        "spec.contacts.csirtTelephone",
    ]


def test_what_people_may_put_off_is_a_warning():
    assert {r.id for r in KIND.rules if r.severity == "warning"} == {
        "site-api-overrides",
        "site-mandatory",
        "site-service-mandatory",
        "site-ip-range",
        "site-closed-reason",
        "site-link",
        "site-certification-reason",
        "site-suspended-long",
        "site-timezone",
        "site-words-unknown",
    }


def test_an_ip_range_with_an_impossible_part_is_noticed():
    spec = site(ipRanges=["300.0.2.0/255.255.255.0"])
    assert faults(spec, "site-ip-range") == [("spec.ipRanges[0]", "300.0.2.0/255.255.255.0 has a part above 255")]


def test_a_closed_storage_says_why():
    storage = {"name": "s", "driver": "directory", "availability": {"write": {"allowed": False}}}
    assert faults(site(storage=[storage]), "site-closed-reason")[0][0] == "spec.storage[0].availability.write"


def test_a_short_name_follows_gocdb():
    assert faults(site(), "site-short-name", Ref("Site/a b"))[0][0] == "metadata.name"


def test_every_field_of_the_example_survives_its_own_json():
    file = Path(reconciler.kinds.site.__file__).with_name("example.yaml")
    spec = site(**YAML(typ="safe", pure=True).load(file)["spec"])
    assert SiteSpec.model_validate_json(spec.canonical()) == spec
    assert [fault for rule in KIND.rules for fault in rule.check(REF, spec)] == []
    assert set(SiteSpec.model_fields) - spec.model_fields_set == {"giisUrl", "subgrid", "tier", "notifications"}


def storages(*given):
    return [{"driver": "directory", **one} for one in given]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"limits": {"highPercent": 90}}, "give both highPercent and lowPercent"),
        ({"limits": {"highPercent": 50, "lowPercent": 60}}, "lowPercent 60 is above highPercent 50"),
        ({"links": [{"to": "a b"}]}, "match pattern"),
        ({"links": [{"to": "A/b", "bytesPerSecond": 0}]}, "greater than 0"),
        ({"price": {"readPerTB": -1}}, "greater than or equal to 0"),
    ],
)
def test_limits_links_and_prices_of_a_storage_make_sense(given, said):
    with pytest.raises(ValidationError, match=said):
        SiteSpec.model_validate({"storage": storages({"name": "d", **given})}, strict=False)


def test_a_quota_waits_for_its_vo_and_stands_once_for_each():
    quotas = [{"vo": "/vo/x", "maxBytes": 1}, {"vo": "/vo/x"}]
    spec = SiteSpec.model_validate({"storage": storages({"name": "d", "quotas": quotas})}, strict=False)
    assert [(e.ref, e.path) for e in KIND.references(REF, spec)] == [("VO/vo_x", "spec.storage[0].quotas[0].vo")]
    rule = next(rule for rule in KIND.rules if rule.id == "site-storage-limits")
    (fault,) = rule.check(REF, spec)
    assert (fault.path, fault.message) == (
        "spec.storage[0].quotas[1].vo",
        "the VO /vo/x stands already at spec.storage[0].quotas[0]",
    )


def test_a_link_leads_to_a_storage_or_a_site_that_is_declared():
    links = [{"to": "B/disc"}, {"to": "B"}, {"to": "A/d"}, {"to": "B/disk"}]
    here = resource("Site/A", {"storage": storages({"name": "d", "links": links})})
    there = resource("Site/B", {"storage": storages({"name": "disk"})})
    found = list(KIND.quarrels({here.ref: here, there.ref: there}, [there.ref]))
    assert [(ref, name, f.path, f.cure) for ref, name, f in found] == [
        ("Site/A", "site-link", "spec.storage[0].links[0].to", "did you mean B/disk?"),
        ("Site/A", "site-link", "spec.storage[0].links[2].to", "take the link out"),
    ]
