"""Where a cluster may go, and why not elsewhere."""

from __future__ import annotations

import pytest

from reconciler.kinds import NOWHERE
from reconciler.kinds.dataset import DatasetSpec
from reconciler.kinds.datasetrule.spec import DatasetRuleSpec
from reconciler.kinds.replica import ReplicaSpec
from reconciler.kinds.site import SiteSpec
from reconciler.kinds.virtualcluster import KIND, VirtualClusterSpec
from reconciler.kinds.vo import VOSpec
from reconciler.model import Ref, encode

REF = Ref("VirtualCluster/tides/sediment")


def cloud(name: str = "one", vo: str = "vo.example.org", **more) -> dict:
    shares = [{"vo": vo, "projectId": "0" * 32}] if vo else []
    return {"name": name, "driver": "simulated", "endpoint": "https://cloud.example.org/v3", "shares": shares, **more}


class Declared:
    """A federation of sites and one VO."""

    def __init__(self, vo: dict | None = None, more: dict | None = None, **sites: dict) -> None:
        self.specs = {Ref.of("Site", n): SiteSpec.model_validate_json(encode(s)) for n, s in sites.items()}
        self.specs |= more or {}
        self.specs[Ref("VO/vo.example.org")] = VOSpec.model_validate_json(encode(vo or {}))

    def get(self, ref):
        return self.specs.get(ref)

    def of_kind(self, kind):
        return sorted((ref, spec) for ref, spec in self.specs.items() if ref.kind == kind)


def cluster(**more) -> VirtualClusterSpec:
    body = {"vo": "vo.example.org", "frontend": {"image": "debian-12", "cpus": 2}, **more}
    return VirtualClusterSpec.model_validate_json(encode(body))


def answers(federation: Declared, spec: VirtualClusterSpec) -> dict[str, str]:
    """Candidate -> why not."""
    (choice,) = KIND.choices(REF, spec, federation, NOWHERE)
    return {candidate.name: candidate.why_not for candidate in choice.candidates}


def test_every_cloud_of_every_site_is_a_candidate() -> None:
    federation = Declared(A={"clouds": [cloud("one"), cloud("two")]}, B={"clouds": [cloud()]}, C={})
    assert answers(federation, cluster()) == {"A/one": "", "A/two": "", "B/one": ""}


@pytest.mark.parametrize(
    ("site", "requirements", "said"),
    [
        ({"clouds": [cloud(vo="other.example.org")]}, {}, "does not serve the VO vo.example.org"),
        ({"clouds": [cloud(vo="")]}, {}, "does not serve the VO vo.example.org"),
        ({"clouds": [cloud()], "country": "DE"}, {"countries": ["ES", "PT"]}, "in DE, wanted ES, PT"),
        ({"clouds": [cloud()]}, {"countries": ["ES"]}, "in no stated country, wanted ES"),
        ({"clouds": [cloud()]}, {"excludeSites": ["A"]}, "excluded"),
        ({"clouds": [cloud()], "certification": "Suspended"}, {}, "not certified: Suspended"),
        ({"clouds": [cloud()], "infrastructure": "Test"}, {}, "not in production: Test"),
        ({"clouds": [cloud()], "integration": "data-sharing"}, {}, "shares only data"),
        ({"clouds": [cloud()]}, {"gpus": 1}, "does not say how many GPUs it has (extension Accelerator.Number)"),
        ({"clouds": [cloud()]}, {"labels": {"tier": "1"}}, "does not say tier"),
        ({"clouds": [cloud()]}, {"imagePresent": True}, "does not synchronise images"),
        ({"clouds": [cloud(imageSync=True)]}, {"imagePresent": True}, "the VO does not list the image debian-12"),
        ({"clouds": [cloud()]}, {"cpus": 8}, "the VO's vcpus there are not stated, 8 needed"),
    ],
)
def test_each_reason_is_plain(site, requirements, said) -> None:
    assert answers(Declared(A=site), cluster(requirements=requirements)) == {"A/one": said}


def test_what_is_required_and_stated_fits() -> None:
    site = {
        "clouds": [cloud(imageSync=True)],
        "country": "ES",
        "certification": "Certified",
        "infrastructure": "Production",
        "extensions": [{"key": "Accelerator.Number", "value": "8"}, {"key": "tier", "value": "1"}],
    }
    vo = {"images": [{"name": "debian-12"}], "allocations": [{"site": "A", "vcpus": 16, "instances": 4}]}
    wanted = {"countries": ["ES"], "gpus": 2, "labels": {"tier": "1"}, "imagePresent": True, "cpus": 8, "instances": 2}
    assert answers(Declared(vo, A=site), cluster(requirements=wanted)) == {"A/one": ""}


def test_a_cluster_larger_than_the_allocation_does_not_fit() -> None:
    vo = {"allocations": [{"site": "A", "vcpus": 8, "ramGiB": 64, "instances": 10}]}
    federation = Declared(vo, A={"clouds": [cloud()]}, B={"clouds": [cloud()]})
    workers = [{"name": "workers", "image": "debian-12", "cpus": 4, "count": 2}]
    assert answers(federation, cluster(workers=workers)) == {
        "A/one": "the VO has 8 vcpus there, 10 needed",
        "B/one": "",
    }


