"""An apt source for hosts without a way to the Internet: packages of this machine's mirrors, served to their bridge.

What is downloaded is kept in ``$XDG_CACHE_HOME/hanse/debs``: it is what a host that has nothing but the nodes' root
would need for the packages asked for.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from reconciler.drivers.namespace import World
from tests.real.answering import answering


def need_debs() -> None:
    """Skip where packages cannot be indexed; fail in CI."""
    missing = [tool for tool in ("apt-get", "dpkg-scanpackages") if shutil.which(tool) is None]
    if missing:
        said = f"not installed: {', '.join(missing)} (apt-get install dpkg-dev)"
        pytest.fail(said) if os.environ.get("CI") == "true" else pytest.skip(said)


def gathered(root: Path, packages: Sequence[str]) -> Path:
    """A folder with the packages, all that they need beyond ``root``, and an index."""
    need_debs()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hanse" / "debs"
    folder = cache / sha256(f"{root.name} {' '.join(sorted(packages))}".encode()).hexdigest()[:12]
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "Packages").exists():
            _gather(folder, root, packages)
    return folder


def _gather(folder: Path, root: Path, packages: Sequence[str]) -> None:
    (folder / "partial").mkdir(parents=True, exist_ok=True)
    places = [f"Dir::State::status={root}/var/lib/dpkg/status", f"Dir::Cache::archives={folder}", "Debug::NoLocking=1"]
    options = [part for place in places for part in ("-o", place)]
    wanted = ["install", "--yes", "-qq", "--download-only", "--no-install-recommends", "python3-apt", *packages]
    subprocess.run(["apt-get", *options, *wanted], check=True, capture_output=True)
    shutil.rmtree(folder / "partial")
    listed = subprocess.run(["dpkg-scanpackages", "-m", "."], cwd=folder, check=True, capture_output=True)
    (folder / "Packages.new").write_bytes(listed.stdout)
    (folder / "Packages.new").rename(folder / "Packages")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


def served(folder: Path, world: World) -> AbstractContextManager[str]:
    """Serve the folder on the bridge of a world that has a node; yields the line for sources.list."""
    return served_at(folder, str(world._network().gateway))


@contextmanager
def served_at(folder: Path, address: str) -> Iterator[str]:
    """The same on an address of this machine."""
    server = ThreadingHTTPServer((address, 0), partial(_Quiet, directory=folder))
    with answering(server):
        yield f"deb [trusted=yes] http://{address}:{server.server_port}/ ./"
