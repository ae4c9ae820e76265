"""Shares in an embedded keystone: what is taken over, what is refused, what is kept, and what is told."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml

from reconciler.drivers.keystone import embedded
from reconciler.errors import ManifestError
from reconciler.kinds.share import KIND, ShareKind, ShareSpec
from reconciler.kinds.share.mapping import Rules, nobody, pattern, rule
from reconciler.model import Change, Done, Failed, Ref, Target, Wanted, uid_of
from reconciler.ports import Group, Provider
from reconciler.reconcile import propose
from tests.federation import graph, resource
from tests.house import applied, commit, once, opened, planned, said
from tests.kinds.share.conftest import document, vo

REF = Ref("Share/BAY.bay.vo.x")
UID = uid_of(REF)
TARGET = Target("identity:BAY/bay", "embedded", {})
ENTITLEMENT = "urn:mace:egi.eu:group:vo.x:role=vm_operator#aai.egi.eu"
SPEC = KIND.canonical(ShareSpec(site="BAY", cloud="bay", vo="vo.x", entitlements=(ENTITLEMENT,)))


class Drivers:
    """Enough of ``ports.Drivers`` to open one keystone."""

    def __init__(self, identity):
        self._identity = identity

    def identity(self, target):
        return self._identity


@pytest.fixture
def identity(tmp_path):
    return embedded.open(Target(TARGET.id, "embedded", {"state": str(tmp_path)}))


@pytest.fixture
def drivers(identity):
    return Drivers(identity)


def put(drivers, spec=SPEC, before=None, kind=KIND):
    return kind.put(TARGET, [Change(REF, UID, 1, spec, before)], drivers)[REF]


def remove(drivers, spec=SPEC):
    return KIND.remove(TARGET, [Change(REF, UID, 1, spec, spec)], drivers)[REF]


def look(drivers, spec=SPEC, kind=KIND):
    return kind.observe(TARGET, [Wanted(REF, UID, spec, spec)], drivers).results[REF]


# -- what is somebody else's -------------------------------------------------------------------------------------------


def test_a_project_that_somebody_made_is_not_taken_without_being_asked_to(identity, drivers):
    theirs = identity.create_project("vo.x", "Default", {})
    seen = look(drivers)
    assert (seen.owned, seen.uid) == (False, "")
    assert isinstance(put(drivers), Failed)
    assert identity.project(theirs.id) == theirs


def test_a_project_with_anothers_mark_is_left_alone(identity, drivers):
    theirs = identity.create_project("vo.x", "Default", {"hanse.uid": "f" * 32})
    assert look(drivers).uid == "f" * 32
    answer = put(drivers, before=SPEC)
    assert (answer.fate, answer.reason) == ("conflict", "AdoptionConflict")
    assert identity.project(theirs.id) == theirs


def test_what_is_taken_over_keeps_its_way_in_until_it_is_changed(identity, drivers):
    """Members come in by the site's own rule, escaped or not: they must never be without any."""
    project, group = identity.create_project("vo.x", "Default", {}), identity.create_group("vo.x", "Default", {})
    identity.put_provider(Provider("egi.eu", (SPEC.issuer,)), "Default")
    loose = {**rule(SPEC, group.id), "remote": [{"type": "ENT", "regex": True, "any_one_of": [ENTITLEMENT]}]}
    identity.put_mapping("theirs", [loose])
    identity.put_protocol("egi.eu", "openid", "theirs")
    seen = look(drivers)
    assert seen.spec.deviations
    assert isinstance(put(drivers, seen.spec, seen.spec), Done)
    assert identity.project(project.id).uid == UID
    assert identity.way("egi.eu", "openid").mappings == {"theirs": (loose,)}
    assert isinstance(put(drivers, SPEC, look(drivers).spec), Done)
    assert identity.way("egi.eu", "openid").mappings == {"theirs": (rule(SPEC, group.id),)}
    assert look(drivers).spec == SPEC


def test_what_was_there_before_is_let_go_of_and_not_deleted(identity, drivers):
    project = identity.create_project("vo.x", "Default", {})
    put(drivers, before=SPEC)
    identity.occupy(project.id, "3 servers")
    answer = remove(drivers)
    assert answer.message == "the project vo.x had been there before, and stay"
    assert identity.project(project.id).uid == ""


