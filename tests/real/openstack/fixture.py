"""How a test, a demonstration or a benchmark gets the cloud."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.drivers.locks import locked
from reconciler.drivers.namespace.commands import require
from reconciler.errors import Terminal
from tests.real.namespaces import need_namespaces
from tests.real.openstack import keeper, software
from tests.real.openstack.cloud import Cloud
from tests.real.openstack.keeper import FACTS, FAILURE, LOCK, PLACE, USERS

KEEP = "import sys; from tests.real.openstack.keeper import main; sys.exit(main(sys.argv[1:]))"
PATIENCE_SECONDS = 900.0
"""The first time software is fetched, a Debian root built and databases are made."""


@contextmanager
def cloud() -> Iterator[Cloud]:
    """The cloud of this machine, started when nobody has. Raises Terminal when this machine cannot."""
    require(["ip", "mmdebstrap", "ssh-keygen", "unshare"])
    if absent := software.missing():
        raise Terminal(f"not installed: {' '.join(absent)}")
    PLACE.mkdir(mode=0o700, exist_ok=True)
    with (PLACE / USERS).open("a") as users:
        with locked(PLACE / LOCK):
            fcntl.flock(users, fcntl.LOCK_SH)
            facts = _facts() or _started()
        known = json.loads(facts)
        try:
            yield Cloud(known["endpoints"], known["subnet"], Path(known["run"]))
        finally:
            _clean_up()


def _clean_up() -> None:
    """Take the servers away that a keeper which was killed could not. One that is about to end holds the lock."""
    with locked(PLACE / LOCK):
        if not _facts():
            keeper.sweep(PLACE / "run")


def _facts() -> str:
    """What the keeper wrote down, if it lives."""
    try:
        written = (PLACE / FACTS).read_text()
        alive = Path(f"/proc/{json.loads(written)['keeper']}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return written if str(PLACE).encode() in alive else ""


def _started() -> str:
    """Start a keeper and wait until the cloud is up."""
    for left in (FACTS, FAILURE):
        (PLACE / left).unlink(missing_ok=True)
    linger = os.environ.get("HANSE_OPENSTACK_LINGER", "0")
    with (PLACE / "keeper.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", KEEP, str(PLACE), linger], stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, cwd=software.ROOT, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (facts := _facts()):
        if process.poll() is not None or time.monotonic() > deadline:
            process.terminate()
            process.wait()
            raise Terminal(f"OpenStack did not come up:\n{_said()}")
        time.sleep(0.1)
    _let_go(process)
    return facts


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """The keeper outlives us if others use the cloud; it is nobody's to wait for."""
    process.returncode = 0


def _said() -> str:
    files = [PLACE / FAILURE, PLACE / "keeper.log"]
    return "\n".join(file.read_text(errors="replace")[-4000:] for file in files if file.exists())


@pytest.fixture(scope="session")
def openstack() -> Iterator[Cloud]:
    """The cloud of this machine; skips without root or Debian packages (fails in CI)."""
    need_namespaces()
    if absent := software.missing():
        said = f"not installed: {', '.join(absent)}"
        pytest.fail(said) if os.environ.get("CI") == "true" else pytest.skip(said)
    with cloud() as running:
        yield running
