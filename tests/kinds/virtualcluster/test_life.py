"""The life of a cluster on the simulated cloud."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from reconciler.kinds.virtualcluster import KIND
from reconciler.model import Change, Done, Failed, Reason, Ref, Started, Unknown, Wanted
from reconciler.plan.diff import changes
from reconciler.ports import NodeRequest

OTHER, RENAMED = Ref("VirtualCluster/tides/other"), Ref("VirtualCluster/tides/renamed")
FRONT, ONE, TWO = (f"5ed15ed15ed1-{place}" for place in ("frontend-0", "workers-0", "workers-1"))


def differences(stage, desired) -> dict[str, tuple[object, object]]:
    """What a plan would show: path -> (before, after)."""
    seen = orjson.loads(stage.look(desired).spec.canonical())
    return {c.path: (c.before, c.after) for c in changes(orjson.loads(desired.canonical()), seen, None)}


def test_nothing_is_there_before_it_is_made(stage) -> None:
    assert stage.gone(stage.spec())


def test_a_cluster_comes_up_and_is_then_as_wanted(stage) -> None:
    stage.simulate = {"boot_seconds": 20, "ssh_seconds": 5, "configure_seconds": 60}
    desired = stage.spec()
    answer = stage.up(desired)
    assert isinstance(answer, Done), answer
    assert sorted(stage.nodes()) == [FRONT, ONE, TWO]
    assert stage.look(desired).digest == desired.digest()
    assert stage.look(desired).healthy
    assert set(stage.world.configured(stage.playbook)) == {FRONT, ONE, TWO}


def test_a_put_never_waits(stage) -> None:
    stage.simulate = {"boot_seconds": 3600}
    before = stage.clock.now()
    answer = stage.put(stage.spec())
    assert isinstance(answer, Started)
    assert answer.look_again_in > 0
    assert stage.clock.now() == before


def test_without_delays_one_put_is_enough(stage) -> None:
    assert isinstance(stage.put(stage.spec()), Done)


def test_outputs_are_addresses_and_endpoints(stage) -> None:
    desired = stage.spec(network={"ports": ["22/tcp", "80/tcp", "6000-6010/udp"]})
    answer = stage.up(desired)
    front = stage.nodes()[FRONT].addresses[0]
    assert answer.outputs["frontend_address"] == front
    assert answer.outputs["worker_addresses"] == [stage.nodes()[n].addresses[0] for n in (ONE, TWO)]
    assert answer.outputs["endpoints"] == [f"ssh://{front}:22", f"http://{front}:80"]
    assert stage.look(desired).outputs == answer.outputs


def test_a_front_end_with_a_public_address_comes_up_and_keeps_it_when_it_is_made_anew_in_its_place(stage) -> None:
    desired = stage.spec(network={"publicAddress": True})
    answer = stage.up(desired)
    assert isinstance(answer, Done), answer
    larger = stage.spec(network={"publicAddress": True}, frontend={"image": "debian-12", "cpus": 4})
    for verb, spec in ((KIND.remove, desired), (KIND.put, larger)):
        half = lambda s, handle, verb=verb: verb(  # noqa: E731
            stage.target, [replace(stage.change(s, handle), again=True)], stage
        )[stage.ref]
        after = stage.follow(half, spec)
    assert after.outputs["frontend_address"] == answer.outputs["frontend_address"]
    stage.down(larger)
    assert stage.gone(larger)


def test_a_second_put_changes_nothing(stage) -> None:
    desired = stage.spec()
    stage.up(desired)
    before = stage.world.calls()
    assert isinstance(stage.put(desired), Done)
    assert {v: n - before.get(v, 0) for v, n in stage.world.calls().items() if n != before.get(v, 0)} == {"list": 1}


def test_one_call_reads_all_clusters_of_a_target(stage) -> None:
    stage.up(stage.spec())
    before = stage.world.calls()["list"]
    wanted = [Wanted(stage.ref, stage.uid, stage.spec()), Wanted(OTHER, "f" * 32, stage.spec())]
    reading = KIND.observe(stage.target, wanted, stage)
    assert stage.world.calls()["list"] == before + 1
    assert len(reading.results) == 2
    assert reading.token
    assert KIND.observe(stage.target, wanted, stage, reading.token).unchanged


def test_a_worker_more(stage) -> None:
    stage.up(stage.spec())
    desired = stage.spec(workers=stage.workers(3))
    assert differences(stage, desired) == {"spec.workers[0].count": (2, 3)}
    before = set(stage.nodes())
    assert isinstance(stage.up(desired), Done)
    assert set(stage.nodes()) - before == {"5ed15ed15ed1-workers-2"}
    assert differences(stage, desired) == {}


def test_a_worker_less_takes_the_highest_number(stage) -> None:
    stage.up(stage.spec())
    desired = stage.spec(workers=stage.workers(1))
    assert differences(stage, desired) == {"spec.workers[0].count": (2, 1)}
    assert isinstance(stage.up(desired), Done)
    assert sorted(stage.nodes()) == [FRONT, ONE]
    assert differences(stage, desired) == {}


def test_the_others_are_configured_without_a_worker_before_it_goes(stage) -> None:
    stage.up(stage.spec())
    stage.simulate = {"configure_seconds": 60}
    assert isinstance(stage.put(stage.spec(workers=stage.workers(1))), Started)
    assert sorted(stage.nodes()) == [FRONT, ONE, TWO]


def test_a_variable_changed_runs_the_playbook_and_makes_no_node(stage) -> None:
    stage.up(stage.spec())
    digests, ids = stage.world.configured(stage.playbook), {n: v.id for n, v in stage.nodes().items()}
    desired = stage.spec(software=[{"role": "web", "variables": {"title": "two"}}])
    assert differences(stage, desired) == {"spec.software[0].variables.title": ("one", "two")}
    assert isinstance(stage.up(desired), Done)
    assert {n: v.id for n, v in stage.nodes().items()} == ids
    after = stage.world.configured(stage.playbook)
    assert after.keys() == digests.keys()
    assert not set(after.values()) & set(digests.values())
    assert differences(stage, desired) == {}


def test_a_lost_worker_is_shown_as_one_less_and_made_again(stage) -> None:
    desired = stage.spec()
    stage.up(desired)
    kept = {n: v.id for n, v in stage.nodes().items() if n != ONE}
    stage.world.destroy_behind_our_back(ONE)
    made = stage.world.calls()["create"]
    assert differences(stage, desired) == {"spec.workers[0].count": (1, 2)}
    assert isinstance(stage.up(desired), Done)
    assert stage.world.calls()["create"] == made + 1
    assert {n: v.id for n, v in stage.nodes().items() if n != ONE} == kept
    assert differences(stage, desired) == {}


def test_a_lost_front_end_is_made_again_and_no_worker_touched(stage) -> None:
    desired = stage.spec()
    stage.up(desired)
    kept = {n: v.id for n, v in stage.nodes().items() if n != FRONT}
    stage.world.destroy_behind_our_back(FRONT)
    assert differences(stage, desired) == {"spec.frontend.count": (0, 1)}
    assert isinstance(stage.up(desired), Done)
    assert {n: v.id for n, v in stage.nodes().items() if n != FRONT} == kept
    assert differences(stage, desired) == {}


def test_a_node_in_error_is_replaced_alone(stage) -> None:
    desired = stage.spec()
    stage.up(desired)
    ids = {n: v.id for n, v in stage.nodes().items()}
    stage.world.break_behind_our_back(TWO, "the disk is gone")
    assert differences(stage, desired) == {"spec.workers[0].count": (1, 2), "spec.workers[0].unready": (1, 0)}
    assert "the disk is gone" in stage.look(desired).note
    assert stage.look(desired).healthy is False
    assert isinstance(stage.up(desired), Done)
    assert {n for n, v in stage.nodes().items() if ids[n] != v.id} == {TWO}
    assert differences(stage, desired) == {}


def test_a_stopped_node_is_started_and_not_replaced(stage) -> None:
    desired = stage.spec()
    stage.up(desired)
    ids = {n: v.id for n, v in stage.nodes().items()}
    stage.world.stop_behind_our_back(FRONT)
    assert differences(stage, desired) == {"spec.frontend.count": (0, 1), "spec.frontend.unready": (1, 0)}
    assert isinstance(stage.up(desired), Done)
    assert {n: v.id for n, v in stage.nodes().items()} == ids
    assert differences(stage, desired) == {}


def test_a_resized_worker_is_shown_with_its_flavour_and_replaced(stage) -> None:
    desired = stage.spec()
    stage.up(desired)
    ids = {n: v.id for n, v in stage.nodes().items()}
    stage.world.resize_behind_our_back(ONE, "2xlarge", 16, 32768)
    assert differences(stage, desired) == {"spec.workers[0].flavour": ("2xlarge", None)}
    assert isinstance(stage.up(desired), Done)
    assert {n for n, v in stage.nodes().items() if ids[n] != v.id} == {ONE}
    assert differences(stage, desired) == {}


def test_a_resized_front_end_is_shown_on_a_field_that_needs_a_replace(stage) -> None:
    desired = stage.spec()
    stage.up(desired)
    stage.world.resize_behind_our_back(FRONT, "2xlarge", 16, 32768)
    assert set(differences(stage, desired)) == {"spec.frontend.flavour"}
    assert "spec.frontend.flavour" in KIND.immutable


def test_workers_of_another_image_are_replaced_a_quarter_at_a_time(stage) -> None:
    stage.up(stage.spec(workers=stage.workers(8)))
    desired = stage.spec(workers=stage.workers(8, image="debian-13"))
    assert differences(stage, desired) == {"spec.workers[0].image": ("debian-12", "debian-13")}
    handle, fewest = "", 9
    answer = stage.put(desired)
    while isinstance(answer, Started):
        handle = answer.handle
        fewest = min(fewest, len(stage.nodes()))
        answer = stage.put(desired, handle)
    assert isinstance(answer, Done)
    assert fewest == 7
    assert {v.image for n, v in stage.nodes().items() if n != FRONT} == {"debian-13"}
    stage.applied = desired
    assert differences(stage, desired) == {}


def test_a_group_more_and_a_group_less(stage) -> None:
    stage.up(stage.spec())
    other = {"name": "big", "image": "debian-12", "flavour": "highmem", "count": 1}
    both = stage.spec(workers=[*stage.workers(2), other])
    assert differences(stage, both) == {"spec.workers[1].count": (0, 1)}
    stage.up(both)
    assert stage.nodes()["5ed15ed15ed1-big-0"].size == "highmem"
    assert differences(stage, both) == {}
    only = stage.spec(workers=[other])
    assert "spec.workers" in differences(stage, only)
    stage.up(only)
    assert sorted(stage.nodes()) == ["5ed15ed15ed1-big-0", FRONT]
    assert differences(stage, only) == {}


def test_any_number_within_the_bounds_is_as_wanted(stage) -> None:
    elastic = stage.spec(workers=stage.workers(min=1, max=3))
    stage.up(elastic)
    assert sorted(stage.nodes()) == [FRONT, ONE]
    stage.up(stage.spec(workers=stage.workers(3)))
    stage.applied = elastic
    assert differences(stage, elastic) == {}
    stage.up(stage.spec(workers=stage.workers(5)))
    stage.applied = elastic
    assert differences(stage, elastic) == {"spec.workers[0].max": (5, 3)}
    stage.up(elastic)
    assert len(stage.nodes()) == 4
    stage.world.destroy_behind_our_back(ONE)
    stage.world.destroy_behind_our_back(TWO)
    stage.world.destroy_behind_our_back("5ed15ed15ed1-workers-2")
    assert differences(stage, elastic) == {"spec.workers[0].min": (0, 1)}


def test_an_empty_elastic_group_is_as_wanted(stage) -> None:
    desired = stage.spec(workers=stage.workers(min=0, max=3))
    assert isinstance(stage.up(desired), Done)
    assert sorted(stage.nodes()) == [FRONT]
    assert differences(stage, desired) == {}


def test_a_lifetime_changed_is_a_change_of_its_own(stage) -> None:
    stage.up(stage.spec(lifetime={"days": 30}))
    desired = stage.spec(lifetime={"days": 60})
    assert differences(stage, desired) == {"spec.lifetime.days": (30, 60)}
    assert isinstance(stage.up(desired), Done)
    assert differences(stage, desired) == {}


def test_removal_leaves_nothing_and_may_be_repeated(stage) -> None:
    stage.simulate = {"destroy_seconds": 10}
    desired = stage.spec()
    stage.up(desired)
    assert isinstance(stage.remove(desired), Started)
    assert isinstance(stage.down(desired), Done)
    assert stage.nodes() == {}
    assert stage.gone(desired)
    assert isinstance(stage.down(desired), Done)


def test_removal_leaves_others_alone(stage) -> None:
    desired = stage.spec()
    stage.up(desired)
    other = KIND.put(stage.target, [Change(OTHER, "f" * 32, 1, desired)], stage)
    assert isinstance(other[OTHER], Done)
    stage.down(desired)
    assert sorted(stage.nodes()) == ["ffffffffffff-frontend-0", "ffffffffffff-workers-0", "ffffffffffff-workers-1"]


def test_nodes_with_our_mark_that_nobody_wants_are_strays(stage) -> None:
    desired = stage.spec()
    stage.up(desired)
    (stray,) = stage.read(desired, uid="f" * 32).strays
    assert (stray.uid, stray.name, stray.kind) == (stage.uid, "VirtualCluster/tides/sediment", "VirtualCluster")
    assert stage.read(desired).strays == ()


def test_nodes_that_a_person_made_are_left_alone(stage) -> None:
    compute = stage.compute(stage.target)
    compute.create(NodeRequest("build-server-1", compute.sizes()[0], compute.images()[0]))
    desired = stage.spec()
    stage.up(desired)
    assert stage.read(desired).strays == ()
    stage.down(desired)
    assert list(stage.nodes()) == ["build-server-1"]


def test_a_node_that_lost_its_marks_is_found_by_its_name(stage) -> None:
    desired = stage.spec()
    stage.up(desired)
    ids = {n: v.id for n, v in stage.nodes().items()}
    stage.world.mark_behind_our_back(ONE, {})
    assert set(differences(stage, desired)) >= {"spec.workers[0].count"}
    assert isinstance(stage.up(desired), Done)
    assert {n: v.id for n, v in stage.nodes().items()} == ids
    assert differences(stage, desired) == {}


def test_the_new_name_of_a_moved_cluster_is_put_on_its_nodes(stage) -> None:
    desired = stage.spec()
    stage.up(desired)
    change = Change(RENAMED, stage.uid, 2, desired)
    KIND.put(stage.target, [change], stage)
    assert {v.metadata["hanse-ref"] for v in stage.nodes().values()} == {RENAMED}


@pytest.mark.parametrize("harm", ["nothing", "lost", "error", "stopped", "resized", "unmarked", "other-variable"])
def test_looking_again_with_what_was_seen_shows_the_same(stage, harm) -> None:
    """What apply checks just before it acts: it has only the spec that the plan saw."""
    desired = stage.spec()
    stage.up(desired)
    world = stage.world
    match harm:
        case "lost":
            world.destroy_behind_our_back(ONE)
        case "error":
            world.break_behind_our_back(ONE)
        case "stopped":
            world.stop_behind_our_back(FRONT)
        case "resized":
            world.resize_behind_our_back(TWO, "small", 1, 2048)
        case "unmarked":
            world.mark_behind_our_back(TWO, {})
        case "other-variable":
            world.mark_behind_our_back(TWO, {**stage.nodes()[TWO].metadata, "hanse-config": "0.0"})
    changed = stage.spec(workers=stage.workers(4, image="debian-13"), software=[{"role": "web"}])
    for wanted in (desired, changed):
        seen = stage.look(wanted)
        for spec in (wanted, seen.spec) if wanted is desired else (wanted,):
            again = KIND.observe(stage.target, [Wanted(stage.ref, stage.uid, spec, seen.spec)], stage)
            assert again.results[stage.ref].digest == seen.digest


def test_a_change_of_a_secret_reference_is_seen_and_its_value_is_not(stage) -> None:
    stage.secrets = {"ONE": "s3cret", "TWO": "other"}
    desired = stage.spec(software=[{"role": "web", "variables": {"password": {"secretRef": {"env": "ONE"}}}}])
    assert isinstance(stage.up(desired), Done)
    stage.secrets = {"ONE": "changed", "TWO": "other"}
    assert differences(stage, desired) == {}
    other = stage.spec(software=[{"role": "web", "variables": {"password": {"secretRef": {"env": "TWO"}}}}])
    assert differences(stage, other) == {"spec.software[0].variables.password.secretRef.env": ("ONE", "TWO")}
    assert b"s3cret" not in stage.world.path.read_bytes()


def test_a_missing_secret_is_a_matter_for_a_person(stage) -> None:
    desired = stage.spec(software=[{"role": "web", "variables": {"password": {"secretRef": {"env": "NONE"}}}}])
    answer = stage.up(desired)
    assert isinstance(answer, Failed)
    assert answer.fate == "terminal"
    assert "NONE" in answer.message


def test_secrets_travel_apart_from_variables(stage, monkeypatch) -> None:
    stage.secrets = {"ONE": "s3cret"}
    requests = []
    start = type(stage.compute(stage.target)).start
    monkeypatch.setattr(type(stage.compute(stage.target)), "start", lambda s, r: requests.append(r) or start(s, r))
    stage.up(
        stage.spec(software=[{"role": "web", "variables": {"password": {"secretRef": {"env": "ONE"}}, "port": 80}}])
    )
    (request,) = requests
    assert list(request.secrets.values()) == ["s3cret"]
    (carrier,) = request.secrets
    assert request.variables["hanse_software"] == [
        {"role": "web", "variables": {"password": "{{ " + carrier + " }}", "port": 80}}
    ]
    assert "s3cret" not in str(request.variables)


def test_a_part_of_the_list_proves_nothing(stage) -> None:
    desired = stage.spec()
    stage.up(desired)
    stage.simulate = {"faults": [{"on": "list", "kind": "partial", "every": 1}]}
    reading = stage.read(desired)
    assert not reading.complete
    assert isinstance(reading.results[stage.ref], Unknown)
    assert stage.put(desired).fate == "transient"
    assert stage.remove(desired).fate == "transient"
    assert len(stage.nodes()) == 3


def test_the_quota_is_checked_before_anything_is_made(stage) -> None:
    stage.simulate = {"quota": {"instances": 2, "cpus": 100}}
    answer = stage.put(stage.spec())
    assert isinstance(answer, Failed)
    assert (answer.fate, answer.reason) == ("terminal", Reason.QUOTA_EXCEEDED)
    assert "3 instances, 2 left" in answer.message
    assert stage.nodes() == {}


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        ({"image": "debian-12", "flavour": "enormous"}, "no flavour enormous"),
        ({"image": "debian12"}, "did you mean debian-12?"),
        ({"image": "debian-12", "cpus": 1000}, "1000 cpus"),
    ],
)
def test_what_the_cloud_does_not_offer_is_a_matter_for_a_person(stage, machine, said) -> None:
    answer = stage.put(stage.spec(frontend=machine))
    assert isinstance(answer, Failed)
    assert answer.fate == "terminal"
    assert said in answer.message


def test_gpus_choose_a_flavour_that_has_them(stage) -> None:
    stage.up(stage.spec(workers=stage.workers(1, gpus=2)))
    assert stage.nodes()[ONE].size == "gpu-large"
    assert stage.nodes()[FRONT].size == "medium"
