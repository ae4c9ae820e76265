"""What rules bring along at a storage that somebody guards: planned, told, agreed to, and done by the word for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from reconciler.cli.application import app
from reconciler.model import Reason, Verb, Who
from reconciler.reconcile import propose
from tests.house import applied, git, opened, planned, said
from tests.tenancy.federation import VOS, begun, record, signed
from tests.tenancy.storages import FREE, GUARD, HELD, IMAGE, IMAGES, PART, RULE, coast, data, rule, sites, stored
from tests.tenancy.test_through import ALPHA, CLUSTER

REFUSED = Reason.NOT_AUTHORISED
SAM = Who("Sam", "signature", "sam@example.org")


@pytest.fixture
def fed(tmp_path: Path) -> Path:
    return coast(tmp_path / "fed")


def action(plan, ref):
    return next((one for one in plan.actions if one.ref == ref), None)


def part(plan):
    return next((one for one in plan.parts if one.name == PART), None)


def agree(root, who=SAM):
    """Somebody agrees to what is open at HALIFAX."""
    wanted = part(planned(root))
    with opened(root) as house:
        return house.store.consents.give("p", PART, who, "there is room", changes={one.digest for one in wanted.wanted})


def everything(root, why):
    """The operator agrees to all that is open."""
    with opened(root) as house:
        changes = [one.digest for each in propose(house, "HEAD").plan.parts for one in each.wanted]
        house.store.consents.give("p", "all", Who("root", "machine", "root"), why, changes=changes)


def placed(root, who="bob", locations="HALIFAX/disk"):
    """Somebody's rule, with its data."""
    signed(root, who, {"waves/data.yaml": data("a"), "waves/rule.yaml": rule(locations)})


def test_a_copy_at_a_guarded_storage_waits_for_its_word_and_is_made_by_it(fed):
    placed(fed)
    plan = planned(fed)
    told = action(plan, HELD)
    assert (told.verb, told.blocked) == (Verb.CREATE, REFUSED)
    assert told.message == (
        f"for {RULE}, made by bob@example.org; Tenancy/halifax does not let them create it; "
        f"sam@example.org may agree: hanse consent latest --part {PART}"
    )
    assert [(one.ref, one.what) for one in part(plan).open] == [(HELD, f"create for {RULE}")]
    applied(fed, until_quiet=True)
    assert stored(fed, "HALIFAX") == set()
    assert action(planned(fed), HELD).blocked is REFUSED  # the rule itself was accepted meanwhile: it is asked still
    agree(fed, Who("Bob", "signature", "bob@example.org"))
    assert action(planned(fed), HELD).blocked is REFUSED
    agree(fed)
    assert part(planned(fed)).wanted[0].given == "Sam"
    applied(fed, until_quiet=True)
    assert stored(fed, "HALIFAX") == {"a"}
    assert (said(planned(fed)), planned(fed).parts) == ([], ())


def test_what_was_agreed_to_is_kept_in_repair_and_up_to_date_without_asking_again(fed):
    placed(fed)
    agree(fed)
    applied(fed, until_quiet=True)
    (lost,) = (fed / ".hanse/state/storage/HALIFAX/disk").rglob("a")
    lost.unlink()
    assert said(planned(fed)) == [f"create {HELD} Vanished"]
    applied(fed)
    assert stored(fed, "HALIFAX") == {"a"}
    signed(fed, "bob", {"waves/data.yaml": data("a", "b")})
    assert action(planned(fed), HELD).blocked is None
    applied(fed, until_quiet=True)
    assert stored(fed, "HALIFAX") == {"a", "b"}


def test_what_a_changed_rule_puts_there_is_asked_for_again_and_so_is_what_was_agreed_to_once_before(fed):
    placed(fed)
    agree(fed)
    applied(fed, until_quiet=True)
    signed(fed, "bob", {"waves/rule.yaml": rule("HALIFAX/disk", more=", comment: other")})
    assert action(planned(fed), HELD) is None  # nothing is otherwise there
    applied(fed, until_quiet=True)
    signed(fed, "bob", {"waves/data.yaml": data("a", "b")})
    assert (action(planned(fed), HELD).verb, action(planned(fed), HELD).blocked) == (Verb.UPDATE, REFUSED)
    applied(fed)
    signed(fed, "bob", {"waves/rule.yaml": rule("HALIFAX/disk")})
    applied(fed)
    assert action(planned(fed), HELD).blocked is REFUSED
    assert stored(fed, "HALIFAX") == {"a"}


