"""The programs that make namespaces: found, run without a shell, and their complaints translated."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence

from reconciler.errors import Terminal, Transient

PACKAGES = {
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "nsenter": "util-linux",
    "pivot_root": "util-linux",
    "setsid": "util-linux",
    "ssh-keygen": "openssh-client",
    "unshare": "util-linux",
}
"""Program -> the Debian package that has it."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Root's PATH: a user's often lacks the sbin folders."""


def environment() -> Mapping[str, str]:
    """The whole environment of every program run here: nothing of the reconciler's own gets into it."""
    return {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/root"}


def require(programs: Iterable[str]) -> None:
    """Raise Terminal unless this is Linux, we are root, and all programs are installed."""
    if platform.system() != "Linux":
        raise Terminal(f"namespace nodes need Linux; this is {platform.system()}")
    if os.geteuid() != 0:
        raise Terminal("namespace nodes need root: run hanse as root, or choose the simulated compute driver")
    missing = sorted(p for p in programs if shutil.which(p, path=PATH) is None)
    if missing:
        wanted = " ".join(sorted({PACKAGES[p] for p in missing}))
        raise Terminal(f"{', '.join(missing)} not found: apt-get install {wanted}")


def run(arguments: Sequence[str], *, given: str = "", tolerate: Sequence[str] = (), seconds: float = 30.0) -> str:
    """Run a program and return what it printed; ``given`` is its standard input.

    A failure whose complaint contains one of ``tolerate`` counts as success. Raises Terminal, or Transient when it
    takes longer than ``seconds``.
    """
    try:
        done = subprocess.run(
            list(arguments), input=given, capture_output=True, text=True, check=False, timeout=seconds,
            env=dict(environment()),
        )  # fmt: skip
    except FileNotFoundError as error:
        package = PACKAGES.get(arguments[0], arguments[0])
        raise Terminal(f"{arguments[0]} not found: apt-get install {package}") from error
    except subprocess.TimeoutExpired as error:
        raise Transient(f"{' '.join(arguments[:3])} took longer than {seconds:.0f} s") from error
    complaint = done.stderr.strip()
    if done.returncode and not any(word in complaint for word in tolerate):
        said = complaint.splitlines()[-1] if complaint else f"exit code {done.returncode}"
        raise Terminal(f"{' '.join(arguments[:4])}: {said}")
    return done.stdout
