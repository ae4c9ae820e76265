"""What every driver of the storage port does. Each sentence is run against a directory and a real S3 service."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import requests

from reconciler.errors import Conflict, DriverError, Terminal, Transient
from reconciler.model import Reason, Target
from reconciler.ports import Copy, Source
from tests.drivers.storage.conftest import OTHER, UID, adler32, md5
from tests.real.waiting import PATIENCE
from tests.real.web import content

SMALL = b"fourteen bytes"
BIG = 12 << 20
SIZES = itertools.count()
"""What is held by a web server is known by its size."""


def test_a_copy_is_listed_with_its_size_both_checksums_and_our_mark(place, source):
    made = place.copy("a/b/data.bin", source(SMALL), size=14, checksum=adler32(SMALL))
    assert (made.size, made.checksums, made.uid) == (14, {adler32(SMALL), md5(SMALL)}, UID)
    listing = place.open().listing()
    assert listing.complete
    assert listing.files == {"a/b/data.bin": made}


def test_a_listing_says_when_a_file_was_written(place, source):
    before = datetime.now(UTC)
    place.copy("a", source(SMALL))
    place.by_hand("b", SMALL)
    files = place.open().listing().files
    slack = timedelta(seconds=2)  # storages round, some up and some down
    assert all(before - slack <= files[path].modified <= datetime.now(UTC) + slack for path in ("a", "b"))


def test_the_second_listing_says_the_same_as_the_first(place, source):
    place.copy("a", source(SMALL))
    assert place.open().listing() == place.open().listing()


def test_the_same_copy_again_changes_nothing(place, source):
    first = place.copy("a", source(SMALL), checksum=md5(SMALL))
    assert place.copy("a", source(SMALL), checksum=md5(SMALL)) == first
    assert list(place.open().listing().files) == ["a"]


@pytest.mark.parametrize("size", [0, 1, 5 << 20, (5 << 20) + 1])
def test_sizes_at_the_edges_of_a_part_come_whole(place, source, size):
    body = content(size)[:size]
    made = place.copy("edge", source(body))
    seen = place.open().listing().files["edge"]
    assert (made.size, seen.size) == (size, size)
    assert {adler32(body), md5(body)} == seen.checksums == made.checksums


def test_a_big_file_comes_over_http_with_the_checksum_expected(place, web):
    body = content(BIG)[:BIG]
    place.copy("big", f"{web}/bytes/{BIG}", size=BIG, checksum=md5(body))
    seen = place.open().listing().files["big"]
    assert seen.size == BIG
    assert md5(body) in seen.checksums


def test_a_big_file_whose_checksum_nobody_knows_is_copied_and_summed(place, web):
    body = content(BIG)[:BIG]
    place.copy("big", f"{web}/bytes/{BIG}")
    assert place.open().listing().files["big"].checksums == {adler32(body), md5(body)}


def test_a_file_can_be_written_in_the_manifest_itself(place):
    place.copy("note", "data:text/plain;base64,aGFucGU=", checksum=md5(b"hanpe"))
    place.copy("plain", "data:,hello%20there", size=11)
    assert {p: f.size for p, f in place.open().listing().files.items()} == {"note": 5, "plain": 11}


@pytest.mark.parametrize("size", [14, BIG])
@pytest.mark.parametrize("expected", [{"checksum": "adler32:00000001"}, {"checksum": "md5:" + "0" * 32}, {"size": 13}])
def test_what_does_not_match_is_refused_and_leaves_nothing(place, source, expected, size):
    with pytest.raises(Terminal, match="expected"):
        place.copy("a", source(content(size)[:size]), **expected)
    assert place.open().listing().files == {}
    assert _unfinished(place) == []


def test_a_checksum_of_another_kind_is_refused(place, source):
    with pytest.raises(Terminal, match="not a checksum that can be verified"):
        place.copy("a", source(SMALL), checksum="sha256:" + "0" * 64)


def test_a_refused_copy_leaves_what_stood_there(place, source):
    before = place.copy("a", source(SMALL))
    with pytest.raises(Terminal):
        place.copy("a", source(b"another"), checksum=md5(b"a third"))
    assert place.open().listing().files == {"a": before}


def test_a_copy_replaces_what_stood_there(place, source):
    place.copy("a", source(SMALL))
    made = place.copy("a", source(b"another"), uid=OTHER)
    assert place.open().listing().files == {"a": made}
    assert made.uid == OTHER


def test_files_made_by_others_carry_no_mark(place, source):
    place.copy("ours", source(SMALL))
    place.by_hand("theirs/x", b"dark")
    files = place.open().listing().files
    assert {path: file.uid for path, file in files.items()} == {"ours": UID, "theirs/x": ""}


def test_a_file_overwritten_by_hand_no_longer_has_the_checksums_we_wrote(place, source):
    place.copy("a", source(SMALL))
    place.open().listing()
    place.by_hand("a", b"fourteen BYTES")
    assert md5(SMALL) not in place.open().listing(["a"]).files["a"].checksums


def test_another_file_can_be_marked_and_keeps_its_content(place):
    place.by_hand("theirs", SMALL)
    place.open().listing()
    place.open().mark("theirs", UID)
    seen = place.open().listing().files["theirs"]
    assert (seen.uid, seen.checksums) == (UID, {adler32(SMALL), md5(SMALL)})


def test_a_file_that_is_gone_cannot_be_marked(place):
    with pytest.raises(Conflict):
        place.open().mark("nothing", UID)


def test_removing_takes_the_file_away_and_may_be_repeated(place, source):
    place.copy("a/b/c", source(SMALL))
    place.copy("a/d", source(SMALL))
    place.open().remove("a/b/c")
    place.open().remove("a/b/c")
    assert list(place.open().listing().files) == ["a/d"]


def test_a_file_removed_and_brought_back_by_another_carries_the_new_mark(place, source):
    place.copy("a", source(SMALL))
    place.open().listing()
    place.open().remove("a")
    place.copy("a", source(SMALL), uid=OTHER)
    assert place.open().listing().files["a"].uid == OTHER


def test_only_files_under_the_prefixes_are_listed(place, source):
    for path in ("x/1", "x/2", "xy/3", "z/4"):
        place.copy(path, source(SMALL))
    assert sorted(place.open().listing(["x/"]).files) == ["x/1", "x/2"]
    assert sorted(place.open().listing(["x", "z/4"]).files) == ["x/1", "x/2", "xy/3", "z/4"]
    assert sorted(place.open().listing([f"x/{i}" for i in range(100)]).files) == ["x/1", "x/2"]
    assert place.open().listing([]).files == {}


def test_names_with_spaces_signs_and_other_alphabets_come_through(place, source):
    names = ["with space", "per%cent", "plus+and&", "Größe/日本.nc", "a~b(c)'d"]
    for name in names:
        place.copy(name, source(SMALL))
    assert sorted(place.open().listing().files) == sorted(names)
    for name in names:
        place.open().remove(name)
    assert place.open().listing().files == {}


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../up", "a/../../up", "a//b", "a/./b", "nul\0"])
def test_a_path_that_is_none_is_refused(place, source, path):
    with pytest.raises(Terminal, match="not a path"):
        place.copy(path, source(SMALL))
    with pytest.raises(Terminal, match="not a path"):
        place.open().remove(path)


@pytest.mark.parametrize(
    ("path", "fate"),
    [
        ("short/100000", Transient),
        ("chunked-short/100000", Transient),
        (f"short/{BIG}", Transient),
        ("status/404", Terminal),
        ("status/403", Terminal),
        ("status/500", Transient),
        ("status/503", Transient),
        ("status/429", Transient),
        ("to?file:///etc/hostname", Terminal),
        ("to?ftp://127.0.0.1/x", Terminal),
    ],
)
def test_a_source_that_fails_leaves_nothing_and_says_what_follows(place, web, path, fate):
    with pytest.raises(DriverError) as caught:
        place.copy("a", f"{web}/{path}")
    assert type(caught.value) is fate
    assert place.open().listing().files == {}
    if path == "status/503":
        assert caught.value.retry_after == 7


@pytest.mark.parametrize(
    ("url", "fate"),
    [
        ("file:///no/such/file", Terminal),
        ("file://elsewhere/etc/hostname", Terminal),
        ("ftp://example.org/x", Terminal),
        ("just-text", Terminal),
        ("data:nothing", Terminal),
        ("data:;base64,###", Terminal),
        ("http://127.0.0.1:9/closed", Transient),
    ],
)
def test_a_source_that_is_none_is_refused(place, url, fate):
    with pytest.raises(fate):
        place.copy("a", url)
    assert place.open().listing().files == {}


def test_a_copy_that_is_called_off_leaves_nothing(place, web):
    class CalledOff(Exception):
        pass

    seen = []

    def progress(count):
        seen.append(count)
        if sum(seen) > 7 << 20:
            raise CalledOff

    with pytest.raises(CalledOff):
        place.copy("a", f"{web}/bytes/{BIG}", size=BIG, checksum="adler32:00000000", progress=progress)
    assert place.open().listing().files == {}
    assert _unfinished(place) == []


def test_a_file_on_its_way_is_not_listed(place, web):
    size = (6 << 20) + next(SIZES)
    body = content(size)[:size]
    arrived = threading.Event()
    copy = Copy("big", Source(f"{web}/held/{size}"), UID, size, md5(body), lambda _count: arrived.set())
    with ThreadPoolExecutor(1) as pool:
        copying = pool.submit(place.open().copy_in, copy)
        seen = [place.open().listing().files]
        requests.get(f"{web}/let-go/{size}", timeout=PATIENCE)
        while not copying.done():
            seen.append(place.open().listing().files)
        copying.result()
    assert arrived.is_set()
    assert all(files == {} or files["big"].size == size for files in seen)
    assert {} in seen
    assert place.open().listing().files["big"].size == size


def test_copies_of_many_files_at_once_do_not_mix(place, source):
    urls = {f"f/{i}": (source(f"content {i}".encode(), f"s{i}"), f"content {i}".encode()) for i in range(24)}
    storage = place.open()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda item: storage.copy_in(Copy(item[0], item[1][0], UID)), urls.items()))
    files = place.open().listing().files
    assert {path: file.checksums for path, file in files.items()} == {
        path: {adler32(body), md5(body)} for path, (_, body) in urls.items()
    }


def _patiently(storage, copy):
    """Copies as the executor does: what may pass is tried again."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            return storage.copy_in(copy)
        except Transient:
            time.sleep(0.1)
    return storage.copy_in(copy)


