"""What every images driver does, whatever the cloud behind it."""

from __future__ import annotations

import hashlib

import pytest

from reconciler.errors import Conflict, Terminal, Transient
from reconciler.model import Reason, Target
from reconciler.ports import ImageRequest, ImageUpdate, NodeRequest
from reconciler.ports.images import CONTENT, OWNER
from reconciler.settings import Settings
from reconciler.wiring import Wired
from tests.real.waiting import until

UID, OTHER = "a" * 32, "b" * 32


def asked(shelf, path: str = "one", owner: str = UID, **more) -> ImageRequest:
    if path not in shelf.files:
        shelf.put(path, seed=len(shelf.files))
    given = {"name": "ubuntu-24.04", "appliance": shelf.appliance(path), "properties": {"os_distro": "ubuntu"}}
    return ImageRequest(owner, **{**given, **more})


def own(images, owner: str = UID):
    return [image for image in images.listing().images if image.owner == owner]


def nothing_left(cloud) -> bool:
    return not list(cloud.scratch.glob("hanse-image-*"))


def test_an_image_that_was_brought_in_is_listed_with_all_that_was_asked_for(cloud, shelf):
    images = cloud.images()
    request = asked(shelf, min_disk_gib=2, min_ram_mib=256)
    made = images.bring(request)
    (seen,) = images.listing().images
    assert (seen.id, seen.name, seen.state, seen.format) == (made.id, "ubuntu-24.04", "active", "raw")
    assert (seen.min_disk_gib, seen.min_ram_mib, seen.visibility, seen.hidden) == (2, 256, "private", False)
    assert seen.properties["os_distro"] == "ubuntu"
    assert (seen.properties[OWNER], seen.properties[CONTENT]) == (UID, request.appliance.content)
    assert seen.has(request.appliance.checksums)
    assert seen.size == 65536
    assert nothing_left(cloud)


def test_bringing_it_again_makes_no_second_one_and_fetches_nothing(cloud, shelf):
    images = cloud.images()
    first = images.bring(asked(shelf))
    fetched = shelf.fetched["one"]
    if cloud.directly is None:
        fetched = 2  # the simulated cloud looks at the bytes before it looks at its rows
    assert images.bring(asked(shelf)).id == first.id
    assert len(images.listing().images) == 1
    assert shelf.fetched["one"] == fetched


def test_another_content_of_the_same_owner_is_another_image(cloud, shelf):
    images = cloud.images()
    first, second = images.bring(asked(shelf)), images.bring(asked(shelf, "two"))
    assert {image.id for image in own(images)} == {first.id, second.id}


def test_another_owner_has_an_image_of_his_own(cloud, shelf):
    images = cloud.images()
    images.bring(asked(shelf))
    images.bring(asked(shelf, owner=OTHER))
    assert len(own(images)) == len(own(images, OTHER)) == 1


def test_a_wrong_checksum_is_refused_for_good_and_nothing_is_uploaded(cloud, shelf):
    request = asked(shelf)
    shelf.put("one", seed=99)  # as many bytes, other ones
    with pytest.raises(Terminal, match="not the sha"):
        cloud.images().bring(request)
    assert cloud.images().listing().images == ()
    assert nothing_left(cloud)


def test_both_checksums_must_be_right(cloud, shelf):
    shelf.put("one")
    right = hashlib.sha512(shelf.files["one"]).hexdigest()
    wrong = frozenset({f"sha512:{right}", f"sha256:{'0' * 64}"})
    with pytest.raises(Terminal, match="not the sha256:0000"):
        cloud.images().bring(asked(shelf, appliance=shelf.appliance("one", checksums=wrong)))
    assert cloud.images().listing().images == ()


def test_a_sha256_alone_is_enough(cloud, shelf):
    shelf.put("one")
    right = frozenset({f"sha256:{hashlib.sha256(shelf.files['one']).hexdigest()}"})
    made = cloud.images().bring(asked(shelf, appliance=shelf.appliance("one", checksums=right)))
    assert made.has(right)
    assert cloud.images().bring(asked(shelf, appliance=shelf.appliance("one", checksums=right))).id == made.id


def test_a_download_that_breaks_off_may_be_tried_again(cloud, shelf):
    request = asked(shelf)
    shelf.short.add("one")
    with pytest.raises(Transient, match="broken off"):
        cloud.images().bring(request)
    assert cloud.images().listing().images == ()
    assert nothing_left(cloud)
    shelf.short.clear()
    assert cloud.images().bring(request).state == "active"


def test_a_server_that_is_busy_may_be_tried_again_and_one_without_the_file_not(cloud, shelf):
    request = asked(shelf)
    shelf.busy.add("one")
    with pytest.raises(Transient, match="503"):
        cloud.images().bring(request)
    shelf.busy.clear()
    del shelf.files["one"]
    with pytest.raises(Terminal, match="404"):
        cloud.images().bring(request)


def test_more_bytes_than_expected_are_not_waited_for(cloud, shelf):
    shelf.put("one")
    with pytest.raises(Terminal, match="more than the 1000 bytes"):
        cloud.images().bring(asked(shelf, appliance=shelf.appliance("one", size=1000)))


