"""What may stand in a Replica."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from reconciler.kinds.replica import KIND, ReplicaSpec
from reconciler.model import Ref
from tests.federation import resource
from tests.kinds.replica.conftest import replica

AT = {"storage": {"site": "A", "name": "disk"}}
REF = Ref("Replica/vo/r")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "neither a file nor a dataset"),
        ({"dataset": "s:n"}, "neither a file nor a dataset"),
        ({"files": [{"path": "a"}]}, "files without a dataset"),
        ({"dataset": "s:n", "files": [{"path": "a"}], "size": 3}, "size and checksum are those of one file"),
        ({"dataset": "s:n", "files": [{"path": "a"}, {"path": "a"}]}, "the file a stands twice"),
        ({"path": "/etc/passwd"}, "is not a path"),
        ({"path": "a/../b"}, "is not a path"),
        ({"path": "a//b"}, "is not a path"),
        ({"path": "a\nb"}, "is not a path"),
        ({"path": "a", "size": -1}, "greater than or equal to 0"),
        ({"path": "a", "checksum": "sha256:00"}, "is not a checksum"),
        ({"path": "a", "checksum": "md5:123"}, "is not a checksum"),
        ({"path": "a", "checksum": "adler32:0000000g"}, "is not a checksum"),
        ({"path": "a", "source": "ftp://x/y"}, "is not a URL that can be copied from"),
        ({"path": "a", "source": "x/y"}, "is not a URL that can be copied from"),
        ({"path": "a", "source": {"site": "A", "storage": "s"}}, "path"),
        ({"path": "a", "dataset": "nocolon"}, "is not the name of a dataset"),
        ({"path": "a", "dataset": "s:../n"}, "is not the name of a dataset"),
        ({"path": "a", "nonsense": 1}, "Extra inputs"),
    ],
)
def test_what_cannot_be_is_refused_with_its_cure(given, said):
    with pytest.raises(ValidationError, match=said):
        ReplicaSpec.model_validate({**AT, **given}, strict=False)


def test_equal_meaning_is_equal_bytes_and_canonical_is_idempotent():
    files = [{"path": "b", "checksum": "ADLER32:0000000A".lower().replace("a}", "A")}, {"path": "a"}]
    first = replica(dataset="s:n", files=files)
    assert [f.path for f in first.files] == ["a", "b"]
    assert KIND.canonical(first) is first
    assert (
        replica(path="x", checksum="md5:" + "A" * 32).digest() == replica(path="x", checksum="md5:" + "a" * 32).digest()
    )


def test_a_datasets_files_lie_under_its_scope_and_name_unless_a_path_is_given():
    files = [{"path": "x/1.nc"}]
    assert [p.path for p in replica(dataset="ocean:/waves/2026", files=files).parts()] == ["ocean/waves/2026/x/1.nc"]
    assert [p.path for p in replica(dataset="ocean:w", path="here", files=files).parts()] == ["here/x/1.nc"]


def test_it_refers_to_its_site_its_sources_site_and_the_replica_it_is_copied_from():
    spec = replica(path="x", source={"site": "B", "storage": "disk", "path": "x", "replica": "first"})
    assert [(e.ref, e.gate) for e in KIND.references(REF, spec)] == [
        ("Site/A", "exists"),
        ("Site/B", "exists"),
        ("Replica/vo/first", "ready"),
    ]
    assert KIND.target(REF, spec) == "storage:A/disk"


def test_rules_find_what_cannot_be_verified_and_what_is_its_own_source():
    rules = {rule.id: rule for rule in KIND.rules}
    assert [f.path for f in rules["replica-unverified"].check(REF, replica(path="x"))] == ["spec"]
    mixed = replica(dataset="s:n", files=[{"path": "a"}, {"path": "b", "checksum": "adler32:00000001"}])
    assert [f.path for f in rules["replica-unverified"].check(REF, mixed)] == ["spec.files[0]"]
    itself = replica(path="x", source={"site": "A", "storage": "disk", "path": "x"})
    assert [f.path for f in rules["replica-own-source"].check(REF, itself)] == ["spec.source"]


def federation(**replicas):
    site = resource("Site/A", {"storage": [{"name": "disk", "driver": "directory"}]})
    return {
        r.ref: r
        for r in (
            site,
            *(resource(f"Replica/vo/{n}", s.model_dump(mode="json", exclude_none=True)) for n, s in replicas.items()),
        )
    }


def told(resources, *changed):
    return [
        (ref.name, rule, fault.message, fault.cure)
        for ref, rule, fault in KIND.quarrels(resources, changed or list(resources))
    ]


def test_a_storage_that_the_site_does_not_declare_is_a_fault_with_the_nearest_name():
    known = replica(path="x", source={"site": "A", "storage": "tape", "path": "x"})
    typo = replica(storage={"site": "A", "name": "dsik"}, path="x")
    assert told(federation(known=known, typo=typo)) == [
        ("known", "replica-storage", "the site A has no storage tape", "it has disk: add it to the site"),
        ("typo", "replica-storage", "the site A has no storage dsik", "did you mean disk?"),
    ]
    assert told(federation(known=known), Ref("DNSRecord/vo/x")) == []


def test_a_file_declared_by_two_replicas_is_a_fault_of_the_second_told_once():
    both = [{"path": "1"}, {"path": "2"}]
    there = federation(
        a=replica(dataset="s:n", files=both),
        b=replica(dataset="s:n", files=both),
        c=replica(path="s/n/3"),
        d=replica(path="s/n/2"),
    )
    assert [(name, message) for name, _, message, _ in told(there)] == [
        ("b", "s/n/1 is declared by Replica/vo/a already"),
        ("d", "s/n/2 is declared by Replica/vo/a already"),
    ]
    assert [name for name, *_ in told(there, Ref("Replica/vo/d"))] == ["d"]
    assert told(there, Ref("Replica/vo/c")) == []
