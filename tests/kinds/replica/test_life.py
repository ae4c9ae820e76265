"""A replica's life on real directories: copied, drifted, repaired, taken away; nothing of others is touched."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest

from reconciler.errors import Transient
from reconciler.model import Absent, Done, Failed, Present, Reason, Ref, Started, Stray, Unknown, Wanted
from tests.kinds.replica.conftest import OTHER, SITES, UID, Federation, adler32, md5, replica
from tests.real.waiting import PATIENCE, until
from tests.real.web import content

BODY = b"depth,salinity\n"
DATA = "data:,depth%2Csalinity%0A"
BIG = 12 << 20


def dataset(names=("1.csv", "2.csv", "x/3.csv"), **more):
    files = [{"path": n, "size": len(BODY), "checksum": adler32(BODY), "source": DATA} for n in names]
    return replica(dataset="ocean:waves", files=files, **more)


def one(**more):
    return replica(**{"path": "a/file", "size": len(BODY), "checksum": md5(BODY), "source": DATA, **more})


@pytest.mark.parametrize("spec", [one(), one(size=None, checksum=None), dataset()], ids=["file", "bare", "dataset"])
def test_what_is_put_is_observed_and_a_second_put_changes_nothing(federation, spec):
    assert federation.look(spec) == Absent()
    first = federation.put(spec)
    assert isinstance(first, Done)
    seen = federation.look(spec)
    assert (seen.digest, seen.owned, seen.uid, seen.healthy) == (spec.digest(), True, UID, True)
    assert seen.outputs == first.outputs
    before = sorted(
        (p, p.stat().st_mtime_ns, p.stat().st_ino) for p in federation.root("A/disk").rglob("*") if p.is_file()
    )
    assert federation.put(spec, before=seen.spec) == first
    after = sorted(
        (p, p.stat().st_mtime_ns, p.stat().st_ino) for p in federation.root("A/disk").rglob("*") if p.is_file()
    )
    assert [row for row in before if ".hanse" not in str(row[0])] == [
        row for row in after if ".hanse" not in str(row[0])
    ]


@pytest.mark.parametrize("spec", [one(), dataset()], ids=["file", "dataset"])
def test_what_is_removed_is_gone_and_may_be_removed_again(federation, spec):
    federation.put(spec)
    assert isinstance(federation.remove(spec), Done)
    assert federation.look(spec) == Absent()
    assert isinstance(federation.remove(spec), Done)


def test_a_file_changed_behind_our_back_is_drift_with_its_own_checksum_and_is_repaired(federation):
    spec = one()
    federation.put(spec)
    (federation.root("A/disk") / "a/file").write_bytes(b"something else")
    seen = federation.look(spec)
    assert (seen.spec.size, seen.spec.checksum) == (14, md5(b"something else"))
    assert (seen.uid, seen.healthy) == (UID, False)
    assert "other content" in seen.note
    assert isinstance(federation.put(spec, before=seen.spec), Done)
    assert federation.look(spec).digest == spec.digest()


def test_a_missing_and_a_changed_file_of_a_dataset_show_in_its_files_and_only_they_are_copied(federation):
    spec = dataset()
    federation.put(spec)
    folder = federation.root("A/disk") / "ocean/waves"
    (folder / "1.csv").unlink()
    (folder / "2.csv").write_bytes(b"x")
    untouched = (folder / "x/3.csv").stat()
    seen = federation.look(spec)
    assert [(f.path, f.size, f.checksum) for f in seen.spec.files] == [
        ("2.csv", 1, adler32(b"x")),
        ("x/3.csv", len(BODY), adler32(BODY)),
    ]
    assert "1 of 3 files missing, first ocean/waves/1.csv" in seen.note
    federation.put(spec, before=seen.spec)
    assert federation.look(spec).digest == spec.digest()
    assert (folder / "x/3.csv").stat().st_ino == untouched.st_ino


def test_files_taken_out_of_a_dataset_are_removed_and_files_of_others_beside_them_stay(federation):
    federation.put(dataset())
    folder = federation.root("A/disk") / "ocean/waves"
    (folder / "theirs.csv").write_bytes(b"dark")
    fewer = dataset(("1.csv",))
    seen = federation.look(fewer)
    assert [f.path for f in seen.spec.files] == ["1.csv", "2.csv", "x/3.csv"]
    federation.put(fewer, before=seen.spec)
    assert federation.look(fewer).digest == fewer.digest()
    assert sorted(p.name for p in folder.iterdir()) == ["1.csv", "theirs.csv"]


def test_a_replica_moved_to_another_path_is_still_seen_where_it_stands(federation):
    old, new = one(), one(path="b/file")
    federation.put(old)
    assert federation.look(new, applied=old).spec == old
    federation.remove(old)
    assert federation.look(new, applied=old) == Absent()


def test_a_wrong_checksum_is_refused_and_nothing_stays(federation):
    answer = federation.put(one(checksum=md5(b"another")))
    assert (answer.fate, "expected" in answer.message) == ("terminal", True)
    assert federation.look(one()) == Absent()


def test_one_bad_file_of_a_dataset_does_not_stop_the_others(federation):
    good = {"path": "good", "source": DATA, "size": len(BODY)}
    spec = replica(dataset="s:n", files=[{"path": "bad", "source": "data:,x", "size": 2}, good])
    answer = federation.put(spec)
    assert (answer.fate, answer.message[:21]) == ("terminal", "1 of 2 files failed, ")
    assert [f.path for f in federation.look(spec).spec.files] == ["good"]


# -- files of others ---------------------------------------------------------------------------------------------------


def by_hand(federation, path="a/file", body=BODY):
    file = federation.root("A/disk") / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body)
    return file


def test_a_file_that_somebody_made_is_seen_as_theirs_with_its_checksum(federation):
    by_hand(federation)
    seen = federation.look(one())
    assert (seen.owned, seen.uid, seen.digest) == (False, "", one().digest())


def test_a_file_that_somebody_made_is_neither_overwritten_nor_removed(federation):
    file = by_hand(federation, body=b"theirs")
    answer = federation.put(one())
    assert (answer.fate, answer.reason) == ("conflict", Reason.ADOPTION_CONFLICT)
    assert "left standing" in federation.remove(one()).message
    assert file.read_bytes() == b"theirs"


def test_a_file_taken_over_is_marked_and_not_copied(federation):
    file = by_hand(federation)
    inode = file.stat().st_ino
    seen = federation.look(one())
    assert isinstance(federation.put(seen.spec, before=seen.spec), Done)
    assert (federation.look(one()).uid, file.stat().st_ino) == (UID, inode)


def test_a_file_of_another_replica_is_left_alone(federation):
    federation.put(one(), uid=OTHER)
    seen = federation.look(one())
    assert (seen.owned, seen.uid) == (True, OTHER)
    assert federation.put(one(), before=seen.spec).reason is Reason.ADOPTION_CONFLICT
    federation.remove(one())
    assert federation.look(one(), uid=OTHER).digest == one().digest()


def test_marked_files_that_nobody_wants_are_strays_one_for_each_mark(federation):
    federation.put(dataset(), uid=OTHER)
    spec = one()
    assert federation.reading(spec).strays == (Stray("storage:A/disk", OTHER, "ocean/waves/1.csv", "Replica"),)


# -- what cannot be known ----------------------------------------------------------------------------------------------


def test_a_storage_that_is_gone_is_an_error_and_never_absent(federation, tmp_path):
    federation.put(one())
    federation.root("A").rename(tmp_path / "gone")
    with pytest.raises(Transient):
        federation.look(one())
    with pytest.raises(Transient):
        federation.kind.put(federation.target(one()), [federation.change(one())], federation.drivers)
    with pytest.raises(Transient):
        federation.kind.remove(federation.target(one()), [federation.change(one())], federation.drivers)


class Partly:
    """A storage of which only a part can be read, over a real one."""

    def __init__(self, drivers):
        self._drivers = drivers

    def __getattr__(self, name):
        return getattr(self._drivers, name)

    def storage(self, target):
        from dataclasses import replace

        real = self._drivers.storage(target)

        class Storage:
            def __getattr__(self, name):
                return getattr(real, name)

            def listing(self, *arguments):
                found = real.listing(*arguments)
                hidden = {p: f for p, f in found.files.items() if not p.startswith("a/")}
                return replace(found, files=hidden, complete=False)

        return Storage()


def test_a_partial_listing_proves_nothing_absent_and_removes_nothing(federation):
    federation.put(one())
    federation.put(dataset(), uid=OTHER, ref="Replica/vo/d")
    wanted = [Wanted(Ref("Replica/vo/r"), UID, one()), Wanted(Ref("Replica/vo/d"), OTHER, dataset())]
    reading = federation.kind.observe(federation.target(one()), wanted, Partly(federation.drivers))
    assert not reading.complete
    assert isinstance(reading.results[Ref("Replica/vo/r")], Unknown)
    assert isinstance(reading.results[Ref("Replica/vo/d")], Present)
    for do in (federation.kind.put, federation.kind.remove):
        answer = do(federation.target(one()), [federation.change(one())], Partly(federation.drivers))
        assert answer[Ref("Replica/vo/r")].fate == "transient"


# -- sources -----------------------------------------------------------------------------------------------------------


def test_a_replica_is_copied_from_another_storage_of_the_federation(federation):
    federation.put(dataset())
    copy = replica(
        storage={"site": "B", "name": "disk"},
        dataset="ocean:waves",
        path="elsewhere",
        files=[{"path": "1.csv", "checksum": md5(BODY)}, {"path": "x/3.csv"}],
        source={"site": "A", "storage": "disk", "path": "ocean/waves"},
    )
    assert isinstance(federation.put(copy, uid=OTHER), Done)
    assert (federation.root("B/disk") / "elsewhere/x/3.csv").read_bytes() == BODY
    assert federation.look(copy, uid=OTHER).digest == copy.digest()


def test_a_dataset_is_copied_from_a_web_servers_folder(federation, web):
    body = content(1000)[:1000]
    spec = replica(dataset="s:n", source=f"{web}/bytes", files=[{"path": "1000", "checksum": md5(body)}, {"path": "5"}])
    assert isinstance(federation.put(spec), Done)
    assert federation.look(spec).outputs["bytes"] == 1005


def test_a_source_that_is_not_there_is_said(federation):
    missing = one(source={"site": "B", "storage": "disk", "path": "nothing"})
    assert federation.put(missing).fate == "terminal"
    assert "has no source: add source" in federation.put(one(source=None)).message


def test_the_reconcilers_own_disk_is_read_only_where_the_operator_says_so(federation, tmp_path):
    file = tmp_path / "open" / "file"
    file.parent.mkdir()
    file.write_bytes(BODY)
    spec = one(source=file.as_uri())
    refused = federation.put(spec)
    assert (refused.fate, "fileSources" in refused.message) == ("terminal", True)
    federation.drivers.operator["storage:A/disk"] = {"fileSources": [str(file.parent)]}
    assert isinstance(federation.put(spec), Done)
    escaping = one(path="b", source=f"{file.parent.as_uri()}/../open/../../{tmp_path.parent.name}/x")
    assert federation.put(escaping).fate == "terminal"


def test_a_site_cannot_open_the_reconcilers_disk_by_itself(tmp_path):
    sites = {"A": {"storage": [{"name": "disk", "driver": "directory", "options": {"fileSources": ["/"]}}]}}
    federation = Federation(tmp_path / "state", sites)
    assert federation.put(one(source="file:///etc/hostname", size=None, checksum=None)).fate == "terminal"


def test_a_closed_storage_is_left_alone_until_it_opens(tmp_path):
    closed = {"allowed": False, "reason": "moving", "until": "2026-11-22T00:00:00Z"}
    sites = {**SITES, "A": {"storage": [{"name": "disk", "driver": "directory", "availability": {"write": closed}}]}}
    federation = Federation(tmp_path / "state", sites)
    answer = federation.put(one())
    assert answer.reason is Reason.SITE_IN_DOWNTIME
    assert answer.message == "A/disk may not be written until 2026-11-22 00:00 UTC: moving"
    federation.now += timedelta(days=1)
    assert isinstance(federation.put(one()), Done)


@pytest.mark.parametrize("way", ["read", "delete"])
def test_what_may_not_be_read_or_deleted_is_not(tmp_path, way):
    shut = {"name": "disk", "driver": "directory", "availability": {way: {"allowed": False, "reason": "moving"}}}
    federation = Federation(tmp_path / "state", {**SITES, "A": {"storage": [shut]}})
    federation.put(one())
    copy = one(storage={"site": "B", "name": "disk"}, source={"site": "A", "storage": "disk", "path": "a/file"})
    answer = federation.put(copy) if way == "read" else federation.remove(one())
    assert (answer.fate, answer.reason) == ("terminal", Reason.SITE_IN_DOWNTIME)


def test_the_sites_limits_reach_the_storage(tmp_path):
    sites = {"A": {"storage": [{"name": "disk", "driver": "directory", "limits": {"maxBytes": 20}}]}}
    federation = Federation(tmp_path / "state", sites)
    federation.put(one())
    answer = federation.put(one(path="b"), uid=OTHER)
    assert (answer.fate, answer.reason) == ("terminal", Reason.QUOTA_EXCEEDED)


# -- big ones ----------------------------------------------------------------------------------------------------------


def big(web, kind="slow", **more):
    body = content(BIG)[:BIG]
    return replica(**{"path": "big", "size": BIG, "checksum": md5(body), "source": f"{web}/{kind}/{BIG}", **more})


def test_a_put_of_something_big_answers_before_it_is_there_and_tells_how_far_it_is(federation, web):
    spec = big(web)
    change = federation.change(spec)
    answer = federation.kind.put(federation.target(spec), [change], federation.drivers)[change.ref]
    assert isinstance(answer, Started)
    assert answer.deadline > 600
    assert federation.look(spec) == Absent()
    said = []

    def watched(*arguments):
        answers = federation.kind.put(*arguments)
        said.append(answers[change.ref].message)
        return answers

    assert isinstance(federation.settle(watched, spec, change), Done)
    assert any("of 12.6 MB" in message and not message.startswith("0 of 1 files, 0") for message in said)
    assert federation.look(spec).digest == spec.digest()


def test_a_put_repeated_while_it_copies_starts_nothing_twice(federation, web):
    spec = big(web)
    answers = [
        federation.kind.put(federation.target(spec), [federation.change(spec)], federation.drivers)[Ref("Replica/vo/r")]
        for _ in range(5)
    ]
    assert {answer.handle for answer in answers} == {answers[0].handle}
    incoming = federation.root("A/disk") / ".hanse/incoming"
    until("it comes in", lambda: list(incoming.glob("*")), every=0.01)
    assert len(list(incoming.glob("*"))) == 1
    assert isinstance(federation.put(spec), Done)


def test_a_handle_of_a_process_that_died_is_taken_up_by_looking(federation, web):
    spec = big(web, "bytes")
    assert isinstance(federation.put(spec, handle="storage:A/disk#lost#handle"), Done)
    assert federation.put(spec, handle="storage:A/disk#lost#handle").message == ""


def test_a_transfer_that_fails_says_so_and_the_next_put_begins_anew(federation, web):
    spec = big(web, "short")
    answer = federation.put(spec)
    assert (answer.fate, "broken off" in answer.message) == ("transient", True)
    assert federation.look(spec) == Absent()
    assert isinstance(federation.put(big(web, "bytes")), Done)


def test_removing_stops_the_transfer_first(federation, web):
    spec = big(web)
    change = federation.change(spec)
    started = federation.kind.put(federation.target(spec), [change], federation.drivers)[change.ref]
    until("bytes have come", lambda: federation.transfers.find(started.handle).moved, every=0.005)
    answer = federation.remove(spec)
    assert isinstance(answer, Failed)
    assert answer.fate == "transient"
    until("it is gone", lambda: federation.remove(spec), lambda answer: isinstance(answer, Done))
    time.sleep(0.2)
    assert federation.look(spec) == Absent()


def test_the_source_of_a_copy_under_way_is_not_removed(federation, web):
    source = big(web, "bytes")
    federation.put(source)
    reading, go_on = threading.Event(), threading.Event()
    real = federation.drivers.storage

    def slow(target):
        storage = real(target)
        if target.id == "storage:B/disk":
            copy_in = storage.copy_in

            def waiting(copy):
                reading.set()
                go_on.wait(PATIENCE)
                return copy_in(copy)

            storage.copy_in = waiting
        return storage

    federation.drivers.storage = slow
    place = {"site": "A", "storage": "disk", "path": "big"}
    copy = replica(storage={"site": "B", "name": "disk"}, path="copy", size=BIG, source=place)
    federation.kind.put(federation.target(copy), [federation.change(copy, uid=OTHER)], federation.drivers)
    assert reading.wait(PATIENCE)
    answer = federation.remove(source)
    assert (answer.fate, answer.message) == ("transient", "it is being copied to storage:B/disk")
    go_on.set()
    assert isinstance(federation.put(copy, uid=OTHER), Done)
    assert isinstance(federation.remove(source), Done)


def test_many_files_are_copied_and_removed_in_the_background(federation):
    spec = dataset(tuple(f"{i:03}" for i in range(60)))
    change = federation.change(spec)
    assert isinstance(federation.kind.put(federation.target(spec), [change], federation.drivers)[change.ref], Started)
    assert isinstance(federation.put(spec), Done)
    assert isinstance(
        federation.kind.remove(federation.target(spec), [change], federation.drivers)[change.ref], Started
    )
    assert isinstance(
        federation.settle(
            federation.kind.remove,
            spec,
            federation.change(spec, handle="storage:A/disk#" + UID + "#" + spec.digest() + "#remove"),
        ),
        Done,
    )
    assert federation.look(spec) == Absent()


def test_one_call_puts_a_batch_and_answers_each_by_itself(federation):
    good = [federation.change(one(path=f"f{i}"), ref=f"Replica/vo/r{i}", uid=f"{i:032x}") for i in range(1, 50)]
    bad = federation.change(one(path="bad", size=3), ref="Replica/vo/bad", uid="f" * 32)
    answers = federation.kind.put(federation.target(one()), [*good, bad], federation.drivers)
    assert answers.keys() == {c.ref for c in (*good, bad)}
    assert all(isinstance(answers[c.ref], Done) for c in good)
    assert answers[bad.ref].fate == "terminal"