def test_what_is_not_in_the_format_it_should_be_in_is_refused(cloud, shelf):
    shelf.put("one")
    with pytest.raises(Terminal, match="format qcow2"):
        cloud.images().bring(asked(shelf, appliance=shelf.appliance("one", format="qcow2")))


def test_what_a_killed_run_registered_is_taken_up_or_removed_and_never_doubled(cloud, shelf):
    request = asked(shelf)
    cloud.leave_half(UID, request.appliance.content)
    assert [image.state for image in own(cloud.images())] == ["empty"]
    made = cloud.images().bring(request)
    assert [(image.id, image.state) for image in own(cloud.images())] == [(made.id, "active")]


def test_what_a_killed_run_was_filling_is_removed(cloud, shelf):
    request = asked(shelf)
    half = cloud.leave_filling(UID, request.appliance.content)
    assert [image.state for image in own(cloud.images())] == ["filling"]
    made = cloud.images().bring(request)
    assert [image.id for image in own(cloud.images())] == [made.id]
    assert made.id != half


def test_what_was_registered_for_another_content_is_removed(cloud, shelf):
    half = cloud.leave_half(UID, f"sha512:{'1' * 128}")
    made = cloud.images().bring(asked(shelf))
    assert [image.id for image in own(cloud.images())] == [made.id]
    assert made.id != half


def test_what_somebody_else_has_half_made_is_left_alone(cloud, shelf):
    half = cloud.leave_half(OTHER, f"sha512:{'1' * 128}")
    cloud.images().bring(asked(shelf))
    assert [image.id for image in own(cloud.images(), OTHER)] == [half]


def test_whoever_is_told_of_the_progress_may_call_it_off(cloud, shelf):
    class CalledOff(Exception):
        pass

    moved = 0

    def stop(count: int) -> None:
        nonlocal moved
        moved += count
        if moved > 70_000:  # it has come, and is on its way up
            raise CalledOff

    request = asked(shelf, progress=stop)
    if cloud.directly is None:
        pytest.skip("nothing goes up to a simulated cloud")
    with pytest.raises(CalledOff):
        cloud.images().bring(request)
    assert own(cloud.images()) == []
    assert nothing_left(cloud)


def test_an_image_is_changed_in_all_that_is_not_its_content(cloud, shelf):
    images = cloud.images()
    made = images.bring(asked(shelf, properties={"os_distro": "ubuntu", "gone": "soon"}))
    properties = {"os_distro": "debian", "os_version": "12", "gone": None, "ad:mpuri": "https://x/y?a=~b/c"}
    images.update(made.id, ImageUpdate(properties, "other", True, "shared", 3, 512))
    (seen,) = images.listing().images
    assert (seen.name, seen.hidden, seen.visibility, seen.min_disk_gib, seen.min_ram_mib) == (
        "other",
        True,
        "shared",
        3,
        512,
    )
    kept = {name: seen.properties.get(name) for name in properties}
    assert kept == {"os_distro": "debian", "os_version": "12", "gone": None, "ad:mpuri": "https://x/y?a=~b/c"}
    assert seen.owner == UID
    images.update(made.id, ImageUpdate(hidden=False))
    assert not images.listing().images[0].hidden


def test_changing_an_image_that_is_gone_is_a_conflict(cloud, shelf):
    images = cloud.images()
    made = images.bring(asked(shelf))
    images.remove(made.id)
    with pytest.raises(Conflict):
        images.update(made.id, ImageUpdate(name="other"))


def test_an_image_is_removed_and_may_be_removed_again(cloud, shelf):
    images = cloud.images()
    made = images.bring(asked(shelf))
    for _ in range(2):
        images.remove(made.id)
        assert images.listing().images == ()


def test_compute_offers_what_was_brought_in_first_and_nothing_hidden(cloud, shelf):
    images = cloud.images()
    made = images.bring(asked(shelf, name="debian-12"))
    assert next(i for i in cloud.compute().images() if i.name == "debian-12").id == made.id
    images.update(made.id, ImageUpdate(hidden=True))
    assert made.id not in {i.id for i in cloud.compute().images()}


def test_machines_are_counted_by_the_image_they_were_made_from(cloud, shelf):
    images, compute = cloud.images(), cloud.compute()
    made = images.bring(asked(shelf))
    assert images.users() == {}
    image = next(i for i in compute.images() if i.id == made.id)
    size = min(compute.sizes(), key=lambda s: (s.gpus, s.cpus, s.ram_mib))
    for n in range(2):
        compute.create(NodeRequest(f"aaaaaaaaaaaa-workers-{n}", size, image, metadata={"hanse-uid": UID}, owner=UID))
    assert images.users() == {made.id: 2}
    for node in compute.nodes().nodes:
        compute.destroy(node.id)
    until("the machines are gone", lambda: not compute.nodes().nodes, every=0.3)
    assert images.users() == {}


@pytest.mark.parametrize(("driver", "why"), [("namespace", "one root"), ("ec2", "AMI")])
def test_a_cloud_without_images_of_its_own_says_so(driver, why):
    with pytest.raises(Terminal, match=why) as caught:
        Wired(Settings(), {}).images(Target("images:SITE/cloud/vo", driver, {}))
    assert caught.value.reason is Reason.OBSERVE_ONLY