def test_a_larger_allocation_scores_higher() -> None:
    vo = {"allocations": [{"site": "A", "vcpus": 8}, {"site": "B", "vcpus": 80}]}
    federation = Declared(vo, A={"clouds": [cloud()]}, B={"clouds": [cloud()]})
    (choice,) = KIND.choices(REF, cluster(), federation, NOWHERE)
    scores = {candidate.name: candidate.score for candidate in choice.candidates}
    assert scores["B/one"] > scores["A/one"] > 0
    assert "98% of the VO's allocation stays free" in str(choice.candidates)


def rule(**places: int) -> dict:
    """A rule that keeps so many of the eight files of its data at each site."""
    part = {"digest": "0" * 64}
    placed = {"sediment:waves": {f"{site}/disk": {**part, "bytes": 0, "count": n} for site, n in places.items()}}
    body = {"scope": "sediment", "name": "waves", "copies": 1, "locations": "*", "placed": placed}
    data = {"scope": "sediment", "name": "waves", "files": [{"path": "a"}], "fileset": {**part, "bytes": 0, "count": 8}}
    return {
        Ref("DatasetRule/tides/waves"): DatasetRuleSpec.model_validate_json(encode(body)),
        Ref("Dataset/tides/waves"): DatasetSpec.model_validate_json(encode(data)),
    }


def replica(site: str) -> dict:
    body = {"storage": {"site": site, "name": "disk"}, "dataset": "sediment:waves", "path": "waves.nc"}
    return {Ref(f"Replica/tides/at-{site}"): ReplicaSpec.model_validate_json(encode(body))}


@pytest.mark.parametrize(
    ("more", "held"),
    [
        (rule(B=8), 1.0),
        (rule(B=4, C=4), 0.5),
        (rule() | replica("B"), 1.0),
    ],
)
def test_sites_that_hold_the_data_come_first(more, held) -> None:
    vo = {"allocations": [{"site": "A", "vcpus": 800}]}
    federation = Declared(vo, more, A={"clouds": [cloud()]}, B={"clouds": [cloud()]})
    (choice,) = KIND.choices(REF, cluster(requirements={"near": "waves"}), federation, NOWHERE)
    by_name = {candidate.name: candidate for candidate in choice.candidates}
    assert by_name["B/one"].score > by_name["A/one"].score
    assert by_name["B/one"].parts["data"] == pytest.approx(0.3 * held)
    assert by_name["B/one"].reason == f"serves the VO, holds {held:.0%} of the data"


def test_a_rule_that_nobody_declares_speaks_for_no_site() -> None:
    federation = Declared(A={"clouds": [cloud()]})
    (choice,) = KIND.choices(REF, cluster(requirements={"near": "waves"}), federation, NOWHERE)
    assert "data" not in choice.candidates[0].parts


def test_the_choice_fills_site_and_cloud() -> None:
    spec = KIND.chosen(cluster(), {"site": ("SITE-A/one",)})
    assert (spec.site, spec.cloud) == ("SITE-A", "one")
    assert KIND.choices(REF, spec, Declared(), NOWHERE) == ()


def test_a_site_without_a_cloud_leaves_the_cloud_open() -> None:
    federation = Declared(A={"clouds": [cloud("one", vo="other.example.org"), cloud("two")]})
    spec = cluster(site="A")
    (choice,) = KIND.choices(REF, spec, federation, NOWHERE)
    assert choice.field == "cloud"
    assert answers(federation, spec) == {"one": "does not serve the VO vo.example.org", "two": ""}
    assert KIND.chosen(spec, {"cloud": ("two",)}).cloud == "two"


class Operator:
    """Settings that answer with what they are asked."""

    def __init__(self, **options) -> None:
        self.given = options

    def options(self, target_id, driver):
        return driver or "simulated", self.given


def test_the_way_there_is_what_the_site_declares_and_the_operator_wins() -> None:
    networks = [{"name": "open"}, {"name": "own", "vos": ["vo.example.org"]}, {"name": "theirs", "vos": ["other"]}]
    site = {"clouds": [cloud(region="north", protocol="openid", networks=networks, options={"microversion": "2.79"})]}
    target = KIND.connect("compute:A/one/vo.example.org", Declared(A=site), Operator(region="south"))
    assert target.driver == "simulated"
    assert target.options == {
        "endpoint": "https://cloud.example.org/v3",
        "protocol": "openid",
        "region": "south",
        "networks": ["own"],
        "project_id": "0" * 32,
        "microversion": "2.79",
    }


def test_a_target_whose_site_is_gone_is_the_operators() -> None:
    target = KIND.connect("compute:A/one/vo.example.org", Declared(), Operator(state="x"))
    assert (target.driver, target.options) == ("simulated", {"state": "x"})
