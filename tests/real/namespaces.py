"""Nodes as network namespaces. In a conftest: ``from tests.real.namespaces import roots`` (a session fixture).

The nodes' root is built once and kept for later runs in ``$XDG_CACHE_HOME/hanse/roots`` (25 s the first time).
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from reconciler.drivers.namespace.commands import PACKAGES, PATH

TOOLS = sorted({*PACKAGES, "ssh"})


def need_namespaces() -> None:
    """Skip without Linux and root; with them, every tool must be there in CI."""
    if platform.system() != "Linux" or os.geteuid() != 0:
        pytest.skip("needs root on Linux")
    missing = [tool for tool in TOOLS if shutil.which(tool, path=PATH) is None]
    if missing:
        said = f"not installed: {', '.join(missing)}"
        pytest.fail(said) if os.environ.get("CI") == "true" else pytest.skip(said)


@pytest.fixture(scope="session")
def roots() -> Path:
    """Where the nodes' root is; built when it is not there."""
    need_namespaces()
    from reconciler.drivers.namespace.rootfs import ready_root

    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hanse" / "roots"
    ready_root(cache)
    return cache


def kernel_objects() -> set[str]:
    """Names of all network namespaces, interfaces and mounts of this machine that a world may have made."""
    namespaces = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True, env={"PATH": PATH})
    links = {f"link {entry.name}" for entry in os.scandir("/sys/class/net")}
    mounts = {f"mount {line.split()[1]}" for line in Path("/proc/mounts").read_text().splitlines()}
    return links | mounts | {f"netns {line.split()[0]}" for line in namespaces.stdout.splitlines()}


def of_world(world) -> set[str]:
    """What the kernel has of one world: interfaces, namespaces, mounts, and processes."""
    found = world._book.world()
    if found is None:
        return set()
    marks = (f"hanse-{found.id[:8]}-", f"hb{found.id[:8]}", f"h{found.id[:6]}", str(world.directory))
    objects = {name for name in kernel_objects() if any(mark in name for mark in marks)}
    return objects | {f"process {pid}" for pid in processes_of(world.directory)}


def processes_of(directory: Path) -> list[int]:
    """Processes that were started with ``directory`` in their command line."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                line = Path(entry.path, "cmdline").read_bytes()
            except OSError:
                continue
            if str(directory).encode() in line:
                found.append(int(entry.name))
    return found
