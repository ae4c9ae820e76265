"""``hanse`` for pages, started by a fork: the command line is imported once, and each command runs in a copy of that.

What a command sees is what it sees when started afresh: its arguments, folder, environment, and the three descriptors
of whoever calls. ``served`` gives a script that is put on the path as ``hanse``.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

_CLIENT = """\
#!{python} -ISE
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as to:
    to.connect({address!r})
    told = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(to, [len(told).to_bytes(4, "big")], [0, 1, 2])
    to.sendall(told)
    code = to.recv(4)
sys.exit(int.from_bytes(code, "big") if len(code) == 4 else 70)
"""


@contextmanager
def served(environment: Mapping[str, str]) -> Iterator[Path]:
    """A program that is ``hanse`` while the block runs."""
    with tempfile.TemporaryDirectory(prefix="hanse-docs-") as folder:
        address, program = Path(folder) / "socket", Path(folder) / "hanse"
        program.write_text(_CLIENT.format(python=sys.executable, address=str(address)))
        program.chmod(0o755)
        command = [sys.executable, "-m", "tests.docs.forked", str(address)]
        process = subprocess.Popen(
            command, env=dict(environment), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n", f"{shlex.join(command)} did not start"
            yield program
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            process.stdout.close()


def main(address: str) -> None:
    """Serve until killed."""
    _imported()
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.bind(address)
        waiting.listen(16)
        print("ready", flush=True)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            asked, _ = waiting.accept()
            if os.fork() == 0:
                waiting.close()
                _answered(asked)
            asked.close()


_PACKAGES = ("cli", "kinds", "plan", "records", "manifest", "daemon", "ola", "uptime", "exchange.apel")
_MODULES = ("reconcile", "wiring", "drivers.embedded", "drivers.simulated", "drivers.directory", "drivers.zonefile")
_OTHERS = ("alembic.command", "alembic.autogenerate", "dns.query", "dns.zone", "requests", "sqlalchemy.dialects.sqlite")


def _imported() -> None:
    """Import what commands have in common. SDKs of back ends are left to the commands that need them."""
    for name in _PACKAGES:
        package = importlib.import_module(f"reconciler.{name}")
        for module in pkgutil.walk_packages(package.__path__, f"reconciler.{name}."):
            if "migrations" not in module.name and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    for name in (*(f"reconciler.{name}" for name in _MODULES), *_OTHERS):
        importlib.import_module(name)


def _answered(asked: socket.socket) -> None:
    """Run one command in a process of its own, and say how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, descriptors, _, _ = socket.recv_fds(asked, 4, 3)
    rest, told = int.from_bytes(size, "big"), b""
    while len(told) < rest:
        told += asked.recv(rest - len(told))
    words, folder, environment = json.loads(told)
    child = os.fork()
    if child == 0:
        asked.close()
        _becomes(words, folder, environment, descriptors)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    asked.sendall((code if code >= 0 else 128 - code).to_bytes(4, "big"))
    os._exit(0)


def _becomes(words: list[str], folder: str, environment: dict[str, str], descriptors: list[int]) -> None:
    """Be ``hanse`` with these words, until the end of the process."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["hanse", *words]
    from reconciler.cli import main as hanse

    sys.exit(hanse())


if __name__ == "__main__":
    main(sys.argv[1])
