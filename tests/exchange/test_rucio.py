"""What a Rucio keeps becomes manifests that mean the same, again and again; rules go back in Rucio's language."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import yaml

from reconciler.cli import main
from reconciler.exchange.rucio import Untold, import_rucio, rucio_expression
from reconciler.ports import KeptReplica, KeptRule, KeptStorage, Wish

ENDS = datetime(2027, 1, 1, tzinfo=UTC)


class Keeper:
    """What a Rucio would answer."""

    def __init__(self):
        disk = {"country": "ES", "tier": 2, "site": "CESGA", "QOS": "FAST", "weight": 1.5}
        tape = {"country": "ES", "tier": 2, "site": "CESGA"}
        self.kept = [
            KeptStorage("CESGA-DISK", disk, url="davs://dav.example.org:2880/fed/", max_bytes=10**12),
            KeptStorage("CESGA-TAPE", tape, tape=True, writable=False, url="davs://tape.example.org:443/fed"),
            KeptStorage("LONELY", {}, url="s3://s3.example.org:443/bucket"),
        ]
        wish = Wish("ocean", "waves/2026", "country=ES&tier<3", 2, "NONE", "weight", ENDS, "CESGA-DISK", "Production")
        self.held = [KeptRule("c0ffee" * 5 + "ab", wish, "OK", "root")]

    def storages(self):
        return self.kept

    def rules(self):
        return self.held

    def replicas(self, scope, name):
        urls = {"CESGA-DISK": "davs://dav.example.org:2880/fed/ocean/ab/cd/1.nc"}
        states = {"CESGA-DISK": "AVAILABLE", "CESGA-TAPE": "COPYING"}
        return [
            KeptReplica(scope, "1.nc", 100, "adler32:0a0b0c0d", states, urls),
            KeptReplica(scope, "2.nc", 200, "", {"CESGA-TAPE": "AVAILABLE"}),
        ]


def spec(into, path):
    return yaml.safe_load((into / path).read_text())["spec"]


def test_storages_rules_and_datasets_become_manifests_that_say_the_same(tmp_path):
    report = import_rucio(Keeper(), "rucio:main", tmp_path, "ocean", "vo.ocean.example.org")
    assert (report.problems, report.storages, report.rules, report.datasets) == ((), 3, 1, 1)
    site = spec(tmp_path, "sites/CESGA.yaml")
    assert site["country"] == "ES"
    disk, tape = site["storage"]
    assert (disk["name"], disk["driver"], disk["protocol"], disk["qos"]) == ("CESGA-DISK", "webdav", "davs", "FAST")
    assert (disk["limits"], disk["attributes"]["tier"]) == ({"maxBytes": 10**12}, 2)
    assert (tape["type"], tape["availability"]["write"]["allowed"]) == ("tape", False)
    assert spec(tmp_path, "sites/LONELY.yaml")["storage"][0]["driver"] == "libcloud"
    rule = spec(tmp_path, "datasetrules/waves-2026-c0ffeec0.yaml")
    assert (rule["locations"], rule["copies"], rule["grouping"]) == ("country=ES&tier<3", 2, "NONE")
    assert (rule["lifetime"]["expires"], rule["owner"], rule["vo"]) == (
        "2027-01-01T00:00:00Z",
        "root",
        "vo.ocean.example.org",
    )
    data = spec(tmp_path, "datasets/ocean-waves-2026.yaml")
    assert data["files"] == [
        {
            "path": "1.nc",
            "size": 100,
            "checksum": "adler32:0a0b0c0d",
            "source": "https://dav.example.org:2880/fed/ocean/ab/cd/1.nc",
        },
        {"path": "2.nc", "size": 200},
    ]


def test_a_second_import_changes_nothing_and_keeps_what_people_have_added(tmp_path):
    import_rucio(Keeper(), "rucio:main", tmp_path, "ocean")
    file = tmp_path / "sites/LONELY.yaml"
    text = file.read_text().replace("driver: libcloud", "driver: libcloud\n      vos: [vo.ocean.example.org] # ours")
    file.write_text(text)
    again = import_rucio(Keeper(), "rucio:main", tmp_path, "ocean")
    assert (again.created, again.changed) == ((), ())
    assert file.read_text() == text
    keeper = Keeper()
    keeper.kept[2] = KeptStorage("LONELY", {"tier": 3}, url="s3://s3.example.org:443/bucket", readable=False)
    assert import_rucio(keeper, "rucio:main", tmp_path, "ocean").changed == ("sites/LONELY.yaml",)
    assert "# ours" in file.read_text()
    assert spec(tmp_path, "sites/LONELY.yaml")["storage"][0]["attributes"] == {"tier": 3}


def test_what_cannot_be_taken_in_is_told_and_the_rest_is_taken(tmp_path):
    keeper = Keeper()
    keeper.held.append(KeptRule("d" * 32, Wish("ocean", "bad", "tier==2"), "OK"))
    report = import_rucio(keeper, "rucio:main", tmp_path, "ocean")
    assert [problem.path.split(".")[0] for problem in report.problems] == ["bad-dddddddd"]
    assert not report.complete
    assert (tmp_path / "datasetrules/waves-2026-c0ffeec0.yaml").exists()


DAV, TAPE = "davs://dav.example.org:2880/fed", "root://tape.example.org:1094//fed"
HASHED = {"1.nc": "ocean/ef/89/1.nc", "2.nc": "ocean/54/63/2.nc"}


class Whole(Keeper):
    """The dataset is whole at places with these URLs in front of its files' paths."""

    def __init__(self, **places):
        super().__init__()
        self.kept[1] = KeptStorage("CESGA-TAPE", {"site": "CESGA"}, tape=True, url="root://tape.example.org//fed")
        self.places = places or {"CESGA-DISK": (DAV, HASHED), "CESGA-TAPE": (TAPE, HASHED)}

    def replicas(self, scope, name):
        return [
            KeptReplica(
                scope,
                file,
                100,
                "adler32:0a0b0c0d",
                dict.fromkeys(self.places, "AVAILABLE"),
                {storage: f"{root}/{paths[file]}?sig=secret" for storage, (root, paths) in self.places.items()},
            )
            for file in HASHED
        ]


