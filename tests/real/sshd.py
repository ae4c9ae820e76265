"""A real sshd on loopback: to be looked at only, its port (``sshd``, a session fixture); or to log in to, for one test."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.real.bind import need
from tests.real.ports import free_port
from tests.real.waiting import PATIENCE


@dataclass(frozen=True)
class Sshd:
    """Where it listens, and the key that it lets in."""

    port: int
    key: Path


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Its port."""
    with admitting(tmp_path_factory.mktemp("sshd")) as server:
        yield server.port


@contextlib.contextmanager
def admitting(folder: Path, **environment: str) -> Iterator[Sshd]:
    """Up while the block runs. It lets root in, with ``environment``, where it is root itself."""
    need("sshd", "ssh-keygen", package="openssh-server")
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    shutil.copy(folder / "user.pub", folder / "authorized")
    port = free_port()
    told = " ".join(f'"{name}={value}"' for name, value in environment.items())
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        "PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\n"
        + (f"SetEnv {told}\n" if told else "")
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    with running([str(shutil.which("sshd")), "-D", "-e", "-f", str(folder / "config")], port):
        yield Sshd(port, folder / "user")


@contextlib.contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """A server while the block runs, from when it listens."""
    with subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait_for(port, process)
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    pytest.fail(f"{process.args} does not listen on {port}")
