"""One node's machine: its files, its first process, and the end of both."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from reconciler.drivers.namespace.book import Record
from reconciler.drivers.namespace.commands import environment, run
from reconciler.drivers.namespace.network import processes_in
from reconciler.drivers.namespace.process import Process
from reconciler.errors import Terminal, Transient

INIT = Path(__file__).with_name("init.py")
BOOT_SECONDS = 20.0
"""More than enough on a busy machine; a boot takes a tenth of a second."""
END_SECONDS = 10.0
_OPEN = 0o755


def lay_out(directory: Path, record: Record) -> None:
    """Make the files that are this node's own: its name, its host keys and who may log in."""
    for folder in ("upper", "work", "root"):
        (directory / folder).mkdir(exist_ok=True)
    upper = directory / "upper"
    upper.chmod(_OPEN)  # the node's own "/": its users must get through, however careful our umask is
    if not (upper / "etc/hostname").exists():  # later, what somebody configured there counts, as on any machine
        _write(upper / "etc/hostname", f"{record.hostname}\n")
        _write(upper / "etc/hosts", f"127.0.0.1 localhost\n{record.address} {record.hostname}\n")
    # The host's name server cannot be reached from here: without this each look-up would wait for it.
    _write(upper / "etc/resolv.conf", "options timeout:1 attempts:1\n")
    _write(upper / "root/.ssh/authorized_keys", "".join(f"{key.strip()}\n" for key in record.public_keys), 0o600)
    (upper / "root").chmod(0o700)
    (upper / "root/.ssh").chmod(0o700)
    if record.user_data:
        _write(upper / "var/lib/hanse/user-data", record.user_data, 0o700)
    key = upper / "etc/ssh/ssh_host_ed25519_key"
    if not key.exists():
        _folder(key.parent)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", record.hostname, "-f", str(key)])


def boot(directory: Path, record: Record, namespace: str) -> None:
    """Start the node's first process and wait until its sshd is about to start. Raises Terminal, Transient."""
    ready, signalled = os.pipe()
    try:
        with (directory / "console.log").open("ab") as console:
            command = [
                "setsid", "--fork", "nsenter", f"--net=/run/netns/{namespace}",
                "unshare", "--mount", "--pid", "--uts", "--ipc", "--propagation", "private",
                "--fork", "--kill-child=KILL",
                sys.executable, "-I", "-S", str(INIT), str(directory), record.root, record.hostname, str(signalled),
            ]  # fmt: skip
            subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, cwd="/",
                pass_fds=(signalled,), env=dict(environment()), umask=0o022, check=True,
            )  # fmt: skip
        os.close(signalled)
        signalled = -1
        _await(ready, directory)
    finally:
        os.close(ready)
        if signalled >= 0:
            os.close(signalled)


def _await(ready: int, directory: Path) -> None:
    if not select.select([ready], [], [], BOOT_SECONDS)[0]:
        raise Transient(f"{directory.name} has not come up in {BOOT_SECONDS:.0f} s")
    if os.read(ready, 1) != b"+":
        raise Terminal(f"{directory.name} did not come up: {last_words(directory)}")


def last_words(directory: Path) -> str:
    """The last line of the node's console."""
    with contextlib.suppress(FileNotFoundError):
        lines = (directory / "console.log").read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
    return "it said nothing"


def is_running(directory: Path) -> bool:
    """True while the node's first process lives."""
    process = Process.read(directory / "process.json")
    return process is not None and process.is_alive()


def halt(directory: Path, namespace: str) -> None:
    """Kill everything in the node; its mounts go with its last process. Raises Transient when something stays."""
    process = Process.read(directory / "process.json")
    if process is not None:
        process.kill()
    until = time.monotonic() + END_SECONDS
    # A starter that was killed may have left a process that had not yet written itself down.
    while left := processes_in(namespace):
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > until:
            raise Transient(f"processes of {directory.name} do not end: {left}")
        time.sleep(0.01)
    (directory / "process.json").unlink(missing_ok=True)


def _write(file: Path, text: str, mode: int = 0o644) -> None:
    _folder(file.parent)
    file.write_text(text)
    file.chmod(mode)


def _folder(path: Path) -> None:
    """A folder that everybody may look into, as its parents; what is there already is left as it is."""
    if not path.is_dir():
        _folder(path.parent)
        path.mkdir(exist_ok=True)
        path.chmod(_OPEN)
