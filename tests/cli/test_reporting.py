"""rule, report storage, export star: how data stands, as people and accountants ask for it."""

from __future__ import annotations

import csv
import json
import zlib
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

CONTENTS = {f"{n}.nc": b"wave%d" % n for n in range(4)}
SITES = """\
apiVersion: hanse/v1
kind: VO
metadata: {name: vo-x}
spec: {}
---
apiVersion: hanse/v1
kind: Site
metadata: {name: NORTH}
spec: {country: DE, storage: [{name: disk, driver: directory, limits: {maxBytes: 1000}}, {name: tape, driver: directory, type: tape}]}
"""
RULES = """\
apiVersion: hanse/v1
kind: DatasetRule
metadata: {name: both, namespace: ocean}
spec: {scope: ocean, name: waves, copies: 2, locations: "*", vo: vo-x, owner: ada}
---
apiVersion: hanse/v1
kind: DatasetRule
metadata: {name: disk, namespace: ocean}
spec: {scope: ocean, name: waves, copies: 1, locations: disk, owner: ben}
"""
STAR = "{http://eu-emi.eu/namespaces/2011/02/storagerecord}"


def dataset(lost: str = "") -> str:
    rows = [
        f"    - {{path: {p}, size: {len(c)}, checksum: 'adler32:{zlib.adler32(c):08x}', source: 'data:,{lost or c.decode()}'}}\n"
        for p, c in CONTENTS.items()
    ]
    head = "apiVersion: hanse/v1\nkind: Dataset\nmetadata: {name: waves, namespace: ocean}\nspec:\n  vo: vo-x\n"
    return f"{head}  scope: ocean\n  name: waves\n  files:\n{''.join(rows)}"


@pytest.fixture
def ocean(federation):
    """Two copies of four files, held by two rules, and a file that nobody knows."""
    federation.write("manifests/sites.yaml", SITES)
    federation.write("manifests/data.yaml", dataset())
    federation.write("manifests/rules.yaml", RULES)
    federation.commit()
    assert federation.hanse("apply", "--yes").code == 0
    (folder(federation) / "junk").write_bytes(b"??")
    return federation


def folder(federation, storage: str = "disk") -> Path:
    return federation.root / ".hanse/state/storage/NORTH" / storage / "ocean/waves"


def test_rules_are_listed_with_the_counts_of_their_locks(ocean):
    said = ocean.hanse("rule")
    assert said.code == 0
    lines = [line.split() for line in said.out.splitlines()]
    assert lines[1][:6] == ["DatasetRule/ocean/both", "OK", "8", "0", "0", "40"]
    assert lines[2][:6] == ["DatasetRule/ocean/disk", "OK", "4", "0", "0", "20"]


def test_status_of_a_rule_tells_its_state(ocean):
    assert "OK: 8 files ok, 0 replicating, 0 stuck" in ocean.hanse("status", "DatasetRule/ocean/both").out
    found = json.loads(ocean.hanse("status", "DatasetRule/ocean/both", "-o", "json").out)
    assert (found["rule"]["state"], found["rule"]["ok"]) == ("OK", 8)


def test_a_stuck_rule_tells_each_file_with_the_reason_and_the_next_try(ocean):
    ocean.write("manifests/data.yaml", dataset("other"))
    ocean.commit()
    for storage in ("disk", "tape"):
        (folder(ocean, storage) / "2.nc").unlink()
    ocean.hanse("apply", "--yes")
    said = ocean.hanse("rule", "ocean/both")
    assert said.code == 3
    (line,) = [line for line in said.out.splitlines() if line.startswith("2.nc") and "NORTH/disk" in line]
    assert "STUCK" in line
    found = json.loads(ocean.hanse("rule", "ocean/both", "-o", "json").out)
    assert [(k["path"], k["storage"], k["tries"]) for k in found["locks"]] == [
        ("2.nc", "NORTH/disk", 1),
        ("2.nc", "NORTH/tape", 1),
    ]
    assert "2 files are tried in the next run" in ocean.hanse("rule", "ocean/both", "--retry").err
    assert all(lock["error"] and lock["next_try"] for lock in found["locks"])
    assert "is STUCK: 2 files are stuck (hanse rule ocean/both)" in ocean.hanse("status").out


