"""The schema: migrations and tables agree, databases that are not ours are left alone, opening is safe and cheap."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import contextmanager

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from reconciler.errors import RecordsError
from reconciler.records.database import connect
from reconciler.records.schema import HEAD, VERSION_TABLE, configuration
from reconciler.records.store import open_store, read_store
from reconciler.records.tables import Base
from tests.real.waiting import PATIENCE


@contextmanager
def bare(url, clock):
    """The database without its store, in one transaction."""
    database = connect(url, clock)
    try:
        with database.writing() as connection:
            yield connection
    finally:
        database.close()


def differences(connection) -> list:
    context = MigrationContext.configure(
        connection, opts={"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
    )
    return compare_metadata(context, Base.metadata)


def test_the_migrations_make_exactly_the_tables_of_the_code(url, clock):
    open_store(url, clock).close()
    with bare(url, clock) as connection:
        assert differences(connection) == []


def test_down_and_up_again_gives_the_same_tables(url, clock):
    open_store(url, clock).close()
    with bare(url, clock) as connection:
        command.downgrade(configuration(connection), "base")
        assert set(inspect(connection).get_table_names()) == {VERSION_TABLE}
    with bare(url, clock) as connection:
        command.upgrade(configuration(connection), "head")
        assert differences(connection) == []


def test_the_code_knows_its_newest_migration(url, clock):
    with bare(url, clock) as connection:
        assert ScriptDirectory.from_config(configuration(connection)).get_heads() == [HEAD]


def test_a_database_that_is_up_to_date_opens_without_alembic(tmp_path, clock):
    url = f"sqlite:///{tmp_path}/hanse.db"
    open_store(url, clock).close()
    code = (
        "import sys, datetime as d; from reconciler.records.store import open_store;"
        f"open_store({url!r}, lambda: d.datetime.now(d.UTC)).close(); sys.exit('alembic' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=PATIENCE)


def test_a_newer_schema_is_refused(url, clock):
    open_store(url, clock).close()
    with bare(url, clock) as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(RecordsError, match=rf"at schema 9999, made by a newer Hanse than this one \(schema {HEAD}\)"):
        open_store(url, clock)


def test_a_database_of_something_else_is_left_alone(url, clock):
    with bare(url, clock) as connection:
        connection.execute(text("CREATE TABLE cookbook (dish TEXT)"))
    with pytest.raises(RecordsError, match="not a Hanse database: it holds cookbook"):
        open_store(url, clock)
    with bare(url, clock) as connection:
        assert inspect(connection).get_table_names() == ["cookbook"]


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path, clock):
    file = tmp_path / "notes.txt"
    file.write_text("buy bread\n" * 1000)
    with pytest.raises(RecordsError, match="file is not a database"):
        open_store(f"sqlite:///{file}", clock)
    assert file.read_text() == "buy bread\n" * 1000


def test_a_server_that_is_not_there_is_named_without_its_password(clock):
    with pytest.raises(RecordsError) as caught:
        open_store("postgresql://hanse:topsecret@127.0.0.1:1/hanse", clock)
    assert "127.0.0.1:1" in str(caught.value)
    assert "topsecret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("hanse.db", "looks like sqlite:///path"),
        ("mysql://x/y", "only sqlite and postgresql"),
        ("sqlite://", "in memory forgets"),
        ("sqlite:///:memory:", "in memory forgets"),
        ("sqlite:////proc/nowhere/hanse.db", "its directory cannot be made"),
    ],
)
def test_a_url_that_cannot_work_is_explained(url, said, clock):
    with pytest.raises(RecordsError, match=said):
        open_store(url, clock)


def test_sqlite_is_set_up_to_be_durable(tmp_path, clock):
    with open_store(f"sqlite:///{tmp_path}/hanse.db", clock) as store, store.database.reading() as connection:
        pragmas = {p: connection.exec_driver_sql(f"PRAGMA {p}").scalar() for p in PRAGMAS}
    assert pragmas == PRAGMAS


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_postgresql_answers_only_when_the_log_is_on_disk(postgresql, clock):
    url = postgresql.fresh()
    postgresql.run(f"ALTER DATABASE {url.rpartition('/')[2]} SET synchronous_commit TO off")
    with open_store(url, clock) as store, store.database.reading() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_several_processes_may_open_a_new_database_at_once(url):
    code = (
        "import datetime as d; from reconciler.records.store import open_store;"
        f"s = open_store({url!r}, lambda: d.datetime.now(d.UTC)); s.runs.begin('c', 'd', 'me', 'apply'); s.close()"
    )
    running = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate(timeout=PATIENCE)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], said


def test_a_reader_is_not_stopped_by_a_writer(tmp_path, clock):
    with open_store(f"sqlite:///{tmp_path}/hanse.db", clock) as store:
        other = sqlite3.connect(tmp_path / "hanse.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert store.inventory.entries() == {}
        other.close()


def test_who_may_only_read_reads_what_is_there_and_changes_nothing(tmp_path, clock, monkeypatch):
    file = tmp_path / "hanse.db"
    with open_store(f"sqlite:///{file}", clock) as store:
        store.pauses.pause("all", "upgrade", "ada")
    before = file.read_bytes(), sorted(tmp_path.iterdir())
    for may_write in (True, False):
        monkeypatch.setattr("os.access", lambda path, mode, may=may_write: may)
        with read_store(f"sqlite:///{file}", clock) as store:
            assert [pause.scope for pause in store.pauses.list()] == ["all"]
            with pytest.raises(RecordsError, match="readonly"):
                store.pauses.pause("kind:Site", "upgrade", "ada")
    assert (file.read_bytes(), sorted(tmp_path.iterdir())) == before


def test_what_a_writer_has_just_written_is_read_beside_it(url, clock):
    with open_store(url, clock) as writer, read_store(url, clock) as reader:
        writer.pauses.pause("all", "upgrade", "ada")
        assert [pause.scope for pause in reader.pauses.list()] == ["all"]
        with pytest.raises(RecordsError, match="read-?only"):
            reader.pauses.pause("kind:Site", "upgrade", "ada")


def test_an_older_schema_is_not_brought_up_to_date_by_who_reads(url, clock):
    with open_store(url, clock) as store, store.database.writing() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0000'"))
    with pytest.raises(RecordsError, match="is at schema 0000, this Hanse needs"):
        read_store(url, clock)


def test_a_database_of_the_oldest_version_keeps_its_rows_on_the_way_to_the_newest(url, clock):
    with bare(url, clock) as connection:
        command.upgrade(configuration(connection), "0001")
        columns = {column["name"] for column in inspect(connection).get_columns("conditions")}
        assert {"ref", "type", "status", "reason", "message", "since"} <= columns
        known = {"ref": "VO/a", "type": "Ready", "status": "True", "reason": "InSync", "message": "m"}
        more = {name: name == "at_rest" or 1 for name in columns - known.keys() - {"since"}}
        row = {**known, **more, "since": clock()}
        names = ", ".join(row)
        connection.execute(
            text(f"INSERT INTO conditions ({names}) VALUES ({', '.join(f':{name}' for name in row)})"), row
        )
    with open_store(url, clock) as store:
        (kept,) = store.conditions.all()["VO/a"]
        assert (kept.status, kept.reason, kept.message) == ("True", "InSync", "m")
    with bare(url, clock) as connection:
        assert differences(connection) == []
