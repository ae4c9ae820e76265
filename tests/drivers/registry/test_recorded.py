"""What only the register in the records promises: it takes over the one in a file, and is shared by machines."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from reconciler.drivers.embedded import FILE, Embedded, registers
from reconciler.errors import RecordsError, Terminal, Transient
from reconciler.ports import Document
from reconciler.records.database import passing
from reconciler.records.documents import LOST, Documents
from reconciler.records.store import open_store, read_store
from reconciler.records.tables import DocumentRow, InventoryRow, RegisterRow, table

U1, U2, U3 = "1" * 32, "2" * 32, "3" * 32
NOWHERE = Path("/nonexistent")
WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from reconciler.ports import Document
from reconciler.records.store import open_store
with open_store(sys.argv[1], lambda: datetime.now(UTC)) as store:
    sites = store.documents.table("sites", Path("nowhere"))
    for batch in range(10**6):
        sites.put([Document(f"{i}", {"batch": batch}, f"{i:032x}") for i in range(1, 201)])
        print(batch, flush=True)
"""


@pytest.fixture
def folder(tmp_path):
    """A state folder's register, as the driver `embedded` leaves it."""
    folder = tmp_path / "state"
    Embedded(folder / FILE, "sites").put([Document("A", {"n": 1}, U1), Document("B", {"n": 2}, U2)])
    Embedded(folder / FILE, "vos").put([Document("v", {}, U3)])
    return folder


def held(store, *uids, at="sites"):
    """The records hold resources with these marks in a register."""
    same = {"generation": 1, "digest": "d", "observed_digest": "d", "target": f"registry:{at}", "meta_digest": ""}
    rows = [{"ref": f"Site/{uid[:3]}", "uid": uid, "source": "git", **same} for uid in uids]
    with store.database.writing() as connection:
        connection.execute(insert(table(InventoryRow)), rows)


def rows(store, row):
    with store.database.reading() as connection:
        return connection.execute(select(table(row))).all()


def test_the_first_reading_takes_over_what_lies_in_the_state_folder_with_its_token(store, folder):
    held(store, U1, U2)
    before = registers(folder / FILE)
    with capture_logs() as said:
        found = store.documents.table("sites", folder).read()
        assert found == before["sites"]
        assert store.documents.table("sites", folder).read(before["sites"].token).unchanged
        assert store.documents.table("vos", folder).read() == before["vos"]
    assert [(one["register"], one["documents"], one["lost"]) for one in said] == [("sites", 2, 0), ("vos", 1, 0)]


def test_it_is_taken_over_once(store, folder):
    store.documents.table("sites", folder).read()
    Embedded(folder / FILE, "sites").put([Document("late", {}, "9" * 32)])
    for again in (store.documents, Documents(store.database)):
        assert set(again.table("sites", folder).read().documents) == {"A", "B"}


def test_a_register_that_was_emptied_stays_empty(store, folder):
    sites = store.documents.table("sites", folder)
    sites.remove(["A", "B"])
    assert sites.read().documents == {}
    assert Documents(store.database).table("sites", folder).read().documents == {}
    assert set(store.documents.table("vos", folder).read().documents) == {"v"}


def test_a_first_put_takes_over_before_it_writes(store, folder):
    store.documents.table("sites", folder).put([Document("B", {"n": 3}, U2)])
    found = store.documents.table("sites", folder).read().documents
    assert {name: one.body["n"] for name, one in found.items()} == {"A": 1, "B": 3}


def test_many_that_come_at_once_take_it_over_once(store, folder):
    def read(_):
        return set(Documents(store.database).table("sites", folder).read().documents)

    for _ in range(5):
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(read, range(8))) == [{"A", "B"}] * 8
        assert len(rows(store, DocumentRow)) == 2
        with store.database.writing() as connection:
            for one in (DocumentRow, RegisterRow):
                connection.execute(delete(table(one)))


def test_a_file_that_is_damaged_is_not_taken_over_and_nothing_is_written(store, folder):
    (folder / FILE).write_text("not a database, " * 100)
    for use in (lambda one: one.read(), lambda one: one.put([Document("C", {})])):
        with pytest.raises(Terminal, match=r"registry\.sqlite"):
            use(store.documents.table("sites", folder))
    assert rows(store, RegisterRow) == rows(store, DocumentRow) == []


