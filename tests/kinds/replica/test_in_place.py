"""Files that lie at a storage already, by Rucio's naming or in a folder: counted, read from, and never touched."""

from __future__ import annotations

import pytest

from reconciler.kinds.replica.naming import Layout
from reconciler.kinds.replica.spec import source_at
from reconciler.model import Done, Present, Reason, Ref, Unknown, Wanted
from tests.kinds.replica.conftest import OTHER, UID, files_of
from tests.kinds.replica.test_fileset import CONTENTS, FILES, lay, read

LAYOUT = Layout.rucio("ocean:waves")
RULES = ["DatasetRule/vo/r"]


def hashed(contents):
    return {LAYOUT.at(path): content for path, content in contents.items()}


def lay_hashed(federation, storage, contents=CONTENTS):
    for path, content in hashed(contents).items():
        lay(federation, storage, {path.rpartition("/")[2]: content}, path.rpartition("/")[0])


def in_place(federation, storage="B/disk", **more):
    return federation.dataset(FILES, storage, origin=True, lies={"naming": "rucio"}, **more)


@pytest.mark.parametrize(
    ("dataset", "before", "file", "path"),
    [
        ("user.jdoe:set", "", "test.file.1", "user/jdoe/07/7c/test.file.1"),  # Rucio's own example
        ("ocean:waves", "", "1.nc", "ocean/ef/89/1.nc"),
        ("oc.ean:waves", "fed/data", "1.nc", "fed/data/oc.ean/f7/46/1.nc"),
        ("ocean:waves", "", "run/3.nc", "ocean/35/11/run/3.nc"),
    ],
)
def test_rucios_naming_is_that_of_its_hash(dataset, before, file, path):
    layout = Layout.rucio(dataset, before)
    assert layout.at(file) == path
    assert layout.within(path) == file
    assert layout.within(f"{layout.folder}/{file}") is None
    assert layout.within(f"{layout.folder}/00/00/{file}") is None


@pytest.mark.parametrize(
    ("place", "storage", "layout"),
    [
        ("A/disk", "A/disk", Layout("ocean/waves")),
        ("A/disk:raw/in", "A/disk", Layout("raw/in")),
        ("A/disk#rucio", "A/disk", Layout("ocean", "ocean")),
        ("A/disk#rucio:fed", "A/disk", Layout("fed/ocean", "ocean")),
    ],
)
def test_a_source_says_where_its_files_lie(place, storage, layout):
    assert source_at(place, "ocean:waves") == (storage, layout)


def test_files_by_rucios_naming_are_a_copy_that_is_not_written(federation):
    lay_hashed(federation, "B/disk")
    spec = in_place(federation, rules=RULES)
    seen = federation.look(spec)
    assert isinstance(seen, Present)
    assert (seen.owned, seen.uid, seen.healthy, seen.digest) == (True, "", True, spec.digest())
    assert isinstance(federation.put(spec), Done)
    assert federation.remove(spec).message == "its files lie there by themselves: left standing"
    assert read(federation, "B/disk", "") == hashed(CONTENTS)


def test_what_is_missing_or_changed_there_is_told_and_not_mended(federation):
    lay(federation, "A/tape", CONTENTS)
    lay_hashed(federation, "B/disk", {"1.nc": b"first", "2.nc": b"rotten!"})
    spec = in_place(federation, rules=RULES, sources=["A/tape"])
    seen = federation.look(spec)
    assert (seen.healthy, seen.spec.fileset.count) == (False, 2)
    two, three = LAYOUT.at("2.nc"), LAYOUT.at("run/3.nc")
    assert seen.note == (
        f"1 of 3 files missing, first {three}; 1 of 3 files with other content, first {two}; "
        "nothing is mended there: put them back, or take the place out of the copies of its dataset"
    )
    answer = federation.put(spec, before=seen.spec)
    assert (answer.fate, answer.reason) == ("terminal", Reason.STUCK)
    assert answer.message == seen.note
    assert read(federation, "B/disk", "") == hashed({"1.nc": b"first", "2.nc": b"rotten!"})
    one = federation.dataset(FILES)
    federation.kind._seen.files = federation.drivers.catalogue.files
    said = federation.kind.precious({Ref("Replica/vo/a"): one}, {Ref("Replica/vo/b"): seen.spec})
    assert list(said.values()) == ["the last good copy of 2 of 3 files of ocean:waves, first 2.nc"]


def test_a_place_where_nothing_lies_is_not_absent_for_it_is_not_made(federation):
    federation.root("B/disk").mkdir(parents=True)
    seen = federation.look(in_place(federation, rules=RULES))
    assert (seen.healthy, seen.spec.fileset.count, seen.due) == (False, 0, (3, FILES.bytes))
    assert federation.put(in_place(federation)).message.startswith("none of its files lie there, first ocean/ef/89")