def test_the_old_copy_stays_while_the_new_one_waits_for_a_word(fed):
    placed(fed, locations="LISBON/disk")
    assert planned(fed).parts == ()
    applied(fed, until_quiet=True)
    signed(fed, "bob", {"waves/rule.yaml": rule("HALIFAX/disk")})
    applied(fed, until_quiet=True)
    plan = planned(fed)
    assert (action(plan, HELD).blocked, action(plan, FREE).verb) == (REFUSED, Verb.DEFER)
    assert stored(fed, "LISBON") == {"a"}
    agree(fed)
    applied(fed, until_quiet=True)
    assert (stored(fed, "HALIFAX"), stored(fed, "LISBON")) == ({"a"}, set())


def test_taking_away_there_is_asked_for_too_each_time(fed):
    placed(fed)
    agree(fed)
    applied(fed, until_quiet=True)
    for _ in range(2):
        signed(fed, "bob", {"waves/rule.yaml": rule("LISBON/disk")})
        applied(fed, until_quiet=True)
        told = action(planned(fed), HELD)
        assert (told.verb, told.blocked, stored(fed, "HALIFAX")) == (Verb.DELETE, REFUSED, {"a"})
        agree(fed)
        applied(fed, until_quiet=True)
        assert (stored(fed, "HALIFAX"), stored(fed, "LISBON")) == (set(), {"a"})
        signed(fed, "bob", {"waves/rule.yaml": rule("HALIFAX/disk")})
        assert action(planned(fed), HELD).blocked is REFUSED
        agree(fed)
        applied(fed, until_quiet=True)
        assert (stored(fed, "HALIFAX"), stored(fed, "LISBON")) == ({"a"}, set())


def test_a_word_for_taking_away_is_not_used_again_for_a_copy_that_came_later(fed):
    placed(fed)
    for more in (None, "LISBON/disk", "LISBON/disk, comment: other", "HALIFAX/disk"):
        if more:
            signed(fed, "bob", {"waves/rule.yaml": rule(more)})
        applied(fed, until_quiet=True)
        agree(fed) if part(planned(fed)) else None
        applied(fed, until_quiet=True)
    assert stored(fed, "HALIFAX") == {"a"}
    signed(fed, "bob", {"waves/rule.yaml": rule("LISBON/disk")})  # says what it said when the first one was taken away
    applied(fed, until_quiet=True)
    assert (action(planned(fed), HELD).blocked, stored(fed, "HALIFAX")) == (REFUSED, {"a"})


def test_what_an_unchanged_rule_moves_to_and_fro_is_taken_away_by_a_word_each_time(fed):
    def moved(to):
        here = sites().replace("DE", "ES" if to == "HALIFAX" else "FR", 1)
        signed(fed, "olga", {"sites.yaml": here.replace("DE", "FR" if to == "HALIFAX" else "ES")})
        everything(fed, "sites")
        applied(fed, until_quiet=True)

    moved("HALIFAX")
    placed(fed, locations="country=ES")
    applied(fed, until_quiet=True)
    agree(fed)
    for _ in range(2):
        applied(fed, until_quiet=True)
        assert (stored(fed, "HALIFAX"), stored(fed, "LISBON")) == ({"a"}, set())  # its coming needs no second word
        moved("LISBON")
        assert (action(planned(fed), HELD).blocked, stored(fed, "HALIFAX")) == (REFUSED, {"a"})
        agree(fed)
        applied(fed, until_quiet=True)
        assert stored(fed, "HALIFAX") == set()
        moved("HALIFAX")


def test_a_word_ends_with_what_the_rule_says_although_nothing_had_come_by_it(fed):
    placed(fed)
    applied(fed, until_quiet=True)
    agree(fed)
    signed(fed, "bob", {"waves/rule.yaml": rule("LISBON/disk")})
    applied(fed, until_quiet=True)
    signed(fed, "bob", {"waves/rule.yaml": rule("HALIFAX/disk")})
    assert action(planned(fed), HELD).blocked is REFUSED


