"""A cluster with a group at another site, on two simulated clouds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.drivers.simulated import World
from reconciler.kinds.virtualcluster import KIND, VirtualClusterSpec
from reconciler.kinds.virtualcluster.beside import Joined, place_of
from reconciler.kinds.virtualcluster.connect import BESIDE, connect_all
from reconciler.kinds.virtualcluster.overlay import overlay_address
from reconciler.model import Absent, Change, Done, Failed, Ref, Target, Unknown, Wanted
from tests.kinds.virtualcluster.conftest import Stage, spec

FRONT, NEAR, FAR = (f"5ed15ed15ed1-{place}" for place in ("frontend-0", "workers-0", "burst-0"))
OTHER = "compute:SITE-B/cloud/vo.example.org"


@dataclass
class TwoSites(Stage):
    """A cloud that another one may join."""

    joins: bool = True

    @property
    def target(self) -> Target:
        home = super().target
        way = {"driver": "simulated", "options": {"state": str(self.path), "simulate": self.simulate_there}}
        return replace(home, options={**home.options, BESIDE: {"SITE-B/cloud": way} if self.joins else {}})

    @property
    def there(self) -> Target:
        return Target(OTHER, "simulated", {"state": str(self.path)})

    simulate_there: Any = None

    def change(self, desired: VirtualClusterSpec, handle: str = "") -> Change:
        return replace(super().change(desired, handle), before=self.applied)

    def nodes_there(self) -> dict[str, Any]:
        return {n.name: n for n in self.compute(self.there).nodes().nodes}


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[TwoSites]:
    yield TwoSites(tmp_path, {"any_host": True}, simulate_there={})
    World.close_all()


def hybrid(count: int = 2, site: str | None = "SITE-B", **changes: Any) -> VirtualClusterSpec:
    groups = [
        {"name": "workers", "count": 1, "image": "debian-12", "cpus": 4},
        {"name": "burst", "count": count, "image": "debian-12", "cpus": 4, **({"site": site} if site else {})},
    ]
    software = [{"role": "wireguard", "variables": {}}, {"role": "web", "variables": {}}]
    return spec(workers=groups, software=software, **changes)


def test_machines_are_made_where_their_group_says(sites: TwoSites) -> None:
    sites.simulate["boot_seconds"] = 5
    assert isinstance(sites.up(hybrid()), Done)
    assert sorted(sites.nodes()) == [FRONT, NEAR]
    assert sorted(sites.nodes_there()) == [FAR, FAR.replace("-0", "-1")]
    seen = sites.look(hybrid())
    assert seen.digest == hybrid().digest()
    assert seen.healthy
    assert isinstance(sites.put(hybrid()), Done)


def test_what_machines_at_both_sites_carry_is_told_by_the_names_they_have_here(sites: TwoSites) -> None:
    sites.simulate |= {"received_per_second": 10}
    sites.simulate_there |= {"received_per_second": 1}
    assert isinstance(sites.up(hybrid(1)), Done)
    both = Joined(sites.target, ["SITE-B/cloud"], sites)
    names = {node.id: node.name for node in both.nodes().nodes}
    sites.clock.advance(100)
    carried = {names[node]: traffic.received for node, traffic in both.traffic(list(names)).items()}
    assert carried[FRONT] == carried[NEAR] >= 1000 > carried[FAR] >= 100


def test_one_run_configures_all_and_tells_who_is_where(sites: TwoSites) -> None:
    sites.up(hybrid(1))
    given = sites.world.configured(sites.playbook)
    assert set(given) == {FRONT, NEAR, FAR}


def test_a_group_grows_shrinks_and_goes(sites: TwoSites) -> None:
    sites.up(hybrid(1))
    sites.up(hybrid(3))
    assert len(sites.nodes_there()) == 3
    sites.up(hybrid(1))
    assert list(sites.nodes_there()) == [FAR]
    sites.up(spec(workers=spec().workers and [{"name": "workers", "count": 1, "image": "debian-12", "cpus": 4}]))
    assert sites.nodes_there() == {}


def test_a_group_moves_to_another_site(sites: TwoSites) -> None:
    sites.up(hybrid(2, site=None))
    assert len(sites.nodes()) == 4
    seen = sites.look(hybrid(2)).spec
    assert isinstance(seen, VirtualClusterSpec)
    assert seen.workers[1].site is None
    sites.up(hybrid(2))
    assert (len(sites.nodes()), len(sites.nodes_there())) == (2, 2)
    assert sites.look(hybrid(2)).digest == hybrid(2).digest()


def test_a_machine_that_is_lost_there_is_made_anew_there(sites: TwoSites) -> None:
    sites.up(hybrid(1))
    cloud = sites.compute(sites.there)
    cloud.destroy(sites.nodes_there()[FAR].id)
    seen = sites.look(hybrid(1)).spec
    assert isinstance(seen, VirtualClusterSpec)
    assert seen.workers[1].count == 0
    sites.up(hybrid(1))
    assert list(sites.nodes_there()) == [FAR]


def test_nothing_is_left_at_either_site(sites: TwoSites) -> None:
    sites.up(hybrid())
    assert isinstance(sites.down(hybrid()), Done)
    assert (sites.nodes(), sites.nodes_there()) == ({}, {})
    assert sites.gone(hybrid())


def test_a_site_that_cannot_be_read_leaves_the_cluster_unknown_and_no_other(sites: TwoSites) -> None:
    sites.up(hybrid(1))
    sites.simulate_there = {"faults": [{"on": "list", "kind": "503", "probability": 1.0}]}
    seen = sites.read(hybrid(1)).results[sites.ref]
    assert isinstance(seen, Unknown)
    assert "SITE-B" in seen.reason
    other = Wanted(Ref("VirtualCluster/tides/other"), "f" * 32, spec())
    assert isinstance(KIND.observe(sites.target, [other], sites).results[other.ref], Absent)


def test_the_other_site_takes_nobody_elses_machines_for_strays(sites: TwoSites) -> None:
    sites.up(hybrid(1))
    assert KIND.observe(sites.there, [], sites).strays == ()


def test_a_cloud_that_does_not_join_is_named_with_the_cure(sites: TwoSites) -> None:
    sites.joins = False
    answer = sites.put(hybrid())
    assert isinstance(answer, Failed)
    assert "SITE-B is none of the clouds that join" in answer.message
    assert "joins: [SITE-B/CLOUD]" in answer.message
    assert isinstance(sites.read(hybrid()).results[sites.ref], Unknown)


def test_a_group_at_the_clusters_own_cloud_is_no_other_place(sites: TwoSites) -> None:
    group = hybrid(site="SITE-A").workers[1]
    assert place_of(group, sites.target) == ""


def test_addresses_inside_do_not_depend_on_who_else_is_there() -> None:
    few, many = hybrid(1), hybrid(200)
    assert overlay_address(few, "frontend", 0) == "10.220.0.1"
    assert overlay_address(few, "workers", 0) == overlay_address(many, "workers", 0) == "10.220.4.1"
    assert overlay_address(many, "burst", 199) == "10.220.8.200"
    assert overlay_address(spec(), "frontend", 0) == ""


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        ("virtualcluster-overlay", {"network": "10.220.0.0/24"}),
        ("virtualcluster-overlay", {"network": "a wide one"}),
        ("virtualcluster-overlay", {"network": "10.220.0.0/30"}),
    ],
)
def test_a_network_without_room_is_refused(rule: str, changed: dict[str, str]) -> None:
    wanted = hybrid(20).model_copy(
        update={"software": spec(software=[{"role": "wireguard", "variables": changed}]).software}
    )
    assert faults(rule, wanted)


def faults(rule: str, wanted: VirtualClusterSpec) -> list[str]:
    check = next(one.check for one in KIND.rules if one.id == rule)
    return [fault.path for fault in check(Ref("VirtualCluster/tides/sediment"), wanted)]


def test_groups_apart_without_a_network_between_them_are_warned_of() -> None:
    apart = hybrid().model_copy(update={"software": ()})
    assert faults("virtualcluster-joined", apart) == ["spec.workers[1].site"]
    assert faults("virtualcluster-joined", hybrid()) == []


class Federation:
    """Two sites; the first lets the second join."""

    def __init__(self, **clouds: Any) -> None:
        self.sites = clouds

    def get(self, ref: Ref) -> Any:
        return self.sites.get(ref.name.replace("-", "_"))


def test_the_way_to_clouds_that_join_comes_from_their_own_sites(sites: TwoSites) -> None:
    from reconciler.kinds.site.spec import SiteSpec

    def site(endpoint: str, **options: Any) -> SiteSpec:
        cloud = {"name": "cloud", "driver": "simulated", "endpoint": endpoint, "options": options}
        return SiteSpec.model_validate({"clouds": (cloud,)}, strict=False)

    class Plain:
        def options(self, target_id: str, driver: str) -> tuple[str, dict[str, Any]]:
            return driver, {}

    federation = Federation(
        SITE_A=site("https://a.example.org", joins=["SITE-B/cloud", "SITE-C/x"]), SITE_B=site("https://b.example.org")
    )
    target = connect_all("compute:SITE-A/cloud/vo.example.org", federation, Plain())
    assert set(target.options[BESIDE]) == {"SITE-B/cloud"}
    assert target.options[BESIDE]["SITE-B/cloud"]["options"]["endpoint"] == "https://b.example.org"
    assert BESIDE not in connect_all(OTHER, federation, Plain()).options


def without_far() -> VirtualClusterSpec:
    return hybrid().model_copy(update={"workers": hybrid().workers[:1]})


def test_machines_of_a_group_that_git_drops_before_it_ever_stood_are_found_and_taken_away(sites: TwoSites) -> None:
    sites.up(hybrid(1))
    sites.applied = None  # as if it had never come to its end
    seen = sites.look(without_far()).spec
    assert isinstance(seen, VirtualClusterSpec)
    assert [(g.name, g.site, g.cloud) for g in seen.workers] == [("workers", None, None), ("burst", "SITE-B", "cloud")]
    sites.applied = seen
    sites.up(without_far())
    assert sites.nodes_there() == {}
    assert sites.look(without_far()).digest == without_far().digest()
    sites.simulate_there = {"faults": [{"on": "list", "kind": "503", "probability": 1.0}]}
    assert sites.look(without_far()).healthy, "the other site is none of its business any more"


def test_so_are_those_that_were_asked_for_by_an_update_that_failed(sites: TwoSites) -> None:
    sites.up(without_far())
    sites.simulate["faults"] = [{"on": "run", "kind": "task", "probability": 1.0}]
    assert isinstance(sites.follow(sites.put, hybrid(1)), Failed)
    assert len(sites.nodes_there()) == 1
    seen = sites.look(without_far()).spec
    assert isinstance(seen, VirtualClusterSpec)
    assert [g.name for g in seen.workers] == ["workers", "burst"]


def test_a_place_that_joins_no_more_and_may_hold_machines_is_not_forgotten(sites: TwoSites) -> None:
    sites.up(hybrid(1))
    sites.applied, sites.joins = None, False
    seen = sites.read(without_far()).results[sites.ref]
    assert isinstance(seen, Unknown)
    assert "SITE-B/cloud does not join any more" in seen.reason
