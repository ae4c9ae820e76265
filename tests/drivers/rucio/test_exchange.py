"""A real Rucio taken in, and a rule given back that it takes. Optional: HANSE_RUCIO=1."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import yaml

from reconciler.exchange.rucio import add_rule, import_rucio
from reconciler.ports import Wish
from tests.drivers.rucio.conftest import SIZE, STORAGES
from tests.house import applied, commit, planned, said

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


def test_data_that_lies_where_rucio_has_put_it_is_not_copied(federation, tmp_path):
    contents = {"in-place.nc": b"calm", "run/in-place.nc": b"stormy"}
    federation.dataset("in-place", "PIC-DISK", contents=contents)
    rule = federation.keeper.add(Wish("ocean", "in-place", "country=ES&tier=1"), UID)
    import_rucio(federation.keeper, "rucio:main", tmp_path / "all", "ocean")
    mine = ("sites/PIC-DISK.yaml", "datasets/ocean-in-place.yaml", f"datasetrules/in-place-{rule[:8]}.yaml")
    manifests = {name: (tmp_path / "all" / name).read_text() for name in mine}
    copies = yaml.safe_load(manifests[mine[1]])["spec"]["copies"]
    assert copies == [{"site": "PIC-DISK", "storage": "PIC-DISK", "naming": "rucio"}]
    for replica in federation.keeper.replicas("ocean", "in-place"):
        file = tmp_path / "pic" / urlsplit(replica.urls["PIC-DISK"]).path.removeprefix("/fed/")
        file.parent.mkdir(parents=True)
        file.write_bytes(contents[replica.name])
    house = tmp_path / "house"
    commit(house, manifests)
    (house / "hanse.toml").write_text(
        f'[targets."storage:PIC-DISK/PIC-DISK"]\ndriver = "directory"\nroot = "{tmp_path / "pic"}"\n'
    )
    plan = planned(house)
    copy = "Replica/ocean/ocean-in-place.PIC-DISK.PIC-DISK"
    assert [line for line in said(plan) if "Replica" in line] == [f"adopt {copy} Found"]
    assert plan.data.flows == ()
    applied(house, until_quiet=True)
    assert said(planned(house)) == []


def test_a_rule_as_it_is_exported_is_taken(federation):
    federation.dataset("given", "PIC-DISK")
    wish = Wish("ocean", "given", "(country=ES)&qos=x|PIC-DISK", 1, "ALL", priority=2)
    body = add_rule(wish, "root", datetime.now(UTC), "DatasetRule/ocean/given of Hanse")
    [made] = federation.rest.send("POST", "/rules/", body)
    found = next(rule for rule in federation.keeper.rules() if rule.id == made)
    assert (found.state, found.wish.grouping, found.wish.priority, found.uid) == ("OK", "ALL", 2, "")
