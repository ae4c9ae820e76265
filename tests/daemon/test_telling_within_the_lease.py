"""Who stands by believes what was told when it begins to lead, and lives on when the database is away meanwhile."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest

from reconciler.daemon import service as daemon
from reconciler.daemon.lease import NAME
from reconciler.daemon.loop import Bell
from reconciler.daemon.notifying import name_of
from reconciler.daemon.service import Service
from reconciler.errors import LeaseHeld, RecordsError
from reconciler.records.delivered import Delivered
from reconciler.records.lease import Leases
from tests.daemon.test_notifying import consumer
from tests.house import commit, opened
from tests.real.waiting import PATIENCE

__all__ = ["consumer"]
SETTINGS = '[[notify]]\nurl = "{url}"\nsecret = {{env = "KEY"}}\n[run]\ninterval_seconds = 1\nlease_seconds = 3\n'


@pytest.fixture
def house(tmp_path, consumer):
    root = tmp_path / "fed"
    commit(root, {"vo.yaml": "apiVersion: hanse/v1\nkind: VO\nmetadata: {name: vo.example.org}\nspec: {}\n"})
    (root / "hanse.toml").write_text(SETTINGS.format(url=consumer.url))
    with opened(root, {"KEY": "a key for signatures"}) as house:
        yield house


@contextmanager
def standing_by(house):
    """A reconciler that stands by in a thread."""
    service, bell = Service(house, "HEAD"), Bell()
    thread = threading.Thread(target=service.stand_by, args=(bell,), daemon=True)
    thread.start()
    try:
        yield service, bell, thread
    finally:
        bell.end()
        thread.join(PATIENCE)


def noted(monkeypatch, owner, method, error):
    """An event that is set when a method fails so."""
    real, failed = getattr(owner, method), threading.Event()

    def watched(*arguments):
        try:
            return real(*arguments)
        except error:
            failed.set()
            raise

    monkeypatch.setattr(owner, method, watched)
    return failed


def renamed(store, before, after):
    with store.database.writing() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {before} RENAME TO {after}")


def test_what_another_told_while_this_one_stood_by_counts_also_when_the_records_fail_then(house, consumer, monkeypatch):
    store = house.store
    waits = noted(monkeypatch, Leases, "acquire", LeaseHeld)
    failed = noted(monkeypatch, Delivered, "told", RecordsError)
    token = store.lease.acquire(NAME, "another", 600)
    with standing_by(house) as (service, _bell, thread):
        assert waits.wait(PATIENCE)
        store.delivered.tell(name_of(house.settings.notify[0]), {"ocean:waves": (True, 1)})
        renamed(store, "delivered", "away")
        store.lease.release(NAME, token)
        assert failed.wait(PATIENCE)
        assert service.measured.leading
        renamed(store, "away", "delivered")
        [(_, _, body)] = consumer.wait(1, PATIENCE)
        assert b'"dataset": "ocean:waves"' in body
        assert b'"met": false' in body
        assert thread.is_alive()


def test_who_cannot_let_go_of_the_lease_as_the_records_are_away_leads_again_later(house, monkeypatch):
    monkeypatch.setattr(daemon, "AGAIN", 0.1)
    failed = noted(monkeypatch, Leases, "release", RecordsError)
    with standing_by(house) as (service, bell, thread):
        leads = threading.Event()
        monkeypatch.setattr(service, "_once", lambda _bell: leads.set())
        assert leads.wait(PATIENCE)
        renamed(house.store, "leases", "away")
        bell.within.end()
        assert failed.wait(PATIENCE)
        leads.clear()
        renamed(house.store, "away", "leases")
        assert leads.wait(PATIENCE)
        assert thread.is_alive()
