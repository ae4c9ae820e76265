"""What a dataset is, what must hold beside others, and what it brings along."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from reconciler.kinds import NOWHERE
from reconciler.kinds.dataset import KIND, DatasetSpec
from reconciler.kinds.dataset.distance import Atlas
from reconciler.kinds.dataset.index import loops
from reconciler.kinds.datasetrule import DatasetRuleSpec
from reconciler.model import Ref
from reconciler.ports import File, Files
from tests.federation import resource
from tests.kinds.datasetrule.test_rule import SITES, WAVES, Federation, storage


def quarrels(*declared):
    there = {one.ref: one for one in declared}
    return [(ref, name, fault.message) for ref, name, fault in KIND.quarrels(there, list(there))]


def dataset(name, **spec):
    return resource(f"Dataset/vo/{name}", {"scope": "s", "name": name, **spec})


HERE = {"site": "CESGA", "storage": "disk"}
FILE = [{"path": "a", "size": 1, "checksum": "adler32:00000001", "source": "data:,a"}]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "exactly one of files, listing, datasets"),
        ({"files": FILE, "datasets": ["s:x"]}, "exactly one of files, listing, datasets"),
        ({"files": [{"path": "../x"}]}, "is not a path"),
        ({"datasets": ["x"]}, "is not the name of a dataset"),
        ({"datasets": ["s:x"], "copies": [HERE]}, "a container has no files of its own"),
        ({"files": [{"path": "a"}], "copies": [HERE, HERE]}, "the storage CESGA/disk stands twice"),
        ({"listing": {**HERE, "path": "in"}, "copies": [HERE]}, "the storage CESGA/disk stands twice"),
        ({"files": [{"path": "a"}], "copies": [{**HERE, "naming": "xenon"}]}, "Input should be 'plain' or 'rucio'"),
    ],
)
def test_what_cannot_be_is_refused(given, said):
    with pytest.raises(ValidationError, match=said):
        DatasetSpec.model_validate({"scope": "s", "name": "n", **given}, strict=False)


def test_a_name_is_that_of_one_dataset():
    one, two = dataset("n", files=FILE), resource("Dataset/other/n", {"scope": "s", "name": "n", "files": FILE})
    assert quarrels(one, two) == [("Dataset/vo/n", "dataset-name-once", "s:n is Dataset/other/n already")]


def test_a_container_names_datasets_that_are_declared_and_is_not_within_itself():
    assert quarrels(dataset("c", datasets=["s:n"])) == [("Dataset/vo/c", "dataset-members", "no Dataset is called s:n")]
    loop = [dataset("a", datasets=["s:b"]), dataset("b", datasets=["s:c"]), dataset("c", datasets=["s:a"])]
    assert quarrels(*loop) == [("Dataset/vo/a", "dataset-loop", "it is within itself: s:a > s:b > s:c > s:a")]
    assert list(loops({"a": ("b", "c"), "b": ("d",), "c": ("d",), "d": ()})) == []


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("n", "n/deep"), [("n/deep", "its copies would lie in s/n/deep, within s/n where those of Dataset/vo/0 lie")]),
        (("n", "/n"), [("/n", "its copies would lie in s/n, where those of Dataset/vo/0 lie")]),
        (("n", "n2", "n-deep", "m/n"), []),
    ],
)
def test_copies_of_two_datasets_do_not_lie_within_one_another(names, said):
    declared = [
        resource(f"Dataset/vo/{n}", {"scope": "s", "name": name, "files": FILE}) for n, name in enumerate(names)
    ]
    expected = [(f"Dataset/vo/{names.index(name)}", "dataset-folders", message) for name, message in said]
    assert quarrels(*declared) == expected


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("s/n/sub", "s/n/sub lies within s/n, where copies of Dataset/vo/n would lie"),
        ("s/n", "s/n is s/n, where copies of Dataset/vo/n would lie"),
        ("s", "s lies above s/n, where copies of Dataset/vo/n would lie"),
        ("s/n-raw", None),
        ("s/all", None),
        ("s/all/in", None),
    ],
)
def test_a_folder_that_is_listed_is_not_where_copies_of_another_dataset_would_lie(path, said):
    site = resource("Site/CESGA", SITES["CESGA"])
    listing = {"site": "CESGA", "storage": "disk", "path": path}
    found = quarrels(site, dataset("n", files=FILE), dataset("all", listing=listing))
    assert found == ([("Dataset/vo/all", "dataset-folders", said)] if said else [])


def test_the_storage_of_a_copy_in_place_is_declared():
    places = [HERE, {"site": "CESGA", "storage": "dsik"}]
    found = quarrels(resource("Site/CESGA", SITES["CESGA"]), dataset("n", files=FILE, copies=places))
    assert found == [("Dataset/vo/n", "dataset-storage", "the site CESGA has no storage dsik")]


def test_where_files_lie_already_is_a_source_with_its_naming():
    places = [{**HERE, "naming": "rucio"}, {"site": "KIT", "storage": "disk", "path": "raw"}]
    federation = Federation(SITES, {"vo/waves": {**WAVES, "copies": places}})
    federation.specs[Ref("DatasetRule/vo/a")] = placed("DESY/disk", "CESGA/disk")
    made = {child.name: child.spec for _, child in KIND.gather(federation, NOWHERE)}
    assert made["waves.DESY.disk"].sources == ("KIT/disk:raw", "CESGA/disk#rucio")
    here, there = made["waves.CESGA.disk"], made["waves.KIT.disk"]
    assert (here.origin, here.lies.naming, here.rules) == (True, "rucio", ("DatasetRule/vo/a",))
    assert (there.origin, there.folder, there.rules) == (True, "raw", ())


def test_a_copy_that_rules_bring_along_is_not_declared_by_hand_too():
    by_hand = resource(
        "Replica/vo/x", {"storage": {"site": "CESGA", "name": "disk"}, "dataset": "s:n", "files": [{"path": "a"}]}
    )
    (found,) = quarrels(resource("Site/CESGA", SITES["CESGA"]), dataset("n", files=FILE), by_hand)
    assert found[:2] == ("Replica/vo/x", "dataset-replica")


def test_rules_find_files_without_checksum_or_source():
    rules = {r.id: r for r in KIND.rules}
    spec = DatasetSpec.model_validate({"scope": "s", "name": "n", "files": [{"path": "a"}]}, strict=False)
    found = [r for r in rules if list(rules[r].check(Ref("Dataset/vo/n"), spec))]
    assert found == ["dataset-unverified", "dataset-source"]


def placed(*names, **more):
    fileset = KIND.complete(Ref("x"), DatasetSpec.model_validate(WAVES, strict=False), None, NOWHERE).spec.fileset
    body = {
        "scope": "ocean",
        "name": "waves",
        "copies": len(names),
        "locations": "*",
        "placed": {"ocean:waves": {name: fileset.model_dump() for name in names}},
        **more,
    }
    return DatasetRuleSpec.model_validate(body, strict=False)


def test_one_replica_for_each_storage_held_by_every_rule_that_chose_it():
    federation = Federation(SITES)
    federation.specs[Ref("DatasetRule/vo/a")] = placed("CESGA/disk", "DESY/disk")
    federation.specs[Ref("DatasetRule/vo/b")] = placed("DESY/disk", sourceLocations="KIT", readable=["KIT/disk"])
    made = {child.name: child.spec for _, child in KIND.gather(federation, NOWHERE)}
    assert {name: spec.rules for name, spec in made.items()} == {
        "waves.CESGA.disk": ("DatasetRule/vo/a",),
        "waves.DESY.disk": ("DatasetRule/vo/a", "DatasetRule/vo/b"),
    }
    assert made["waves.CESGA.disk"].sources == ("DESY/disk",)
    assert made["waves.CESGA.disk"].fileset.bytes == 600


def test_a_copy_is_as_urgent_as_the_most_urgent_rule_that_holds_it():
    federation = Federation(SITES)
    federation.specs[Ref("DatasetRule/vo/a")] = placed("CESGA/disk", "DESY/disk", activity="Production")
    federation.specs[Ref("DatasetRule/vo/b")] = placed("DESY/disk", priority=5, activity="Express", purge=True)
    made = {child.name: child.spec for _, child in KIND.gather(federation, NOWHERE)}
    assert [(s.priority, s.activity, s.purge) for _, s in sorted(made.items())] == [
        (3, "Production", False),
        (5, "Express", True),
    ]


def test_the_folder_that_it_lies_in_is_a_source_with_its_path():
    federation = Federation(SITES)
    listing = {"site": "KIT", "storage": "disk", "path": "incoming"}
    waves = federation.specs[Ref("Dataset/vo/waves")]
    said = {"scope": "ocean", "name": "waves", "listing": listing, "fileset": waves.fileset.model_dump()}
    federation.specs[Ref("Dataset/vo/waves")] = DatasetSpec.model_validate(said, strict=False)
    federation.specs[Ref("DatasetRule/vo/a")] = placed("DESY/disk")
    made = {child.name: child.spec for _, child in KIND.gather(federation, NOWHERE)}
    assert made["waves.DESY.disk"].sources == ("KIT/disk:incoming",)
    origin = made["waves.KIT.disk"]
    assert (origin.origin, origin.path, origin.rules) == (True, "incoming", ())


def test_the_nearest_source_comes_first_by_link_or_else_by_the_map():
    sites = {
        "A": {"country": "DE", "storage": [storage("d", links=[{"to": "D", "distance": 1}]), storage("e")]},
        "B": {"country": "DE", "storage": [storage("d")]},
        "C": {"country": "FR", "storage": [storage("d")]},
        "D": {"country": "JP", "storage": [storage("d")]},
        "E": {"country": "JP", "storage": [storage("d", availability={"read": {"allowed": False, "reason": "x"}})]},
    }
    atlas = Atlas.of(Federation(sites))
    names = [name for name in atlas.names if name != "A/d"]
    assert sorted(names, key=lambda name: atlas.distance(name, "A/d")) == [
        "A/e",
        "D/d",
        "B/d",
        "C/d",
        "E/d",
    ]
    assert atlas.link("D/d", "A/d").distance == 1


def test_parts_of_files_that_are_joined_or_grow_are_what_they_would_be_at_once():
    whole = Files.of(File(f"f{n:03}", n, f"adler32:{n:08x}") for n in range(100))
    even, odd = whole.only(range(0, 100, 2)), whole.only(range(1, 100, 2))
    assert even.joined(odd) == whole
    assert even.joined(odd).bytes == whole.bytes
    grown = even.grown([1, 7, 99])
    again = Files.of(row for n, row in enumerate(whole) if n % 2 == 0 or n in (1, 7, 99))
    assert (grown.digest, grown.bytes, list(grown)) == (again.digest, again.bytes, list(again))
    assert whole.only([]).digest == Files.of([]).digest
    assert list(whole.only([5])) == [File("f005", 5, "adler32:00000005")]
