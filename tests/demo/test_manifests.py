"""The example federation stands alone as far as it can."""

from __future__ import annotations

import shutil

from reconciler.kinds import registry
from tests.demo.stage import ROOT
from tests.house import commit, planned, said


def test_the_example_is_valid_without_the_import_and_only_what_needs_a_real_cloud_waits(tmp_path):
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    (tmp_path / "hanse.toml").write_text('[substitute]\nwebdav = "directory"\nlibcloud = "directory"\n')
    commit(tmp_path, {})
    plan = planned(tmp_path)
    assert [line for line in said(plan) if not line.startswith("create ")] == [
        "defer VirtualCluster/coast/model NoPlace"
    ]
    assert plan.warnings == ()


NOT_SHOWN = {
    *("Approval", "Share", "Image", "SiteImage"),  # what is made in an OpenStack for its VOs
    "Window",  # changes may be made at any time
    "Tenancy",  # whoever may push may change everything
    "MetricTemplate",  # probes of one service each will do
    *("MetricProfile", "AggregationProfile", "Report", "Recomputation"),  # those that are built in will do
}


def test_the_example_shows_every_kind_that_a_small_federation_needs(tmp_path):
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    commit(tmp_path, {})
    assert {action.ref.kind for action in planned(tmp_path).actions} == {*registry()} - NOT_SHOWN
