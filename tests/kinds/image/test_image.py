"""Who gets an image, what is odd about it, and what time does to it; on simulated clouds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.errors import ManifestError
from tests.kinds.image.conftest import NOW, VO, cluster, image, site, vo

COPY = f"SiteImage/HARBOUR.quay.{VO}.model"


def copies(tides) -> set[str]:
    return {ref.partition("/")[2] for ref in tides.graph().resources if ref.startswith("SiteImage/")}


# -- where it goes -----------------------------------------------------------------------------------------------------


def test_it_goes_to_every_cloud_that_takes_images_and_supports_a_vo_that_endorses_it(tides):
    other = "vo.other.example.org"
    tides.commit(
        image(),
        vo("model"),
        vo("model", name=other),
        vo(name="vo.none.example.org"),
        site("HARBOUR", VO, other, "vo.none.example.org"),
        site("PIER", VO),
        site("ROCK", VO, imageSync=False),
    )
    assert copies(tides) == {f"HARBOUR.quay.{VO}.model", f"HARBOUR.quay.{other}.model", f"PIER.quay.{VO}.model"}


@pytest.mark.parametrize(("tag", "goes"), [(None, True), ("1", True), ("2", False)])
def test_a_vo_that_names_a_version_endorses_that_one_alone(tides, tag, goes):
    tides.commit(image(), vo({"name": "model", **({"tag": tag} if tag else {})}), site())
    assert bool(copies(tides)) is goes


@pytest.mark.parametrize(("formats", "goes"), [(["qcow2", "raw"], True), (["qcow2"], False), ([], True)])
def test_a_cloud_is_given_only_formats_that_it_takes(tides, formats, goes):
    tides.commit(image(), vo("model"), site(imageFormats=formats))
    assert bool(copies(tides)) is goes


def test_a_vo_with_a_path_is_known_by_its_group_too(tides):
    group = vo("model", name="biomed_vip")
    group["spec"]["group"] = "/biomed/vip"
    tides.commit(image(), group, site("HARBOUR", "/biomed/vip"))
    assert copies(tides) == {"HARBOUR.quay.biomed_vip.model"}


# -- what is odd -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"expires": "2027-10-03T00:00:00Z"}, "image-validity"),
        ({"expires": "2026-09-01T00:00:00Z"}, "image-validity"),
        ({"properties": {"hanse_uid": "mine"}}, "image-properties"),
        ({"properties": {"os_distro": "mine"}}, "image-properties"),
        ({"url": "file:///etc/passwd"}, "schema"),
        ({"checksum": {}}, "schema"),
        ({"checksum": {"sha512": "12"}}, "schema"),
        ({"format": "floppy"}, "schema"),
        ({"expires": None}, "schema"),
    ],
)
def test_what_is_wrong_with_an_image_is_a_fault(tides, more, rule):
    tides.commit(image(**more), vo("model"), site())
    with pytest.raises(ManifestError) as caught:
        tides.plan()
    assert {fault.rule for fault in caught.value.diagnostics} == {rule}


def test_a_year_is_long_enough(tides):
    tides.commit(image(expires="2027-10-02T00:00:00Z"), vo("model"), site())
    assert tides.plan().actions


def warned(tides) -> dict[str, str]:
    return {warning.rule: str(warning) for warning in tides.graph().warnings}


@pytest.mark.parametrize(
    ("documents", "rule", "why"),
    [
        ((image(), vo("modle"), site()), "image-undeclared", "did you mean model?"),
        ((image(), vo({"name": "model", "tag": "9"}), site()), "image-version", "the version 9 of model is wanted, 1"),
        ((image(), vo("model"), site(imageFormats=["qcow2"])), "image-format", "takes qcow2, not raw"),
        (
            (image(minimum={"memoryMiB": 4096}), vo("model"), site(), cluster()),
            "image-minimum",
            "model needs at least 4096",
        ),
        (
            (image(url="http://x/y", checksum={"sha256": "ab" * 32}), vo("model"), site()),
            "image-plain",
            "plain http, without a sha512",
        ),
    ],
)
def test_what_is_odd_between_images_and_those_who_use_them_is_warned_of(tides, documents, rule, why):
    from reconciler import manifest, source
    from reconciler.kinds import registry

    tides.commit(*documents)
    read = source.read(tides.root, "HEAD", paths=("manifests",))
    loaded = manifest.load(read, registry(), manifest.RuleSettings({}), manifest.Memory()).warnings
    found = {**{warning.rule: str(warning) for warning in loaded}, **warned(tides)}
    assert why in found[rule]


def test_a_federation_that_declares_no_image_is_told_nothing(tides):
    tides.commit(vo("ubuntu-24.04"), site())
    assert warned(tides) == {}


# -- what time does ----------------------------------------------------------------------------------------------------


def test_a_cluster_whose_image_ends_soon_or_has_ended_is_named_by_every_plan(tides):
    tides.commit(image(), vo("model"), site(), cluster())
    tides.apply(until_quiet=True)
    assert tides.plan().warnings == ()
    tides.now = NOW + timedelta(days=190)
    soon = tides.plan()
    assert soon.pending == ()
    assert any("VirtualCluster/t/portal: the image model: it expires on 2027-06-01" in w for w in soon.warnings)
    assert any("Image/model: it expires on 2027-06-01" in warning for warning in soon.warnings)
    tides.now = NOW + timedelta(days=300)
    tides.apply()
    late = tides.plan()
    assert late.pending == ()
    assert any("portal: the image model: it expired on 2027-06-01: no new machine" in w for w in late.warnings)


def test_a_clouds_own_image_by_the_same_name_is_none_of_ours(tides):
    tides.commit(image("debian-12"), vo(), site(), cluster(image="debian-12"))
    tides.now = NOW + timedelta(days=300)
    assert not [warning for warning in tides.plan().warnings if "portal" in warning]


def test_an_image_that_expires_is_withdrawn_with_the_reason_in_the_plan(tides):
    tides.commit(image(), vo("model"), site())
    tides.apply()
    (stored,) = tides.images().listing().images
    assert stored.state == "active"
    tides.now = NOW + timedelta(days=300)
    plan = tides.plan()
    assert sorted((a.verb, a.ref) for a in plan.actions) == [("update", "Image/model"), ("update", COPY)]
    (choice,) = [choice for choice in plan.choices if choice.ref == "Image/model"]
    assert (choice.chosen, dict(choice.rejected)) == (("withdrawn",), {"offered": "it expired on 2027-06-01"})
    assert not tides.apply().failed
    assert tides.images().listing().images == ()
    assert tides.said() == []


def test_an_image_that_had_expired_before_it_came_never_comes(tides):
    tides.now = NOW + timedelta(days=300)
    tides.commit(image(), vo("model"), site())
    assert not tides.apply().failed
    assert tides.images().listing().images == ()
    assert tides.said() == []


def test_no_cluster_is_put_where_its_image_is_withdrawn(tides):
    tides.commit(image(withdrawn="CVE-2026-0001"), vo("model"), site("HARBOUR"), site("PIER"), auto())
    (choice,) = [choice for choice in tides.plan().choices if choice.field == "site"]
    assert {why for _, why in choice.rejected} == {"the image model is withdrawn: CVE-2026-0001"}


def auto():
    made = cluster()
    made["spec"]["site"] = "auto"
    return made
