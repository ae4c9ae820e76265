"""What every keystone must do, embedded or real."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.errors import Conflict, Terminal
from reconciler.ports.identity import MARK, Provider

UID = "5" * 32
RULE = {"local": [{"user": {"name": "{0}"}}, {"group": {"id": "g"}}], "remote": [{"type": "HTTP_OIDC_SUB"}]}


@pytest.fixture
def domain_id(identity, place) -> str:
    return identity.census(place.domain, ()).domain_id


def test_what_is_made_is_listed_with_its_properties(identity, place, domain_id):
    project = identity.create_project("vo.x", domain_id, {MARK: UID, "egi.VO": "vo.x"})
    group = identity.create_group("vo.x", domain_id, {MARK: UID})
    seen = place.open().census(place.domain, ())
    assert seen.complete
    assert seen.projects == {project.id: project}
    assert seen.groups == {group.id: group}
    assert (project.uid, group.uid, project.properties["egi.VO"]) == (UID, UID, "vo.x")


def test_a_domain_that_there_is_not_is_said_and_not_taken_for_empty(identity):
    with pytest.raises(Terminal, match="no domain called nowhere"):
        identity.census("nowhere", ())


@pytest.mark.parametrize("what", ["project", "group"])
def test_a_name_that_is_taken_is_a_conflict(identity, domain_id, what):
    make = identity.create_project if what == "project" else identity.create_group
    make("vo.x", domain_id, {})
    with pytest.raises(Conflict):
        make("vo.x", domain_id, {})


def test_properties_are_set_and_taken_away_and_others_stay(identity, place, domain_id):
    project = identity.create_project("vo.x", domain_id, {MARK: UID, "egi.VO": "vo.x", "contact": "somebody"})
    identity.update_project(project.id, {MARK: None, "egi.VO": "vo.y"}, enabled=False)
    seen = identity.project(project.id)
    assert seen == replace(project, properties={"egi.VO": "vo.y", "contact": "somebody"}, enabled=False)


def test_properties_of_a_group_are_set_and_taken_away(identity, place, domain_id):
    group = identity.create_group("vo.x", domain_id, {MARK: UID, "contact": "somebody"})
    identity.update_group(group.id, {MARK: None}, "renamed")
    assert identity.census(place.domain, ()).groups == {
        group.id: replace(group, name="renamed", properties={"contact": "somebody"})
    }


def test_a_project_may_be_renamed(identity, domain_id):
    project = identity.create_project("vo.x", domain_id, {})
    identity.rename_project(project.id, "vo.y")
    assert identity.project(project.id).name == "vo.y"


def test_what_there_is_not_is_none(identity, domain_id):
    assert identity.project("0" * 32) is None
    assert identity.group("0" * 32) is None
    group = identity.create_group("g", domain_id, {})
    assert identity.group(group.id) == group


def test_grants_are_given_and_taken_as_often_as_one_likes(identity, place, domain_id):
    project, group = identity.create_project("p", domain_id, {}), identity.create_group("g", domain_id, {})
    for _ in range(2):
        identity.grant(group.id, project.id, "member")
    mine = (group.id, project.id, "member")
    assert mine in identity.census(place.domain, ("member",)).grants
    assert mine not in identity.census(place.domain, ("reader",)).grants
    for _ in range(2):
        identity.revoke(group.id, project.id, "member")
    assert mine not in identity.census(place.domain, ("member",)).grants


def test_a_role_that_there_is_not_is_said(identity, domain_id):
    project, group = identity.create_project("p", domain_id, {}), identity.create_group("g", domain_id, {})
    with pytest.raises(Terminal, match="no role called vm_king"):
        identity.grant(group.id, project.id, "vm_king")


def test_what_is_deleted_is_gone_and_may_be_deleted_again(identity, place, domain_id):
    project, group = identity.create_project("p", domain_id, {}), identity.create_group("g", domain_id, {})
    for _ in range(2):
        identity.delete_project(project.id)
        identity.delete_group(group.id)
    seen = identity.census(place.domain, ())
    assert (seen.projects, seen.groups) == ({}, {})


def test_there_is_no_way_in_at_first(identity, place):
    way = identity.way(place.provider, "openid")
    assert (way.provider, way.mapping) == (None, "")


def test_a_way_in_is_made_changed_and_taken_away(identity, place, domain_id):
    provider = Provider(place.provider, (place.issuer,), mark="ab12")
    mapping = f"{place.provider}-map"
    identity.put_provider(provider, domain_id)
    identity.put_mapping(mapping, [RULE])
    identity.put_protocol(place.provider, "openid", mapping)
    seen = place.open().way(place.provider, "openid")
    assert (seen.provider, seen.mapping, seen.mappings[mapping]) == (provider, mapping, (RULE,))
    identity.put_mapping(mapping, [RULE, RULE])
    identity.put_provider(replace(provider, enabled=False), domain_id)
    identity.put_protocol(place.provider, "openid", mapping)
    seen = identity.way(place.provider, "openid")
    assert (seen.provider, seen.mappings[mapping]) == (replace(provider, enabled=False), (RULE, RULE))
    for _ in range(2):
        identity.remove_way(place.provider, "openid", mapping)
    seen = identity.way(place.provider, "openid")
    assert (seen.provider, seen.mapping, mapping in seen.mappings) == (None, "", False)


def test_a_mapping_without_rules_is_refused(identity, place):
    with pytest.raises(Terminal):
        identity.put_mapping(f"{place.provider}-empty", [])


def test_an_empty_project_has_no_contents(identity, domain_id):
    assert list(identity.contents(identity.create_project("p", domain_id, {}).id)) == []
