"""A house that plans again and again says what a new one would say, whatever went wrong in between."""

from __future__ import annotations

import pytest

from reconciler.errors import ManifestError
from reconciler.plan.saved import to_json
from reconciler.reconcile import propose
from tests.house import applied, commit, opened, planned, said

VO = "apiVersion: hanse/v1\nkind: VO\nmetadata: {{name: {0}}}\nspec: {{description: {1}}}\n"
SITE = """apiVersion: hanse/v1
kind: Site
metadata: {name: ALPHA}
spec: {clouds: [{name: main, driver: simulated, endpoint: "https://a.example.org", shares: [{vo: one, projectId: p1}]}]}
"""


def test_a_commit_that_cannot_be_ordered_does_not_blind_the_next_plan(tmp_path):
    commit(tmp_path, {"one.yaml": VO.format("one", "x"), "site.yaml": SITE})
    with opened(tmp_path) as house:
        propose(house, "HEAD")
        commit(tmp_path, {"one.yaml": None, "two.yaml": VO.format("two", "x")})
        with pytest.raises(ManifestError, match="site.yaml:4:94: spec.clouds.*refers to VO/one"):
            propose(house, "HEAD")
        commit(tmp_path, {"one.yaml": VO.format("one", "changed")})
        again = propose(house, "HEAD").plan
    assert to_json(again) == to_json(planned(tmp_path))
    assert "create VO/two New" in said(again)


def test_plans_of_one_house_are_those_of_new_ones_byte_for_byte(tmp_path):
    steps = [
        {"one.yaml": VO.format("one", "x"), "site.yaml": SITE},
        {"two.yaml": VO.format("two", "x")},
        {"one.yaml": VO.format("one", "y"), "two.yaml": None},
        {"site.yaml": SITE.replace("a.example.org", "b.example.org"), "three.yaml": VO.format("three", "z")},
    ]
    commit(tmp_path, {})
    (tmp_path / "manifests").mkdir()
    with opened(tmp_path) as house:
        for files in steps:
            commit(tmp_path, files)
            assert to_json(propose(house, "HEAD").plan) == to_json(planned(tmp_path))
            applied(tmp_path)


def test_a_lifecycle_alone_reaches_the_inventory_before_the_manifest_goes(tmp_path):
    keep = VO.format("one", "x") + "lifecycle: {deletionPolicy: retain}\n"
    commit(tmp_path, {"one.yaml": VO.format("one", "x"), "two.yaml": VO.format("two", "x")})
    applied(tmp_path)
    commit(tmp_path, {"one.yaml": keep})
    assert said(planned(tmp_path)) == []
    applied(tmp_path)
    commit(tmp_path, {"one.yaml": None})
    assert said(planned(tmp_path)) == ["forget VO/one Retained"]
