"""CODEOWNERS from roles: who owns which file, by what stands in it."""

from __future__ import annotations

import re

import pytest
from pathspec import GitIgnoreSpec

from reconciler.exchange.rendered import codeowners
from reconciler.kinds import registry
from reconciler.model import Location, Ref, Resource, encode

KINDS = registry()
ROLES = {
    "Site Administrator": "@admin",
    "Site Operations Manager": "@manager",
    "NGI Operations Manager": "@ngi",
    "Regional Staff (ROD)": "@rod",
    "COD Staff": "@cod",
    "VO Manager": "@vo",
    "VO Deputy": "@deputy",
}
SITE = {"Site Administrator", "Site Operations Manager"}
NGI = {"NGI Operations Manager", "Regional Staff (ROD)"}


def resource(ref, file, spec):
    ref = Ref(ref)
    content = encode(spec)
    read = KINDS[ref.kind].Spec.model_validate_json if ref.kind in KINDS else dict
    return ref, Resource(ref, "", content, (), "", Location(file, 1), read)


def assigned(name, over, *roles):
    spec = {"over": over, "roles": {role: [ROLES[role]] for role in roles}}
    return resource(f"RoleAssignment/{name}", f"manifests/roles/{name}.yaml", spec)


BAY = resource("Site/BAY", "manifests/sites/bay.yaml", {"ngi": "NGI_SEA"})
VO = resource("VO/vo.x.org", "manifests/vos/x.yaml", {})
ALL = (
    assigned("bay", {"site": "BAY"}, *SITE),
    assigned("sea", {"ngi": "NGI_SEA"}, *NGI),
    assigned("egi", {"project": "EGI"}, "COD Staff"),
    assigned("x", {"vo": "vo.x.org"}, "VO Manager", "VO Deputy"),
)


def owners(*resources):
    """Pattern -> owners, and what could not be told."""
    made = codeowners(dict(resources))
    lines = [line.split() for line in made.text.splitlines() if not line.startswith("#")]
    return {pattern: set(rest) for pattern, *rest in lines}, (*made.untold, *made.remarks)


def owned(*resources, roles=ALL):
    found, _ = owners(*resources, *roles)
    return found[f"/{resources[0][1].location.file}"]


def downtime(**affects):
    spec = {"affects": [affects], "description": "x", "severity": "OUTAGE", "start": "x", "end": "x"}
    return resource("Downtime/d", "manifests/d.yaml", spec)


@pytest.mark.parametrize(
    ("wanted", "who"),
    [
        (BAY, {"@admin", "@manager", "@ngi", "@rod"}),
        (VO, {"@vo", "@deputy"}),
        (ALL[0], {"@manager", "@ngi"}),
        (ALL[1], {"@ngi", "@cod"}),
        (ALL[2], {"@cod"}),
        (ALL[3], {"@vo", "@cod"}),
        (downtime(site="BAY"), {"@admin", "@manager", "@ngi", "@rod"}),
        (downtime(selector={"ngi": "NGI_SEA"}), {"@ngi", "@rod"}),
        (downtime(selector={"country": "ES"}), {"@cod"}),
        (resource("Dataset/vo.x.org/d", "manifests/d.yaml", {}), {"@vo", "@deputy"}),
        (resource("Dataset/elsewhere/d", "manifests/d.yaml", {"vo": "vo.x.org"}), {"@vo", "@deputy"}),
        (
            resource("Share/s", "manifests/s.yaml", {"site": "BAY", "vo": "other"}),
            {"@admin", "@manager", "@ngi", "@rod"},
        ),
        (resource("VirtualCluster/elsewhere/c", "manifests/c.yaml", {"site": "auto"}), {"@cod"}),
        (resource("Report/r", "manifests/r.yaml", {}), {"@cod"}),
    ],
)
def test_a_file_is_owned_by_those_who_may_change_what_stands_in_it(wanted, who):
    rest = [one for one in (BAY, VO) if one[0] != wanted[0]]
    found, _ = owners(wanted, *rest, *(one for one in ALL if one[0] != wanted[0]))
    assert found[f"/{wanted[1].location.file}"] == who


def test_a_file_with_several_things_is_owned_by_those_who_may_change_all_of_them():
    cove = resource("Site/COVE", "manifests/sites/bay.yaml", {"ngi": "NGI_SEA"})
    assert owned(BAY, cove) == {"@ngi", "@rod"}


