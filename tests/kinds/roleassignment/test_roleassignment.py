"""Role assignments: what may be said, and who may do what."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from reconciler.kinds.roleassignment import ACTIONS, KIND, ROLES, RoleAssignmentSpec
from reconciler.model import Ref

REF = Ref("RoleAssignment/x")


def assignment(over, **roles):
    return RoleAssignmentSpec.model_validate({"over": over, "roles": roles}, strict=False)


@pytest.mark.parametrize("over", [{}, {"site": "A", "ngi": "B"}, {"site": None}, {"site": "a b"}, {"cloud": "A"}])
def test_a_role_is_held_over_exactly_one_thing(over):
    with pytest.raises(ValidationError):
        assignment(over, Admin=("@a",))


@pytest.mark.parametrize(
    ("holder", "good"),
    [
        ("@ana", True),
        ("@bay/operators", True),
        ("@bay/sub/operators", True),
        ("ana@example.org", True),
        ("ana.b+c@sub.example.org", True),
        ("ana", False),
        ("@", False),
        ("@ana bo", False),
        ("ana@localhost", False),
        ("@ana\n", False),
        ("#ana@example.org", False),
        ("", False),
    ],
)
def test_a_holder_is_a_user_a_team_or_an_address(holder, good):
    if good:
        assert assignment({"site": "A"}, **{"Site Administrator": (holder,)}).roles["Site Administrator"] == (holder,)
    else:
        with pytest.raises(ValidationError):
            assignment({"site": "A"}, **{"Site Administrator": (holder,)})


@pytest.mark.parametrize("level", ROLES)
def test_the_roles_of_a_level_are_held_over_it_alone(level):
    (rule,) = KIND.rules
    for other, roles in ROLES.items():
        faults = list(rule.check(REF, assignment({level: "A"}, **dict.fromkeys(roles, ("@a",)))))
        assert len(faults) == (0 if other == level else len(roles))


def test_a_misspelled_role_is_told_with_the_right_one():
    (rule,) = KIND.rules
    (fault,) = rule.check(REF, assignment({"ngi": "A"}, **{"NGI Operation Manager": ("@a",)}))
    assert fault.cure == "did you mean NGI Operations Manager?"


@pytest.mark.parametrize(
    ("action", "may", "may_not"),
    [
        ("change a site", "Site Administrator", "COD Staff"),
        ("change a site", "Regional Staff (ROD)", "VO Manager"),
        ("grant roles over a site", "Site Operations Manager", "Site Administrator"),
        ("grant roles over a site", "NGI Security Officer", "Regional Staff (ROD)"),
        ("add a site to an NGI", "NGI Operations Deputy Manager", "Site Operations Manager"),
        ("grant roles over an NGI", "EGI CSIRT Officer", "Regional First Line Support"),
        ("change a certification", "Chief Operations Officer", "Site Operations Manager"),
        ("change a certification", "NGI Operations Manager", "Regional Staff (ROD)"),
    ],
)
def test_who_may_do_what_is_as_gocdb_has_it(action, may, may_not):
    assert may in ACTIONS[action]
    assert may_not not in ACTIONS[action]


def test_every_action_is_of_roles_that_there_are():
    known = {role for roles in ROLES.values() for role in roles}
    assert all(set(roles) <= known for roles in ACTIONS.values())


def test_holders_are_a_set_and_the_site_comes_first():
    spec = assignment({"site": "A"}, **{"Site Administrator": ("@b", "@a", "@b")})
    assert KIND.canonical(spec).roles == {"Site Administrator": ("@a", "@b")}
    assert [edge.ref for edge in KIND.references(REF, spec)] == ["Site/A"]
    assert [e.ref for e in KIND.references(REF, assignment({"vo": "v"}, x=("@a",)))] == ["VO/v"]
    (edge,) = KIND.references(REF, assignment({"serviceGroup": "g"}, x=("@a",)))
    assert (edge.ref, edge.path) == ("ServiceGroup/g", "spec.over.serviceGroup")
    assert list(KIND.references(REF, assignment({"ngi": "N"}, x=("@a",)))) == []
