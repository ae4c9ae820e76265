"""Rules between resources: kinds know them, the graph asks."""

import pytest

from reconciler.errors import ManifestError
from reconciler.graph import build
from reconciler.kinds import registry
from reconciler.model import Ref, Resources
from tests.federation import NoDrivers, graph, resource


def name(ref: str, **more):
    spec = {"zone": "fed.example.org", "name": "www", "values": ["192.0.2.1"], **more}
    return resource(f"DNSRecord/team/{ref}", spec)


def said(*resources) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        graph(*resources)
    return [f"{d.rule}: {d}" for d in caught.value.diagnostics]


def test_a_name_declared_twice_is_refused():
    (fault,) = said(name("a"), name("b", values=["192.0.2.2"]))
    assert fault.startswith("dns-declared-once: manifests/b.yaml:1:1: spec.name: www.fed.example.org. A is declared by")


def test_a_cname_beside_addresses_is_refused():
    (fault,) = said(name("a"), name("b", type="CNAME", values=["other.example.org."]))
    assert fault.startswith("dns-cname-alone: manifests/b.yaml:1:1: spec.type")


def test_a_quarrel_with_something_unchanged_is_found():
    before, late = graph(name("a")), name("b")
    both = {r.ref: r for r in (name("a"), late)}
    with pytest.raises(ManifestError, match="declared by DNSRecord/team/a"):
        build(Resources("d", both, (), frozenset({Ref(late.ref)})), registry(), NoDrivers(), before)


def test_an_allocation_at_a_site_nobody_declares_is_refused():
    (fault,) = said(resource("VO/a", {"allocations": [{"site": "BETA"}]}), resource("Site/BETTA", {}))
    assert "vo-allocation-site" in fault
    assert "did you mean BETTA?" in fault