def copies(keeper, into):
    report = import_rucio(keeper, "rucio:main", into, "ocean")
    return spec(into, "datasets/ocean-waves-2026.yaml").get("copies"), report


def test_where_rucio_has_all_files_by_its_own_naming_they_count_as_a_copy_in_place(tmp_path):
    found, report = copies(Whole(), tmp_path)
    assert found == [
        {"site": "CESGA", "storage": "CESGA-DISK", "naming": "rucio"},
        {"site": "CESGA", "storage": "CESGA-TAPE", "naming": "rucio"},
    ]
    assert report.complete
    again = import_rucio(Whole(), "rucio:main", tmp_path, "ocean")
    assert (again.created, again.changed) == ((), ())


@pytest.mark.parametrize(
    ("root", "paths", "said"),
    [
        (f"{DAV}/data", HASHED, {"path": "data", "naming": "rucio"}),
        (DAV, {"1.nc": "ocean/1.nc", "2.nc": "ocean/2.nc"}, {"path": "ocean", "naming": "plain"}),
        (DAV, {"1.nc": "ocean/waves/2026/1.nc", "2.nc": "ocean/waves/2026/2.nc"}, {"naming": "plain"}),
        (DAV, {"1.nc": "a/1.nc", "2.nc": "b/2.nc"}, None),
        (DAV, {"1.nc": "1.nc", "2.nc": "2.nc"}, None),
        ("davs://dav.example.org:2880/elsewhere", HASHED, None),
    ],
)
def test_what_lies_there_by_another_naming_is_told_unless_it_is_one_folder(tmp_path, root, paths, said):
    found, report = copies(Whole(**{"CESGA-DISK": (root, paths)}), tmp_path)
    assert found == ([{"site": "CESGA", "storage": "CESGA-DISK", **said}] if said else None)
    told = [(problem.path, problem.message.partition(", first ")[0]) for problem in report.problems]
    strange = ("CESGA-DISK", "1 datasets are there already by a naming that is not known here")
    assert told == ([] if said else [strange])
    assert "secret" not in str(report.problems)


def test_a_place_goes_when_rucio_has_not_all_of_it_there_any_more_and_one_given_by_hand_stays(tmp_path):
    copies(Whole(), tmp_path)
    file = tmp_path / "datasets/ocean-waves-2026.yaml"
    text = file.read_text()
    by_hand = {"site": "PIC", "storage": "pool", "path": "raw", "naming": "plain"}
    file.write_text(
        text.replace("  copies:\n", "  copies:\n    - {site: PIC, storage: pool, path: raw, naming: plain}\n")
    )
    keeper = Whole(**{"CESGA-TAPE": (TAPE, HASHED)})
    assert copies(keeper, tmp_path)[0] == [{"site": "CESGA", "storage": "CESGA-TAPE", "naming": "rucio"}, by_hand]
    assert copies(Keeper(), tmp_path)[0] == [by_hand]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("country=ES & tier < 2", "country=ES&tier<2"),
        ("anyStorage \\ PIC/disk-1", "*\\disk-1"),
        ("tier<=1 | CESGA", "(tier<1|tier=1)|site=CESGA"),
        ("a | (b & c) \\ d", "a|(b&c)\\d"),
        ("(a | b) & c", "a|b&c"),
        ("a & (tier>=2)", "a&(tier>2|tier=2)"),
    ],
)
def test_expressions_are_put_into_rucios_language(ours, theirs):
    assert rucio_expression(ours, {"CESGA"}) == theirs


@pytest.mark.parametrize("text", ["country!=ES", "freespace>1.5", "a.b"])
def test_what_rucio_has_no_words_for_is_told(text):
    with pytest.raises(Untold):
        rucio_expression(text)


def test_rules_are_exported_as_add_rule_takes_them_and_what_cannot_be_said_is_told(tmp_path, capsys):
    import subprocess

    import_rucio(Keeper(), "rucio:main", tmp_path / "manifests", "ocean")
    (tmp_path / "manifests/spread.yaml").write_text(
        "apiVersion: hanse/v1\nkind: DatasetRule\nmetadata: {name: apart, namespace: ocean}\n"
        "spec: {scope: ocean, name: waves/2026, copies: 2, locations: '*', spread: country}\n"
    )
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    code = main(["-C", str(tmp_path), "export", "rucio", "--account", "ocean"])
    said = capsys.readouterr()
    [body] = json.loads(said.out)
    assert code == 1
    assert "DatasetRule/ocean/apart: spread: country" in said.err
    assert body.pop("lifetime") > 0
    assert body == {
        "dids": [{"scope": "ocean", "name": "waves/2026"}],
        "account": "ocean",
        "copies": 2,
        "rse_expression": "country=ES&tier<3",
        "grouping": "NONE",
        "weight": "weight",
        "source_replica_expression": "CESGA-DISK",
        "activity": "Production",
        "purge_replicas": False,
        "locked": False,
        "priority": 3,
        "comment": "DatasetRule/ocean/waves-2026-c0ffeec0 of Hanse",
    }
