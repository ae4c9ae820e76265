"""A real Rucio taken in, and a rule given back that it takes. Optional: HANSE_RUCIO=1."""

from __future__ import annotations

from datetime import UTC, datetime

import yaml

from reconciler.exchange.rucio import add_rule, import_rucio
from reconciler.ports import Wish
from tests.drivers.rucio.conftest import SIZE, STORAGES

UID = "e" * 32


def test_what_it_keeps_becomes_manifests_and_a_second_import_changes_nothing(federation, tmp_path):
    federation.dataset("taken-in", "PIC-DISK")
    rule = federation.keeper.add(Wish("ocean", "taken-in", "country=ES&tier=1"), UID)
    report = import_rucio(federation.keeper, "rucio:main", tmp_path, "ocean")
    assert report.storages == len(STORAGES)
    assert [str(problem) for problem in report.problems if "taken-in" in str(problem)] == []
    site = yaml.safe_load((tmp_path / "sites/KIT_TAPE.yaml").read_text())["spec"]
    assert (site["storage"][0]["type"], site["storage"][0]["attributes"]["tier"]) == ("tape", 1)
    spec = yaml.safe_load((tmp_path / f"datasetrules/taken-in-{rule[:8]}.yaml").read_text())["spec"]
    assert (spec["locations"], spec["owner"]) == ("country=ES&tier=1", "root")
    files = yaml.safe_load((tmp_path / "datasets/ocean-taken-in.yaml").read_text())["spec"]["files"]
    assert [(file["path"], file["size"]) for file in files] == [(f"taken-in.{n}", SIZE) for n in range(3)]
    assert files[0]["source"].startswith("https://dav.example.org/fed/ocean/")
    again = import_rucio(federation.keeper, "rucio:main", tmp_path, "ocean")
    assert (again.created, again.changed) == ((), ())


def test_a_rule_as_it_is_exported_is_taken(federation):
    federation.dataset("given", "PIC-DISK")
    wish = Wish("ocean", "given", "(country=ES)&qos=x|PIC-DISK", 1, "ALL", priority=2)
    body = add_rule(wish, "root", datetime.now(UTC), "DatasetRule/ocean/given of Hanse")
    [made] = federation.rest.send("POST", "/rules/", body)
    found = next(rule for rule in federation.keeper.rules() if rule.id == made)
    assert (found.state, found.wish.grouping, found.wish.priority, found.uid) == ("OK", "ALL", 2, "")
