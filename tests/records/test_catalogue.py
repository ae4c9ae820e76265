"""The catalogue: what a digest stands for outlives the process, compactly, for as long as something refers to it."""

from __future__ import annotations

from sqlalchemy import func, select

from reconciler.ports import File, Files
from reconciler.records.catalogue import Kept
from reconciler.records.store import read_store
from reconciler.records.tables import BlockRow, FilesetRow, table


def files(count: int, more: str = "") -> Files:
    made = [File(f"run{n % 7}/{n:07d}.root", n, f"adler32:{n:08x}") for n in range(count)]
    return Files.of([*made, File(more, None)] if more else made)


def count(store, row) -> int:
    with store.database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(table(row)))


def test_what_a_digest_stands_for_is_read_back_after_a_restart(store):
    found = Files.of(files(3), {"run0/0000000.root": "https://data.example.org/0"})
    store.catalogue.remember(found)
    assert Kept(store.database).files(found.digest) is None
    store.catalogue.keep(found.digest)
    store.catalogue.keep(found.digest)
    again = Kept(store.database).files(found.digest)
    assert again == found
    assert list(again) == list(found)
    assert again.urls == found.urls
    assert again.bytes == 3


def test_other_places_of_the_same_files_are_written_down_too(store):
    first, second = (Files.of(files(2), {"run0/0000000.root": f"https://{host}/0"}) for host in ("a", "b"))
    for one in (first, second, files(2)):
        store.catalogue.keep(store.catalogue.remember(one))
    assert Kept(store.database).files(first.digest).urls == second.urls


def test_a_size_that_is_not_known_stays_unknown_and_an_empty_fileset_is_one(store):
    for one in (files(0, "of/unknown.size"), files(0)):
        store.catalogue.keep(store.catalogue.remember(one))
        assert list(Kept(store.database).files(one.digest)) == list(one)


def test_a_file_more_costs_one_block_more(store):
    first, second = files(60_000), files(60_000, "run3/new.root")
    store.catalogue.keep(store.catalogue.remember(first))
    before = count(store, BlockRow)
    assert before > 5
    store.catalogue.keep(store.catalogue.remember(second))
    assert count(store, BlockRow) == before + 1


def test_what_nothing_refers_to_is_dropped_and_common_blocks_stay(store):
    first, second = files(20_000), files(20_000, "run3/new.root")
    for one in (first, second):
        store.catalogue.keep(store.catalogue.remember(one))
    with store.database.writing() as connection:
        assert store.catalogue.sweep(connection, {second.digest}) == 1
    assert count(store, FilesetRow) == 1
    fresh = Kept(store.database)
    assert fresh.files(first.digest) is None
    assert fresh.files(second.digest) == second


def test_a_database_that_may_only_be_read_tells_what_was_kept(store, url, clock):
    found = files(10)
    store.catalogue.keep(store.catalogue.remember(found))
    with read_store(store.database._engine.url.render_as_string(hide_password=False), clock) as reader:
        assert reader.catalogue.files(found.digest) == found


def test_memory_is_given_up_of_what_can_be_read_back(store, monkeypatch):
    monkeypatch.setattr("reconciler.records.catalogue._AT_HAND", 15)
    kept, found = files(10), files(10, "more")
    store.catalogue.keep(store.catalogue.remember(kept))
    store.catalogue.remember(found)
    assert kept.digest not in store.catalogue._files
    assert store.catalogue.files(kept.digest) == kept
    assert store.catalogue.files(found.digest) == found