def test_a_word_ends_with_what_the_rule_says_although_nobody_guarded_the_storage_then(fed):
    placed(fed)
    agree(fed)
    applied(fed, until_quiet=True)
    signed(fed, "olga", {"tenancy/halifax.yaml": GUARD.replace("storage:HALIFAX/*", "storage:NOWHERE/*")})
    applied(fed)
    for comment in (", comment: other", ""):
        signed(fed, "bob", {"waves/rule.yaml": rule("HALIFAX/disk", more=comment)})
        applied(fed)
    signed(fed, "olga", {"tenancy/halifax.yaml": GUARD})
    applied(fed)
    signed(fed, "bob", {"waves/data.yaml": data("a", "b")})
    assert action(planned(fed), HELD).blocked is REFUSED


def test_whoever_may_do_it_there_is_not_asked_however_many_rounds_it_takes(tmp_path):
    letting = (
        GUARD + "    - {who: [{signer: bob@example.org}], actions: [create, update, delete], namespaces: [waves]}\n"
    )
    fed = coast(tmp_path / "fed", letting)
    signed(fed, "bob", {"waves/data.yaml": data("a"), "waves/rule.yaml": rule("LISBON/disk")})
    applied(fed, until_quiet=True)
    signed(fed, "bob", {"waves/rule.yaml": rule("HALIFAX/disk")})
    with opened(fed) as house:
        house.store.pauses.pause("target:storage:HALIFAX/disk", "works", "sam")
    applied(fed)
    with opened(fed) as house:
        house.store.pauses.resume("target:storage:HALIFAX/disk", "sam")
    signed(fed, "ada", {}, "something else")
    applied(fed, until_quiet=True)
    assert stored(fed, "HALIFAX") == {"a"}
    signed(fed, "bob", {"waves/rule.yaml": rule("LISBON/disk")})
    applied(fed, until_quiet=True)  # the copy goes in a later round than the one in which the rule was changed
    assert (stored(fed, "HALIFAX"), stored(fed, "LISBON")) == (set(), {"a"})
    signed(fed, "eve", {"waves/rule.yaml": rule("HALIFAX/disk")})
    applied(fed, until_quiet=True)
    assert stored(fed, "HALIFAX") == set()


def test_a_signed_trailer_counts_after_its_commit_has_been_accepted(fed):
    placed(fed)
    applied(fed)
    digest = part(planned(fed)).digest
    signed(fed, "bob", {}, f"I agree with myself\n\nHanse-Agreed: {digest}")
    assert action(planned(fed), HELD).blocked is REFUSED
    signed(fed, "sam", {}, f"There is room\n\nHanse-Agreed: {digest}")
    assert part(planned(fed)).wanted[0].given == "sam@example.org"
    applied(fed, until_quiet=True)
    assert stored(fed, "HALIFAX") == {"a"}
    signed(fed, "bob", {"waves/data.yaml": data("a", "b")})
    applied(fed, until_quiet=True)
    assert stored(fed, "HALIFAX") == {"a", "b"}


def test_a_trailer_is_spent_with_the_rule_that_it_was_for_although_other_things_are_held_back(fed):
    signed(
        fed, "eve", {"tides/www.yaml": record("tides", value="192.0.2.66")}
    )  # the branch is not accepted any further
    placed(fed)
    digest = part(planned(fed)).digest
    signed(fed, "sam", {}, f"There is room\n\nHanse-Agreed: {digest}")
    applied(fed, until_quiet=True)
    assert stored(fed, "HALIFAX") == {"a"}
    for comment in (", comment: other", ""):
        signed(fed, "bob", {"waves/rule.yaml": rule("HALIFAX/disk", more=comment)})
        applied(fed)
    signed(fed, "bob", {"waves/data.yaml": data("a", "b")})
    assert action(planned(fed), HELD).blocked is REFUSED


def test_a_word_taken_back_keeps_what_stands_and_lets_nothing_more_in(fed):
    placed(fed)
    given = agree(fed)
    applied(fed, until_quiet=True)
    with opened(fed) as house:
        house.store.consents.withdraw(given.id, "sam")
    assert said(planned(fed)) == []
    signed(fed, "bob", {"waves/data.yaml": data("a", "b")})
    assert action(planned(fed), HELD).blocked is REFUSED
    applied(fed)
    assert stored(fed, "HALIFAX") == {"a"}


def test_what_stood_before_somebody_guarded_it_is_mended_without_asking(tmp_path):
    fed = coast(tmp_path / "fed", GUARD.replace("storage:HALIFAX/*", "storage:NOWHERE/*"))
    placed(fed)
    applied(fed, until_quiet=True)
    signed(fed, "olga", {"tenancy/halifax.yaml": GUARD})
    applied(fed)
    (lost,) = (fed / ".hanse/state/storage/HALIFAX/disk").rglob("a")
    lost.write_text("xx")
    assert said(planned(fed)) == [f"update {HELD} DriftDetected"]