def test_copies_to_one_path_at_once_end_in_one_whole_marked_file(place, source):
    bodies = [f"{i}" * (1000 + i) for i in range(8)]
    urls = [source(body.encode(), f"s{i}") for i, body in enumerate(bodies)]
    storage = place.open()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda url: _patiently(storage, Copy("same", url, UID)), urls))
    files = place.open().listing().files
    assert list(files) == ["same"]
    assert files["same"] in made


def test_another_storage_can_read_what_source_gives(place, directory_place, source):
    place.copy("über all/a+b", source(SMALL))
    copied = directory_place.open().copy_in(Copy("over", place.open().source("über all/a+b"), OTHER, 14, md5(SMALL)))
    assert copied.size == 14


def test_hundreds_of_files_are_listed_alike_twice(place, source):
    storage, url = place.open(), source(SMALL)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: storage.copy_in(Copy(f"many/{i % 10}/{i:04}", url, UID)), range(400)))
    time.sleep(1.1)  # within the second of a change nobody can tell by its time whether there was another
    first = place.open().listing()
    again = place.open().listing()
    assert again == first
    assert len(again.files) == 400
    assert {file.uid for file in again.files.values()} == {UID}


def test_a_storage_that_is_gone_is_an_error_and_never_empty(place, source):
    place.copy("a", source(SMALL))
    place.taken_away()
    with pytest.raises((Transient, Terminal)):
        place.open().listing()