def test_a_rule_that_is_not_known_is_told(ocean):
    said = ocean.hanse("rule", "ocean/tides")
    assert said.code == 1
    assert "nothing is known of DatasetRule/ocean/tides" in said.err


def test_the_report_says_who_holds_what_and_what_lies_where(ocean):
    ocean.hanse("apply", "--yes")
    found = json.loads(ocean.hanse("report", "storage", "-o", "json").out)
    assert [(u["vo"], u["owner"], u["files"], u["bytes"]) for u in found["logical"]] == [
        ("vo-x", "ada", 8, 40),
        ("vo-x", "ben", 4, 20),
    ]
    disk, tape = found["physical"]
    assert (disk["storage"], disk["files"], disk["bytes"], disk["logical"]) == ("NORTH/disk", 4, 20, 40)
    assert (tape["storage"], tape["bytes"], tape["logical"], tape["dark"]) == ("NORTH/tape", 20, 20, 0)


def test_dark_files_are_reported_and_listed_when_asked_for(ocean):
    (folder(ocean) / "0.nc").unlink()
    ocean.hanse("apply", "--yes")
    found = json.loads(ocean.hanse("report", "storage", "--dark", "-o", "json").out)
    assert found["physical"][0]["dark"] == 2
    assert [(d["storage"], d["path"], d["size"]) for d in found["dark"]] == [("NORTH/disk", "ocean/waves/junk", 2)]
    assert "ocean/waves/junk" in ocean.hanse("report", "storage", "--dark").out
    assert "NORTH/disk: 1 files (2 bytes) in folders of Hanse that nothing wants" in ocean.hanse("status").out


def test_the_report_is_csv_for_spreadsheets(ocean):
    rows = list(csv.DictReader(StringIO(ocean.hanse("report", "storage", "-o", "csv").out)))
    assert [(row["use"], row["owner"], row["storage"], row["bytes"]) for row in rows] == [
        ("logical", "ada", "", "40"),
        ("logical", "ben", "", "20"),
        ("physical", "", "NORTH/disk", "20"),
        ("physical", "", "NORTH/tape", "20"),
    ]


def test_a_report_asks_no_storage_when_told_so(ocean):
    disk = json.loads(ocean.hanse("report", "storage", "--offline", "-o", "json").out)["physical"][0]
    assert (disk["used"], disk["difference"], disk["unknown"]) == (None, None, "not asked")


def test_star_records_have_the_fields_of_gfd_201(ocean, tmp_path):
    assert ocean.hanse("export", "star", "--into", str(tmp_path / "usage.xml"), "--hours", "24").code == 0
    root = ET.parse(tmp_path / "usage.xml").getroot()
    assert root.tag == f"{STAR}StorageUsageRecords"
    told = {}
    for record in root:
        assert record.tag == f"{STAR}StorageUsageRecord"
        names = [child.tag.removeprefix(STAR) for child in record]
        assert names == [
            "RecordIdentity",
            "StorageSystem",
            "Site",
            "StorageShare",
            "StorageMedia",
            "FileCount",
            "SubjectIdentity",
            "StartTime",
            "EndTime",
            "ResourceCapacityUsed",
            "LogicalCapacityUsed",
        ]
        identity = record.find(f"{STAR}RecordIdentity").attrib
        assert set(identity) == {f"{STAR}createTime", f"{STAR}recordId"}
        text = {name: record.findtext(f"{STAR}{name}") for name in names}
        assert text["StartTime"] < text["EndTime"]
        assert record.findtext(f"{STAR}SubjectIdentity/{STAR}Group") == "vo-x"
        told[text["StorageSystem"]] = (
            text["Site"],
            text["StorageShare"],
            text["StorageMedia"],
            int(text["FileCount"]),
            int(text["ResourceCapacityUsed"]),
            int(text["LogicalCapacityUsed"]),
        )
    assert told == {
        "NORTH/disk": ("NORTH", "disk", "disk", 4, 20, 20),
        "NORTH/tape": ("NORTH", "tape", "tape", 4, 20, 20),
    }


def test_the_report_writes_star_records_beside_it(ocean, tmp_path):
    assert ocean.hanse("report", "storage", "--star", str(tmp_path / "usage.xml")).code == 0
    assert len(ET.parse(tmp_path / "usage.xml").getroot()) == 2
