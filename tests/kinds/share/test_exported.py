"""The rules of hanse export keystone-mapping, held against a real keystone and against those that onboarding makes."""

from __future__ import annotations

import json

from reconciler.exchange.rendered import keystone_mapping
from reconciler.model import Ref
from reconciler.reconcile import propose

SITE = "TIDE-CLOUD"
ENTITLEMENT = "urn:mace:egi.eu:group:vo.access.egi.eu:role=vm_operator#aai.egi.eu"
OTHER = "urn:mace:egi.eu:group:vo.other.org:role=vm_operator#aai.egi.eu"
TWO = {"vo.access.egi.eu": ENTITLEMENT, "vo.other.org": OTHER}


def exported(site, *, made: bool) -> list:
    with site.opened() as house:
        resources = propose(house, "HEAD").graph.resources
        held = [ref for ref in house.store.inventory.entries() if ref.kind == "Share"] if made else []
        rendered = keystone_mapping(SITE, resources, house.store.inventory.outputs(held))
    assert rendered.untold == ()
    return json.loads(rendered.files["openstack.json"])


def by_hand(site, rules: list) -> None:
    """What an administrator does who keeps the keystone himself."""
    keystone = site.keystone
    domain = keystone.call("GET", f"/domains?name={site.domain}")["domains"][0]["id"]
    role = keystone.call("GET", "/roles?name=member")["roles"][0]["id"]
    for name in TWO:
        body = {"name": name, "domain_id": domain}
        project = keystone.call("POST", "/projects", {"project": body})["project"]["id"]
        group = keystone.call("POST", "/groups", {"group": body})["group"]["id"]
        keystone.call("PUT", f"/projects/{project}/groups/{group}/roles/{role}")
    base = "/OS-FEDERATION"
    provider = {"remote_ids": [site.issuer], "enabled": True, "domain_id": domain}
    keystone.call("PUT", f"{base}/identity_providers/{site.provider}", {"identity_provider": provider})
    keystone.call("PUT", f"{base}/mappings/by-hand-{site.provider}", {"mapping": {"rules": rules}})
    protocol = {"protocol": {"mapping_id": f"by-hand-{site.provider}"}}
    keystone.call("PUT", f"{base}/identity_providers/{site.provider}/protocols/openid", protocol)


def test_an_administrator_who_loads_the_exported_rules_lets_in_the_members_and_nobody_else(site):
    site.commit(TWO)
    by_hand(site, exported(site, made=False))
    assert site.projects_of(ENTITLEMENT) == ["vo.access.egi.eu"]
    assert site.projects_of(OTHER) == ["vo.other.org"]
    assert site.projects_of(ENTITLEMENT, OTHER) == sorted(TWO)
    assert site.projects_of(ENTITLEMENT.replace(".", "X", 1)) is None
    assert site.projects_of(f"{ENTITLEMENT}x") is None
    assert site.projects_of(ENTITLEMENT, issuer=site.keystone.issuer.name) is None


def test_the_exported_rules_are_those_that_onboarding_has_made(site):
    site.commit(TWO)
    assert not site.applied().failed
    assert exported(site, made=True) == site.mapping()["rules"]


def test_a_vo_without_an_entitlement_has_no_rule_and_is_told(site):
    site.commit({**TWO, "vo.none.org": ""})
    with site.opened() as house:
        rendered = keystone_mapping(SITE, propose(house, "HEAD").graph.resources, {})
    assert len(json.loads(rendered.files["openstack.json"])) == len(TWO)
    assert rendered.untold == ("openstack: vo.none.org has no entitlement",)
    assert Ref("VO/vo.none.org").name not in rendered.text