def test_a_project_by_its_id_is_used_under_the_name_it_gets(identity, drivers):
    project = identity.create_project("named by the site", "Default", {})
    spec = SPEC.model_copy(update={"projectId": project.id})
    put(drivers, spec, before=spec)
    assert identity.project(project.id).name == "vo.x"
    assert look(drivers, spec).spec == spec


def test_an_id_that_no_project_has_is_said(drivers):
    spec = SPEC.model_copy(update={"projectId": "0" * 32})
    assert "there is no project with the id 000" in put(drivers, spec).message


@pytest.mark.parametrize(
    ("provider", "lacks"),
    [
        (Provider("egi.eu", ("https://another.example.org",)), f"lacks the issuer {SPEC.issuer}"),
        (Provider("egi.eu", (SPEC.issuer,), enabled=False), "is disabled"),
    ],
)
def test_an_identity_provider_that_the_site_made_is_not_changed(identity, drivers, provider, lacks):
    identity.put_provider(provider, "Default")
    answer = put(drivers)
    assert (answer.fate, lacks in answer.message) == ("terminal", True)
    assert identity.way("egi.eu", "openid").provider == provider


def test_a_rule_that_leads_into_our_group_and_others_stays_and_makes_the_share_unhealthy(identity, drivers):
    put(drivers)
    (group,) = identity.census("Default", ()).groups
    mixed = {"local": [{"group": {"id": group}}, {"group": {"id": "staff"}}], "remote": [{"type": "STAFF"}]}
    mapping = identity.way("egi.eu", "openid").mapping
    identity.put_mapping(mapping, [mixed, rule(SPEC, group)])
    seen = look(drivers)
    assert (seen.spec, seen.healthy) == (SPEC, False)
    assert "lets others in as well" in seen.note
    put(drivers, before=SPEC)
    assert mixed in identity.way("egi.eu", "openid").mappings[mapping]


# -- taking away -------------------------------------------------------------------------------------------------------


def test_a_project_with_something_in_it_is_never_deleted(identity, drivers):
    put(drivers)
    (project,) = identity.census("Default", ()).projects
    identity.occupy(project, "3 servers", "1 volume")
    answer = remove(drivers)
    assert (answer.fate, answer.reason) == ("terminal", "DeletionBlocked")
    assert answer.message.startswith("the project vo.x is not empty: 3 servers, 1 volume")
    assert look(drivers).spec == SPEC


def test_the_way_in_goes_with_the_last_share_and_not_before(identity, drivers):
    other = KIND.canonical(ShareSpec(site="BAY", cloud="bay", vo="vo.y", entitlements=("y",)))
    changes = [Change(REF, UID, 1, SPEC), Change(Ref("Share/y"), "e" * 32, 1, other)]
    KIND.put(TARGET, changes, drivers)
    remove(drivers)
    assert len(identity.way("egi.eu", "openid").mappings["egi.eu_openid"]) == 1
    KIND.remove(TARGET, changes[1:], drivers)
    assert identity.way("egi.eu", "openid").provider is None


def test_a_mapping_of_the_sites_that_would_be_empty_lets_nobody_in(identity, drivers):
    put(drivers)
    identity.put_provider(Provider("egi.eu", (SPEC.issuer,), mark=""), "Default")
    with identity._changing() as world:
        world["providers"]["egi.eu"]["mark"] = ""
    remove(drivers)
    assert identity.way("egi.eu", "openid").mappings["egi.eu_openid"] == (nobody(SPEC),)


# -- a run that was killed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["create_group", "grant", "put_provider", "put_mapping", "put_protocol"])
def test_a_run_killed_at_any_step_is_finished_by_the_next_and_makes_nothing_twice(identity, call):
    class Killed(Exception):
        pass

    def kill(*_, **__):
        raise Killed

    broken = embedded.Embedded(identity._file, identity._options)
    setattr(broken, call, kill)
    with pytest.raises(Killed):
        put(Drivers(broken))
    assert isinstance(put(Drivers(identity)), Done)
    census = identity.census("Default", ())
    assert (len(census.projects), len(census.groups)) == (1, 1)
    assert look(Drivers(identity)).spec == SPEC


