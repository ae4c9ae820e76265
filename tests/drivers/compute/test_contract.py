"""What every compute driver does, whatever the cloud behind it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from reconciler.errors import Terminal
from reconciler.ports import Compute, Node, NodeListing, NodeRequest
from tests.real.waiting import until

OWNER, OTHER = "a" * 32, "b" * 32


def request_of(cloud, compute: Compute, name: str, owner: str = OWNER, **metadata: str) -> NodeRequest:
    size = min(compute.sizes(), key=lambda s: (s.gpus, s.cpus, s.ram_mib, s.disk_gib))
    image = next(i for i in compute.images() if i.name == cloud.image)
    marks = {"hanse-uid": owner, **metadata}
    return NodeRequest(
        name, size, image, security_ports=("22/tcp",), metadata=marks, owner=owner, note=f"cloud of {owner}"
    )


def wait_for(compute: Compute, right: Callable[[dict[str, Node]], bool]) -> dict[str, Node]:
    """The nodes by their names, once they are as wanted."""
    seen = until("nodes as wanted", compute.nodes, lambda listing: listing.complete and right(_named(listing)))
    return _named(seen)


def _named(listing: NodeListing) -> dict[str, Node]:
    return {node.name: node for node in listing.nodes}


def test_a_new_cloud_is_empty_and_completely_read(cloud) -> None:
    listing = cloud.client().nodes()
    assert listing.nodes == ()
    assert listing.complete


def test_sizes_and_images_are_named_once(cloud) -> None:
    compute = cloud.client()
    names = [s.name for s in compute.sizes()]
    assert names
    assert len(set(names)) == len(names)
    assert all(s.cpus > 0 and s.ram_mib > 0 for s in compute.sizes())
    assert cloud.image in [i.name for i in compute.images()]


def test_a_created_node_comes_up_with_what_was_asked_for(cloud) -> None:
    compute = cloud.client()
    request = request_of(cloud, compute, "aaaaaaaaaaaa-workers-0", **{"hanse-group": "workers"})
    made = compute.create(request)
    assert made.name == request.name
    node = wait_for(compute, lambda there: there[request.name].state == "running")[request.name]
    assert node.id == made.id
    assert node.size == request.size.name
    assert node.image in ("", cloud.image)
    assert dict(node.metadata) == dict(request.metadata)
    assert node.addresses


def test_nothing_is_known_of_the_traffic_of_what_is_not_there(cloud) -> None:
    compute = cloud.client()
    assert compute.traffic([]) == compute.traffic(["no-such-node"]) == {}


def test_another_client_sees_the_node(cloud) -> None:
    compute = cloud.client()
    made = compute.create(request_of(cloud, compute, "aaaaaaaaaaaa-workers-0"))
    assert [n.id for n in cloud.client().nodes().nodes] == [made.id]


def test_asking_twice_for_one_name_makes_one_node(cloud) -> None:
    compute = cloud.client()
    request = request_of(cloud, compute, "aaaaaaaaaaaa-workers-0")
    first = compute.create(request)
    assert cloud.client().create(request).id == first.id
    assert len(compute.nodes().nodes) == 1


def test_creates_at_the_same_time_do_not_disturb_each_other(cloud) -> None:
    compute = cloud.client()
    requests = [request_of(cloud, compute, f"aaaaaaaaaaaa-workers-{i}") for i in range(6)]
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(compute.create, requests))
    there = wait_for(compute, lambda there: {n.state for n in there.values()} == {"running"})
    assert set(there) == {r.name for r in requests}
    assert len({n.id for n in made}) == 6
    assert len({n.addresses for n in there.values()}) == 6


def test_a_destroyed_node_goes_and_the_others_stay(cloud) -> None:
    compute = cloud.client()
    gone, stays = (compute.create(request_of(cloud, compute, f"aaaaaaaaaaaa-workers-{i}")) for i in range(2))
    compute.destroy(gone.id)
    assert set(wait_for(compute, lambda there: gone.name not in there)) == {stays.name}


def test_a_node_that_is_gone_may_be_destroyed_again(cloud) -> None:
    compute = cloud.client()
    node = compute.create(request_of(cloud, compute, "aaaaaaaaaaaa-workers-0"))
    compute.destroy(node.id)
    wait_for(compute, lambda there: not there)
    compute.destroy(node.id)


def test_a_name_may_be_used_again_for_a_new_node(cloud) -> None:
    compute = cloud.client()
    request = request_of(cloud, compute, "aaaaaaaaaaaa-workers-0")
    old = compute.create(request)
    compute.destroy(old.id)
    wait_for(compute, lambda there: not there)
    new = compute.create(request)
    assert new.id != old.id
    assert compute.nodes().nodes[0].metadata == dict(request.metadata)


def test_marks_are_merged_into_the_metadata(cloud) -> None:
    compute = cloud.client()
    node = compute.create(request_of(cloud, compute, "aaaaaaaaaaaa-workers-0", **{"hanse-ref": "old"}))
    wait_for(compute, lambda there: there[node.name].state == "running")
    compute.mark(node.id, {"hanse-config": "0123", "hanse-ref": "new"})
    metadata = cloud.client().nodes().nodes[0].metadata
    assert dict(metadata) == {"hanse-uid": "a" * 32, "hanse-ref": "new", "hanse-config": "0123"}


def test_marking_a_node_that_is_not_there_is_an_error(cloud) -> None:
    with pytest.raises(Terminal):
        cloud.client().mark("00000000-0000-0000-0000-000000000000", {"a": "b"})


def test_an_unknown_image_is_refused_for_good(cloud) -> None:
    compute = cloud.client()
    request = request_of(cloud, compute, "aaaaaaaaaaaa-workers-0")
    wrong = NodeRequest(request.name, request.size, type(request.image)("no-such-image", "no-such-image"))
    with pytest.raises(Terminal):
        compute.create(wrong)
    assert compute.nodes().nodes == ()


def test_a_token_saves_reading_an_unchanged_cloud(cloud) -> None:
    if "token" not in cloud.capabilities:
        pytest.skip("this cloud has no change counter")
    compute = cloud.client()
    node = compute.create(request_of(cloud, compute, "aaaaaaaaaaaa-workers-0"))
    wait_for(compute, lambda there: there[node.name].state == "running")
    token = compute.nodes().token
    assert cloud.client().nodes(token).unchanged
    compute.mark(node.id, {"hanse-config": "1"})
    again = compute.nodes(token)
    assert not again.unchanged
    assert len(again.nodes) == 1


def test_a_stopped_node_can_be_started(cloud) -> None:
    if "power" not in cloud.capabilities:
        pytest.skip("nodes of this cloud cannot be stopped")
    compute = cloud.client()
    node = compute.create(request_of(cloud, compute, "aaaaaaaaaaaa-workers-0"))
    wait_for(compute, lambda there: there[node.name].state == "running")
    cloud.stop(node.name)
    compute = cloud.client()
    assert compute.nodes().nodes[0].state == "stopped"
    compute.power_on(node.id)
    wait_for(compute, lambda there: there[node.name].state == "running")
    compute.power_on(node.id)


def test_the_quota_shrinks_with_each_node(cloud) -> None:
    if "quota" not in cloud.capabilities:
        pytest.skip("this cloud has no quota")
    compute = cloud.client()
    before = compute.quota()
    node = compute.create(request_of(cloud, compute, "aaaaaaaaaaaa-workers-0"))
    wait_for(compute, lambda there: there[node.name].state == "running")
    assert compute.quota().instances == before.instances - 1


def released(compute: Compute, owner: str) -> None:
    until("what is held is released", lambda: compute.release(owner), every=0.1)


def test_what_is_limited_says_what_is_used_of_it(cloud) -> None:
    if "quota" not in cloud.capabilities:
        pytest.skip("this cloud has no quota")
    compute = cloud.client()
    node = compute.create(request_of(cloud, compute, "aaaaaaaaaaaa-workers-0"))
    wait_for(compute, lambda there: there[node.name].state == "running")
    quota = compute.quota()
    assert quota.limits["instances"].used == 1
    assert quota.limits["instances"].left == quota.instances
    assert quota.limits["cpus"].used == min(s.cpus for s in compute.sizes())


def test_a_cloud_without_nodes_holds_nothing_for_anybody(cloud) -> None:
    assert list(cloud.client().holdings()) == []


def test_what_is_held_for_an_owner_is_seen_until_it_is_released(cloud) -> None:
    compute = cloud.client()
    nodes = [compute.create(request_of(cloud, compute, f"aaaaaaaaaaaa-workers-{i}")) for i in range(2)]
    other = compute.create(request_of(cloud, compute, "bbbbbbbbbbbb-workers-0", OTHER))
    seen = {held.owner: held.note for held in cloud.client().holdings()}
    assert seen == {owner: f"cloud of {owner}" for owner in (OWNER, OTHER)}
    for node in nodes:
        compute.destroy(node.id)
    wait_for(compute, lambda there: set(there) == {other.name})
    assert [held.owner for held in cloud.client().holdings()] == [OWNER, OTHER], "nodes alone were taken away"
    released(cloud, cloud.client(), OWNER)
    assert [held.owner for held in cloud.client().holdings()] == [OTHER]
    released(compute, OWNER)
    wait_for(compute, lambda there: set(there) == {other.name})


def test_what_nodes_still_use_is_not_released(cloud) -> None:
    compute = cloud.client()
    node = compute.create(request_of(cloud, compute, "aaaaaaaaaaaa-workers-0"))
    wait_for(compute, lambda there: there[node.name].state == "running")
    assert not compute.release(OWNER)
    assert [held.owner for held in compute.holdings()] == [OWNER]


def test_an_owner_that_was_released_may_come_back(cloud) -> None:
    compute = cloud.client()
    request = request_of(cloud, compute, "aaaaaaaaaaaa-workers-0")
    compute.destroy(compute.create(request).id)
    wait_for(compute, lambda there: not there)
    released(compute, OWNER)
    compute.create(request)
    wait_for(compute, lambda there: there[request.name].state == "running")
    assert [held.owner for held in compute.holdings()] == [OWNER]


def test_releasing_an_owner_that_never_was_is_fine(cloud) -> None:
    assert cloud.client().release("c" * 32)


def test_a_published_node_shows_its_public_address_until_it_is_withdrawn(cloud) -> None:
    if "publish" not in cloud.capabilities:
        pytest.skip("this cloud gives no public addresses")
    compute = cloud.client()
    node = compute.create(request_of(cloud, compute, "aaaaaaaaaaaa-frontend-0"))
    wait_for(compute, lambda there: there[node.name].state == "running")
    (address,) = compute.publish(node.id, OWNER)
    assert list(cloud.client().publish(node.id, OWNER)) == [address], "asking twice takes one address"
    there = wait_for(compute, lambda there: bool(there[node.name].public_addresses))
    assert there[node.name].public_addresses == (address,)
    assert address in there[node.name].addresses
    compute.withdraw(OWNER)
    wait_for(compute, lambda there: not there[node.name].public_addresses)
    compute.withdraw(OWNER)


def test_a_public_address_goes_over_to_the_next_node(cloud) -> None:
    if "floating" not in cloud.capabilities:
        pytest.skip("public addresses of this cloud are its nodes' own")
    compute = cloud.client()
    request = request_of(cloud, compute, "aaaaaaaaaaaa-frontend-0")
    old = compute.create(request)
    wait_for(compute, lambda there: there[old.name].state == "running")
    given = compute.publish(old.id, OWNER)
    compute.destroy(old.id)
    wait_for(compute, lambda there: not there)
    new = compute.create(request)
    wait_for(compute, lambda there: there[new.name].state == "running")
    assert list(cloud.client().publish(new.id, OWNER)) == list(given)


def test_what_was_published_is_released_too(cloud) -> None:
    if "publish" not in cloud.capabilities:
        pytest.skip("this cloud gives no public addresses")
    compute = cloud.client()
    node = compute.create(request_of(cloud, compute, "aaaaaaaaaaaa-frontend-0"))
    wait_for(compute, lambda there: there[node.name].state == "running")
    compute.publish(node.id, OWNER)
    compute.destroy(node.id)
    wait_for(compute, lambda there: not there)
    released(compute, OWNER)
    assert list(compute.holdings()) == []
