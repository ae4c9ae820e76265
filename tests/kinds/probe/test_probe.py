"""Probes: what they are, what they look at, what is refused, and how they are registered."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from reconciler.drivers import embedded
from reconciler.kinds import probe, site
from reconciler.kinds.dnsrecord import KIND as DNSRECORD
from reconciler.kinds.dnsrecord import DNSRecordSpec
from reconciler.kinds.probe import KIND, ProbeSpec, Unfilled, arguments, looked_at, unknown_services
from reconciler.kinds.site import SiteSpec
from reconciler.model import Absent, Change, Done, Edge, Location, Present, Ref, Resource, Target, Wanted, encode

REF = Ref("Probe/tides/it")
URL = {"url": "https://portal.example.org:8443/health?x=1"}
SERVICE = {"siteService": {"site": "TIDE-CLOUD", "service": "keystone"}}


def spec(target=URL, **fields):
    return ProbeSpec.model_validate_json(encode({"target": target, "plugin": "check_http", **fields}))


def tide_cloud():
    text = (Path(site.__file__).parent / "example.yaml").read_text()
    data = next(d for d in yaml.safe_load_all(text) if d["kind"] == "Site")
    services = data["spec"]["services"]
    return SiteSpec.model_validate_json(encode({"services": services}))


def faults(one):
    return {(rule.id, fault.path) for rule in KIND.rules for fault in rule.check(REF, one)}


def test_a_passive_probe_counts_at_once_where_it_does_not_say_otherwise():
    def attempts(**fields):
        return ProbeSpec.model_validate_json(encode({"target": URL, **fields})).attempts

    assert attempts(plugin="check_http") == 3
    assert attempts(passive=True) == 1
    assert attempts(passive=True, attempts=3) == 3
    kept = ProbeSpec.model_validate_json(encode({"target": URL, "passive": True}))
    assert ProbeSpec.model_validate_json(kept.canonical()) == kept


# -- the spec --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"target": {}},
        {"target": {**URL, **SERVICE}},
        {"target": {"url": "portal.example.org"}},
        {"target": {"virtualCluster": "a/b/c"}},
        {"plugin": "../sh"},
        {"plugin": "check_http -H x"},
        {"interval": 59},
        {"timeout": 0},
        {"attempts": 0},
        {"arguments": ["a\nb"]},
        {"arguments": ["a\0b"]},
        {"thresholds": [{"label": "time"}]},
        {"thresholds": [{"label": "time", "warning": "10:5"}]},
        {"thresholds": [{"label": "time", "warning": "fast"}]},
        {"thresholds": [{"label": "time", "warning": True}]},
        {"colour": "red"},
    ],
)
def test_what_has_not_the_form_of_a_probe_is_refused(fields):
    with pytest.raises(ValidationError):
        spec(**fields)


def test_ranges_may_be_written_as_numbers_and_mean_the_same():
    written = spec(thresholds=[{"label": "time", "warning": 2, "critical": 2.5}, {"label": "size", "warning": "10:"}])
    quoted = spec(
        thresholds=[{"label": "size", "warning": "10:"}, {"label": "time", "warning": "2", "critical": "2.5"}]
    )
    assert KIND.canonical(written).digest() == KIND.canonical(quoted).digest()
    assert KIND.canonical(KIND.canonical(written)) == KIND.canonical(written)


@pytest.mark.parametrize(
    ("target", "edge"),
    [
        (URL, None),
        (SERVICE, Edge(Ref("Site/TIDE-CLOUD"), "exists", "spec.target.siteService.site")),
        ({"virtualCluster": "hub"}, Edge(Ref("VirtualCluster/tides/hub"), "ready", "spec.target.virtualCluster")),
        ({"virtualCluster": "waves/hub"}, Edge(Ref("VirtualCluster/waves/hub"), "ready", "spec.target.virtualCluster")),
        ({"dnsRecord": "www"}, Edge(Ref("DNSRecord/tides/www"), "ready", "spec.target.dnsRecord")),
    ],
)
def test_a_probe_waits_for_what_it_looks_at(target, edge):
    assert list(KIND.references(REF, spec(target))) == ([edge] if edge else [])
    assert looked_at(REF, spec(target)) == (edge.ref if edge else None)


@pytest.mark.parametrize(
    ("fields", "rule", "path"),
    [
        ({"plugin": "check_htp"}, "probe-plugin", "spec.plugin"),
        ({"arguments": ["-H", "{hosts}"]}, "probe-placeholder", "spec.arguments[1]"),
        ({"arguments": ["{address}"]}, "probe-placeholder", "spec.arguments[0]"),
        ({"target": {"dnsRecord": "www"}, "arguments": ["{port}"]}, "probe-placeholder", "spec.arguments[0]"),
        ({"timeout": 60, "interval": 60}, "probe-timeout", "spec.timeout"),
        ({"arguments": ["-t", "5"]}, "probe-timeout", "spec.arguments[0]"),
        ({"arguments": ["--timeout=5"]}, "probe-timeout", "spec.arguments[0]"),
        ({"arguments": ["--help"]}, "probe-help", "spec.arguments[0]"),
        (
            {"thresholds": [{"label": "a", "warning": "1"}, {"label": "a", "critical": "2"}]},
            "probe-threshold",
            "spec.thresholds[1].label",
        ),
    ],
)
def test_a_rule_names_the_field_it_is_about(fields, rule, path):
    assert (rule, path) in faults(spec(**fields))


def test_braces_that_are_no_placeholder_are_left_alone():
    one = spec(arguments=["--regex", "[0-9]{3}", "{}", "{Host}"])
    assert faults(one) == set()
    assert arguments(one, None, {}) == one.arguments


def test_the_example_is_valid_and_breaks_no_rule():
    text = (Path(probe.__file__).parent / "example.yaml").read_text()
    found = [ProbeSpec.model_validate_json(encode(d["spec"])) for d in yaml.safe_load_all(text)]
    assert len(found) == 4
    assert [faults(one) for one in found] == [set()] * 4


def test_a_service_that_the_site_does_not_have_is_named():
    def resource(ref, one, kind):
        decode = kind.Spec.model_validate_json
        edges = tuple(kind.references(ref, one))
        return Resource(ref, one.digest(), one.canonical(), edges, "", Location("x.yaml", 1), decode)

    resources = {
        Ref("Site/TIDE-CLOUD"): resource(Ref("Site/TIDE-CLOUD"), tide_cloud(), site.KIND),
        Ref("Probe/a/good"): resource(Ref("Probe/a/good"), spec(SERVICE), KIND),
        Ref("Probe/a/url"): resource(Ref("Probe/a/url"), spec(), KIND),
        Ref("Probe/a/typo"): resource(
            Ref("Probe/a/typo"), spec({"siteService": {"site": "TIDE-CLOUD", "service": "keyston"}}), KIND
        ),
        Ref("Probe/a/nosite"): resource(
            Ref("Probe/a/nosite"), spec({"siteService": {"site": "NOWHERE", "service": "x"}}), KIND
        ),
    }
    ((ref, fault),) = unknown_services(resources)
    assert (ref, fault.cure) == ("Probe/a/typo", "did you mean keystone?")
    for changed in ("Probe/a/typo", "Site/TIDE-CLOUD"):
        assert list(KIND.quarrels(resources, {Ref(changed)})) == [(ref, "probe-service", fault)]
    assert list(KIND.quarrels(resources, {Ref("Probe/a/good"), Ref("VO/x"), Ref("Probe/gone/x")})) == []


# -- arguments -------------------------------------------------------------------------------------------------------


ALL = ["-H", "{host}", "-p{port}", "-u", "{url}", "{address}"]


@pytest.mark.parametrize(
    ("url", "filled"),
    [
        ("https://portal.example.org:8443/health", ("portal.example.org", "8443")),
        ("https://portal.example.org/", ("portal.example.org", "443")),
        ("http://[2001:db8::1]/", ("2001:db8::1", "80")),
        ("root://storage.example.org//data", ("storage.example.org", "1094")),
    ],
)
def test_a_url_gives_host_and_port(url, filled):
    assert arguments(spec({"url": url}, arguments=["{host}", "{port}"]), None, {}) == filled
    assert arguments(spec({"url": url}, arguments=["{url}"]), None, {}) == (url,)


def test_a_service_gives_its_host_and_the_parts_of_its_url():
    filled = arguments(spec(SERVICE, arguments=ALL), tide_cloud(), {})
    assert filled == (
        "-H", "cloud.tides.example.org", "-p5000", "-u", "https://cloud.tides.example.org:5000/v3", "192.0.2.10",
    )  # fmt: skip


def test_a_cluster_gives_its_front_end_once_it_is_up():
    one = spec({"virtualCluster": "hub"}, arguments=ALL)
    outputs = {"frontend_address": "192.0.2.7", "endpoints": ["ssh://192.0.2.7:22", "https://192.0.2.7:443"]}
    assert arguments(one, None, outputs) == ("-H", "192.0.2.7", "-p22", "-u", "ssh://192.0.2.7:22", "192.0.2.7")
    with pytest.raises(Unfilled, match="host"):
        arguments(one, None, {})


def test_a_record_gives_its_name_and_its_address():
    record = DNSRECORD.canonical(DNSRecordSpec(zone="fed.example.org", name="www", values=("192.0.2.9",)))
    one = spec({"dnsRecord": "www"}, arguments=["{host}", "{address}"])
    assert arguments(one, record, {}) == ("www.fed.example.org", "192.0.2.9")
    assert arguments(one, record, {"values": ["192.0.2.8"]}) == ("www.fed.example.org", "192.0.2.8")
    alias = DNSRECORD.canonical(DNSRecordSpec(zone="fed.example.org", name="www", type="CNAME", values=("x.example.",)))
    with pytest.raises(Unfilled, match="address"):
        arguments(one, alias, {})


def test_a_port_that_is_none_is_missing_and_not_a_crash():
    with pytest.raises(Unfilled, match="port"):
        arguments(spec({"url": "https://host:99999/"}, arguments=["{port}"]), None, {})


def test_a_value_never_turns_into_an_option():
    with pytest.raises(Unfilled, match="dash"):
        arguments(spec({"virtualCluster": "x"}, arguments=["{host}"]), None, {"frontend_address": "-oProxyCommand=x"})


# -- the register ----------------------------------------------------------------------------------------------------


class OnlyRegistry:
    def registry(self, target):
        return embedded.open(target, self)


def test_what_is_put_is_observed_and_what_is_removed_is_gone(tmp_path):
    one = KIND.canonical(spec(SERVICE, thresholds=[{"label": "time", "warning": 2}], arguments=ALL))
    target, drivers, uid = Target(KIND.target(REF, one), "embedded", {"state": str(tmp_path)}), OnlyRegistry(), "a" * 32
    assert target.id == "registry:probes"
    wanted = Wanted(REF, uid, one)
    assert KIND.observe(target, [wanted], drivers).results == {REF: Absent()}
    assert KIND.put(target, [Change(REF, uid, 1, one)], drivers) == {REF: Done()}
    seen = KIND.observe(target, [wanted], drivers).results[REF]
    assert isinstance(seen, Present)
    assert (seen.digest, seen.uid, seen.owned) == (one.digest(), uid, True)
    for _ in range(2):
        assert KIND.remove(target, [Change(REF, uid, 1, one)], drivers) == {REF: Done()}
    assert KIND.observe(target, [wanted], drivers).results == {REF: Absent()}
