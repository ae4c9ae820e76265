"""VOs onboarded at a site with a real keystone, from manifests to scoped tokens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from reconciler.reconcile import propose
from tests.house import once, said

MAPPINGS = yaml.safe_load((Path(__file__).parents[2] / "data/fedcloud/vo-mappings.yaml").read_text())["vos"]
ENTITLEMENT = "urn:mace:egi.eu:group:vo.access.egi.eu:role=vm_operator#aai.egi.eu"
OTHER = "urn:mace:egi.eu:group:vo.other.org:role=vm_operator#aai.egi.eu"
ONE = {"vo.access.egi.eu": ENTITLEMENT}
TWO = {**ONE, "vo.other.org": OTHER}
SHARE = "Share/TIDE-CLOUD.openstack.vo.access.egi.eu"


def name(group: str) -> str:
    return group.strip("/").replace("/", "_")


def lookalikes(entitlement: str) -> set[str]:
    """Entitlements that an unescaped or unanchored rule would let in."""
    dots = [m.start() for m in re.finditer(r"\.", entitlement)]
    found = {f"{entitlement[:at]}X{entitlement[at + 1 :]}" for at in dots}
    return {*found, f"x{entitlement}", f"{entitlement}x", entitlement.replace(".", "-"), entitlement.upper()}


def writes(site) -> list[tuple[str, str]]:
    return [call for call in site.keystone.calls() if call[0] != "GET" and not call[1].endswith("/auth/tokens")]


def test_all_mapped_vos_get_a_token_for_exactly_their_own_project(site):
    site.commit(MAPPINGS)
    site.keystone.calls()
    report = site.applied()
    calls = site.keystone.calls()
    assert not report.failed
    print(f"{len(MAPPINGS)} VOs onboarded in {len(calls)} calls")
    assert len(calls) <= 3 * len(MAPPINGS) + 30
    holders = {e: sorted(name(g) for g in MAPPINGS if MAPPINGS[g] == e) for e in MAPPINGS.values()}
    assert {entitlement: site.projects_of(entitlement) for entitlement in holders} == holders

    assert said(site.planned()) == []
    site.keystone.calls()
    site.applied()
    assert writes(site) == []


def test_the_second_look_takes_as_many_calls_for_one_share_as_for_many(site):
    site.commit(TWO)
    site.applied()
    site.keystone.calls()
    assert said(site.planned()) == []
    assert len(site.keystone.calls()) <= 12


@pytest.mark.parametrize("probe", sorted(lookalikes(ENTITLEMENT)))
def test_whoever_has_nearly_the_entitlement_does_not_come_in(standing, probe):
    assert standing.projects_of(probe) is None


@pytest.fixture(scope="module")
def standing(keystone, tmp_path_factory):
    from tests.kinds.share.conftest import Onboarded

    issuer = f"{keystone.issuer.name}/99"
    made = Onboarded(tmp_path_factory.mktemp("standing"), keystone, keystone.domain(), "standing", issuer)
    made.commit(ONE)
    assert not made.applied().failed
    return made


def test_the_members_come_in_and_another_issuers_do_not(standing):
    assert standing.projects_of(ENTITLEMENT) == ["vo.access.egi.eu"]
    assert standing.projects_of(OTHER) is None
    assert standing.projects_of(ENTITLEMENT, issuer=standing.keystone.issuer.name) is None


def test_the_project_says_whose_it_is(standing):
    assert standing.project("vo.access.egi.eu")["egi.VO"] == "vo.access.egi.eu"


def test_a_rule_changed_by_hand_is_drift_with_its_words_and_is_repaired(site):
    site.commit(TWO)
    site.applied()
    mapping = site.mapping()
    for rule in mapping["rules"]:
        rule["remote"][2]["any_one_of"] = [e.replace("\\", "").strip("^$") for e in rule["remote"][2]["any_one_of"]]
    site.keystone.call("PATCH", f"/OS-FEDERATION/mappings/{mapping['id']}", {"mapping": {"rules": mapping["rules"]}})
    near = "urn:mace:egi.eu:group:voXaccess.egi.eu:role=vm_operator#aai.egi.eu"
    assert site.projects_of(near) == ["vo.access.egi.eu"]
    plan = site.planned()
    assert said(plan) == [
        f"update {SHARE} DriftDetected",
        "update Share/TIDE-CLOUD.openstack.vo.other.org DriftDetected",
    ]
    changed = {change.path for change in plan.actions[0].changes}
    assert changed == {"spec.deviations", "spec.entitlements"}
    site.applied()
    assert site.projects_of(near) is None
    assert site.projects_of(ENTITLEMENT) == ["vo.access.egi.eu"]
    assert said(site.planned()) == []


def test_each_step_undone_by_hand_is_seen_and_done_again(site):
    site.commit(ONE)
    with site.opened() as house:
        once(house, propose(house, "HEAD"))
        for steps in ("role property disabled", "group", "provider", "protocol rule", "project"):
            for step in steps.split():
                undo(site, step)
            proposal = propose(house, "HEAD")
            assert said(proposal.plan) == [f"update {SHARE} DriftDetected"], steps
            assert not once(house, proposal).failed
            assert site.projects_of(ENTITLEMENT) == ["vo.access.egi.eu"], steps
        assert said(propose(house, "HEAD").plan) == []


def undo(site, step):
    call, project = site.keystone.call, site.project("vo.access.egi.eu")
    group = next(
        g for g in call("GET", "/groups?name=vo.access.egi.eu")["groups"] if g["domain_id"] == project["domain_id"]
    )
    role = call("GET", "/roles?name=member")["roles"][0]
    provider = f"/OS-FEDERATION/identity_providers/{site.provider}"
    match step:
        case "role":
            call("DELETE", f"/projects/{project['id']}/groups/{group['id']}/roles/{role['id']}")
        case "property":
            call("PATCH", f"/projects/{project['id']}", {"project": {"egi.VO": "vo.thief.org"}})
        case "group":
            call("DELETE", f"/groups/{group['id']}")
        case "provider":
            call("PATCH", provider, {"identity_provider": {"enabled": False}})
        case "protocol":
            call("DELETE", f"{provider}/protocols/openid")
        case "rule":
            nobody = {"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "NOBODY"}]}
            call("PATCH", f"/OS-FEDERATION/mappings/{site.provider}_openid", {"mapping": {"rules": [nobody]}})
        case "disabled":
            call("PATCH", f"/projects/{project['id']}", {"project": {"enabled": False}})
        case "project":
            call("DELETE", f"/projects/{project['id']}")


def test_rules_that_people_wrote_stay(site):
    mapping = f"{site.provider}_openid"
    theirs = {
        "local": [{"user": {"name": "{0}"}}, {"group": {"name": "staff", "domain": {"name": site.domain}}}],
        "remote": [{"type": "HTTP_OIDC_SUB"}, {"type": "STAFF", "any_one_of": ["yes"]}],
    }
    site.keystone.call("PUT", f"/OS-FEDERATION/mappings/{mapping}", {"mapping": {"rules": [theirs]}})
    site.commit(ONE)
    site.applied()
    assert site.mapping()["rules"][0] == theirs
    assert len(site.mapping()["rules"]) == 2
    site.keystone.call("PATCH", f"/OS-FEDERATION/mappings/{mapping}", {"mapping": {"rules": [theirs, theirs]}})
    site.applied()
    assert site.mapping()["rules"][:2] == [theirs, theirs]
    assert site.projects_of(ENTITLEMENT) == ["vo.access.egi.eu"]
    site.commit(ONE, shares=[])
    site.applied()
    assert site.mapping()["rules"] == [theirs, theirs]


def test_taking_everything_away_leaves_nothing_behind(site):
    site.commit(TWO)
    site.applied()
    site.commit(TWO, shares=["vo.other.org"])
    assert f"delete {SHARE} RemovedFromGit" in said(site.planned())
    assert not site.applied().failed
    assert site.project("vo.access.egi.eu") is None
    assert site.projects_of(ENTITLEMENT) is None
    assert site.projects_of(OTHER) == ["vo.other.org"]
    site.commit(TWO, shares=[])
    assert not site.applied().failed
    assert site.project("vo.other.org") is None
    found = site.keystone.call("GET", "/OS-FEDERATION/identity_providers")["identity_providers"]
    assert site.provider not in {provider["id"] for provider in found}
    mappings = site.keystone.call("GET", "/OS-FEDERATION/mappings")["mappings"]
    assert f"{site.provider}_openid" not in {mapping["id"] for mapping in mappings}
