"""Whatever manifests say goes out, comes in, and says the same; whatever a feed says, what comes in is valid."""

from __future__ import annotations

import tempfile
from pathlib import Path

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.exchange.gocdb import Feed, View, answer, import_gocdb, read, topology
from reconciler.kinds.site import KIND, SiteSpec
from reconciler.model import Ref, encode
from tests.exchange.gocdb import feed
from tests.exchange.gocdb.federation import CONTACTS, federation, site
from tests.exchange.gocdb.test_answering import NOW

SOME = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PROSE = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp", "Cn"], exclude_characters="`'\";<>"),
    min_size=1,
    max_size=40,
)
VALUE = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp", "Cn"], exclude_characters="`'\"<>"),
    min_size=1,
    max_size=20,
)
WORD = st.text("abcXYZ019-_", min_size=1, max_size=12)
HOST = st.lists(st.text("abz09-", min_size=1, max_size=6), min_size=1, max_size=3).map(
    lambda parts: ".".join([*parts, "org"])
)
PAIRS = st.lists(
    st.fixed_dictionaries({"key": WORD, "value": VALUE}), max_size=3, unique_by=lambda one: (one["key"], one["value"])
)
SCOPES = st.lists(st.sampled_from(["EGI", "FedCloud", "Local"]), min_size=1, max_size=3, unique=True)
ENDPOINT = st.fixed_dictionaries(
    {"name": WORD},
    optional={
        "url": HOST.map("https://{}:8443/?a=1&b=%20".format),
        "interface": WORD,
        "extensions": PAIRS,
        "monitored": st.just(False),
    },
)
SERVICE = st.fixed_dictionaries(
    {"name": WORD, "type": st.sampled_from(["CE", "SRM", "org.openstack.nova"]), "hostname": HOST, "scopes": SCOPES},
    optional={
        "url": HOST.map("https://{}/&x".format),
        "production": st.just(True),
        "beta": st.booleans(),
        "core": st.just(True),
        "notifications": st.booleans(),
        "hostDn": WORD.map("/DC=org/CN={}".format),
        "ips": st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]), max_size=3, unique=True),
        "extensions": PAIRS,
        "endpoints": st.lists(ENDPOINT, max_size=2, unique_by=lambda one: one["name"]),
    },
)
SERVICES = st.lists(
    SERVICE, max_size=4, unique_by=(lambda one: one["name"], lambda one: (one["hostname"], one["type"]))
)
UNTOLD = ("csirtTelephone",)


@SOME
@given(PROSE, SERVICES, PAIRS, st.floats(-90, 90).map(lambda x: round(x, 4)), st.sampled_from([0, 2, 3]))
def test_what_goes_out_comes_in_and_says_the_same(description, services, pairs, latitude, tier):
    out = site(
        "S1", *services, description=description, extensions=pairs, latitude=latitude, tier=tier, notifications=True
    )
    shown = Feed(topology(federation(out), {}, NOW), View("https://pi.example.org/"))
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for method in ("get_site", "get_service_endpoint"):
            files.append(Path(folder, f"{method}.xml"))
            files[-1].write_text(answer(shown, method, {"scope": ""}, NOW), encoding="utf-8")
        into = Path(folder, "manifests")
        report = import_gocdb(read([str(one) for one in files]), into, NOW)
        assert (report.problems, report.findings) == ((), ())
        back = KIND.canonical(
            SiteSpec.model_validate_json(encode(yaml.safe_load((into / "sites/S1.yaml").read_text())["spec"]))
        )
    assert told(back) == told(out.spec)
    again = Feed(topology(federation(site_of(back)), {}, NOW), View())
    assert keys(again) == keys(shown)


def site_of(spec):
    return site("S1", **yaml.safe_load(encode(spec.model_dump(mode="json", exclude_none=True))))


def told(spec):
    """What GOCDB's interface tells of a site, without what Hanse calls services; their order means nothing."""
    data = spec.model_dump(mode="json", exclude_none=True)
    data["contacts"] = {key: value for key, value in data["contacts"].items() if key not in UNTOLD}
    for one in data["services"]:
        one["ips"] = sorted(one["ips"])
        for name in ("name", "primaryKey", "email", "description"):
            one.pop(name, None)
    data["services"].sort(key=lambda one: (one["hostname"], one["type"]))
    return data


def keys(shown):
    return sorted((one.key, one.spec.hostname, one.spec.type) for one in shown.topology.services)


@SOME
@given(
    st.dictionaries(st.sampled_from(sorted(feed.site(1).elements)), st.text(max_size=20)),
    st.dictionaries(st.sampled_from(sorted(feed.service(1, feed.site(1)).elements)), st.text(max_size=20)),
)
def test_whatever_a_feed_says_what_comes_in_is_valid(of_site, of_service):
    odd = feed.site(1, "ALPHA", **{k: v for k, v in of_site.items() if k != "SHORT_NAME"})
    bad = feed.service(11, odd)
    bad.elements |= {k: v for k, v in of_service.items() if k != "SITENAME"}
    inner = "".join(
        c
        for c in f"{odd.xml()}{bad.xml()}{feed.service(12, odd).xml()}"
        if c in "\t\n\r" or " " <= c < "\ud800" or "\ue000" <= c < "\ufffe"
    )
    with tempfile.TemporaryDirectory() as folder:
        file, into = Path(folder, "a.xml"), Path(folder, "manifests")
        file.write_text(f"<results>{inner}</results>", encoding="utf-8")
        import_gocdb(read([str(file)]), into, NOW)
        spec = SiteSpec.model_validate_json(encode(yaml.safe_load((into / "sites/ALPHA.yaml").read_text())["spec"]))
        assert [
            fault
            for rule in KIND.rules
            if rule.severity == "error"
            for fault in rule.check(Ref.of("Site", "ALPHA"), spec)
        ] == []
        before = (into / "sites/ALPHA.yaml").read_bytes()
        import_gocdb(read([str(file)]), into, NOW)
        assert (into / "sites/ALPHA.yaml").read_bytes() == before
    assert "h12.s1.example.org_CE" in [one.name for one in spec.services]


assert set(UNTOLD) <= set(CONTACTS)
