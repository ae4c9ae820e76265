"""Replicas of a dataset's files: columns behind a digest, copied from the nearest good copy, never the last one gone."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.kinds.replica import Fileset
from reconciler.model import Absent, Done, Failed, Present, Reason, Ref, Unknown, Wanted
from reconciler.ports import File, Files
from reconciler.records.catalogue import Remembered
from tests.kinds.replica.conftest import NOW, OTHER, UID, adler32, files_of, replica
from tests.real.waiting import PATIENCE

CONTENTS = {"1.nc": b"first", "2.nc": b"second!", "run/3.nc": b"third"}
FILES = files_of(CONTENTS)
FILESET = {"digest": FILES.digest, "count": len(FILES), "bytes": FILES.bytes}


def lay(federation, storage: str, contents: dict[str, bytes], folder: str = "ocean/waves") -> None:
    """Files that lie on a storage by themselves."""
    for path, content in contents.items():
        file = federation.root(storage) / folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def read(federation, storage: str, folder: str = "ocean/waves") -> dict[str, bytes]:
    root = federation.root(storage) / folder
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


@pytest.fixture
def copied(federation):
    """Two good copies: at B/disk, where the files came from, and at A/disk."""
    lay(federation, "B/disk", CONTENTS)
    spec = federation.dataset(FILES, sources=["B/disk"])
    assert isinstance(federation.put(spec), Done)
    return spec


def test_files_are_copied_from_the_other_storage_and_are_then_as_wanted(federation, copied):
    assert read(federation, "A/disk") == CONTENTS
    assert federation.drivers.catalogue.reads == {("ocean:waves", "B/disk")}
    seen = federation.look(copied, applied=copied)
    assert isinstance(seen, Present)
    assert seen.digest == copied.digest()
    assert (seen.owned, seen.uid, seen.healthy) == (True, UID, True)
    assert seen.outputs == {"storage": "A/disk", "path": "ocean/waves", "bytes": FILES.bytes}


def test_sources_and_rules_are_bookkeeping_that_no_storage_shows(federation, copied):
    other = copied.model_copy(update={"rules": ("DatasetRule/vo/x",), "sources": ("B/disk", "A/tape")})
    assert federation.look(other, applied=copied).digest == other.digest()


def test_files_that_nobody_knows_are_unknown_and_not_absent(federation, copied):
    strange = copied.model_copy(update={"fileset": Fileset(digest="f" * 64, count=3, bytes=1)})
    assert isinstance(federation.look(strange), Unknown)
    assert federation.put(strange).fate == "transient"


def test_nothing_there_is_absent_and_an_empty_dataset_is_there(federation):
    assert isinstance(federation.look(federation.dataset(FILES)), Absent)
    assert isinstance(federation.look(federation.dataset(Files.of(()))), Present)


def test_a_missing_file_shows_in_the_fileset_and_is_copied_again(federation, copied):
    (federation.root("A/disk") / "ocean/waves/2.nc").unlink()
    seen = federation.look(copied, applied=copied)
    assert seen.spec.fileset.count == 2
    assert seen.spec.fileset.bytes == FILES.bytes - 7
    assert seen.note == "1 of 3 files missing, first ocean/waves/2.nc"
    assert seen.healthy is False
    assert isinstance(federation.put(copied, before=seen.spec), Done)
    assert read(federation, "A/disk") == CONTENTS


def test_a_bad_file_is_copied_again_from_a_good_copy(federation, copied):
    time.sleep(0.01)
    (federation.root("A/disk") / "ocean/waves/2.nc").write_bytes(b"sEcond!")
    seen = federation.look(copied, applied=copied)
    assert seen.note == "1 of 3 files with other content, first ocean/waves/2.nc"
    assert seen.owned
    assert isinstance(federation.put(copied, before=seen.spec), Done)
    assert read(federation, "A/disk") == CONTENTS


def test_the_nearest_source_that_has_a_file_gives_it(federation):
    lay(federation, "B/disk", CONTENTS)
    lay(federation, "A/tape", {"1.nc": b"first", "2.nc": b"BAD----"}, "raw")
    spec = federation.dataset(FILES, sources=["A/tape:raw", "B/disk"])
    assert isinstance(federation.put(spec), Done)
    assert read(federation, "A/disk") == CONTENTS


def test_a_file_that_fails_at_one_source_is_read_at_the_next(federation):
    lay(federation, "B/disk", CONTENTS)
    lay(federation, "A/tape", CONTENTS)
    spec = federation.dataset(FILES, sources=["A/tape", "B/disk"])
    real = federation.drivers.storage

    class Torn:
        def __init__(self, storage):
            self.storage = storage

        def __getattr__(self, name):
            return getattr(self.storage, name)

        def source(self, path):
            return replace(self.storage.source(path), url=f"file:///nowhere/{path}")

    federation.drivers.storage = lambda target: Torn(real(target)) if target.name == "A/tape" else real(target)
    assert isinstance(federation.put(spec), Done)
    assert read(federation, "A/disk") == CONTENTS


def test_a_file_has_a_place_of_its_own_where_no_storage_has_it(federation):
    lay(federation, "B/disk", {"1.nc": b"first", "run/3.nc": b"third"})
    files = files_of(CONTENTS, {"2.nc": "data:,second!"})
    assert isinstance(federation.put(federation.dataset(files, sources=["B/disk"])), Done)
    assert read(federation, "A/disk") == CONTENTS


def test_lost_files_are_named_one_by_one_and_the_others_come(federation):
    lay(federation, "B/disk", {"1.nc": b"first"})
    spec = federation.dataset(FILES, sources=["B/disk"])
    answer = federation.put(spec)
    assert isinstance(answer, Failed)
    assert (answer.fate, answer.reason) == ("terminal", Reason.STUCK)
    assert answer.message == (
        "2 of 3 files failed, first: 2.nc is lost, no good copy of it is left (B/disk: not there)"
    )
    assert read(federation, "A/disk") == {"1.nc": b"first"}
    _, troubles = federation.drivers.catalogue.troubles[UID]
    assert {path: t.lost for path, t in troubles.items()} == {"2.nc": True, "run/3.nc": True}


def test_a_source_that_cannot_be_read_makes_nothing_lost(federation):
    federation.sites[Ref("Site/B")] = federation.sites[Ref("Site/B")].model_copy(deep=True)
    closed = {"name": "disk", "driver": "directory", "availability": {"read": {"allowed": False, "reason": "move"}}}
    federation.sites[Ref("Site/B")] = type(federation.sites[Ref("Site/B")]).model_validate(
        {"storage": [closed]}, strict=False
    )
    answer = federation.put(federation.dataset(FILES, sources=["B/disk"]))
    assert answer.fate == "transient"
    assert "B/disk: may not be read: move" in answer.message
    assert not any(t.lost for t in federation.drivers.catalogue.troubles[UID][1].values())


def test_a_second_copy_waits_for_a_nearer_one_that_is_under_way(federation):
    lay(federation, "B/disk", {"big": b"x" * 3_000_000})
    files = files_of({"big": b"x" * 3_000_000})
    first = federation.dataset(files, sources=["A/tape", "B/disk"])
    second = federation.dataset(files, "A/tape", sources=["A/disk", "B/disk"])
    one, two = federation.change(first), federation.change(second, "Replica/vo/s", OTHER)
    started = federation.kind.put(federation.target(first), [one], federation.drivers)[one.ref]
    waiting = federation.kind.put(federation.target(second), [two], federation.drivers)[two.ref]
    assert waiting.handle.endswith("#waits") or isinstance(waiting, Done)
    assert isinstance(federation.settle(federation.kind.put, first, replace(one, handle=started.handle)), Done)
    assert isinstance(federation.settle(federation.kind.put, second, replace(two, handle=waiting.handle)), Done)
    assert read(federation, "A/tape") == read(federation, "A/disk")


# -- shrinking ---------------------------------------------------------------------------------------------------------


def test_files_dropped_from_the_dataset_go_and_nothing_else(federation, copied):
    lay(federation, "A/disk", {"notes.txt": b"mine"})
    fewer = federation.dataset(files_of({"1.nc": b"first"}), sources=["B/disk"])
    seen = federation.look(fewer, applied=copied)
    assert seen.spec.fileset.count == 3
    assert "2 files that are not wanted any more, first ocean/waves/2.nc" in seen.note
    assert isinstance(federation.put(fewer, before=seen.spec), Done)
    assert read(federation, "A/disk") == {"1.nc": b"first", "notes.txt": b"mine"}
    assert federation.look(fewer, applied=fewer).digest == fewer.digest()


def test_a_file_that_moves_elsewhere_stays_until_it_is_good_there(federation, copied):
    part = federation.dataset(files_of({"1.nc": b"first"}), sources=["A/tape"], whole=FILES.digest)
    seen = federation.look(part, applied=copied)
    assert seen.digest == part.digest()
    assert not federation.drivers.catalogue.scans["storage:A/disk"].dark
    federation.drivers.catalogue.elsewhere = lambda dataset, storage: (FILES.digest,) if storage == "A/disk" else ()
    seen = federation.look(part, applied=part)
    assert "2 files that are not wanted any more, first ocean/waves/2.nc" in seen.note
    answer = federation.put(part, before=seen.spec)
    assert (answer.fate, answer.reason) == ("terminal", Reason.DEPENDENCY_NOT_READY)
    assert answer.message.startswith("2 files stay until another storage has them, first ocean/waves/2.nc")
    assert read(federation, "A/disk") == CONTENTS
    lay(federation, "A/tape", {"2.nc": b"second!", "run/3.nc": b"third"})
    assert isinstance(federation.put(part, before=seen.spec), Done)
    assert read(federation, "A/disk") == {"1.nc": b"first"}


def test_what_was_not_seen_when_it_was_planned_is_not_taken_away(federation, copied):
    fewer = federation.dataset(files_of({"1.nc": b"first"}), sources=["B/disk"])
    assert isinstance(federation.put(fewer, before=None), Done)
    assert read(federation, "A/disk") == CONTENTS


# -- what lies there by itself -----------------------------------------------------------------------------------------


def test_an_origin_is_looked_at_and_neither_written_nor_taken_away(federation):
    lay(federation, "A/disk", CONTENTS)
    spec = federation.dataset(FILES, origin=True)
    seen = federation.look(spec)
    assert (seen.owned, seen.uid, seen.digest) == (True, "", spec.digest())
    assert isinstance(federation.put(spec), Done)
    (federation.root("A/disk") / "ocean/waves/1.nc").unlink()
    seen = federation.look(spec)
    assert (seen.healthy, seen.digest) == (False, spec.digest())
    assert federation.remove(spec).message == "its files lie there by themselves: left standing"
    assert len(read(federation, "A/disk")) == 2


def test_an_origin_that_a_rule_holds_is_mended_and_never_written_over(federation):
    lay(federation, "B/disk", CONTENTS)
    lay(federation, "A/disk", CONTENTS, "raw")
    spec = federation.dataset(FILES, origin=True, path="raw", rules=["DatasetRule/vo/r"], sources=["B/disk"])
    (federation.root("A/disk") / "raw/1.nc").unlink()
    seen = federation.look(spec, applied=spec)
    assert (seen.owned, seen.spec.fileset.count) == (True, 2)
    assert isinstance(federation.put(spec, before=seen.spec), Done)
    assert read(federation, "A/disk", "raw") == CONTENTS
    assert federation.look(spec, applied=spec).digest == spec.digest()
    lay(federation, "A/disk", {"2.nc": b"theirs!"}, "raw")
    seen = federation.look(spec, applied=spec)
    answer = federation.put(spec, before=seen.spec)
    assert answer.reason is Reason.STUCK
    assert "1 files have another content where they come from, first raw/2.nc" in answer.message
    assert read(federation, "A/disk", "raw")["2.nc"] == b"theirs!"


def test_an_origin_without_any_of_its_files_is_told(federation):
    federation.root("A/disk").mkdir(parents=True)
    answer = federation.put(federation.dataset(FILES, origin=True))
    assert answer.fate == "terminal"
    assert "none of its files lie there" in answer.message


def test_a_folder_with_files_of_others_is_not_touched(federation):
    lay(federation, "A/disk", {"1.nc": b"whose?"})
    lay(federation, "B/disk", CONTENTS)
    spec = federation.dataset(FILES, sources=["B/disk"])
    assert federation.look(spec).owned is False
    answer = federation.put(spec)
    assert (answer.fate, answer.reason) == ("conflict", Reason.ADOPTION_CONFLICT)
    assert read(federation, "A/disk") == {"1.nc": b"whose?"}


def test_removing_takes_away_only_what_bears_the_mark(federation, copied):
    lay(federation, "A/disk", {"notes.txt": b"mine"})
    answer = federation.remove(copied)
    assert answer.message == "1 files without its mark were left standing"
    assert read(federation, "A/disk") == {"notes.txt": b"mine"}


def test_a_copy_that_another_one_is_made_from_stays_until_that_is_done(federation, copied):
    second, go_on, real = federation.dataset(FILES, "A/tape", sources=["A/disk"]), threading.Event(), federation.drivers
    opened = real.storage

    class Slow:
        def __init__(self, storage):
            self.storage = storage

        def __getattr__(self, name):
            return getattr(self.storage, name)

        def copy_in(self, copy):
            assert go_on.wait(PATIENCE)
            return self.storage.copy_in(copy)

    real.storage = lambda target: Slow(opened(target)) if target.name == "A/tape" else opened(target)
    one, two = federation.change(copied), federation.change(second, "Replica/vo/s", OTHER)
    started = federation.kind.put(federation.target(second), [two], real)[two.ref]
    answer = federation.kind.remove(federation.target(copied), [one], real)[one.ref]
    assert (answer.fate, answer.message) == ("transient", "it is being copied to storage:A/tape")
    assert read(federation, "A/disk") == CONTENTS
    go_on.set()
    assert isinstance(federation.settle(federation.kind.put, second, replace(two, handle=started.handle)), Done)
    assert isinstance(federation.remove(copied), Done)
    assert read(federation, "A/tape") == CONTENTS


# -- the last copy -----------------------------------------------------------------------------------------------------


def last(federation, going: dict, staying: dict) -> dict:
    federation.kind._seen.files = federation.drivers.catalogue.files
    return dict(federation.kind.precious(going, staying))


def test_the_last_good_copy_is_precious_and_one_of_two_is_not(federation):
    one, two = federation.dataset(FILES), federation.dataset(FILES, "B/disk")
    a, b = Ref("Replica/vo/a"), Ref("Replica/vo/b")
    assert last(federation, {a: one}, {b: two}) == {}
    assert last(federation, {a: one}, {}) == {a: "the last good copy of all 3 files of ocean:waves, first 1.nc"}
    assert list(last(federation, {a: one, b: two}, {})) == [b]


def test_a_copy_that_lacks_a_file_makes_that_file_precious_elsewhere(federation):
    one = federation.dataset(FILES)
    part = federation.dataset(files_of({"1.nc": b"first", "2.nc": b"rotten!"}), "B/disk")
    said = last(federation, {Ref("Replica/vo/a"): one}, {Ref("Replica/vo/b"): part})
    assert list(said.values()) == ["the last good copy of 2 of 3 files of ocean:waves, first 2.nc"]


def test_an_origin_counts_as_a_copy_and_is_never_going(federation):
    one, origin = federation.dataset(FILES), federation.dataset(FILES, "B/disk", origin=True)
    assert last(federation, {Ref("Replica/vo/a"): one}, {Ref("Replica/vo/b"): origin}) == {}
    assert last(federation, {Ref("Replica/vo/b"): origin}, {}) == {}


def test_an_origin_that_lacks_files_counts_only_for_those_it_has(federation):
    lay(federation, "B/disk", {"1.nc": b"first", "2.nc": b"rotten!"})
    one, origin = federation.dataset(FILES), federation.dataset(FILES, "B/disk", origin=True)
    reading = federation.reading(origin)
    assert reading.token == ""
    said = last(federation, {Ref("Replica/vo/a"): one}, {Ref("Replica/vo/b"): origin})
    assert list(said.values()) == ["the last good copy of 2 of 3 files of ocean:waves, first 2.nc"]


def test_a_damaged_file_is_no_last_copy(federation, copied):
    (federation.root("A/disk") / "ocean/waves/2.nc").write_bytes(b"rotten!")
    seen = federation.look(copied, applied=copied)
    other = federation.dataset(FILES, "B/disk")
    assert last(federation, {Ref("Replica/vo/r"): seen.spec}, {Ref("Replica/vo/b"): other}) == {}


def test_a_copy_stays_until_the_new_ones_are_whole(federation):
    old, new = federation.dataset(FILES), federation.dataset(FILES, "B/disk")
    a, b = Ref("Replica/vo/a"), Ref("Replica/vo/b")
    assert federation.kind.lingers({a: old}, {}, {b: new}) == {
        a: (Reason.DEPENDENCY_NOT_READY, "stays until Replica/vo/b is whole")
    }
    assert federation.kind.lingers({a: old}, {b: new}, {b: new}) == {}


# -- lost and dark -----------------------------------------------------------------------------------------------------


class Due(Remembered):
    """A catalogue by which everything dark may go."""

    def scanned(self, scan):
        super().scanned(scan)
        return frozenset(dark.path for dark in scan.dark)


def test_unknown_files_in_the_folder_are_dark_and_not_too_many(federation, copied):
    lay(federation, "A/disk", {"junk": b"??"})
    assert federation.look(copied, applied=copied).digest == copied.digest()
    scan = federation.drivers.catalogue.scans["storage:A/disk"]
    assert [(d.path, d.size, d.uid) for d in scan.dark] == [("ocean/waves/junk", 2, "")]
    assert (scan.files, scan.expected, list(scan.missing)) == (4, 3, [])


def test_dark_files_that_may_go_go_with_the_next_change(federation, copied):
    federation.drivers.catalogue = Due()
    federation.dataset(FILES)
    lay(federation, "A/disk", {"junk": b"??"})
    seen = federation.look(copied, applied=copied)
    assert (seen.spec.fileset.count, seen.note) == (4, "1 dark files that are to go: ocean/waves/junk")
    assert isinstance(federation.put(copied, before=seen.spec), Done)
    assert read(federation, "A/disk") == CONTENTS


def test_the_first_dark_files_that_would_go_are_named(federation, copied):
    federation.drivers.catalogue = Due()
    federation.dataset(FILES)
    lay(federation, "A/disk", {f"junk{n}": b"??" for n in range(5)})
    said = federation.look(copied, applied=copied).note
    assert said == "5 dark files that are to go: " + ", ".join(f"ocean/waves/junk{n}" for n in range(3)) + " and 2 more"


def beside(federation, copied, other, mark=OTHER):
    """What is dark for a replica when another one is looked at with it, and alone right after."""
    federation.drivers.catalogue = Due()
    federation.drivers.catalogue.remember(FILES)
    wanted = [
        Wanted(Ref("Replica/vo/r"), UID, copied, copied),
        Wanted(Ref("Replica/vo/other"), mark, other, None),
    ]
    found = []
    for asked in (wanted, wanted[:1]):
        reading = federation.kind.observe(federation.target(copied), asked, federation.drivers)
        scan = federation.drivers.catalogue.scans["storage:A/disk"]
        found.append((sorted(d.path for d in scan.dark), reading.results[Ref("Replica/vo/r")].spec.fileset.count))
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize(
    "more",
    [
        {"dataset": "ocean:waves/deep", "files": [{"path": "x", "size": 1}]},
        {"dataset": "ocean:raw", "path": "ocean/waves/deep", "origin": True, "fileset": FILESET},
        {"path": "ocean/waves/deep/x"},
    ],
)
def test_what_lies_where_another_has_its_place_is_not_dark(federation, copied, more):
    lay(federation, "A/disk", {"deep/x": b"?", "junk": b"??", "deeper": b"???"})
    other = replica(**more)
    assert beside(federation, copied, other) == (["ocean/waves/deeper", "ocean/waves/junk"], 5)
    seen = federation.look(copied, applied=copied)
    assert isinstance(federation.put(copied, before=seen.spec), Done)
    assert read(federation, "A/disk") == {**CONTENTS, "deep/x": b"?"}


def test_nothing_is_dark_below_a_folder_that_another_lists(federation, copied):
    lay(federation, "A/disk", {"junk": b"??"})
    other = federation.dataset(FILES, dataset="ocean:all", path="ocean", origin=True)
    assert beside(federation, copied, other) == ([], 3)


def test_a_file_with_the_mark_of_another_is_not_dark_even_where_nobody_knows_that_one(federation, copied):
    federation.drivers.catalogue = Due()
    federation.dataset(FILES)
    lay(federation, "A/disk", {"theirs": b"??", "junk": b"?"})
    federation.drivers.storage(federation.target(copied)).mark("ocean/waves/theirs", OTHER)
    seen = federation.look(copied, applied=copied)
    assert (seen.spec.fileset.count, seen.note) == (4, "1 dark files that are to go: ocean/waves/junk")
    federation.drivers.storage(federation.target(copied)).mark("ocean/waves/junk", OTHER)
    assert isinstance(federation.put(copied, before=seen.spec), Done)
    assert sorted(read(federation, "A/disk")) == sorted([*CONTENTS, "junk", "theirs"])


def test_the_place_of_a_replica_that_was_taken_away_is_nobodys_again(federation, copied):
    lay(federation, "A/disk", {"deep/x": b"?"})
    other = federation.dataset(FILES, dataset="ocean:waves/deep")
    assert beside(federation, copied, other)[0] == []
    assert isinstance(federation.remove(other, uid=OTHER), Done)
    federation.look(copied, applied=copied)
    assert [d.path for d in federation.drivers.catalogue.scans["storage:A/disk"].dark] == ["ocean/waves/deep/x"]


def test_dark_files_are_no_copy_and_no_last_copy(federation, copied):
    federation.drivers.catalogue = Due()
    federation.dataset(FILES)
    lay(federation, "A/disk", {"junk": b"??"})
    seen = federation.look(copied, applied=copied)
    a, b = Ref("Replica/vo/r"), Ref("Replica/vo/s")
    there = federation.dataset(FILES, "B/disk")
    assert federation.kind.precious({a: seen.spec}, {b: there}) == {}
    said = federation.kind.precious({a: seen.spec}, {})
    assert said == {a: "the last good copy of all 3 files of ocean:waves, first 1.nc"}


@pytest.mark.parametrize(("gone", "guarded"), [(20, False), (21, True)])
def test_more_than_ten_percent_missing_at_once_is_asked_about_first(federation, gone, guarded):
    many = {f"{n:03d}": b"%d" % n for n in range(200)}
    lay(federation, "B/disk", many)
    spec = federation.dataset(files_of(many), sources=["B/disk"])
    assert isinstance(federation.put(spec), Done)
    for n in range(gone):
        (federation.root("A/disk") / f"ocean/waves/{n:03d}").unlink()
    seen = federation.look(spec, applied=spec)
    repair = federation.kind.repair(seen.spec, spec)
    assert (repair is not None) is guarded
    if repair is not None:
        assert repair.at_once == 0
        assert repair.what == (
            "21 of 200 files known at A/disk are missing at once (10 %, over 10 %): is it mounted, and whole?"
        ).replace("(10 %,", f"({100 * 21 / 200:.0f} %,")


def test_everything_gone_at_once_is_not_absent(federation):
    many = {f"{n:03d}": b"%d" % n for n in range(20)}
    lay(federation, "B/disk", many)
    spec = federation.dataset(files_of(many), sources=["B/disk"])
    assert isinstance(federation.put(spec), Done)
    for n in range(20):
        (federation.root("A/disk") / f"ocean/waves/{n:03d}").unlink()
    seen = federation.look(spec, applied=spec)
    assert isinstance(seen, Present)
    assert seen.spec.fileset.count == 0
    assert federation.kind.repair(seen.spec, spec).at_once == 0


def test_what_is_being_brought_in_is_neither_lost_nor_dark(federation, copied):
    federation.transfers.busy = lambda _target, _owner: True
    (federation.root("A/disk") / "ocean/waves/2.nc").unlink()
    lay(federation, "A/disk", {"junk": b"??"})
    federation.look(copied, applied=copied)
    scan = federation.drivers.catalogue.scans["storage:A/disk"]
    assert (scan.expected, list(scan.missing), list(scan.dark)) == (0, [], [])


# -- caches ------------------------------------------------------------------------------------------------------------


def test_a_cache_keeps_what_no_rule_holds_and_gives_up_what_was_read_longest_ago(federation):
    contents = dict.fromkeys(("a", "b", "c"), b"x" * 100)
    specs, refs, read_at = {}, {}, {}
    for n, name in enumerate(contents):
        files = Files.of([File(name, 100, adler32(contents[name]))])
        lay(federation, "B/disk", {name: contents[name]}, f"ocean/{name}")
        more = {"dataset": f"ocean:{name}", "sources": ["B/disk"]}
        specs[name] = federation.dataset(files, **more)
        assert isinstance(federation.put(specs[name], uid=str(n) * 32), Done)
        refs[name] = Ref(f"Replica/vo/{name}")
    for name, when in (("a", 100), ("b", 300), ("c", 200)):
        read_at[f"ocean/{name}/{name}"] = NOW - timedelta(seconds=when)
    others = {Ref(f"Replica/vo/{n}-b"): s.model_copy(update={"storage": {}}) for n, s in specs.items()}

    real = federation.drivers.storage

    class Told:
        """A storage that says when files were read last."""

        def __init__(self, storage):
            self.space, self.storage = storage.space, storage

        def listing(self, prefixes, token=""):
            found = self.storage.listing(prefixes, token)
            files = {path: replace(file, accessed=read_at.get(path)) for path, file in found.files.items()}
            return replace(found, files=files)

    def kept(capacity: int, coming: dict) -> list[str]:
        federation.drivers.storage = lambda target: Told(real(target))
        marks = {"highPercent": 80.0, "lowPercent": 50.0, "capacity": capacity}
        federation.drivers.operator["storage:A/disk"] = marks
        wanted = [Wanted(refs[name], str(n) * 32, specs[name], specs[name]) for n, name in enumerate(specs)]
        federation.kind.observe(federation.target(specs["a"]), wanted, federation.drivers)
        going = {refs[name]: specs[name] for name in specs}
        found = federation.kind.lingers(going, others, coming)
        assert {reason for reason, _ in found.values()} <= {Reason.RETAINED}
        return [ref.name for ref in found]

    assert kept(1000, {}) == ["a", "b", "c"]
    assert kept(310, {}) == ["a"]
    big = federation.dataset(Files.of([File("big", 600, "")]), dataset="ocean:big")
    assert kept(1000, {Ref("Replica/vo/big"): big}) == []
    others.clear()
    assert len(kept(310, {})) == 3
