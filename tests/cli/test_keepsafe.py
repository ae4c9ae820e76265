"""Backup and restore, after damage, on both databases; databases of older and newer versions."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import stat
import tarfile
from contextlib import closing
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from reconciler.records.database import connect
from reconciler.records.schema import HEAD, VERSION_TABLE
from reconciler.records.store import open_store
from reconciler.settings import load
from tests.real.postgresql import postgresql  # noqa: F401 (a fixture)

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def recorded(request, federation):
    """A federation that was applied, on each database."""
    if request.param == "postgresql":
        if shutil.which("pg_dump") is None:
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("pg_dump is missing (Debian: postgresql)")
        url = request.getfixturevalue("postgresql").fresh()
        federation.write("hanse.toml", f'[records]\nurl = "{url}"\n')
        federation.commit("on PostgreSQL")
    federation.hanse("apply", "--yes")
    federation.write(".hanse/state/notified/hook.json", '{"told": 1}')
    return federation


def damage(federation) -> None:
    """The database and what was remembered are gone."""
    shutil.rmtree(federation.root / ".hanse/state/notified")
    if (federation.root / ".hanse/hanse.db").exists():
        for file in (federation.root / ".hanse").glob("hanse.db*"):
            file.unlink()
        return
    with closing(connect(url_of(federation), lambda: NOW)) as database, database.writing() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))


def url_of(federation) -> str:
    return load(federation.root, {}).records.url


def test_after_damage_a_restored_database_has_nothing_to_do(recorded) -> None:
    file = recorded.root / "kept.tar.gz"
    said = recorded.hanse("backup", str(file))
    assert said.code == 0, said.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    history = recorded.hanse("history").out
    damage(recorded)
    assert recorded.hanse("plan").code == 2
    damage_made_by_looking = recorded.root / ".hanse/hanse.db"
    damage_made_by_looking.unlink(missing_ok=True)
    restored = recorded.hanse("restore", str(file))
    assert restored.code == 0, restored.err
    assert "next: hanse plan" in restored.err
    assert recorded.hanse("plan").code == 0
    assert recorded.hanse("history").out == history
    assert (recorded.root / ".hanse/state/notified/hook.json").read_text() == '{"told": 1}'


def test_a_backup_is_not_restored_over_what_there_is(recorded) -> None:
    file = recorded.root / "kept.tar.gz"
    recorded.hanse("backup", str(file))
    said = recorded.hanse("restore", str(file))
    assert said.code == 1
    assert "is not empty" in said.err
    assert "check [records] url" not in said.err
    assert recorded.hanse("plan").code == 0


def test_a_backup_is_not_restored_under_a_daemon_that_works(recorded) -> None:
    file = recorded.root / "kept.tar.gz"
    recorded.hanse("backup", str(file))
    url = url_of(recorded)
    damage(recorded)
    with open_store(url, lambda: datetime.now(UTC)) as store:
        store.lease.acquire("reconcile", "ana@north, process 7", 60)
    said = recorded.hanse("restore", str(file))
    assert (said.code, "ana@north, process 7 works on" in said.err) == (1, True)


def test_a_damaged_backup_changes_nothing(recorded, tmp_path) -> None:
    file = recorded.root / "kept.tar.gz"
    recorded.hanse("backup", str(file))
    damage(recorded)
    whole = file.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:-300] + bytes(300), b"nothing of ours"):
        file.write_bytes(content)
        said = recorded.hanse("restore", str(file))
        assert said.code == 1
        assert "damaged" in said.err
    assert not (recorded.root / ".hanse/state/notified").exists()


def test_a_damaged_database_is_moved_away_before_anything_is_restored(federation) -> None:
    federation.hanse("apply", "--yes")
    file = federation.root / "kept.tar.gz"
    federation.hanse("backup", str(file))
    database = federation.root / ".hanse/hanse.db"
    database.write_bytes(b"not a database any more" * 100)
    said = federation.hanse("restore", str(file))
    assert (said.code, "move it away" in said.err) == (1, True)
    database.rename(database.with_suffix(".damaged"))
    assert federation.hanse("restore", str(file)).code == 0
    assert federation.hanse("plan").code == 0


def test_a_member_that_leads_elsewhere_is_no_backup(federation, tmp_path) -> None:
    federation.hanse("apply", "--yes")
    good, evil = federation.root / "kept.tar.gz", tmp_path / "evil.tar.gz"
    federation.hanse("backup", str(good))
    with tarfile.open(good) as archive:
        told = json.loads(archive.extractfile("about.json").read())
    for name in ("../out", "state/../../out", "state/ssh/key", "/etc/out"):
        told["sha256"][name] = "0"
        (tmp_path / "about.json").write_text(json.dumps(told))
        with tarfile.open(evil, "w:gz") as archive:
            archive.add(tmp_path / "about.json", "about.json")
        said = federation.hanse("restore", str(evil))
        assert (said.code, "no backup of Hanse" in said.err) == (1, True)
        del told["sha256"][name]


def test_a_backup_holds_neither_cache_nor_keys_and_is_not_overwritten(federation) -> None:
    federation.hanse("apply", "--yes")
    federation.write(".hanse/state/configure/id_ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----")
    file = federation.root / "kept.tar.gz"
    federation.hanse("backup", str(file))
    with tarfile.open(file) as archive:
        assert set(archive.getnames()) == {"about.json", "records"}
    said = federation.hanse("backup", str(file))
    assert (said.code, "not overwritten: name another file" in said.err) == (1, True)
    assert "check [records] url" not in said.err


def test_a_backup_taken_while_somebody_writes_is_whole(federation) -> None:
    federation.hanse("apply", "--yes")
    with closing(sqlite3.connect(federation.root / ".hanse/hanse.db")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM runs")
        assert federation.hanse("backup", str(federation.root / "kept.tar.gz")).code == 0
        writer.rollback()
    for file in (federation.root / ".hanse").glob("hanse.db*"):
        file.unlink()
    federation.hanse("restore", str(federation.root / "kept.tar.gz"))
    assert len(federation.runs()) == 1


def test_a_backup_of_a_newer_hanse_is_refused(federation, tmp_path) -> None:
    federation.hanse("apply", "--yes")
    with closing(sqlite3.connect(federation.root / ".hanse/hanse.db")) as database, database:
        database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    assert federation.hanse("backup", str(tmp_path / "newer.tar.gz")).code == 0
    for file in (federation.root / ".hanse").glob("hanse.db*"):
        file.unlink()
    said = federation.hanse("restore", str(tmp_path / "newer.tar.gz"))
    assert (said.code, "at schema 9999" in said.err) == (1, True)


def test_upgrade_says_what_it_did_and_refuses_a_newer_database(federation) -> None:
    assert f"schema none -> {HEAD}" in federation.hanse("upgrade").out
    assert "nothing to do" in federation.hanse("upgrade").out
    with closing(sqlite3.connect(federation.root / ".hanse/hanse.db")) as database, database:
        database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    said = federation.hanse("upgrade")
    assert (said.code, "made by a newer Hanse than this one" in said.err) == (1, True)