# -- quotas ------------------------------------------------------------------------------------------------------------

QUOTAS = [
    {"vcpus": 100, "start": "2026-01-01", "end": "2026-12-31"},
    {"vcpus": 200, "instances": 7, "start": "2027-01-01"},
]
LIMITED = KIND.canonical(ShareSpec.model_validate({**SPEC.model_dump(mode="json"), "quotas": QUOTAS}, strict=False))


def test_the_quota_in_force_is_set_and_the_next_one_on_its_day(identity, drivers):
    then, later = ShareKind(lambda: date(2026, 12, 31)), ShareKind(lambda: date(2027, 1, 1))
    put(drivers, LIMITED, kind=then)
    (project,) = identity.census("Default", ()).projects
    assert identity.quotas([project], ["vcpus", "instances"])[project] == {"vcpus": 100, "instances": 10}
    assert look(drivers, LIMITED, then).spec == LIMITED
    seen = look(drivers, LIMITED, later).spec
    assert [q.vcpus for q in seen.quotas] == [100, 100]
    put(drivers, LIMITED, seen, later)
    assert identity.quotas([project], ["vcpus", "instances"])[project] == {"vcpus": 200, "instances": 7}
    assert look(drivers, LIMITED, later).spec == LIMITED


def test_a_limit_that_no_service_of_the_cloud_keeps_is_left_out(tmp_path):
    identity = embedded.Embedded(tmp_path / "k.sqlite", embedded.Options(state=str(tmp_path), quotas=()))
    kind = ShareKind(lambda: date(2026, 12, 31))
    put(Drivers(identity), LIMITED, kind=kind)
    assert look(Drivers(identity), LIMITED, kind).spec == LIMITED


# -- rules and the site that brings shares along -----------------------------------------------------------------------


def test_an_entitlement_is_matched_letter_by_letter():
    assert pattern("a.b#c") == r"^a\.b\#c$"


def test_the_rules_of_people_come_first_in_their_order_and_ours_in_the_order_of_groups():
    groups = {name: Group(name, name, "Default") for name in "abc"}
    ours = {name: rule(SPEC, name) for name in "abc"}
    theirs = [{"local": [{"group_ids": "{1}"}], "remote": []}, {"local": [{"group": {"id": "staff"}}], "remote": []}]
    rules = Rules({"m": [ours["c"], theirs[0], ours["a"], theirs[1]]}, groups, "Default")
    assert rules.with_own("m", {"b": [ours["b"]]}, set("abc"), [SPEC]) == [*theirs, ours["a"], ours["b"], ours["c"]]


SITE = {
    "name": "bay",
    "driver": "openstack",
    "endpoint": "https://cloud.bay.example.org:5000/v3",
    "onboarding": {"quota": {"floatingIps": 2}},
    "shares": [{"vo": "vo.x"}, {"vo": "/biomed/vip", "projectName": "vip"}],
}
ALLOCATED = {"site": "BAY", "vcpus": 8, "ramGiB": 2, "start": date(2026, 1, 1), "end": date(2026, 12, 31)}


def repository(root: Path, cloud=SITE, hanse="", **lifecycle) -> Path:
    of_x = vo("vo.x", ENTITLEMENT)
    of_x["spec"]["allocations"] = [ALLOCATED]
    documents = [document("Site", "BAY", {"clouds": [cloud]}), of_x, vo("/biomed/vip", "")]
    documents[0] |= {"lifecycle": lifecycle} if lifecycle else {}
    commit(root, {"all.yaml": yaml.safe_dump_all(documents)})
    (root / "hanse.toml").write_text(hanse)
    return root


SIMULATED = '[substitute]\nopenstack = "simulated"\n'


