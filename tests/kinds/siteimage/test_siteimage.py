"""One image in one project: found by its mark, mended field by field, and never taken from somebody else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from reconciler.drivers.appliances import fetched
from reconciler.ports import ImageUpdate, StoredImage
from reconciler.ports.images import OWNER
from tests.kinds.image.conftest import VO, cluster, image, site, tides, vo
from tests.real.waiting import PATIENCE

__all__ = ["tides"]
COPY = f"SiteImage/HARBOUR.quay.{VO}.model"
HALF = StoredImage("half", "half", "empty", "raw")


@pytest.fixture
def made(tides):
    tides.commit(image(system={"distribution": "debian"}, properties={"hw_disk_bus": "virtio"}), vo("model"), site())
    assert not tides.apply().failed
    assert tides.said() == []
    return tides


def one(tides) -> StoredImage:
    (found,) = tides.images().listing().images
    return found


@pytest.mark.parametrize(
    ("update", "path"),
    [
        (ImageUpdate({"os_distro": "windows"}), "spec.system.distribution"),
        (ImageUpdate({"os_distro": None}), "spec.system.distribution"),
        (ImageUpdate({"hw_disk_bus": None}), "spec.properties.hw_disk_bus"),
        (ImageUpdate({"hanse_version": "2"}), "spec.version"),
        (ImageUpdate({"hanse_expires": "never"}), "spec.expires"),
        (ImageUpdate({"hanse_min_cores": "8"}), "spec.minimum.cores"),
        (ImageUpdate({"ad:mpuri": "https://x"}), "spec.identifier"),
        (ImageUpdate(name="other"), "spec.image"),
        (ImageUpdate(hidden=True), "spec.hidden"),
        (ImageUpdate(visibility="shared"), "spec.visibility"),
        (ImageUpdate(min_ram_mib=64), "spec.minimum.memoryMiB"),
    ],
)
def test_what_is_changed_by_hand_is_shown_by_its_field_and_mended(made, update, path):
    before = one(made)
    made.images().update(before.id, update)
    (action,) = made.plan().actions
    assert (action.verb, action.reason, [c.path for c in action.changes]) == ("update", "DriftDetected", [path])
    assert not made.apply().failed
    assert one(made) == before
    assert made.said() == []


def test_properties_that_people_add_stay_and_those_that_git_drops_go(made):
    made.images().update(one(made).id, ImageUpdate({"theirs": "1"}))
    assert made.said() == []
    made.commit(image(system={"distribution": "debian"}), vo("model"), site())
    assert not made.apply().failed
    properties = one(made).properties
    assert "hw_disk_bus" not in properties
    assert properties["theirs"] == "1"
    assert made.said() == []


def test_an_image_that_has_lost_its_mark_is_not_doubled_and_a_person_is_asked(made):
    made.images().update(one(made).id, ImageUpdate({OWNER: None}))
    (action,) = made.plan().actions
    assert action.blocked == "AdoptionConflict"
    made.apply()
    assert one(made).owner == ""


def test_an_image_of_somebody_else_by_the_same_name_is_left_alone(tides):
    theirs = StoredImage("theirs", "model", "active", "raw", {OWNER: "f" * 32, "hanse_target": "images:elsewhere"})
    tides.leave(theirs)
    tides.commit(image(), vo("model"), site())
    assert not tides.apply().failed
    assert {i.id for i in tides.images().listing().images} > {"theirs"}
    assert tides.plan().strays == ()


def test_what_bears_our_mark_and_nobody_wants_is_shown(made):
    made.leave(replace(HALF, properties={OWNER: "e" * 32, "hanse_ref": "SiteImage/lost"}))
    made.commit(image(version="2"), vo("model"), site())
    (stray,) = made.plan().strays
    assert "SiteImage SiteImage/lost carries our mark" in stray


def test_a_broken_off_upload_beside_the_image_is_removed(made):
    made.leave(replace(HALF, properties={OWNER: one(made).owner}))
    (action,) = made.plan().actions
    assert action.changes[0].path.startswith("spec.leftovers")
    assert not made.apply().failed
    assert one(made).state == "active"
    assert made.said() == []


def test_an_image_that_was_doubled_is_one_again(made):
    made.leave(replace(one(made), id="twin", created="9999"))
    made.apply()
    assert one(made).id != "twin"
    assert made.said() == []


def test_another_checksum_or_format_is_another_image_and_another_url_is_not(made):
    first = one(made)
    declared = {"system": {"distribution": "debian"}, "properties": {"hw_disk_bus": "virtio"}}
    made.commit(image(url="https://mirror.example.org/model.raw", **declared), vo("model"), site())
    made.apply()
    assert one(made).id == first.id
    made.commit(image(format="qcow2", **declared), vo("model"), site())
    made.apply()
    second = one(made)
    assert (second.id != first.id, second.format) == (True, "qcow2")
    made.commit(image(format="qcow2", checksum={"sha512": "cd" * 64}, **declared), vo("model"), site())
    made.apply()
    assert one(made).id != second.id
    assert made.said() == []


def test_an_image_that_the_clouds_operators_have_shut_is_told_of_and_not_fought(made):
    stored = one(made)
    made.images().remove(stored.id)
    made.leave(replace(stored, state="deactivated"))
    (action,) = made.plan().actions
    assert action.verb == "noop"
    assert "operators have deactivated it" in action.message
    made.apply()
    assert one(made).state == "deactivated"


def test_a_cloud_that_cannot_be_given_images_says_so_and_nothing_fails(tides):
    tides.settings = '[targets."images:*"]\ndriver = "namespace"\n'
    tides.commit(image(), vo("model"), site())
    plan = tides.plan()
    (action,) = [action for action in plan.actions if action.ref == COPY]
    assert (action.verb, action.reason) == ("defer", "ObserveOnly")
    assert "one root" in action.message
    assert not tides.apply().failed


def test_a_cluster_does_not_wait_for_what_a_cloud_cannot_be_given(tides):
    tides.settings = '[targets."images:*"]\ndriver = "namespace"\n'
    tides.commit(image("debian-12"), vo("debian-12"), site(), cluster(image="debian-12"))
    outcomes = {o.action.ref: o.state for o in tides.apply().outcomes}
    assert outcomes["VirtualCluster/t/portal"] == "done"


def test_images_are_reached_as_the_vos_machines_are(tides):
    tides.settings = '[targets."compute:*"]\nsimulate = {seed = 7}\n[targets."images:*"]\nmore = 1\n'
    tides.commit(image(), vo("model"), site())
    target = tides.graph().targets[f"images:HARBOUR/quay/{VO}"]
    assert (target.driver, target.options["simulate"], target.options["more"]) == ("simulated", {"seed": 7}, 1)
    assert target.options["endpoint"] == "https://harbour.example.org"


def test_a_cluster_of_a_new_federation_gets_the_image_in_the_same_run(tides):
    tides.commit(image(), vo("model"), site(), cluster())
    plan = tides.plan()
    refs = [action.ref for action in plan.actions]
    assert refs.index(COPY) < refs.index("VirtualCluster/t/portal")
    assert not tides.apply().failed
    assert list(tides.images().users().values()) == [1]
    tides.apply(until_quiet=True)
    assert tides.said() == []
    tides.commit(vo(), site())
    refs = [action.ref for action in tides.plan().actions]
    assert refs.index("VirtualCluster/t/portal") < refs.index(COPY)
    assert not tides.apply(until_quiet=True).failed
    assert tides.images().listing().images == ()


def test_a_group_at_another_site_waits_for_the_image_there(tides):
    from reconciler.kinds.siteimage.awaited import awaited

    group = {"name": "far", "count": 1, "image": "model", "cpus": 1, "ramMiB": 512, "site": "PIER"}
    hybrid = cluster()
    hybrid["spec"]["workers"] = [group]
    tides.commit(image(), vo("model"), site("HARBOUR", options={"joins": ["PIER/quay"]}), site("PIER"), hybrid)
    edges = {edge.ref: edge.path for _, edge in awaited(tides.graph().resources)}
    assert edges == {COPY: "spec.frontend.image", COPY.replace("HARBOUR", "PIER"): "spec.workers[0].image"}


@pytest.mark.parametrize("less", [0, 1, 2])
def test_what_git_no_longer_wants_is_removed(tides, less):
    """The image, the VO's word for it, or the cloud's readiness."""
    tides.commit(image(), vo("model"), site())
    tides.apply()
    rest = ((vo(), site()), (image(), vo(), site()), (image(), vo("model"), site(imageSync=False)))[less]
    tides.commit(*rest)
    assert f"delete {COPY} RemovedFromGit" in tides.said()
    assert not tides.apply().failed
    assert tides.images().listing().images == ()
    assert tides.said() == []


def test_two_vos_that_want_the_same_image_at_once_share_one_download(shelf, tmp_path):
    shelf.put("big", 4 << 20)
    together, seen = Barrier(2), []

    def take():
        with fetched(shelf.appliance("big"), str(tmp_path)) as file:
            together.wait(PATIENCE)
            seen.append(file.path)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(take), pool.submit(take)]:
            done.result()
    assert shelf.fetched["big"] == 1
    assert len(set(seen)) == 1
    assert list(tmp_path.iterdir()) == []
