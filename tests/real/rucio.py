"""A real Rucio server on loopback, with SQLite, in a virtual environment of its own. Optional: set HANSE_RUCIO=1.

In a conftest: ``from tests.real.rucio import rucio`` (a session fixture). Judge daemons are run once, in the server's
own environment, by `Rucio.judge`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.real.pinned import environment
from tests.real.ports import free_port
from tests.real.waiting import PATIENCE

REQUIREMENTS = Path(__file__).parents[2] / "requirements/rucio.txt"
USER, PASSWORD, ACCOUNT = "ddmlab", "a secret of the tests' rucio", "root"


@dataclass
class Rucio:
    """The running server."""

    url: str
    place: Path
    venv: Path

    def options(self) -> dict[str, Any]:
        """Options of the driver; the password is expected in ``RUCIO_PASSWORD``."""
        return {"url": self.url, "account": ACCOUNT, "username": USER, "password": {"env": "RUCIO_PASSWORD"}}

    def run(self, code: str) -> str:
        """Run Python beside the server, with its configuration; what it printed."""
        command = [self.venv / "bin/python", "-c", code]
        done = subprocess.run(
            command, env=self.environment(), capture_output=True, text=True, timeout=120, cwd=self.place
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-3000:])
        return done.stdout

    def environment(self) -> dict[str, str]:
        config = str(self.place / "etc/rucio.cfg")
        return {
            "PATH": os.environ["PATH"],
            "RUCIO_HOME": str(self.place),
            "RUCIO_CONFIG": config,
            "HOME": str(self.place),
        }


@pytest.fixture(scope="session")
def rucio() -> Iterator[Rucio]:
    """The server, with nothing in it but the account ``root``."""
    if os.environ.get("HANSE_RUCIO") != "1":
        pytest.skip("the optional suite against a real Rucio: set HANSE_RUCIO=1")
    venv = environment("rucio", REQUIREMENTS)
    with tempfile.TemporaryDirectory(prefix="hanse-rucio-", ignore_cleanup_errors=True) as folder:
        place, port = Path(folder), free_port()
        found = Rucio(f"http://127.0.0.1:{port}", place, venv)
        _configure(place, venv, port)
        bootstrap = [venv / "bin/python", venv / "rucio/tools/bootstrap.py"]
        done = subprocess.run(bootstrap, env=found.environment(), capture_output=True, text=True, cwd=place)
        assert not done.returncode, done.stderr[-3000:]
        application = "rucio.web.rest.flaskapi.v1.main:application"
        command = [venv / "bin/gunicorn", "-w", "1", "--threads", "4", "-b", f"127.0.0.1:{port}", application]
        with (place / "server.log").open("wb") as log:
            process = subprocess.Popen(
                command, env=found.environment(), cwd=place, stdout=log, stderr=log, start_new_session=True
            )
        try:
            _wait(found, process)
            yield found
        finally:
            _stop(process)


def _wait(rucio: Rucio, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{rucio.url}/ping", timeout=30).ok:
                return
        except requests.RequestException:
            time.sleep(0.1)
    raise RuntimeError(f"rucio did not come up: {(rucio.place / 'server.log').read_text()[-3000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)


def _configure(place: Path, venv: Path, port: int) -> None:
    for folder in ("etc", "log/trace"):
        (place / folder).mkdir(parents=True)
    migrations = next(venv.glob("lib/python3*/site-packages/rucio/db/sqla/migrate_repo"))
    given = {"place": place, "port": port, "user": USER, "password": PASSWORD, "migrations": migrations}
    (place / "etc/rucio.cfg").write_text(_CONFIGURATION.format(**given))
    (place / "etc/alembic.ini").write_text(_ALEMBIC.format(**given))


_CONFIGURATION = """\
[common]
logdir = {place}/log
loglevel = WARNING
[client]
rucio_host = http://127.0.0.1:{port}
auth_host = http://127.0.0.1:{port}
auth_type = userpass
username = {user}
password = {password}
account = root
request_retries = 3
[database]
default = sqlite:///{place}/rucio.db
pool_recycle = 3600
echo = 0
pool_reset_on_return = rollback
[bootstrap]
userpass_identity = {user}
userpass_pwd = {password}
userpass_email = rucio@example.org
[alembic]
cfg = {place}/etc/alembic.ini
[policy]
permission = generic
schema = generic
lfn2pfn_algorithm_default = hash
support = rucio@example.org
support_rucio = rucio
[conveyor]
scheme = file,mock,davs
transfertool = mock
[trace]
tracedir = {place}/log/trace
brokers = localhost
port = 1
username = x
password = x
topic = /topic/x
[messaging-hermes]
email_from = rucio@example.org
[api]
endpoints = accounts, auth, config, dids, identities, locks, ping, replicas, rses, rules, scopes
"""
_ALEMBIC = """\
[alembic]
script_location = {migrations}
sqlalchemy.url = sqlite:///{place}/rucio.db
[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys = generic
[logger_root]
level = WARN
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = generic
[formatter_generic]
format = %(message)s
"""
