"""locations: what an expression describes and why, and what a rule chooses of it."""

import json

import pytest

SITES = """\
apiVersion: hanse/v1
kind: Site
metadata: {name: A}
spec:
  country: DE
  storage:
    - {name: disk, driver: directory, attributes: {tier: 1}}
    - {name: tape, type: tape, driver: directory, availability: {write: {allowed: false, reason: full}}}
---
apiVersion: hanse/v1
kind: Site
metadata: {name: B}
spec:
  country: FR
  storage: [{name: disk, driver: directory, attributes: {tier: 2}}]
---
apiVersion: hanse/v1
kind: Dataset
metadata: {name: d, namespace: vo}
spec: {scope: s, name: d, files: [{path: a, size: 1, checksum: "adler32:00620062", source: "data:,a"}]}
---
apiVersion: hanse/v1
kind: DatasetRule
metadata: {name: r, namespace: vo}
spec: {scope: s, name: d, copies: 1, locations: disk}
"""


@pytest.fixture
def stored(federation):
    federation.write("manifests/data.yaml", SITES)
    federation.commit()
    return federation


def test_each_storage_is_in_or_out_with_its_reason(stored):
    said = stored.hanse("locations", "country=DE & tier<2 | tape")
    assert said.code == 0
    lines = [" ".join(line.split()) for line in said.out.splitlines()[1:]]
    assert lines == [
        "in A/disk country=DE yes, tier<2 yes, tape no",
        "in A/tape country=DE yes, tier<2 no (not stated), tape yes may not be written: full",
        "out B/disk country=DE no (it is FR), tier<2 no (it is 2), tape no",
    ]
    assert "2 of 3 storages are in country=DE & tier<2 | tape" in said.err


def test_an_attribute_that_nothing_has_is_told(stored):
    assert "no storage has an attribute contry, or is called so" in stored.hanse("locations", "contry=DE").err


def test_a_fault_is_shown_with_a_caret_under_it(stored):
    said = stored.hanse("locations", "country= & x")
    assert said.code == 1
    assert said.err.endswith("country= & x\n         ^\n")


def test_programs_get_the_attributes_too(stored):
    found = json.loads(stored.hanse("locations", "continent=Europe & tier=2", "-o", "json").out)
    assert [(one["storage"], one["in"]) for one in found["storages"]] == [
        ("B/disk", True),
        ("A/disk", False),
        ("A/tape", False),
    ]
    assert found["storages"][0]["attributes"]["continent"] == "Europe"


def test_what_a_rule_chooses_and_who_is_next(stored):
    said = stored.hanse("locations", "--rule", "vo/r")
    assert said.code == 0
    assert "DatasetRule/vo/r  locations:" in said.out
    assert "not: is not in disk: disk no" in said.out
    first, second = ("A/disk", "B/disk") if "*  A/disk" in said.out else ("B/disk", "A/disk")
    assert f"*  {first}" in said.out
    assert f"next: {second}" in said.err
