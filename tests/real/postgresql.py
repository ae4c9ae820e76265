"""A real PostgreSQL on loopback, and a database of its own for each test.

In a conftest: ``from tests.real.postgresql import postgresql`` (a session fixture); ``postgresql.fresh()`` gives a URL.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests.real.ports import free_port
from tests.real.waiting import PATIENCE


@dataclass
class PostgreSQL:
    """A running server."""

    programs: Path
    port: int
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def server(self) -> str:
        return f"postgresql://hanse@127.0.0.1:{self.port}"

    def run(self, sql: str, database: str = "postgres") -> None:
        """Do ``sql`` as the server's owner."""
        with psycopg.connect(f"{self.server}/{database}", autocommit=True) as connection:
            connection.execute(sql)

    def fresh(self) -> str:
        """The URL of a new, empty database."""
        name = f"fresh_{next(self.numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0")
        return f"{self.server}/{name}"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    with server() as made:
        yield made


@contextmanager
def server() -> Iterator[PostgreSQL]:
    """A server while the block runs. Without its programs the test is skipped, or in CI fails."""
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="hanse-pg-", ignore_cleanup_errors=True) as place:
        # The server refuses to be root, and must own its data.
        user = _user()
        os.chown(place, user.pw_uid, user.pw_gid)
        data, port = Path(place) / "data", free_port()
        initdb = [programs / "initdb", "-D", data, "-U", "hanse", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        subprocess.run(_as(user, *initdb), check=True, capture_output=True, timeout=120, cwd=place)
        options = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={place}", "fsync=off"]
        command = [programs / "postgres", "-D", data, *(part for option in options for part in ("-c", option))]
        log = (Path(place) / "log").open("wb")
        process = subprocess.Popen(_as(user, *command), stdout=log, stderr=log, cwd=place, start_new_session=True)
        try:
            yield _ready(PostgreSQL(programs, port), process, Path(place) / "log")
        finally:
            _stop(process)
            log.close()


def _programs() -> Path:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if places:
        return places[-1].parent
    said = "PostgreSQL's server programs are missing (Debian: postgresql)"
    if os.environ.get("CI") == "true":
        pytest.fail(said)
    pytest.skip(said)


def _user() -> pwd.struct_passwd:
    if os.geteuid():
        return pwd.getpwuid(os.geteuid())
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _as(user: pwd.struct_passwd, *command: str | Path) -> list[str]:
    plain = [str(part) for part in command]
    if user.pw_uid == os.geteuid():
        return plain
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *plain]


def _ready(server: PostgreSQL, process: subprocess.Popen[bytes], log: Path) -> PostgreSQL:
    deadline = time.monotonic() + PATIENCE
    asking = [server.programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(server.port)]
    while subprocess.run(asking, check=False, timeout=PATIENCE).returncode != 0:
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.05)
    return server


def _stop(process: subprocess.Popen[bytes]) -> None:
    """An immediate shutdown: nothing of it is needed any more. If it takes too long, the hard way."""
    if process.poll() is None:
        process.send_signal(signal.SIGQUIT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(PATIENCE)
