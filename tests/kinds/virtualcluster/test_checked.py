"""Checks that a probe of many services has of a site are facts about that site, as probes of its own are."""

from __future__ import annotations

from types import SimpleNamespace

from reconciler.kinds import Declared
from reconciler.kinds.probe import ProbeSpec, Topology, checks_of
from reconciler.kinds.site import SiteSpec
from reconciler.kinds.virtualcluster.sites import checked_of
from reconciler.model import Ref, Standing, Standings, encode

SITE = SiteSpec.model_validate_json(
    encode({"services": [{"name": "nova-1", "type": "org.openstack.nova", "hostname": "nova.example.org"}]})
)


def probe(target, **fields):
    return ProbeSpec.model_validate_json(encode({"target": target, **fields}))


ALL = Ref("Probe/egi/all")
SPECS = {
    Ref("Site/NORTH"): SITE,
    ALL: probe({"services": {"type": "org.openstack.nova"}}, template="x.Nova"),
    Ref("Probe/egi/own"): probe({"siteService": {"site": "NORTH", "service": "nova-1"}}, plugin="check_http"),
}


def federation(*left_out):
    return Declared({ref: SimpleNamespace(spec=one) for ref, one in SPECS.items() if ref not in left_out})


def test_a_site_is_told_of_every_check_of_its_services():
    sites = {"NORTH": SITE, "SOUTH": SITE}
    known = [check.ref for check in checks_of(ALL, SPECS[ALL], Topology(sites))]
    assert len(known) == 1, "the same host is looked at once"
    own = (Ref("Probe/egi/own"), "nova-1")
    standings = dict.fromkeys(known, Standing())
    assert checked_of(federation(), standings, "NORTH") == [own, (known[0], "nova-1")]
    assert checked_of(federation(), Standings(standings), "NORTH") == [own, (known[0], "nova-1")]
    assert checked_of(federation(), standings, "SOUTH") == []


def test_checks_of_a_probe_that_is_declared_no_more_say_nothing():
    known = [check.ref for check in checks_of(ALL, SPECS[ALL], Topology({"NORTH": SITE}))]
    assert [ref for ref, _ in checked_of(federation(ALL), dict.fromkeys(known, Standing()), "NORTH")] == [
        "Probe/egi/own"
    ]