def test_the_word_for_one_rule_is_not_one_for_another_that_holds_the_same_copy(fed):
    placed(fed)
    agree(fed)
    applied(fed, until_quiet=True)
    other = rule("HALIFAX/disk").replace("name: keep", "name: also").replace("copies", "owner: ben, copies")
    signed(fed, "bob", {"waves/also.yaml": other})
    assert action(planned(fed), HELD) is None  # nothing is otherwise there
    applied(fed, until_quiet=True)
    signed(fed, "bob", {"waves/data.yaml": data("a", "b")})
    assert action(planned(fed), HELD).blocked is REFUSED
    assert [one.what for one in part(planned(fed)).open] == ["update for DatasetRule/waves/also"]
    applied(fed, until_quiet=True)
    assert stored(fed, "HALIFAX") == {"a"}


def test_a_field_of_a_guarded_copy_can_need_a_word_of_its_own(tmp_path):
    word = (
        "  allow: [{who: [{signer: bob@example.org}], actions: [create, update, delete]}]\n"
        "  approvals:\n    - {what: room, fields: [spec.fileset], by: [{signer: sam@example.org}]}\n"
    )
    fed = coast(tmp_path / "fed", GUARD.partition("  allow:")[0] + word)
    placed(fed)
    told = action(planned(fed), HELD)
    assert (told.blocked, part(planned(fed)).open[0].what) == (Reason.APPROVAL_PENDING, f"room for {RULE}")


def test_the_command_line_lists_the_part_and_takes_the_word_and_a_saved_plan_is_judged_again(fed):
    def hanse(*words):
        return CliRunner().invoke(app, standalone_mode=False, args=["-C", str(fed), *words])

    placed(fed)
    told = hanse("plan", "--parts")
    assert told.return_value == 3
    assert f"{HELD}: create for {RULE}: sam@example.org may agree" in told.output
    assert hanse("apply", "--yes").return_value == 3
    given = hanse("consent", "latest", "--part", PART, "--reason", "Sam rang", "--by", "Ola").output
    assert f"Ola agrees to 1 change of {PART}" in given
    number = given.rpartition("number ")[2].strip(") \n")
    assert hanse("plan", "--out", str(fed / "p.json")).return_value == 2
    assert "taken back" in hanse("consent", "--withdraw", number).output
    refused = CliRunner().invoke(app, ["-C", str(fed), "apply", str(fed / "p.json"), "--yes"])
    assert (refused.exit_code != 0, stored(fed, "HALIFAX")) == (True, set())
    assert hanse("consent", "latest", "--part", PART, "--reason", "Sam rang again").return_value == 0
    assert hanse("apply", "--yes").return_value == 0
    assert stored(fed, "HALIFAX") == {"a"}


def test_a_pull_request_tells_it_and_the_word_for_it_counts_once_it_is_merged(fed):
    git(fed, "checkout", "-q", "-b", "change")
    placed(fed)
    head = git(fed, "rev-parse", "HEAD")
    git(fed, "checkout", "-q", "main")
    with opened(fed) as house:
        plan = propose(house, head, trust="main").plan
        assert (action(plan, HELD).blocked, [one.ref for one in part(plan).open]) == (REFUSED, [HELD])
        house.store.consents.give("p", PART, SAM, "ok", changes={one.digest for one in part(plan).wanted})
    git(fed, "merge", "-q", "--ff-only", "change")
    applied(fed, until_quiet=True)
    assert stored(fed, "HALIFAX") == {"a"}


def test_a_sites_own_limits_hold_for_copies_whatever_was_agreed_to(fed):
    def limited(limits):
        signed(fed, "olga", {"sites.yaml": sites(limits)})
        everything(fed, "limits")
        return planned(fed)

    placed(fed)
    agree(fed)
    applied(fed, until_quiet=True)
    signed(fed, "bob", {"waves/data.yaml": data("a", "b")})
    assert action(limited("{observeOnly: true}"), HELD).blocked is Reason.SITE_OBSERVE_ONLY
    assert action(limited("{kinds: [VirtualCluster]}"), HELD).blocked is Reason.SITE_LIMIT
    assert action(limited("{total: {storageGiB: 0}}"), HELD).blocked is Reason.SITE_LIMIT
    assert stored(fed, "HALIFAX") == {"a"}


