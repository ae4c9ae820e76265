"""Whose word a change needs: field by field, by the roles that were stated before."""

from __future__ import annotations

import pytest

from reconciler.exchange.rendered import Need, approvers, unmet
from reconciler.kinds import registry
from reconciler.model import Location, Ref, Resource, digest_of, encode

KINDS = registry()


def resource(ref, spec, **more):
    ref, content = Ref(ref), encode(spec)
    made = Resource(
        ref, digest_of(content), content, (), "", Location("x.yaml", 1), KINDS[ref.kind].Spec.model_validate_json
    )
    return {ref: made._replace(**more)}


def assigned(over, **roles):
    ((level, name),) = over.items()
    return resource(f"RoleAssignment/{level}-{name}", {"over": over, "roles": roles})


def bay(**spec):
    return resource("Site/BAY", {"ngi": "NGI_SEA", "certification": "Certified", **spec})


ROLES = {
    **assigned({"site": "BAY"}, **{"Site Administrator": ["@admin"], "Site Operations Manager": ["@manager"]}),
    **assigned({"ngi": "NGI_SEA"}, **{"NGI Operations Manager": ["@sea"], "Regional Staff (ROD)": ["@rod"]}),
    **assigned({"ngi": "NGI_LAND"}, **{"NGI Operations Manager": ["@land"]}),
    **assigned({"project": "EGI"}, **{"COD Staff": ["@cod"]}),
    **assigned({"vo": "vo.x"}, **{"VO Manager": ["@vo"]}),
    **resource("VO/vo.x", {}),
    **resource("VO/vo.y", {}),
}
SITE = ("@admin", "@manager", "@rod", "@sea")
WORD = ("@cod", "@sea")


@pytest.mark.parametrize(
    ("before", "after", "needs"),
    [
        (bay(), bay(), []),
        (bay(), bay(description="x"), [("change", SITE)]),
        (bay(), bay(certification="Suspended"), [("certification: Certified -> Suspended", WORD)]),
        (
            bay(),
            bay(certification="Suspended", certificationChange={"reason": "x"}),
            [("certification: Certified -> Suspended", WORD)],
        ),
        (
            bay(),
            bay(certification="Suspended", description="x"),
            [("certification: Certified -> Suspended", WORD), ("change", SITE)],
        ),
        (bay(), bay(ngi="NGI_LAND"), [("add it to NGI_LAND", ("@land",)), ("take it from NGI_SEA", ("@sea",))]),
        ({}, bay(certification="Candidate"), [("add it to NGI_SEA", ("@sea",))]),
        (
            {},
            bay(),
            [("add it to NGI_SEA", ("@sea",)), ("certification: Candidate -> Certified", WORD)],
        ),
        (bay(), {}, [("take it from NGI_SEA", ("@sea",))]),
        (
            bay(),
            resource("Site/BAY", {"ngi": "NGI_SEA", "certification": "Certified"}, labels={"a": "b"}),
            [("change", SITE)],
        ),
        ({}, resource("Site/NEW", {}), [("add it to no NGI", ("@cod",))]),
        (resource("Dataset/vo.x/d", {}), resource("Dataset/vo.x/d", {"a": 1}), [("change", ("@vo",))]),
        ({}, resource("Dataset/vo.x/d", {}), [("add", ("@vo",))]),
        (resource("Dataset/vo.x/d", {}), {}, [("take away", ("@vo",))]),
        (
            resource("Dataset/n/d", {"vo": "vo.x"}),
            resource("Dataset/n/d", {"vo": "vo.y"}),
            [("change", ("@cod",)), ("change", ("@vo",))],
        ),
        ({}, resource("Share/s", {}, owner=Ref("Site/BAY")), []),
    ],
)
def test_a_change_needs_the_word_of_those_who_may_make_it(before, after, needs):
    found = approvers({**ROLES, **before}, {**ROLES, **after})
    assert [(need.what, need.holders) for need in found] == needs


def test_nobody_grants_himself_the_right_to_his_change():
    mine = assigned({"ngi": "NGI_SEA"}, **{"NGI Operations Manager": ["@admin"]})
    found = approvers({**ROLES, **bay()}, {**ROLES, **bay(certification="Uncertified"), **mine})
    assert found == [
        Need("RoleAssignment/ngi-NGI_SEA", "change", ("@cod", "@sea")),
        Need("Site/BAY", "certification: Certified -> Uncertified", ("@cod", "@sea")),
    ]


def test_without_any_role_nobody_can_agree():
    (need,) = approvers({}, bay(certification="Candidate"))
    assert need.holders == ()
    assert unmet([need], ["@anybody"]) == [need]


@pytest.mark.parametrize(("said", "missing"), [(["@cod"], 0), (["@COD"], 0), (["@admin"], 1), (["@sea", "@admin"], 0)])
def test_one_of_the_holders_is_enough(said, missing):
    needs = approvers({**ROLES, **bay()}, {**ROLES, **bay(certification="Closed")})
    assert len(unmet(needs, said)) == missing
