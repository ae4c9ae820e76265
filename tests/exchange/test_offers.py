"""What is told of a site to others: accounting's map of VOs, and what its clouds offer in GLUE 2.1."""

from __future__ import annotations

import json
from configparser import ConfigParser

import pytest

from reconciler.cli import main
from tests.house import applied, commit, opened

SITE = """apiVersion: hanse/v1
kind: Site
metadata: {name: BAY-CLOUD}
spec:
  extensions: [{key: GOCDB_ID, value: 4711G0}]
  clouds:
    - name: bay
      driver: openstack
      endpoint: https://cloud.bay.example.org:5000/v3
      accounting: {enabled: true, siteName: BAY}
      onboarding: {}
      shares:
        - vo: vo.tides.example.org
        - {vo: ops, projectId: 0f2d6c7a9b1e4c58a3d4e5f60718293a}
---
{apiVersion: hanse/v1, kind: VO, metadata: {name: vo.tides.example.org}, spec: {}}
---
{apiVersion: hanse/v1, kind: VO, metadata: {name: ops}, spec: {}}
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    commit(tmp_path, {"site.yaml": SITE})
    (tmp_path / "hanse.toml").write_text('[substitute]\nopenstack = "simulated"\n')
    return tmp_path


def test_accounting_gets_the_projects_that_hanse_made_and_those_that_were_there(root, capsys):
    applied(root, until_quiet=True)
    with opened(root) as house:
        held = house.store.inventory.outputs(["Share/BAY-CLOUD.bay.vo.tides.example.org"])
        made = next(iter(held.values()))["project_id"]
    assert main(["export", "caso", "BAY-CLOUD", "--into", str(root / "caso")]) == 0
    given = ConfigParser(interpolation=None)
    given.read(root / "caso/bay/caso.conf")
    assert dict(given["DEFAULT"]) == {
        "extractor": "nova",
        "site_name": "BAY",
        "service_name": "cloud.bay.example.org",
        "projects": f"{made},0f2d6c7a9b1e4c58a3d4e5f60718293a",
        "vo_property": "egi.VO",
        "mapping_file": "mapping.json",
        "messengers": "ssm",
    }
    assert json.loads((root / "caso/bay/mapping.json").read_text()) == {
        "ops": {"projects": ["0f2d6c7a9b1e4c58a3d4e5f60718293a"]},
        "vo.tides.example.org": {"projects": [made]},
    }


def test_accounting_says_which_projects_are_not_known_yet_and_tells_the_others(root, capsys):
    assert main(["export", "caso", "BAY-CLOUD"]) == 1
    told = capsys.readouterr()
    assert "0f2d6c7a9b1e4c58a3d4e5f60718293a" in told.out
    assert told.err.splitlines() == ["bay: no project is known for vo.tides.example.org: apply first"]


def test_a_site_that_there_is_not_is_said_with_the_nearest_name(root, capsys):
    assert main(["export", "caso", "BAY-CLOUT"]) == 1
    assert "there is no Site BAY-CLOUT: did you mean BAY-CLOUD?" in capsys.readouterr().err


def test_a_site_is_told_as_its_clouds_offer_it(root, capsys):
    assert main(["export", "glue", "BAY-CLOUD"]) == 0
    told = json.loads(capsys.readouterr().out)
    (service,) = told["CloudComputingService"]
    assert service["ID"] == "https://cloud.bay.example.org:5000/v3_cloud.compute"
    assert service["OtherInfo"] == {"gocdb_id": "4711G0", "site_name": "BAY-CLOUD"}
    assert [policy["Rule"] for policy in told["MappingPolicy"]] == [["VO:vo.tides.example.org"], ["VO:ops"]]
    assert {share["OtherInfo"].get("project_id") for share in told["Share"]} == {
        None,
        "0f2d6c7a9b1e4c58a3d4e5f60718293a",
    }
    types = {kind["Name"]: kind for kind in told["CloudComputingInstanceType"]}
    assert types
    assert all(kind["CPU"] > 0 and kind["RAM"] > 0 and kind["Validity"] == 43200 for kind in types.values())
    assert all(len(kind["Associations"]["Share"]) == 2 for kind in types.values())


def test_a_share_that_cannot_be_read_loses_no_other(root, capsys):
    broken = '[targets."compute:BAY-CLOUD/bay/ops"]\ndriver = "nonsense"\n'
    (root / "hanse.toml").write_text('[substitute]\nopenstack = "simulated"\n' + broken)
    assert main(["export", "glue", "BAY-CLOUD"]) == 1
    told = capsys.readouterr()
    assert [share["Name"] for share in json.loads(told.out)["Share"]] == ["Share for vo.tides.example.org"]
    assert told.err.startswith("bay: ops is left out: no compute driver called nonsense")
    (endpoint,) = json.loads(told.out)["CloudComputingEndpoint"]
    assert endpoint["HealthState"] == "warning"


def test_the_federations_site_file_names_the_projects_that_hanse_made(root):
    applied(root, until_quiet=True)
    with opened(root) as house:
        held = house.store.inventory.outputs(["Share/BAY-CLOUD.bay.vo.tides.example.org"])
        made = next(iter(held.values()))["project_id"]
    assert main(["export", "fedcloud", str(root / "out")]) == 0
    assert f"project_id: {made}" in (root / "out/sites/bay.yaml").read_text()
