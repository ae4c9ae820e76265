"""The store: one database, with one object for each thing that is kept in it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from reconciler.records.acceptances import Acceptances
from reconciler.records.approvals import Approvals
from reconciler.records.catalogue import Kept
from reconciler.records.conditions import Conditions
from reconciler.records.consents import Consents
from reconciler.records.data import Data
from reconciler.records.database import Database, connect
from reconciler.records.delivered import Delivered
from reconciler.records.deliveries import Deliveries
from reconciler.records.documents import Documents
from reconciler.records.events import Events
from reconciler.records.heads import Heads
from reconciler.records.inventory import InventoryStore
from reconciler.records.journal import Journals
from reconciler.records.lease import Leases
from reconciler.records.locks import Locks
from reconciler.records.machines import Machines
from reconciler.records.notices import Notices
from reconciler.records.observations import Observations
from reconciler.records.pauses import Pauses
from reconciler.records.probes import Probes
from reconciler.records.runs import Runs
from reconciler.records.schema import bring_up_to_date, expect_up_to_date
from reconciler.records.sessions import Sessions
from reconciler.records.tickets import Tickets
from reconciler.records.tokens import Tokens
from reconciler.records.told import Telling
from reconciler.records.uptime import Uptime
from reconciler.records.usage import Usage


@dataclass(frozen=True)
class Store:
    """Everything Hanse remembers. May be used by several threads; close it, or use it as a context manager."""

    database: Database
    inventory: InventoryStore
    journal: Journals
    runs: Runs
    events: Events
    conditions: Conditions
    observations: Observations
    probes: Probes
    usage: Usage
    uptime: Uptime
    approvals: Approvals
    pauses: Pauses
    lease: Leases
    catalogue: Kept
    data: Data
    locks: Locks
    machines: Machines
    telling: Telling
    tokens: Tokens
    tickets: Tickets
    deliveries: Deliveries
    delivered: Delivered
    documents: Documents
    heads: Heads
    notices: Notices
    sessions: Sessions
    consents: Consents
    acceptances: Acceptances

    def close(self) -> None:
        """Close every connection."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_store(url: str, clock: Callable[[], datetime], randomness: Callable[[int], str] = secrets.token_hex) -> Store:
    """The store behind ``url`` (``sqlite:///path``, ``postgresql://user@host/name``), brought up to date.

    ``clock`` gives aware times; ``randomness(n)`` gives 2n hex digits that make run ids unique. Raises RecordsError
    when the database cannot be reached, is newer than this code, or is not ours.
    """
    return _opened(connect(url, clock), bring_up_to_date, randomness)


def read_store(url: str, clock: Callable[[], datetime]) -> Store:
    """The store behind ``url`` for looking only: nothing is made or changed, and no right to write is needed.

    Where no file has been made yet there is an empty store. Raises RecordsError as ``open_store`` does, and for a
    database that an older Hanse has made.
    """
    return _opened(connect(url, clock, read_only=True), expect_up_to_date, secrets.token_hex)


def _opened(database: Database, prepare: Callable[[Database], None], randomness: Callable[[int], str]) -> Store:
    try:
        prepare(database)
    except BaseException:
        database.close()
        raise
    return Store(
        database=database,
        inventory=InventoryStore(database),
        journal=Journals(database),
        runs=Runs(database, randomness),
        events=Events(database),
        conditions=Conditions(database),
        observations=Observations(database),
        probes=Probes(database),
        usage=Usage(database),
        uptime=Uptime(database),
        approvals=Approvals(database),
        pauses=Pauses(database),
        lease=Leases(database),
        catalogue=Kept(database),
        data=Data(database),
        locks=Locks(database),
        machines=Machines(database),
        telling=Telling(database),
        tokens=Tokens(database),
        tickets=Tickets(database),
        deliveries=Deliveries(database),
        delivered=Delivered(database),
        documents=Documents(database),
        heads=Heads(database),
        notices=Notices(database),
        sessions=Sessions(database),
        consents=Consents(database),
        acceptances=Acceptances(database),
    )