def test_without_the_file_nothing_is_concluded_where_something_is_held(store, tmp_path):
    held(store, U1)
    sites = store.documents.table("sites", tmp_path)
    for use in (sites.read, lambda: sites.put([Document("A", {}, U1)]), lambda: sites.remove(["A"])):
        with pytest.raises(Terminal, match=rf"there is no {tmp_path}/registry\.sqlite: start Hanse where it worked"):
            use()
    assert rows(store, RegisterRow) == []
    assert "of 1 resources (sites) is not in the records yet" in store.documents.missing(tmp_path)


def test_somebody_elses_file_is_not_taken_over(store, folder):
    held(store, "a" * 32)
    with pytest.raises(Terminal, match="is of another installation"):
        store.documents.table("sites", folder).read()
    assert rows(store, DocumentRow) == []


def test_an_older_file_is_not_taken_over_and_the_true_one_is_brought_later(store, folder, tmp_path):
    held(store, U1, U2)
    older = tmp_path / "older"
    Embedded(older / FILE, "sites").put([Document("A", {"n": 1}, U1)])
    sites = store.documents.table("sites", older)
    for use in (sites.read, lambda: sites.put([Document("C", {})]), lambda: sites.remove(["A"])):
        with pytest.raises(Terminal, match=r"of 2 resources .*registry\.sqlite lacks 1 of them"):
            use()
    assert "lacks 1 of them" in store.documents.missing(older)
    assert rows(store, RegisterRow) == rows(store, DocumentRow) == []
    assert set(store.documents.table("sites", folder).read().documents) == {"A", "B"}


def test_a_register_that_the_file_lacks_is_in_doubt_beside_one_that_it_has(store, tmp_path):
    held(store, U1)
    held(store, U2, at="vos")
    Embedded(tmp_path / FILE, "sites").put([Document("A", {"n": 1}, U1)])
    assert set(store.documents.table("sites", tmp_path).read().documents) == {"A"}
    with pytest.raises(Terminal, match=r"of 1 resources \(vos\) .*lacks 1 of them"):
        store.documents.table("vos", tmp_path).read()
    assert "(vos)" in store.documents.missing(tmp_path)
    assert store.documents.missing(tmp_path, lambda name: name != "vos") == ""


def test_a_register_that_stays_in_the_file_is_taken_over_when_its_turn_comes(store, folder):
    store.documents.table("vos", folder).read()
    assert (store.documents.keeps("vos"), store.documents.keeps("sites")) == (True, False)
    Embedded(folder / FILE, "sites").put([Document("C", {"n": 3}, "4" * 32)])
    held(store, U1, U2, "4" * 32)
    assert set(store.documents.table("sites", folder).read().documents) == {"A", "B", "C"}


@pytest.mark.parametrize("brought", ["nothing", "an empty file", "an older file"])
def test_only_a_file_that_is_called_so_says_that_what_is_missing_is_lost(store, tmp_path, brought):
    held(store, U1, U2)
    if brought == "an empty file":
        (tmp_path / FILE).touch()
    if brought == "an older file":
        Embedded(tmp_path / FILE, "sites").put([Document("A", {"n": 1}, U1)])
    with pytest.raises(Terminal, match=r"a file registry\.sqlite\.lost beside it says so"):
        store.documents.table("sites", tmp_path).read()
    (tmp_path / f"{FILE}{LOST}").touch()
    assert store.documents.missing(tmp_path) == ""
    expected = {"A"} if brought == "an older file" else set()
    assert set(store.documents.table("sites", tmp_path).read().documents) == expected


def test_a_copy_without_what_lies_beside_the_file_is_in_doubt_and_says_what_belongs_to_it(store, tmp_path):
    held(store, U1, U2)
    for name in ("live", "copy"):
        (tmp_path / name).mkdir()
    with closing(
        sqlite3.connect(tmp_path / "live" / FILE)
    ) as looking:  # who looks keeps the log from being written back
        looking.execute("PRAGMA journal_mode = WAL")
        looking.execute("CREATE TABLE other (a)")
        Embedded(tmp_path / "live" / FILE, "sites").put([Document("A", {}, U1), Document("B", {}, U2)])
        shutil.copy(tmp_path / "live" / FILE, tmp_path / "copy" / FILE)
        with pytest.raises(Terminal, match="lacks 2 of them: .* with the -wal and -shm beside it"):
            store.documents.table("sites", tmp_path / "copy").read()
        assert rows(store, RegisterRow) == []
        assert set(store.documents.table("sites", tmp_path / "live").read().documents) == {"A", "B"}


