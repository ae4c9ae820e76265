"""A real S3 service on loopback (moto's server), and a bucket of its own for each test.

In a conftest: ``from tests.real.s3 import s3`` (a session fixture); ``with s3.bucket() as name:``.
"""

from __future__ import annotations

import http.client
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from libcloud.storage.providers import get_driver

from tests.real.ports import free_port
from tests.real.waiting import PATIENCE

KEY, SECRET = "AKIATESTTESTTESTTEST", "a secret of the tests"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class S3:
    """A running service."""

    port: int
    host: str = "127.0.0.1"

    @property
    def options(self) -> dict[str, Any]:
        """Options of the libcloud driver; KEY and SECRET are expected in ``HANSE_TEST_KEY`` and ``..._SECRET``."""
        return {
            "provider": "s3",
            "host": self.host,
            "port": self.port,
            "secure": False,
            "region": "us-east-1",
            "key": {"env": "HANSE_TEST_KEY"},
            "secret": {"env": "HANSE_TEST_SECRET"},
        }

    def driver(self) -> Any:
        """libcloud's own driver, as a person with a script would use it."""
        return get_driver("s3")(KEY, SECRET, host=self.host, port=self.port, secure=False, region="us-east-1")

    @contextmanager
    def bucket(self) -> Iterator[str]:
        """A fresh bucket, emptied and taken away at the end."""
        name = f"bucket-{os.getpid()}-{next(_numbers)}"
        driver = self.driver()
        driver.create_container(name)
        try:
            yield name
        finally:
            container = driver.get_container(name)
            driver.ex_cleanup_all_multipart_uploads(container)
            for item in list(container.iterate_objects()):
                item.delete()
            container.delete()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """The service, started once."""
    if not Path(_program()).exists():
        missing = "moto_server is missing: install moto[s3,server]"
        pytest.fail(missing) if os.environ.get("CI") == "true" else pytest.skip(missing)
    with service(tmp_path_factory.mktemp("s3")) as running:
        yield running


@contextmanager
def service(folder: Path, host: str = "127.0.0.1") -> Iterator[S3]:
    """The service at an address of this machine; what it says goes to a log in ``folder``."""
    port = free_port(host)
    log = folder / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [_program(), "-H", host, "-p", str(port)], stdout=stream, stderr=stream, start_new_session=True
        )
        try:
            _wait(host, port, process, log)
            yield S3(port, host)
        finally:
            _stop(process)


def _program() -> str:
    return shutil.which("moto_server") or str(Path(sys.executable).with_name("moto_server"))


def _wait(host: str, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection(host, port, timeout=30)
        try:
            with suppress(OSError, http.client.HTTPException):
                connection.request("GET", "/moto-api/")
                connection.getresponse().read()
                return
        finally:
            connection.close()
        time.sleep(0.05)
    raise RuntimeError(f"moto_server did not come up: {log.read_text()[-2000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)