def test_what_nobody_may_change_as_a_whole_is_the_projects_and_that_is_told():
    mixed = resource("VO/vo.x.org", "manifests/sites/bay.yaml", {})
    found, untold = owners(BAY, mixed, *ALL)
    assert found["/manifests/sites/bay.yaml"] == {"@cod"}
    assert untold == ("manifests/sites/bay.yaml: nobody may change all that stands in it: it is the project's",)


def test_what_nobody_holds_a_role_over_is_the_projects():
    found, untold = owners(BAY, ALL[2])
    assert found["/manifests/sites/bay.yaml"] == {"@cod"}
    assert "manifests/sites/bay.yaml: nobody holds a role over Site/BAY: it is the project's" in untold


def test_without_any_role_nothing_has_an_owner_and_no_line_says_so_by_mistake():
    found, untold = owners(BAY)
    assert found == {"*": set()}
    assert untold == (
        "nobody holds a role over the project: what belongs to nobody else has no owner",
        "manifests/sites/bay.yaml: nobody holds a role over Site/BAY: it has no owner",
    )


def test_new_sites_in_an_ngis_folder_are_for_the_ngi_to_allow():
    in_folder = resource("Site/BAY", "manifests/NGI_SEA/bay.yaml", {"ngi": "NGI_SEA"})
    found, _ = owners(in_folder, *ALL)
    assert found["/manifests/NGI_SEA/"] == {"@ngi"}
    mixed = resource("Site/HILL", "manifests/NGI_SEA/hill.yaml", {"ngi": "NGI_LAND"})
    assert "/manifests/NGI_SEA/" not in owners(in_folder, mixed, *ALL)[0]


def test_the_line_that_counts_stands_last():
    in_folder = resource("Site/BAY", "manifests/NGI_SEA/bay.yaml", {"ngi": "NGI_SEA"})
    patterns = list(owners(in_folder, VO, *ALL)[0])
    assert patterns[:2] == ["*", "/manifests/NGI_SEA/"]
    assert patterns[2:] == sorted(patterns[2:])


def by_forge(text, file):
    """Who owns a file as a forge reads it: patterns are git's, and the last that fits counts."""
    found = []
    for line in text.splitlines():
        if not line.startswith("#"):
            pattern, *rest = re.split(r"(?<!\\) ", line)
            if GitIgnoreSpec.from_lines([pattern]).match_file(file):
                found = rest
    return set(found)


@pytest.mark.parametrize(
    "file",
    [
        "manifests/bay.yaml",
        "manifests/a b.yaml",
        "manifests/[x].yaml",
        "manifests/*.yaml",
        "manifests/#a.yaml",
        "manifests/!a.yaml",
        "manifests/a\\b.yaml",
        "manifests/é.yaml",
    ],
)
def test_a_line_is_of_its_file_alone_however_that_is_called(file):
    text = codeowners(dict([resource("Site/BAY", file, {}), *ALL])).text
    assert by_forge(text, file) == {"@admin", "@manager"}
    assert by_forge(text, "manifests/x.yaml") == {"@cod"}
    assert by_forge(text, f"elsewhere/{file}") == {"@cod"}
    assert by_forge(text, ".github/CODEOWNERS") == {"@cod"}


def test_a_forge_reads_the_folders_and_the_files_as_they_are_meant():
    in_folder = resource("Site/BAY", "manifests/NGI_SEA/bay.yaml", {"ngi": "NGI_SEA"})
    text = codeowners(dict([in_folder, VO, *ALL])).text
    assert by_forge(text, "manifests/NGI_SEA/bay.yaml") == {"@admin", "@manager", "@ngi", "@rod"}
    assert by_forge(text, "manifests/NGI_SEA/new.yaml") == {"@ngi"}
    assert by_forge(text, "manifests/vos/x.yaml") == {"@vo", "@deputy"}
    assert by_forge(text, "manifests/vos/new.yaml") == {"@cod"}


def test_the_file_says_what_it_cannot_do_and_is_the_same_in_any_order():
    text = codeowners(dict([BAY, VO, *ALL])).text
    assert text == codeowners(dict([*reversed(ALL), VO, BAY])).text
    assert "certification" in text
    assert text.startswith("# Made by `hanse export codeowners` from the manifests.")


def test_what_a_resource_brings_along_has_no_line_of_its_own():
    ref, made = resource("Share/s", "manifests/elsewhere.yaml", {"site": "BAY"})
    found, _ = owners((ref, made._replace(owner=Ref("Site/BAY"))), BAY, *ALL)
    assert "/manifests/elsewhere.yaml" not in found
