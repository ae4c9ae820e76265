"""A DatasetRule that a real Rucio keeps, from a commit to its end. Optional: HANSE_RUCIO=1."""

from __future__ import annotations

import pytest

from tests.house import applied, commit, planned, said
from tests.real.rucio import PASSWORD

RULE = """apiVersion: hanse/v1
kind: DatasetRule
metadata: {{name: {name}, namespace: ocean}}
spec: {{scope: ocean, name: {name}, copies: {copies}, locations: "{locations}", by: "rucio:main", priority: {priority}}}
"""
SECRETS = {"environment": {"RUCIO_PASSWORD": PASSWORD}}


@pytest.fixture
def place(federation, tmp_path):
    given = federation.rucio.options()
    settings = '[targets."rucio:main"]\nurl = "{url}"\naccount = "root"\nusername = "{username}"\npassword = {{ env = "RUCIO_PASSWORD" }}\n'
    (tmp_path / "hanse.toml").write_text(settings.format(**given))
    return tmp_path


def wanted(place, name, copies=1, locations="country = DE & tier <= 1", priority=3):
    commit(place, {"rule.yaml": RULE.format(name=name, copies=copies, locations=locations, priority=priority)})


def kept(federation, name):
    return [rule for rule in federation.keeper.rules() if rule.wish.name == name and rule.uid]


def test_a_rule_is_made_kept_so_and_taken_away(federation, place):
    federation.dataset("life", "KIT-DISK")
    wanted(place, "life")
    applied(place, **SECRETS)
    [rule] = kept(federation, "life")
    assert (rule.wish.expression, rule.state) == ("country=DE&(tier<1|tier=1)", "OK")
    assert said(planned(place, **SECRETS)) == []

    federation.keeper.change(rule.id, rule.wish.__class__("ocean", "life", rule.wish.expression, priority=1), rule.uid)
    (action,) = planned(place, **SECRETS).actions
    assert (action.verb, action.reason) == ("update", "DriftDetected")
    applied(place, **SECRETS)
    [again] = kept(federation, "life")
    assert (again.id, again.wish.priority) == (rule.id, 3)

    commit(
        place,
        {"rule.yaml": None, "vo.yaml": "apiVersion: hanse/v1\nkind: VO\nmetadata: {name: a.example.org}\nspec: {}\n"},
    )
    applied(place, **SECRETS)
    assert kept(federation, "life") == []
    assert said(planned(place, **SECRETS)) == []


def test_what_cannot_be_changed_is_a_new_rule_and_the_old_one_stays_until_that_is_ok(federation, place):
    federation.dataset("edited", "KIT-DISK")
    wanted(place, "edited", locations="KIT-DISK")
    applied(place, **SECRETS)
    [old] = kept(federation, "edited")
    wanted(place, "edited", copies=2, locations="KIT-DISK|DESY-DISK")
    applied(place, **SECRETS)
    [new] = kept(federation, "edited")
    assert (new.wish.copies, new.state) == (2, "REPLICATING")
    assert next(rule for rule in federation.keeper.rules() if rule.id == old.id).going
    (action,) = planned(place, **SECRETS).actions
    assert (action.verb, action.message) == ("noop", "REPLICATING at Rucio: 3 of 6 files are where they should be")
