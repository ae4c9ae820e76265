"""What clouds offer, what the past says, and what both make of a place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.errors import Terminal
from reconciler.kinds import Candidate, Need, Offer, OpenChoice, World
from reconciler.kinds.dataset import DatasetSpec
from reconciler.kinds.datasetrule.spec import DatasetRuleSpec
from reconciler.kinds.probe import ProbeSpec
from reconciler.kinds.replica import ReplicaSpec
from reconciler.kinds.site import SiteSpec
from reconciler.kinds.virtualcluster import KIND, VirtualClusterSpec
from reconciler.kinds.virtualcluster.affording import afforded
from reconciler.kinds.virtualcluster.machines import size_for
from reconciler.kinds.virtualcluster.room import demand
from reconciler.kinds.vo import VOSpec
from reconciler.kinds.world import Outage
from reconciler.model import Create, Past, PlacePolicy, Ref, Standing, Unknown, encode
from reconciler.ports import Image, Quota, Size
from reconciler.ports.compute import Limit

REF = Ref("VirtualCluster/tides/sediment")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SIZES = (
    Size("1", "small", 2, 4096, 20),
    Size("2", "large", 8, 16384, 80),
    Size("3", "gpu", 8, 16384, 80, gpus=1),
)
IMAGES = (Image("i", "debian-12"),)


def target(site: str) -> str:
    return f"compute:{site}/one/vo.example.org"


def offer(sizes=SIZES, images=IMAGES, **limits: tuple[int, int]) -> Offer:
    return Offer(
        sizes, images, Quota.of({what: Limit(used, limit) for what, (used, limit) in limits.items()}), NOW, NOW
    )


class Declared:
    """Sites of one cloud each, and what else is given."""

    def __init__(self, *sites: str, vo: dict | None = None, more: dict | None = None, site: dict | None = None) -> None:
        cloud = {
            "name": "one",
            "driver": "simulated",
            "endpoint": "https://cloud.example.org/v3",
            "shares": [{"vo": "vo.example.org", "projectId": "0" * 32}],
        }
        body = {"clouds": [cloud], **(site or {})}
        self.specs = {Ref.of("Site", n): SiteSpec.model_validate_json(encode(body)) for n in sites}
        self.specs |= more or {}
        self.specs[Ref("VO/vo.example.org")] = VOSpec.model_validate_json(encode(vo or {}))

    def get(self, ref):
        return self.specs.get(ref)

    def of_kind(self, kind):
        return sorted((ref, spec) for ref, spec in self.specs.items() if ref.kind == kind)


def cluster(**more) -> VirtualClusterSpec:
    body = {"vo": "vo.example.org", "frontend": {"image": "debian-12", "cpus": 2}, **more}
    return VirtualClusterSpec.model_validate_json(encode(body))


def judged(federation: Declared, world: World, **more) -> dict[str, Candidate]:
    (choice,) = KIND.choices(REF, cluster(**more), federation, world)
    return {candidate.name: candidate for candidate in choice.candidates}


def world(**more) -> World:
    offers = {target(site): offer() for site in "AB"}
    return World(NOW, **{"offers": offers, **more})


def test_the_cheapest_flavour_that_fits_is_taken_and_no_price_is_not_cheap() -> None:
    machine = cluster().frontend
    assert size_for(machine, SIZES).name == "small"
    priced = (*SIZES, Size("4", "offer", 16, 65536, 200, price=0.01), Size("5", "dear", 2, 4096, 20, price=0.9))
    assert size_for(machine, priced).name == "offer"
    with pytest.raises(Terminal, match="no flavour of the cloud has 2 cpus"):
        size_for(machine, SIZES[:0])


def test_a_demand_counts_flavours_not_wishes_and_only_what_is_missing() -> None:
    spec = cluster(workers=[{"name": "wn", "count": 3, "image": "debian-12", "cpus": 5}])
    asked = demand(spec, "compute:x", offer())
    assert asked.takes == {"compute:x": Need(4, 26, 4096 + 3 * 16384)}
    assert asked.said == "3 x large, 1 x small, the cheapest that fit"
    there = spec.model_copy(update={"workers": (spec.workers[0].model_copy(update={"count": 1, "unready": 1}),)})
    assert demand(spec, "compute:x", offer(), there).takes == {"compute:x": Need(1, 8, 16384)}
    assert demand(spec, "compute:x", offer(), spec).takes == {}


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (Unknown("503"), "unknown: 503"),
        (offer(sizes=()), "no flavour of the cloud has 2 cpus, 1024 MiB RAM, 0 GiB disk, 0 GPUs; it has "),
        (offer(images=()), "has no image debian-12, and does not synchronise it"),
        (offer(cpus=(19, 20), instances=(10, 10)), "quota: 1 instances needed, 0 left; 2 cpus needed, 1 left"),
    ],
)
def test_what_a_cloud_cannot_give_now_is_against_choosing_it_and_not_against_staying(made, why) -> None:
    seen = judged(Declared("A"), world(offers={target("A"): made}))["A/one"]
    assert (seen.why_not, seen.why_not_anew) == ("", why)


def test_an_image_that_the_site_will_fetch_is_no_obstacle() -> None:
    site = {"clouds": [{**_cloud(), "imageSync": True}]}
    federation = Declared("A", site=site, vo={"images": [{"name": "debian-12"}]})
    assert judged(federation, world(offers={target("A"): offer(images=())}))["A/one"].why_not_anew == ""


def _cloud() -> dict:
    shares = [{"vo": "vo.example.org", "projectId": "0" * 32}]
    return {"name": "one", "driver": "simulated", "endpoint": "https://cloud.example.org/v3", "shares": shares}


@pytest.mark.parametrize(
    ("period", "why"),
    [
        ({"end": "2026-11-20"}, "the VO's allocation there ended on 2026-11-20"),
        ({"start": "2026-11-22"}, "the VO's allocation there begins on 2026-11-22"),
        ({"start": "2026-01-01", "end": "2026-11-21"}, ""),
    ],
)
def test_an_allocation_counts_while_it_lasts(period, why) -> None:
    federation = Declared("A", vo={"allocations": [{"site": "A", "vcpus": 8, **period}]})
    assert judged(federation, world())["A/one"].why_not == why


def test_an_allocation_that_other_clusters_use_is_not_there_twice() -> None:
    others = {Ref("VirtualCluster/tides/waves"): cluster(site="A", cloud="one", frontend={"image": "i", "cpus": 7})}
    federation = Declared("A", vo={"allocations": [{"site": "A", "vcpus": 8}]}, more=others)
    seen = judged(federation, world())["A/one"]
    assert seen.why_not_anew == "the VO has 8 vcpus there, 7 taken by its other clusters, 2 needed"


def test_a_paused_cloud_is_not_chosen() -> None:
    paused = {target("A"): "paused by anna: new switches"}
    assert judged(Declared("A", "B"), world(held=paused))["A/one"].why_not_anew == "paused by anna: new switches"


PROBE = Ref("Probe/tides/keystone")
PROBED = {"services": [{"name": "keystone", "type": "org.openstack.nova", "hostname": "cloud.example.org"}]}


def probed() -> dict:
    body = {"target": {"siteService": {"site": "A", "service": "keystone"}}, "plugin": "check_http"}
    return {PROBE: ProbeSpec.model_validate_json(encode(body))}


def test_a_cloud_whose_endpoint_is_down_is_not_chosen() -> None:
    federation = Declared("A", site=PROBED, more=probed())
    down = {("A", "keystone"): "keystone is CRITICAL since 2026-11-21 11:00: timeout", ("A", "other"): "x"}
    seen = judged(federation, world(ailing=down))["A/one"]
    assert seen.why_not_anew == "its service keystone is down: keystone is CRITICAL since 2026-11-21 11:00: timeout"


@pytest.mark.parametrize(
    ("measured", "target_percent", "why"),
    [
        (timedelta(days=20), 95, "was available for 93.0% of the time, 95.0% wanted"),
        (timedelta(days=20), 90, ""),
        (timedelta(hours=20), 95, ""),
    ],
)
def test_availability_is_held_against_the_vos_target_once_it_was_measured(measured, target_percent, why) -> None:
    allocations = [{"site": "A", "availabilityTarget": target_percent}]
    federation = Declared("A", site=PROBED, more=probed(), vo={"allocations": allocations})
    seen = judged(federation, world(probes={PROBE: Standing(0.93, measured, "", NOW)}))["A/one"]
    assert seen.why_not_anew == why


def failure(site: str, minutes: int, message: str = "403 Quota exceeded", done: bool = False) -> Create:
    return Create(REF, target(site), NOW - timedelta(minutes=minutes), done, 100.0, "QuotaExceeded", message)


def test_where_it_failed_lately_it_does_not_go_and_cannot_stay() -> None:
    seen = judged(Declared("A", "B"), world(failures={REF: (failure("A", 5),)}))
    assert seen["A/one"].why_not == (
        "failed here at 2026-11-21 11:55: 403 Quota exceeded (again after 2026-11-21 12:55)"
    )
    assert seen["B/one"].why_not_anew == ""
    assert judged(Declared("A"), world(failures={REF: (failure("A", 61),)}))["A/one"].why_not == ""


def test_after_so_many_sites_it_waits() -> None:
    tried = world(failures={REF: (failure("C", 20), failure("A", 5))}, policy=PlacePolicy(sites=2))
    seen = judged(Declared("A", "B"), tried)
    assert seen["B/one"].why_not_anew == (
        "not tried: 2 places failed, as many as may be tried (again after 2026-11-21 12:40)"
    )


def test_a_playbook_that_fails_is_not_the_sites_fault() -> None:
    assert failure("A", 1).blames_place
    assert not failure("A", 1, "virtualcluster/present.yml failed on wn-0: no such package").blames_place


def test_the_past_counts_less_the_older_it_is() -> None:
    week = 7 * 24 * 60
    past = Past.of([failure("A", week), failure("A", 0, done=True)], NOW)
    assert (past.succeeded, past.failed, past.seconds) == (1.0, 0.5, 100.0)


def test_each_part_of_a_score_speaks_for_itself_and_they_add_up() -> None:
    good, bad = Past(10, 0, 60.0), Past(1, 9, 2400.0)
    seen = judged(Declared("A", "B"), world(past={target("A"): good, target("B"): bad}))
    assert seen["A/one"].score > seen["B/one"].score
    assert sum(seen["A/one"].parts.values()) == pytest.approx(seen["A/one"].score)
    assert "100% of the creates there went well lately, ready in 60 s on average" in seen["A/one"].reason


def test_the_cheaper_of_two_clouds_scores_higher() -> None:
    offers = {
        target("A"): offer((Size("1", "s", 2, 2048, 9, price=0.2),)),
        target("B"): offer((Size("1", "s", 2, 2048, 9, price=0.1),)),
    }
    seen = judged(Declared("A", "B"), world(offers=offers))
    assert seen["B/one"].parts["price"] == 2 * seen["A/one"].parts["price"]
    assert "1 x s, the cheapest that fits, 0.1 an hour" in seen["B/one"].reason


def near(total: int, there: int) -> tuple[Declared, World]:
    part = {"digest": "0" * 64, "count": 2}
    rule = {"scope": "s", "name": "waves", "copies": 1, "locations": "*", "replicas": ["tides/waves.B.disk"]}
    if there:
        rule["placed"] = {"s:waves": {"B/disk": {**part, "bytes": there}}}
    data = {"scope": "s", "name": "waves", "files": [{"path": "a"}], "fileset": {**part, "bytes": total}}
    body = {"storage": {"site": "B", "name": "disk"}, "dataset": "s:waves", "fileset": {**part, "bytes": there}}
    copy = ReplicaSpec.model_validate_json(encode(body))
    more = {
        Ref("DatasetRule/tides/waves"): DatasetRuleSpec.model_validate_json(encode(rule)),
        Ref("Dataset/tides/waves"): DatasetSpec.model_validate_json(encode(data)),
    }
    applied = {Ref("Replica/tides/waves.B.disk"): copy}
    return Declared("A", "B", more=more), world(stands=applied.get, applied=applied.get)


def test_data_that_is_there_counts_in_bytes_and_the_rest_by_its_time() -> None:
    federation, seen = near(4_000_000_000_000, 3_000_000_000_000)
    found = judged(federation, seen, requirements={"near": "waves"})
    assert "holds 3.0 TB of 4.0 TB of the data, the rest in about 3 h at 100 MB/s" in found["B/one"].reason
    assert "4.0 TB of data to come in about 11 h at 100 MB/s" in found["A/one"].reason
    assert found["B/one"].parts["data"] > 5 * found["A/one"].parts["data"]
    federation, seen = near(40_000_000, 30_000_000)
    found = judged(federation, seen, requirements={"near": "waves"})
    assert found["B/one"].parts["data"] - found["A/one"].parts["data"] < 0.001


def test_an_elastic_group_grows_as_far_as_there_is_room() -> None:
    group = {"name": "wn", "min": 0, "max": 9, "image": "debian-12", "cpus": 2, "elasticity": {}}
    spec = cluster(site="A", cloud="one", workers=[group], software=[{"role": "slurm"}])
    standing = spec.model_copy(update={"workers": (spec.workers[0].model_copy(update={"nodes": (0,)}),)})
    wanted = [OpenChoice("workers.wn", tuple(Candidate(str(n)) for n in range(5)), 5, "6 jobs wait")]
    room = world(offers={target("A"): offer(cpus=(0, 5))}, stands=lambda _: standing)
    (choice,) = afforded(REF, spec, wanted, "workers.", room)
    assert choice.count == 3
    assert choice.reason == "6 jobs wait; 2 fewer than wanted: the cloud has no more room"
    assert [c.name for c in choice.candidates if c.why_not] == ["3", "4"]
    assert list(afforded(REF, spec, wanted, "workers.", world(stands=lambda _: standing))) == wanted


def test_what_a_group_has_at_least_stays_wanted_where_there_is_no_room_and_the_plan_says_so() -> None:
    group = {"name": "wn", "min": 3, "max": 9, "image": "debian-12", "cpus": 2, "elasticity": {}}
    spec = cluster(site="A", cloud="one", workers=[group], software=[{"role": "slurm"}])
    standing = spec.model_copy(update={"workers": (spec.workers[0].model_copy(update={"nodes": (0,)}),)})
    wanted = [OpenChoice("workers.wn", tuple(Candidate(str(n)) for n in range(5)), 5)]
    room = world(offers={target("A"): offer(cpus=(0, 3))}, stands=lambda _: standing)
    (choice,) = afforded(REF, spec, wanted, "workers.", room)
    assert choice.count == 3
    assert [c.name for c in choice.candidates if c.why_not] == ["3", "4"]


@pytest.mark.parametrize(
    ("share", "why"), [(0.79, "was available for 79.0% of the time, 80.0% wanted"), (0.8, ""), (None, "")]
)
def test_a_site_below_its_target_takes_nothing_new(share, why) -> None:
    known = {} if share is None else {"A": share}
    assert judged(Declared("A"), world(uptime=known))["A/one"].why_not_anew == why


def test_a_site_in_downtime_takes_nothing_new_and_keeps_what_it_has() -> None:
    outage = Outage(Ref("Downtime/works"), "A", NOW - timedelta(hours=1), NOW + timedelta(hours=3), "new cooling")
    seen = judged(Declared("A", "B"), world(outages={"A": (outage,)}))
    until = f"{NOW + timedelta(hours=3):%Y-%m-%d %H:%MZ}"
    assert (seen["A/one"].why_not, seen["A/one"].why_not_anew) == (
        "",
        f"is down until {until}: new cooling (Downtime/works)",
    )
    assert seen["B/one"].why_not_anew == ""


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({"observeOnly": True}, "the site is observe-only: Hanse changes nothing there (spec.limits.observeOnly)"),
        ({"kinds": ["Replica"]}, "the site takes no VirtualCluster (spec.limits.kinds: Replica)"),
        ({"total": {"instances": 1}}, "the site lets the federation take 1 instances, 1 taken, 1 needed"),
        ({"perVO": {"vcpus": 1}}, "the site lets vo.example.org take 1 vcpus, 2 taken, 2 needed"),
        (
            {"vos": [{"vo": "vo.example.org", "ramGiB": 1}]},
            "the site lets vo.example.org take 1 ramGiB, 1 taken, 1 needed",
        ),
        (
            {"allocationsRequired": True},
            "the site gives nothing without an allocation (spec.limits.allocationsRequired)",
        ),
    ],
)
def test_what_a_site_does_not_let_happen_is_against_choosing_it_and_not_against_staying(limits, why) -> None:
    other = {Ref("VirtualCluster/tides/other"): cluster(site="A", cloud="one")}
    seen = judged(Declared("A", site={"limits": limits}, more=other), world())["A/one"]
    assert (seen.why_not, seen.why_not_anew) == ("", why)
