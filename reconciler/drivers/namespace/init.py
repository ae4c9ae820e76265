"""What a node runs first: mounts its root, leaves the host's behind, and becomes sshd.

A program of its own, run by path and without this package, as the first process of the node's PID namespace. It writes
down its own process id and start time before anything else: however its starter ends, the node can be found again.

Usage: init.py DIRECTORY ROOT HOSTNAME READY. READY is a file descriptor that gets one byte when sshd is about to start.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

NOSUID, NODEV, NOEXEC, RDONLY, BIND, DETACH = 2, 4, 8, 1, 4096, 2
"""Flags of mount(2) and umount2(2)."""
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
LINKS = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"}
SSHD = ("/usr/sbin/sshd", "-D", "-e")
FIRST_BOOT = Path("/var/lib/hanse/user-data")
"""The request's user data; run once when it is a script."""

libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Come up; an exception ends the node and stands in its console.log."""
    directory, lower, hostname, ready = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    os.set_inheritable(ready, False)
    register(directory / "process.json")
    root = directory / "root"
    mount_root(root, lower, directory)
    mount_system(root)
    mount_devices(root)
    enter(root)
    socket.sethostname(own_name() or hostname)
    run_user_data()
    run_services()
    with contextlib.suppress(BrokenPipeError):
        os.write(ready, b"+")
    os.execve(SSHD[0], SSHD, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})  # noqa: S606


def register(file: Path) -> None:
    """Write down who we are, as the host sees it: /proc is still the host's."""
    pid = int(str(Path("/proc/self").readlink()))
    started = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    temporary = file.with_suffix(".new")
    temporary.write_text(json.dumps({"pid": pid, "started": int(started)}))
    temporary.rename(file)


def mount_root(root: Path, lower: str, directory: Path) -> None:
    """The shared tree below, this node's own changes above."""
    layers = f"lowerdir={lower},upperdir={directory / 'upper'},workdir={directory / 'work'}"
    mount("overlay", root, "overlay", 0, layers)


def mount_system(root: Path) -> None:
    """/proc, /sys, /run and /tmp."""
    mount("proc", root / "proc", "proc", NOSUID | NODEV | NOEXEC)
    mount("sysfs", root / "sys", "sysfs", NOSUID | NODEV | NOEXEC | RDONLY)
    mount("tmpfs", root / "run", "tmpfs", NOSUID | NODEV, "mode=755")
    mount("tmpfs", root / "tmp", "tmpfs", NOSUID | NODEV, "mode=1777")
    for folder in ("sshd", "lock"):
        (root / "run" / folder).mkdir(mode=0o755)


def mount_devices(root: Path) -> None:
    """A /dev with nothing of the host's hardware in it."""
    devices = root / "dev"
    mount("tmpfs", devices, "tmpfs", NOSUID, "mode=755")
    for name in DEVICES:
        (devices / name).touch()
        mount(f"/dev/{name}", devices / name, "", BIND)
    if Path("/dev/net/tun").exists():  # for networks in user space, of the node's own
        (devices / "net").mkdir()
        (devices / "net/tun").touch()
        mount("/dev/net/tun", devices / "net/tun", "", BIND)
    for name in ("pts", "shm"):
        (devices / name).mkdir()
    mount("devpts", devices / "pts", "devpts", NOSUID | NOEXEC, "newinstance,ptmxmode=666,mode=620")
    mount("tmpfs", devices / "shm", "tmpfs", NOSUID | NODEV, "mode=1777")
    (devices / "ptmx").symlink_to("pts/ptmx")
    for name, destination in LINKS.items():
        (devices / name).symlink_to(destination)


def enter(root: Path) -> None:
    """Make ``root`` the root and let go of the host's mounts, which would otherwise stay busy as long as we live."""
    os.chdir(root)
    subprocess.run(["pivot_root", ".", ".old"], check=True)
    os.chdir("/")
    if libc.umount2(b"/.old", DETACH):
        raise OSError(ctypes.get_errno(), "umount /.old")


def own_name() -> str:
    """The name in /etc/hostname: what configured the node may have given it another than its maker."""
    with contextlib.suppress(OSError):
        return Path("/etc/hostname").read_text().strip()
    return ""


def run_user_data() -> None:
    """Start the user data beside sshd, on the first boot only."""
    done = FIRST_BOOT.with_suffix(".started")
    if not FIRST_BOOT.exists() or done.exists() or FIRST_BOOT.read_bytes()[:2] != b"#!":
        return
    done.touch()
    with FIRST_BOOT.with_suffix(".log").open("wb") as log:
        subprocess.Popen([FIRST_BOOT], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)


def run_services() -> None:
    """Start what is enabled in runlevel 2, beside sshd, which we are about to become ourselves."""
    scripts = [script for script in sorted(Path("/etc/rc2.d").glob("S*")) if not script.name.endswith("ssh")]
    if not scripts or os.fork():
        return
    for script in scripts:
        subprocess.run([script, "start"], stdin=subprocess.DEVNULL, check=False)
    os._exit(0)


def mount(source: str, where: Path, type_: str, flags: int, data: str = "") -> None:
    """Mount; a failure tells what and where."""
    if libc.mount(source.encode(), os.fsencode(where), type_.encode(), ctypes.c_ulong(flags), data.encode()):
        code = ctypes.get_errno()
        raise OSError(code, f"mount {source} on {where}: {os.strerror(code)}")


if __name__ == "__main__":
    main()
