"""OpenStack's software: pinned packages from PyPI in a virtual environment of their own, made once and kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from reconciler.drivers.locks import locked
from reconciler.errors import Terminal

ROOT = Path(__file__).parents[3]
REQUIREMENTS = ROOT / "requirements/openstack.txt"
PROGRAMS = {
    "rabbitmqctl": "rabbitmq-server",
    "epmd": "erlang-base",
    "mariadb": "mariadb-client-core",
    "mariadbd": "mariadb-server-core",
    "mariadb-install-db": "mariadb-server-core",
}
"""Program -> the Debian package that has it."""
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""The server itself; the one on PATH is a wrapper that changes the user."""


def cache() -> Path:
    """What is kept between runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hanse"


def missing() -> list[str]:
    """Debian packages that are not there."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return sorted({package for program, package in PROGRAMS.items() if shutil.which(program, path=path) is None})


def version() -> str:
    """A digest of the pinned packages and of the Python that runs them."""
    return hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]


def environment() -> Path:
    """The virtual environment with exactly the pinned packages, made when it is not there. Raises Terminal."""
    venv = cache() / f"openstack-{version()}"
    with locked(cache() / "openstack.lock"):
        if not (venv / "whole").exists():
            shutil.rmtree(venv, ignore_errors=True)
            _make(venv)
            (venv / "whole").touch()
    return venv


def _make(venv: Path) -> None:
    _run([sys.executable, "-m", "venv", "--without-pip" if shutil.which("uv") else "--clear", str(venv)])
    python = str(venv / "bin/python")
    if shutil.which("uv"):
        install = ["uv", "pip", "install", "-q", "--python", python, "--compile-bytecode"]
    else:
        install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    _run([*install, "--require-hashes", "-r", str(REQUIREMENTS)])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Terminal(f"{' '.join(command[:4])}: {done.stderr[-2000:] or done.stdout[-2000:]}")