def test_an_image_that_a_vo_endorses_asks_whoever_guards_the_images_of_a_cloud(tmp_path):
    fed = begun(tmp_path / "fed")
    alpha = ALPHA.replace("driver: simulated", "driver: simulated, imageSync: true")
    signed(fed, "olga", {"alpha.yaml": alpha, "image.yaml": IMAGE, "tenancy/alpha.yaml": IMAGES})
    applied(fed, until_quiet=True)
    signed(
        fed, "ada", {"vos.yaml": VOS.replace("description: Tides", "description: Tides, images: [{name: debian-12}]")}
    )
    plan = planned(fed)
    told = action(plan, "SiteImage/ALPHA.main.tides.debian-12")
    assert told.blocked is REFUSED
    assert [(one.name, [each.what for each in one.open]) for one in plan.parts] == [
        ("site:ALPHA:SiteImage", ["create for Image/debian-12", "create for VO/tides"])
    ]
    assert "for VO/tides, made by ada@example.org; Tenancy/alpha does not let them create it" in told.message


def test_a_word_for_a_vo_ends_when_it_endorses_nothing_any_more_although_its_image_never_came(tmp_path):
    fed = begun(tmp_path / "fed")
    alpha = ALPHA.replace("driver: simulated", "driver: simulated, imageSync: true")
    signed(fed, "olga", {"alpha.yaml": alpha, "image.yaml": IMAGE, "tenancy/alpha.yaml": IMAGES})
    applied(fed, until_quiet=True)
    endorsing = VOS.replace("description: Tides", "description: Tides, images: [{name: debian-12}]")
    signed(fed, "ada", {"vos.yaml": endorsing})
    applied(fed, until_quiet=True)
    everything(fed, "there is room")
    for one in (VOS, endorsing):
        signed(fed, "ada", {"vos.yaml": one})
        plan = planned(fed)
        applied(fed) if one == VOS else None
    assert action(plan, "SiteImage/ALPHA.main.tides.debian-12").blocked is REFUSED
    assert [one.what for one in plan.parts[0].open] == ["create for VO/tides"]


def test_a_cluster_whose_place_is_open_asks_whoever_guards_a_cloud_that_it_could_come_to(tmp_path):
    fed = begun(tmp_path / "fed")
    guard = IMAGES.replace("images:ALPHA/*", "compute:ALPHA/*")
    signed(fed, "olga", {"alpha.yaml": ALPHA, "tenancy/alpha.yaml": guard})
    applied(fed, until_quiet=True)
    signed(fed, "ada", {"tides/hub.yaml": CLUSTER.replace("site: ALPHA\n  cloud: main", "site: auto")})
    plan = planned(fed)
    assert said(plan) == ["create VirtualCluster/tides/hub NotAuthorised"]
    assert [one.name for one in plan.parts] == ["site:ALPHA"]


@pytest.mark.parametrize("cloud", ["", "cloud: main, "])
def test_a_cluster_with_machines_at_another_site_asks_whoever_guards_the_cloud_there(tmp_path, cloud):
    fed = begun(tmp_path / "fed")
    guard = IMAGES.replace("images:ALPHA/*", "compute:ALPHA/*")
    beta = ALPHA.replace("ALPHA", "BETA").replace("alpha.", "beta.")
    signed(fed, "olga", {"alpha.yaml": ALPHA, "beta.yaml": beta, "tenancy/alpha.yaml": guard})
    applied(fed, until_quiet=True)
    here = CLUSTER.replace("site: ALPHA", "site: BETA").replace(
        "  sshKeys", "  software: [{role: wireguard}]\n  sshKeys"
    )
    there = here.replace("{name: wn, ", f"{{name: wn, site: ALPHA, {cloud}")
    signed(fed, "ada", {"tides/hub.yaml": here})
    assert said(planned(fed)) == ["create VirtualCluster/tides/hub New"]
    signed(fed, "ada", {"tides/hub.yaml": there})
    plan = planned(fed)
    assert said(plan) == ["create VirtualCluster/tides/hub NotAuthorised"]
    assert [(one.name, [by.identity for by in one.wanted[0].by]) for one in plan.parts] == [
        ("site:ALPHA", ["sam@example.org"])
    ]
