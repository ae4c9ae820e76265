"""A real OpenStack Swift on loopback, with its own API and its S3 API: proxy, account, container, object, memcached.

In a conftest: ``from tests.real.swift import swift`` (a session fixture). One replica of everything; it has a mount
namespace of its own, in which /etc/swift is its own folder.
"""

from __future__ import annotations

import http.client
import itertools
import os
import platform
import shutil
import signal
import subprocess
import tempfile
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

USER, PASSWORD = "vo:alice", "a_password_of_the_tests"
PACKAGES = ("swift-proxy", "swift-account", "swift-container", "swift-object", "memcached")
SERVERS = ("account", "container", "object")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Swift:
    """A running Swift."""

    port: int

    @property
    def options(self) -> dict[str, Any]:
        """Options of the libcloud driver for the S3 API; secrets in ``HANSE_TEST_SWIFT_KEY`` and ``..._SECRET``."""
        return {
            "provider": "s3",
            "host": "127.0.0.1",
            "port": self.port,
            "secure": False,
            "region": "us-east-1",
            "key": {"env": "HANSE_TEST_SWIFT_KEY"},
            "secret": {"env": "HANSE_TEST_SWIFT_SECRET"},
        }

    def driver(self) -> Any:
        """libcloud's own S3 driver, as a person with a script would use it."""
        return get_driver("s3")(USER, PASSWORD, host="127.0.0.1", port=self.port, secure=False, region="us-east-1")

    @contextmanager
    def bucket(self) -> Iterator[str]:
        """A fresh bucket, emptied and taken away at the end."""
        name = f"bucket-{os.getpid()}-{next(_numbers)}"
        driver = self.driver()
        driver.create_container(name)
        try:
            yield name
        finally:
            if name in [c.name for c in driver.list_containers()]:
                container = driver.get_container(name)
                driver.ex_cleanup_all_multipart_uploads(container)
                for item in list(container.iterate_objects()):
                    item.delete()
                container.delete()


def missing() -> str:
    """What this machine lacks, in words; "" when it lacks nothing."""
    if platform.system() != "Linux" or os.geteuid() != 0:
        return "Swift needs root on Linux"
    programs = [f"swift-{name}-server" for name in ("proxy", *SERVERS)]
    lacking = [name for name in (*programs, "swift-ring-builder", "memcached", "unshare") if shutil.which(name) is None]
    return f"not installed: {', '.join(lacking)} (apt-get install {' '.join(PACKAGES)})" if lacking else ""


@pytest.fixture(scope="session")
def swift() -> Iterator[Swift]:
    """The service, started once."""
    lacking = missing()
    if lacking:
        pytest.fail(lacking) if os.environ.get("CI") == "true" else pytest.skip(lacking)
    with running() as service:
        yield service


@contextmanager
def running() -> Iterator[Swift]:
    """Swift on loopback; everything is gone in the end."""
    with tempfile.TemporaryDirectory(prefix="hanse-swift-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        ports = {server: free_port() for server in ("proxy", *SERVERS, "memcached")}
        _configure(folder, ports)
        started: list[subprocess.Popen[bytes]] = []
        try:
            started.append(
                _start(
                    folder,
                    "memcached",
                    ["memcached", "-u", "nobody", "-l", "127.0.0.1", "-m", "16", "-p", str(ports["memcached"])],
                )
            )
            for server in (*SERVERS, "proxy"):  # the proxy last: it shuns for a minute a store that did not answer
                words = [f"swift-{server}-server", f"/etc/swift/{server}-server.conf"]
                started.append(_start(folder, server, words))
                _wait(ports[server], started, folder)
            yield Swift(ports["proxy"])
        finally:
            for process in started:
                _stop(process)


def _configure(folder: Path, ports: dict[str, int]) -> None:
    for part in ("etc", "srv/d1", "cache", "run"):
        (folder / part).mkdir(parents=True)
    etc = folder / "etc"
    (etc / "swift.conf").write_text(_HASHES)
    for server in SERVERS:
        (etc / f"{server}-server.conf").write_text(_STORE.format(server=server, port=ports[server], folder=folder))
        _ring(etc, server, ports[server])
    (etc / "proxy-server.conf").write_text(_proxy(ports))
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, "swift", "swift")


def _ring(etc: Path, server: str, port: int) -> None:
    builder = [f"{server}.builder"]
    device = [
        "--region",
        "1",
        "--zone",
        "1",
        "--ip",
        "127.0.0.1",
        "--port",
        str(port),
        "--device",
        "d1",
        "--weight",
        "1",
    ]
    for words in (["create", "6", "1", "0"], ["add", *device], ["rebalance"]):
        made = subprocess.run(["swift-ring-builder", *builder, *words], cwd=etc, capture_output=True, text=True)
        if made.returncode not in (0, 1):  # 1 is a warning
            raise RuntimeError(f"swift-ring-builder {words[0]}: {made.stdout}{made.stderr}")


def _start(folder: Path, name: str, words: list[str]) -> subprocess.Popen[bytes]:
    inside = 'mount --bind "$0/etc" /etc/swift && exec "$@"'
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "PYTHONNOUSERSITE": "1"}
    environment = {k: v for k, v in environment.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")}
    command = ["unshare", "-m", "sh", "-c", inside, str(folder), *words]
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)


def _wait(port: int, started: list[subprocess.Popen[bytes]], folder: Path) -> None:
    """Until a server says that it is well."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and all(process.poll() is None for process in started):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            with suppress(OSError, http.client.HTTPException):
                connection.request("GET", "/healthcheck")
                if connection.getresponse().read() == b"OK":
                    return
        finally:
            connection.close()
        time.sleep(0.1)
    logs = "\n".join(f"{log.name}: {log.read_text(errors='replace')[-800:]}" for log in folder.glob("*.log"))
    raise RuntimeError(f"Swift did not come up: {logs}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)


_HASHES = """\
[swift-hash]
swift_hash_path_suffix = tests
swift_hash_path_prefix = tests

[storage-policy:0]
name = gold
default = yes
"""
_STORE = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = swift
swift_dir = /etc/swift
devices = {folder}/srv
mount_check = false
workers = 1
disable_fallocate = true
recon_cache_path = {folder}/cache

[pipeline:main]
pipeline = healthcheck {server}-server

[filter:healthcheck]
use = egg:swift#healthcheck

[app:{server}-server]
use = egg:swift#{server}
"""
_FILTERS = (
    "catch_errors gatekeeper healthcheck proxy-logging cache listing_formats bulk tempurl s3api tempauth copy "
    "container-quotas account-quotas slo dlo versioned_writes"
)


def _proxy(ports: dict[str, int]) -> str:
    odd = {"cache": "memcache"}
    own = {
        "cache": f"memcache_servers = 127.0.0.1:{ports['memcached']}\n",
        "tempauth": f"user_vo_alice = {PASSWORD} .admin\nstorage_url_scheme = http\n",
        "s3api": "allow_multipart_uploads = true\n",
    }
    filters = "".join(
        f"[filter:{name}]\nuse = egg:swift#{odd.get(name, name.replace('-', '_'))}\n{own.get(name, '')}\n"
        for name in _FILTERS.split()
    )
    return (
        f"[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = {ports['proxy']}\nuser = swift\nswift_dir = /etc/swift\n"
        f"workers = 1\n\n[pipeline:main]\npipeline = {_FILTERS} proxy-server\n\n[app:proxy-server]\n"
        f"use = egg:swift#proxy\nallow_account_management = true\naccount_autocreate = true\nconn_timeout = 20\nnode_timeout = 60\n\n{filters}"
    )
