"""The root of every node: one Debian tree, made once by mmdebstrap from the mirrors that this machine uses.

It is built beside its final place and renamed, so that a tree under its name is always whole, and under a lock, so that
two processes never build the same. Its name is a digest of its recipe: a changed recipe is another tree, and nodes that
stand on the old one keep it. Takes about 25 s and 180 MB.
"""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import structlog

from reconciler.drivers.locks import locked
from reconciler.drivers.namespace.commands import require, run
from reconciler.errors import Terminal
from reconciler.model import digest_of, encode

PACKAGES = ("iproute2", "openssh-server", "procps", "python3")
"""What a node needs: a way in, Python for Ansible's modules, and the tools they call."""
SSHD = """UsePAM no
UseDNS no
PasswordAuthentication no
PrintMotd no
PrintLastLog no
LogLevel ERROR
MaxStartups 200
MaxSessions 200
"""
"""Keys only; no look-ups that would wait; as many sessions as Ansible opens."""
BUILD_SECONDS = 900.0
LEFT_OUT = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*", "/usr/share/info/*")

log = structlog.get_logger("hanse.namespace")


def ready_root(roots: Path, packages: Sequence[str] = ()) -> Path:
    """The root with ``packages`` in it, built under ``roots`` unless it is there; ``roots`` itself if it is a root.

    Raises Terminal when it cannot be built.
    """
    if (roots / "etc" / "os-release").exists():
        return roots
    recipe = _recipe(sorted({*PACKAGES, *packages}))
    root = roots / digest_of(encode(recipe))[:12]
    if not root.exists():
        with locked(roots / "lock"):
            if not root.exists():
                _build(root, recipe)
    return root


def _recipe(packages: Sequence[str]) -> dict[str, list[str]]:
    release = platform.freedesktop_os_release()
    if release.get("ID") != "debian":
        raise Terminal(f"the nodes' root is made from this machine's Debian mirrors; this is {release.get('NAME')}")
    suite = release.get("VERSION_CODENAME", "")
    return {"suite": [suite], "packages": list(packages), "sources": [], "sshd": [SSHD], "left out": list(LEFT_OUT)}


def _build(root: Path, recipe: dict[str, list[str]]) -> None:
    require(["mmdebstrap"])
    for left in root.parent.glob("building-*"):
        shutil.rmtree(left)
    temporary = root.parent / f"building-{root.name}"
    log.info("building the root of namespace nodes", directory=str(root), packages=" ".join(recipe["packages"]))
    began = time.monotonic()
    try:
        run(_mmdebstrap(temporary, recipe), given="".join(_sources(recipe["suite"][0])), seconds=BUILD_SECONDS)
        _finish(temporary)
        temporary.rename(root)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    log.info("built the root of namespace nodes", directory=str(root), seconds=round(time.monotonic() - began, 1))


def _mmdebstrap(directory: Path, recipe: dict[str, list[str]]) -> list[str]:
    options = [f"--aptopt={line}" for line in _apt_options()]
    excluded = [f"--dpkgopt=path-exclude={pattern}" for pattern in recipe["left out"]]
    packages = ",".join(recipe["packages"])
    command = ["mmdebstrap", "--quiet", "--mode=root", "--variant=apt", f"--include={packages}", *options, *excluded]
    return [*command, recipe["suite"][0], str(directory), "-"]


def _sources(suite: str) -> list[str]:
    """The machine's own Debian archives of ``suite``, as lines of a sources.list."""
    form = "$(ORIGIN)|$(CODENAME)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    listed = run(["apt-get", "indextargets", "--format", form, "Created-By: Packages"]).splitlines()
    parts = [line.split("|") for line in listed]
    lines = [
        f"deb {uri} {release} {component}\n"
        for origin, codename, uri, release, component in parts
        if origin == "Debian" and codename.startswith(suite)
    ]
    # A machine that never ran apt-get update lists nothing: mmdebstrap's own default is Debian's mirror then.
    return lines or [f"deb http://deb.debian.org/debian {suite} main\n"]


def _apt_options() -> list[str]:
    """The machine's proxies and date checks, which decide whether its mirrors can be read at all."""
    keep = ("Acquire::http", "Acquire::https", "Acquire::Check-Valid-Until", "Acquire::Check-Date")
    dumped = run(["apt-config", "dump", "Acquire", "--no-empty"]).splitlines()
    return [line.rstrip(";") for line in dumped if line.startswith(keep)]


def _finish(root: Path) -> None:
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    (root / "etc/ssh/sshd_config.d/hanse.conf").write_text(SSHD)
    refusal = root / "usr/sbin/policy-rc.d"
    refusal.write_text("#!/bin/sh\nexit 101\n")
    refusal.chmod(0o755)
    for folder in ("proc", "sys", "dev", "run", "tmp", ".old"):
        (root / folder).mkdir(exist_ok=True)