def test_looking_at_new_records_writes_nothing(store, tmp_path):
    assert store.documents.table("sites", tmp_path).read().documents == {}
    assert rows(store, RegisterRow) == []


def test_who_may_not_write_reads_the_file_until_it_is_taken_over(store, folder, migrated, clock):
    with read_store(migrated, clock) as reader:
        sites = reader.documents.table("sites", folder)
        assert set(sites.read().documents) == {"A", "B"}
        assert rows(store, RegisterRow) == []
        with pytest.raises(Terminal, match="read-?only"):
            sites.put([Document("C", {})])
        store.documents.table("sites", folder).put([Document("C", {})])
        assert set(sites.read().documents) == {"A", "B", "C"}


@pytest.mark.parametrize("body", ["{", "[]", '"text"'])
def test_a_damaged_body_is_an_error_and_not_an_absent_document(store, tmp_path, body):
    sites = store.documents.table("sites", tmp_path)
    sites.put([Document("A", {}, U1)])
    with store.database.writing() as connection:
        connection.execute(update(table(DocumentRow)).values(body=body))
    with pytest.raises(Terminal, match="the register sites in the records is damaged"):
        sites.read()


def test_records_that_cannot_be_read_are_no_empty_register(store, tmp_path):
    with store.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE documents RENAME TO elsewhere")
    try:
        with pytest.raises(Terminal, match="documents"):
            store.documents.table("sites", tmp_path).put([Document("A", {}, U1)])
    finally:
        with store.database.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO documents")


def test_a_name_is_only_a_name(store, tmp_path):
    odd = store.documents.table("a'; DROP TABLE documents; --", tmp_path)
    odd.put([Document("x'%(name)s", {"k": "%s :name"}, "")])
    assert odd.read().documents["x'%(name)s"].body == {"k": "%s :name"}


def test_ten_thousand_documents_are_put_and_read(store, tmp_path):
    sites = store.documents.table("sites", tmp_path)
    documents = [Document(f"s{i}", {"country": "DE", "n": i}, f"{i:032x}") for i in range(1, 10_001)]
    for first in range(0, 10_000, 500):
        sites.put(documents[first : first + 500])
    sites.put([Document(f"r{one.name}", one.body, one.uid) for one in documents])
    assert {one.name[:2] for one in sites.read().documents.values()} == {"rs"}


def test_a_lock_that_is_held_too_long_passes_and_so_does_a_lost_connection(postgresql, migrated_database, clock):
    with open_store(migrated_database, clock) as one, open_store(migrated_database, clock) as two:
        Documents(one.database).table("locked", NOWHERE).put([Document("A", {"n": 1}, U1)])
        with one.database.writing() as connection:
            connection.execute(delete(table(RegisterRow)).where(table(RegisterRow).c.name == "locked"))
            hurried = Documents(two.database, patience_seconds=0.1).table("locked", NOWHERE)
            with pytest.raises(Transient, match="lock timeout") as caught:
                hurried.put([Document("A", {"n": 2}, U1)])
            assert caught.value.retry_after == 1.0
            assert hurried.read().documents["A"].body == {"n": 1}
        name = make_url(migrated_database).database
        ending = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        with pytest.raises(Transient), two.documents.table("locked", NOWHERE)._changing() as connection:  # noqa: PT012
            postgresql.run(ending)
            connection.execute(select(table(RegisterRow)))


def test_a_locked_file_passes(tmp_path):
    first, second = (sqlite3.connect(tmp_path / "x", timeout=0, isolation_level=None) for _ in range(2))
    try:
        first.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError) as locked:
            second.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError) as wrong:
            second.execute("SELECT nothing")
    finally:
        first.close()
        second.close()
    for error, passes in ((locked.value, True), (wrong.value, False)):
        told = RecordsError("it failed")
        told.__cause__ = error
        assert passing(told) is passes


def test_a_writer_killed_in_the_middle_leaves_whole_transactions(store, migrated, tmp_path):
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, migrated], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    said = [writer.stdout.readline() for _ in range(5)]
    os.kill(writer.pid, signal.SIGKILL)
    writer.communicate()
    batches = {one.body["batch"] for one in store.documents.table("sites", tmp_path).read().documents.values()}
    assert len(batches) == 1
    assert batches.pop() >= int(said[-1])
