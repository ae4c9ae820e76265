"""import and export: the federation's real site files, taken in and given back."""

import json
from pathlib import Path

DATA = Path(__file__).parents[1] / "data" / "fedcloud"


def test_the_real_federation_is_taken_in_planned_and_given_back(federation):
    (federation.root / "manifests" / "vo.yaml").unlink()
    (federation.root / "manifests" / "www.yaml").unlink()
    said = federation.hanse("import", "fedcloud", str(DATA))
    assert said.code == 0, said.out + said.err
    assert "sites with 25 clouds" in said.out
    assert federation.hanse("validate", "--worktree").code == 0
    again = federation.hanse("import", "fedcloud", str(DATA))
    assert "nothing changed" in again.out
    federation.commit()
    plan = json.loads(federation.hanse("plan", "-o", "json").out)
    assert {action["verb"] for action in plan["actions"]} == {"create"}
    assert federation.hanse("apply").code == 0
    assert federation.hanse("plan").code == 0
    out = federation.root / "back"
    assert federation.hanse("export", "fedcloud", str(out)).code == 0
    assert {p.name for p in (out / "sites").iterdir()} == {p.name for p in (DATA / "sites").glob("*.yaml")}


def test_an_import_as_data(federation):
    found = json.loads(federation.hanse("import", "fedcloud", str(DATA), "-o", "json").out)
    assert found["clouds"] == 25
    assert found["created"]


def test_a_folder_that_is_not_there(federation):
    said = federation.hanse("import", "fedcloud", str(federation.root / "nix"))
    assert said.code == 1
    assert "Traceback" not in said.err
