"""A real sshd on loopback, to be looked at and not logged in to: the port of ``sshd`` (a session fixture)."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.bind import free_port, need


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Its port."""
    need("sshd", "ssh-keygen", package="openssh-server")
    folder, port = tmp_path_factory.mktemp("sshd"), free_port()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    (folder / "config").write_text(f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {folder}/key\nPidFile none\n")
    Path("/run/sshd").mkdir(exist_ok=True)
    with running([str(shutil.which("sshd")), "-D", "-e", "-f", str(folder / "config")], port):
        yield port


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
    until = time.monotonic() + 15
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    pytest.fail(f"{process.args} does not listen on {port}")
