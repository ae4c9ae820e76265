"""What only a directory can do to us: kills, other people's edits, mounts that are not there."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.drivers import directory
from reconciler.drivers.directory.storage import Directory
from reconciler.drivers.fetch import Tally, file_path
from reconciler.errors import Conflict, Terminal, Transient
from reconciler.model import Reason, Target
from reconciler.ports import Copy, Source
from tests.drivers.storage.conftest import UID, adler32, md5

BODY = b"fourteen bytes"


class Clock:
    def __init__(self):
        self.now = time.time()

    def __call__(self):
        return self.now


@pytest.fixture
def root(tmp_path):
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


@pytest.fixture
def store(root, tmp_path):
    return Directory("storage:SITE/disk", root, known=tmp_path / "known.id")


# -- kill -9 -----------------------------------------------------------------------------------------------------------

POINTS = {
    "while bytes arrive": ("reconciler.drivers.fetch:Tally.add", "after"),
    "before it is verified": ("reconciler.drivers.fetch:Tally.verify", "before"),
    "before it is synced": ("os:fsync", "before"),
    "after it is synced": ("os:fsync", "after"),
    "before its row": ("reconciler.drivers.directory.index:Index.reserve", "before"),
    "after its row": ("reconciler.drivers.directory.index:Index.reserve", "after"),
    "before the rename": ("pathlib:Path.replace", "before"),
    "after the rename": ("pathlib:Path.replace", "after"),
    "before old rows go": ("reconciler.drivers.directory.index:Index.settle", "before"),
    "after old rows went": ("reconciler.drivers.directory.index:Index.settle", "after"),
}
CHILD = """
    import importlib, os, signal, sys
    from pathlib import Path
    root, source, where, when = sys.argv[1:]
    from reconciler.drivers.directory.storage import Directory
    from reconciler.ports import Copy, Source
    store = Directory("x", Path(root))
    store._prepare()
    module, _, names = where.partition(":")
    owner = importlib.import_module(module)
    *outer, name = names.split(".")
    for part in outer:
        owner = getattr(owner, part)
    real = getattr(owner, name)
    def deadly(*arguments, **named):
        if when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        real(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(owner, name, deadly)
    store.copy_in(Copy("data/file", Source(source), "a" * 32))
"""


def killed(root, source, point):
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(CHILD), root, source.url, *POINTS[point]], check=False)
    assert run.returncode == -9


@pytest.mark.parametrize("point", POINTS)
def test_a_copy_killed_leaves_nothing_listed_or_the_whole_marked_file(root, store, source, point):
    killed(root, source(BODY), point)
    files = store.listing(["data/file"]).files
    if ("rename" in point and "after" in point) or "old rows" in point:
        assert files["data/file"].checksums == {adler32(BODY), md5(BODY)}
        assert files["data/file"].uid == UID
    else:
        assert files == {}


@pytest.mark.parametrize("point", POINTS)
def test_a_replacement_killed_leaves_the_old_file_or_the_new_with_its_mark(root, store, source, point):
    store.copy_in(Copy("data/file", source(b"old", "old"), UID))
    killed(root, source(BODY), point)
    seen = store.listing().files["data/file"]
    assert seen.checksums in ({adler32(b"old"), md5(b"old")}, {adler32(BODY), md5(BODY)})
    assert seen.uid == UID


@pytest.mark.parametrize("point", POINTS)
def test_after_a_kill_the_same_copy_succeeds_and_the_leftovers_are_swept(root, source, point):
    store = Directory("x", root)
    store.copy_in(Copy("other", source(b"", "empty"), UID))
    killed(root, source(BODY), point)
    store.copy_in(Copy("data/file", source(BODY), UID))
    assert list((root / ".hanse/incoming").iterdir()) == []
    assert store.listing().files["data/file"].uid == UID
    assert store._index.used() == len(BODY)


def test_a_file_that_another_process_is_writing_is_not_swept(root, source, tmp_path):
    clock = Clock()
    store = Directory("x", root, clock=clock)
    store.copy_in(Copy("a", source(BODY), UID))
    held = root / ".hanse/incoming/held.part"
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import fcntl,time; f=open({str(held)!r},'w'); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True); time.sleep(600)",
        ],
        stdout=subprocess.PIPE,
    )
    try:
        child.stdout.readline()
        store.copy_in(Copy("b", source(BODY), UID))
        assert held.exists()
        clock.now = held.stat().st_mtime + 2 * 86400
        store.copy_in(Copy("b", source(BODY), UID))
        assert held.exists()
    finally:
        child.kill()
        child.communicate()
    store.copy_in(Copy("c", source(BODY), UID))
    assert not held.exists()


def test_what_has_landed_is_not_swept_while_it_is_read(root, store, source, monkeypatch):
    landing = file_path(store.landing("a", UID).url)
    landing.write_bytes(BODY)
    other, real = Directory("x", root, clock=lambda: time.time() + 2 * 86400), Tally.verify

    def slow(tally, *said):
        monkeypatch.setattr(Tally, "verify", real)
        other.copy_in(Copy("b", source(BODY), UID))
        real(tally, *said)

    monkeypatch.setattr(Tally, "verify", slow)
    store.land(Copy("a", source(BODY), UID))
    assert {path: seen.uid for path, seen in store.listing().files.items()} == {"a": UID, "b": UID}
    assert list((root / ".hanse/incoming").iterdir()) == []


# -- behind our back ---------------------------------------------------------------------------------------------------


def test_an_edit_of_the_same_size_in_the_same_second_is_seen(root, store, source):
    store.copy_in(Copy("a", source(BODY), UID))
    (root / "a").write_bytes(BODY.upper())
    assert store.listing().files["a"].checksums == {adler32(BODY.upper()), md5(BODY.upper())}
    (root / "a").write_bytes(BODY.title())
    assert store.listing().files["a"].checksums == {adler32(BODY.title()), md5(BODY.title())}


def test_a_file_edited_in_place_keeps_our_mark_and_shows_its_new_checksum(root, store, source):
    store.copy_in(Copy("a", source(BODY), UID))
    with (root / "a").open("r+b") as stream:
        stream.write(b"F")
    seen = store.listing().files["a"]
    assert seen.uid == UID
    assert adler32(BODY) not in seen.checksums


def test_another_file_put_in_its_place_carries_no_mark(root, store, source):
    store.copy_in(Copy("a", source(BODY), UID))
    (root / "other").write_bytes(b"somebody else's")
    (root / "other").rename(root / "a")
    assert store.listing(["a"]).files["a"].uid == ""


def test_a_backup_put_back_is_ours_again(root, store, source):
    store.copy_in(Copy("a", source(BODY), UID))
    (root / "a").unlink()
    assert store.listing().files == {}
    (root / "a").write_bytes(BODY)
    assert store.listing().files["a"].uid == UID


def test_checksums_are_not_taken_again_while_nothing_changed(root, store, source, monkeypatch):
    store.copy_in(Copy("a", source(BODY), UID))
    (root / "theirs").write_bytes(b"x")
    os.utime(root / "theirs", (1, 1))
    time.sleep(0.1)  # as long as the kernel's clock may stand still
    assert len(store.listing(["a", "theirs"]).files) == 2
    monkeypatch.setattr("reconciler.drivers.directory.storage.checked", None)
    assert store.listing(["a", "theirs"]).files["theirs"].checksums == {adler32(b"x"), md5(b"x")}


def test_content_that_changed_is_noticed_though_size_and_time_were_set_back(root, source):
    Directory("storage:SITE/disk", root).copy_in(Copy("a", source(BODY), UID))
    later = Directory("storage:SITE/disk", root, clock=lambda: time.time() + 60)
    assert later.listing().files["a"].checksums == {adler32(BODY), md5(BODY)}
    before = (root / "a").stat()
    time.sleep(0.05)
    with (root / "a").open("r+b") as stream:
        stream.write(b"F")
    os.utime(root / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    rotten = b"F" + BODY[1:]
    assert later.listing().files["a"].checksums == {adler32(rotten), md5(rotten)}


def test_an_index_of_an_earlier_hanse_is_read_and_brought_up(root, store, source):
    store.copy_in(Copy("a", source(BODY), UID))
    with closing(sqlite3.connect(root / ".hanse/index.sqlite")) as connection:
        connection.execute("ALTER TABLE file DROP COLUMN ctime_ns")
    for _ in range(2):
        seen = Directory("x", root, clock=lambda: time.time() + 60).listing().files["a"]
        assert (seen.uid, seen.checksums) == (UID, {adler32(BODY), md5(BODY)})


def test_checksums_of_a_folder_where_nothing_is_ours_are_remembered_elsewhere(root, tmp_path, monkeypatch):
    (root / "in").mkdir()
    (root / "in/a").write_bytes(BODY)
    os.utime(root / "in/a", (1, 1))
    time.sleep(0.1)  # as long as the kernel's clock may stand still
    first = Directory("storage:SITE/disk", root, sums=tmp_path / "state/sums").listing(["in/"]).files["in/a"]
    assert first.checksums == {adler32(BODY), md5(BODY)}
    assert [path.name for path in root.iterdir()] == ["in"]
    monkeypatch.setattr("reconciler.drivers.directory.storage.checked", None)
    again = Directory("storage:SITE/disk", root, sums=tmp_path / "state/sums").listing(["in/"]).files["in/a"]
    assert again == first


def test_dark_files_are_read_only_when_asked_for(root, store):
    (root / "dark").write_bytes(b"x")
    assert store.listing().files["dark"].checksums == frozenset()
    assert store.listing(["", "dark"]).files["dark"].checksums == {adler32(b"x"), md5(b"x")}


def test_symbolic_links_are_neither_listed_nor_followed(root, store, source, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"x")
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret")
    assert store.listing().files == {}
    with pytest.raises(Terminal, match="leads out of the storage"):
        store.copy_in(Copy("folder/secret", source(BODY), UID))
    with pytest.raises(Terminal, match="leads out of the storage"):
        store.remove("folder/secret")
    assert (outside / "secret").read_bytes() == b"x"


def test_hanses_own_folder_is_neither_listed_nor_written(root, store, source):
    store.copy_in(Copy("a", source(BODY), UID))
    assert list(store.listing().files) == ["a"]
    assert list(store.listing([".hanse/"]).files) == []
    with pytest.raises(Terminal):
        store.copy_in(Copy(".hanse/index.sqlite", source(BODY), UID))


def test_a_folder_in_the_way_is_a_conflict(root, store, source):
    (root / "a").mkdir()
    with pytest.raises(Conflict):
        store.copy_in(Copy("a", source(BODY), UID))
    (root / "b").write_bytes(b"file")
    with pytest.raises(Conflict):
        store.copy_in(Copy("b/c", source(BODY), UID))
    assert store._index.used() == 0


# -- what cannot be read -----------------------------------------------------------------------------------------------


def test_a_missing_root_is_an_error(tmp_path):
    with pytest.raises(Transient, match="is it mounted"):
        Directory("x", tmp_path / "nowhere").listing()


def test_an_empty_mount_point_in_place_of_the_storage_is_an_error(root, store, source, tmp_path):
    store.copy_in(Copy("a", source(BODY), UID))
    root.rename(tmp_path / "unmounted")
    root.mkdir()
    for refused in (store.listing, lambda: store.copy_in(Copy("b", source(BODY), UID)), lambda: store.remove("a")):
        with pytest.raises(Transient, match="is not the directory used before"):
            refused()


def test_an_embedded_storage_is_empty_until_something_is_put_there_and_never_again(tmp_path, source):
    target = Target("storage:SITE/disk", "directory", {"state": str(tmp_path / "state")})
    assert directory.open(target, None).listing().files == {}
    directory.open(target, None).copy_in(Copy("a", source(BODY), UID))
    assert (tmp_path / "state/SITE/disk/a").read_bytes() == BODY
    (tmp_path / "state/SITE").rename(tmp_path / "gone")
    with pytest.raises(Transient):
        directory.open(target, None).listing()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_what_may_not_be_read_is_never_taken_for_absent(root, store, source):
    store.copy_in(Copy("open/a", source(BODY), UID))
    store.copy_in(Copy("shut/b", source(BODY), UID))
    for folder in (root, *root.parents):
        if folder.stat().st_uid == 0 and str(folder) != "/tmp" and folder != Path("/"):
            folder.chmod(0o755)
    (root / "shut").chmod(0o700)
    os.seteuid(65534)
    try:
        seen = Directory("x", root).listing()
        assert (list(seen.files), seen.complete) == (["open/a"], False)
        with pytest.raises(Terminal):
            Directory("x", root / "shut").listing()
    finally:
        os.seteuid(0)


def test_a_damaged_index_is_an_error_and_no_lack_of_marks(root, store, source):
    store.copy_in(Copy("a", source(BODY), UID))
    store._index.close()
    for file in (root / ".hanse").glob("index.sqlite*"):
        file.write_bytes(b"not a database at all" * 100)
    with pytest.raises(Terminal, match="damaged"):
        store.listing()


# -- names ------------------------------------------------------------------------------------------------------------


def test_names_that_are_no_text_are_left_out_and_told_once(root, store, source, caplog):
    store.copy_in(Copy("a", source(BODY), UID))
    (root / "in").mkdir()
    for name in (b"in/caf\xe9.nc", b"in/surrogate\xed\xa0\x80", b"in/right\xc3\xa9", b"in/two\nlines"):
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_bytes(b"x")
    wrong = Path(os.fsdecode(os.fsencode(root) + b"/in/\xff\n"))
    wrong.mkdir()
    (wrong / "file").write_bytes(b"x")
    for _ in range(2):
        seen = store.listing(["", "in/"])
        assert (sorted(seen.files), seen.complete) == (["a", "in/right\u00e9", "in/two\nlines"], True)
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith(f"storage:SITE/disk: 3 names under {root} are no text")
    assert said.endswith("first in/caf\\xe9.nc")


def test_paths_longer_than_the_system_takes_are_left_out(root, store, source, caplog):
    name = "d" * 200
    store.copy_in(Copy("e" * 255, source(BODY), UID))
    here = os.open(root, os.O_RDONLY)
    try:
        for _ in range(25):
            os.mkdir(name, dir_fd=here)
            inner = os.open(name, os.O_RDONLY, dir_fd=here)
            os.close(os.open("f" * 100, os.O_CREAT | os.O_WRONLY, dir_fd=here))
            os.close(here)
            here = inner
    finally:
        os.close(here)
    seen = store.listing(["", "d"])
    assert seen.complete
    assert "e" * 255 in seen.files
    assert all(len(os.fsencode(root / path)) < 4096 for path in seen.files)
    assert "too long" in caplog.text
    subprocess.run(["rm", "-rf", root / name], check=True)


def test_a_path_that_is_no_text_is_refused(store, source):
    for refused in (lambda: store.copy_in(Copy("\udce9", source(BODY), UID)), lambda: store.remove("\udce9")):
        with pytest.raises(Terminal, match="is not a path"):
            refused()


# -- room --------------------------------------------------------------------------------------------------------------


def test_what_must_stay_free_stays_free(root, source):
    with pytest.raises(Terminal) as caught:
        Directory("x", root, min_free=1 << 60).copy_in(Copy("a", source(BODY), UID))
    assert caught.value.reason is Reason.QUOTA_EXCEEDED


def test_removing_makes_room_again(root, source):
    store = Directory("x", root, capacity=20)
    store.copy_in(Copy("a", source(BODY), UID))
    store.remove("a")
    store.copy_in(Copy("b", source(BODY), UID))


def test_empty_folders_go_with_their_last_file(root, store, source):
    store.copy_in(Copy("a/b/c/d", source(BODY), UID))
    store.copy_in(Copy("a/x", source(BODY), UID))
    store.remove("a/b/c/d")
    assert sorted(p.name for p in root.iterdir()) == [".hanse", "a"]
    assert [p.name for p in (root / "a").iterdir()] == ["x"]


def test_a_source_that_grows_meanwhile_is_not_taken(root, store, source):
    url = source(b"x" * (3 << 20))
    growing = (root.parent / "sources" / "source.bin").open("ab")
    with growing, pytest.raises(Transient, match="changed while"):
        store.copy_in(Copy("a", url, UID, progress=lambda _n: (growing.write(b"more"), growing.flush())))
    assert store.listing().files == {}


def test_ten_thousand_prefixes_cost_no_more_than_one(root, store, source):
    for i in range(200):
        (root / f"d{i % 10}").mkdir(exist_ok=True)
        (root / f"d{i % 10}" / f"{i}").write_bytes(b"x")
    asked = [f"d{i % 10}/{i}" for i in range(0, 10_000, 2)]
    assert len(store.listing(asked).files) > 90


def test_copies_racing_for_one_path_leave_one_row_and_it_is_the_files(root, store):
    for _ in range(15):
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda n: store.copy_in(Copy("same", Source(f"data:,{'x' * n}"), UID)), range(6)))
        (row,) = store._index.rows()["same"]
        assert (row.inode, row.uid) == ((root / "same").stat().st_ino, UID)


def test_a_file_removed_leaves_no_row_behind(store, source):
    store.copy_in(Copy("a", source(BODY), UID))
    store.remove("a")
    assert store._index.rows() == {}