def test_a_site_brings_along_a_share_for_each_of_its_shares(tmp_path):
    root = repository(tmp_path, hanse=SIMULATED)
    applied(root, until_quiet=True)
    assert said(planned(root)) == []
    with opened(root) as house:
        refs = ["Share/BAY.bay.biomed_vip", "Share/BAY.bay.vo.x"]
        assert sorted(r for r in house.store.inventory.entries() if r.startswith("Share/")) == refs
        held = house.store.inventory.details([Ref(ref) for ref in refs])
        vip, x = (ShareSpec.model_validate_json(held[Ref(ref)].content) for ref in refs)
    assert (vip.project, vip.property, vip.entitlements) == ("vip", "biomed/vip", ())
    assert x.entitlements == (ENTITLEMENT,)
    assert [q.limits() for q in x.quotas] == [{"vcpus": 8, "ramMiB": 2048, "floatingIps": 2}, {"floatingIps": 2}]


def test_without_an_administrators_credential_the_plan_says_so_and_nothing_fails(tmp_path):
    root = repository(tmp_path)
    with opened(root) as house:
        report = once(house, propose(house, "HEAD"))
    assert not report.failed
    plan = planned(root)
    assert said(plan) == ["defer Share/BAY.bay.biomed_vip ObserveOnly", "defer Share/BAY.bay.vo.x ObserveOnly"]
    assert plan.actions[0].message.startswith("needs an administrator's credential: name one in the site's onboarding")
    assert not plan.unreachable


def test_a_credential_that_this_reconciler_does_not_have_is_named(tmp_path):
    administrator = {"username": "admin", "password": {"env": "BAY_ADMIN"}}
    root = repository(tmp_path, {**SITE, "onboarding": {"administrator": administrator}})
    applied(root)
    (first, _) = planned(root).actions
    why = "the environment variable BAY_ADMIN is not set: set it for the reconciler"
    assert first.message == f"needs an administrator's credential: {why}"


def test_a_project_of_the_sites_waits_for_a_word_and_is_taken_over_with_it(tmp_path):
    root = repository(tmp_path, hanse=SIMULATED)
    state = Target("identity:BAY/bay", "simulated", {"state": str(root / ".hanse/state/identity")})
    theirs = embedded.open(state).create_project("vo.x", "Default", {})
    plan = planned(root)
    assert "adopt Share/BAY.bay.vo.x AdoptionConflict" in said(plan)
    repository(root, hanse=SIMULATED, adopt=True)
    applied(root, until_quiet=True)
    assert said(planned(root)) == []
    assert embedded.open(state).project(theirs.id).uid == uid_of(REF)


def test_a_suspended_vos_members_do_not_come_in(tmp_path):
    root = repository(tmp_path, hanse=SIMULATED)
    applied(root, until_quiet=True)
    text = (root / "manifests/all.yaml").read_text().replace("  entitlements:", "  status: Suspended\n  entitlements:")
    commit(root, {"all.yaml": text})
    assert "update Share/BAY.bay.vo.x SpecChanged" in said(planned(root))
    applied(root, until_quiet=True)
    state = Target("identity:BAY/bay", "simulated", {"state": str(root / ".hanse/state/identity")})
    assert ENTITLEMENT.replace(".", "\\.") not in str(embedded.open(state).way("egi.eu", "openid").mappings)


@pytest.mark.parametrize(
    ("spec", "rule", "message"),
    [
        ({"cloud": "boy"}, "share-cloud", "the site BAY has no cloud boy"),
        ({"project": "taken"}, "share-once", "Share/first has taken already"),
    ],
)
def test_what_is_wrong_between_shares_and_sites_is_said(spec, rule, message):
    site = resource("Site/BAY", {"clouds": [{k: v for k, v in SITE.items() if k not in ("shares", "onboarding")}]})
    first = resource("Share/first", {"site": "BAY", "cloud": "bay", "vo": "vo.x", "project": "taken"})
    second = resource("Share/second", {"site": "BAY", "cloud": "bay", "vo": "vo.x", "group": "g", **spec})
    with pytest.raises(ManifestError) as raised:
        graph(site, resource("VO/vo.x", {}), first, second)
    assert [(d.rule, d.message) for d in raised.value.diagnostics] == [(rule, message)]


def test_what_a_share_alone_may_not_say():
    wrong = SPEC.model_copy(update={"deviations": ("x",), "entitlements": ("a;b",)})
    assert {r.id for r in KIND.rules for _ in r.check(REF, wrong)} == {"share-deviations", "share-entitlement"}
