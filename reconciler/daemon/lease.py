"""The lease while it is held: renewed by a thread, let go at the end; whoever loses it stops."""

from __future__ import annotations

import getpass
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from reconciler.errors import LeaseHeld, RecordsError
from reconciler.records.lease import Fence
from reconciler.records.store import Store

NAME = "reconcile"
_LOOK_EVERY = 2.0
"""Seconds between two looks whether the lease is free, for whoever stands by."""
_HOLDER = re.compile(r"^(?P<who>.*), process (?P<pid>\d+)$")
_log = structlog.get_logger()


def who() -> str:
    """Who works here, for the history: ``user@host``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def holder() -> str:
    """What this process is called as the holder of a lease."""
    return f"{who()}, process {os.getpid()}"


def dead(name: str) -> bool:
    """Whether a holder is proved dead: a process of this host that is no more. In doubt it lives."""
    found = _HOLDER.match(name)
    if found is None or found["who"].rpartition("@")[2] != socket.gethostname():
        return False
    try:
        os.kill(int(found["pid"]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


@contextmanager
def held(
    store: Store, seconds: float, lost: Callable[[], None], turn: threading.Event | None = None
) -> Iterator[Fence]:
    """Hold the lease of this database while the block runs; it lasts ``seconds`` and is renewed in thirds of that.

    Raises LeaseHeld, naming the holder, when somebody else has it; with ``turn`` it is waited for until that is set.
    ``lost`` is called when it cannot be renewed.
    """
    token = store.lease.acquire(NAME, holder(), seconds, dead) if turn is None else _awaited(store, seconds, turn)
    done = threading.Event()
    renewal = threading.Thread(target=_renew, args=(store, token, seconds, lost, done), name="lease", daemon=True)
    renewal.start()
    try:
        yield Fence(NAME, token)
    finally:
        done.set()
        renewal.join()
        store.lease.release(NAME, token)


def _awaited(store: Store, seconds: float, stop: threading.Event) -> int:
    """Stand by until the lease is free. A database that cannot be reached is tried again, too."""
    told = ""
    while True:
        try:
            return store.lease.acquire(NAME, holder(), seconds, dead)
        except (LeaseHeld, RecordsError) as error:
            if stop.is_set():
                raise
            if str(error) != told:
                told = str(error)
                _log.info("standing by", why=told)
        stop.wait(min(_LOOK_EVERY, seconds / 3))


def _renew(store: Store, token: int, seconds: float, lost: Callable[[], None], done: threading.Event) -> None:
    while not done.wait(seconds / 3):
        try:
            store.lease.renew(NAME, token, seconds)
        except LeaseHeld as error:
            lost()
            _log.error("the lease was lost", why=str(error))
            return
        except RecordsError as error:
            _log.warning("the lease could not be renewed", why=str(error))