def test_a_place_of_which_a_part_cannot_be_read_is_unknown_and_not_absent(federation):
    lay_hashed(federation, "B/disk", {"1.nc": b"first"})
    opened = federation.drivers.storage

    class Partly:
        def __init__(self, storage):
            self.storage = storage

        def listing(self, prefixes=("",), token=""):
            found = self.storage.listing(prefixes, token)
            return type(found)(found.files, complete=False)

    federation.drivers.storage = lambda target: Partly(opened(target))
    spec = in_place(federation, rules=RULES)
    assert isinstance(federation.look(spec), Unknown)
    assert federation.put(spec).fate == "transient"


def test_copies_are_read_from_there_and_the_scope_is_not_listed_for_each(federation):
    lay_hashed(federation, "B/disk")
    lay(federation, "B/disk", {"other.nc": b"of another dataset"}, "ocean/00/00")
    asked, opened = [], federation.drivers.storage

    class Spied:
        def __init__(self, storage):
            self.storage = storage

        def __getattr__(self, name):
            return getattr(self.storage, name)

        def listing(self, prefixes=("",), token=""):
            asked.append(set(prefixes))
            return self.storage.listing(prefixes, token)

    federation.drivers.storage = lambda t: Spied(opened(t)) if t.name == "B/disk" else opened(t)
    spec = federation.dataset(FILES, sources=["B/disk#rucio"])
    assert isinstance(federation.put(spec), Done)
    assert read(federation, "A/disk") == CONTENTS
    assert asked == [set(hashed(CONTENTS))]  # nobody had looked there: its own files are asked for
    federation.look(in_place(federation))
    assert asked[1:] == [{"", *hashed(CONTENTS)}]
    third = federation.dataset(FILES, "A/tape", sources=["B/disk#rucio"])
    assert isinstance(federation.put(third, ref="Replica/vo/t", uid=OTHER), Done)
    assert len(asked) == 2
    assert read(federation, "A/tape") == CONTENTS


def test_a_file_that_has_gone_since_the_last_look_is_read_elsewhere(federation):
    lay_hashed(federation, "B/disk")
    federation.look(in_place(federation))
    (federation.root("B/disk") / LAYOUT.at("2.nc")).unlink()
    files = files_of(CONTENTS, {"2.nc": "data:,second!"})
    assert isinstance(federation.put(federation.dataset(files, sources=["B/disk#rucio"])), Done)
    assert read(federation, "A/disk") == CONTENTS


def test_many_datasets_of_one_scope_are_seen_in_one_listing(federation):
    specs = []
    for n in range(5):
        layout, name = Layout.rucio(f"ocean:d{n}"), f"{n}.nc"
        path = layout.at(name)
        lay(federation, "B/disk", {name: b"x" * n}, path.rpartition("/")[0])
        files = files_of({name: b"x" * n})
        lies = {"naming": "rucio"}
        specs.append(federation.dataset(files, "B/disk", dataset=f"ocean:d{n}", origin=True, lies=lies, rules=RULES))
    wanted = [Wanted(Ref(f"Replica/vo/d{n}"), f"{n}" * 32, spec, None) for n, spec in enumerate(specs)]
    reading = federation.kind.observe(federation.target(specs[0]), wanted, federation.drivers)
    assert [reading.results[w.ref].digest for w in wanted] == [spec.digest() for spec in specs]


def test_dark_files_of_our_own_copies_beside_it_are_still_found(federation):
    lay_hashed(federation, "A/disk")
    lay(federation, "B/disk", CONTENTS, "ocean/tides")
    own = federation.dataset(FILES, dataset="ocean:tides", sources=["B/disk"])
    assert isinstance(federation.put(own), Done)
    lay(federation, "A/disk", {"dark.nc": b"whose?"}, "ocean/tides")
    wanted = [
        Wanted(Ref("Replica/vo/t"), UID, own, own),
        Wanted(Ref("Replica/vo/w"), OTHER, in_place(federation, "A/disk", rules=RULES), None),
    ]
    federation.kind.observe(federation.target(own), wanted, federation.drivers)
    assert [f.path for f in federation.drivers.catalogue.scans["storage:A/disk"].dark] == ["ocean/tides/dark.nc"]


def test_a_storage_closed_for_writing_counts_what_it_has(federation):
    shut = {
        "name": "disk",
        "driver": "directory",
        "availability": {"write": {"allowed": False, "reason": "kept by others"}},
    }
    site = federation.sites[Ref("Site/B")]
    federation.sites[Ref("Site/B")] = type(site).model_validate({"storage": [shut]}, strict=False)
    lay_hashed(federation, "B/disk")
    assert isinstance(federation.put(in_place(federation, rules=RULES)), Done)
    own = federation.dataset(FILES, "B/disk")
    assert federation.put(own).reason is Reason.SITE_IN_DOWNTIME