def test_errors_never_show_a_signature_or_a_password(place, web):
    with pytest.raises(DriverError) as caught:
        place.copy("a", f"{web.replace('//', '//user:geheim@')}/status/404?X-Amz-Signature=geheim")
    assert "geheim" not in str(caught.value)


def test_a_full_storage_says_so(tmp_path, source):
    from reconciler.drivers import directory

    root = tmp_path / "tiny"
    root.mkdir()
    tiny = directory.open(Target("storage:S/tiny", "directory", {"root": str(root), "capacity": 20}), None)
    tiny.copy_in(Copy("a", source(SMALL), UID))
    with pytest.raises(Terminal) as caught:
        tiny.copy_in(Copy("b", source(SMALL), UID))
    assert caught.value.reason is Reason.QUOTA_EXCEEDED
    tiny.copy_in(Copy("a", source(SMALL + b"!"), UID))
    assert list(tiny.listing().files) == ["a"]


def test_a_storage_says_what_its_capacity_leaves(place, source):
    small = Target(place.target.id, place.target.driver, {**place.target.options, "capacity": 100})
    place.copy("a", source(SMALL))
    storage = place.open(small)
    assert (storage.space().used, storage.space().free) == (14, 86)
    storage.copy_in(Copy("b", source(SMALL), UID))
    assert storage.space().used == 28
    storage.remove("a")
    assert storage.space().used == 14


def _unfinished(place):
    """What a copy in progress leaves while it runs: parts of uploads, files that are arriving."""
    storage = place.open()
    if place.target.driver == "directory":
        from pathlib import Path

        return list((Path(place.target.options["root"]) / ".hanse" / "incoming").iterdir())
    if place.target.driver == "webdav":
        return storage._client.entries(".hanse/incoming") or []
    return [upload.key for upload in storage._driver.ex_iterate_multipart_uploads(storage._here())]
