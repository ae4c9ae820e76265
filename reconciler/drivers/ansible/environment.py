"""The whole environment of a run. Nothing is taken over from the reconciler's: it may hold secrets."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from reconciler.drivers.ansible.leftovers import MARK
from reconciler.drivers.ansible.options import Options
from reconciler.drivers.ansible.roles import COLLECTIONS, ROLES

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(options: Options, directory: Path, key: Path, fetched: Sequence[Path] = ()) -> dict[str, str]:
    """Settings of Ansible as variables, for one run; beside them only our own ansible.cfg is read."""
    here = Path(__file__).resolve().parent
    return {
        "PATH": f"{Path(sys.executable).parent}:{SYSTEM_PATH}",
        "PYTHONPATH": str(here.parents[2]),
        "LC_ALL": "C.UTF-8",
        "HOME": str(directory),
        MARK: directory.name,
        "ANSIBLE_CONFIG": str(here / "ansible.cfg"),
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_LIBRARY": str(options.playbook_folder / "library"),
        "ANSIBLE_ROLES_PATH": _paths(options.playbook_folder / ROLES, *(one / ROLES for one in fetched)),
        "ANSIBLE_COLLECTIONS_PATH": _paths(directory / COLLECTIONS, *(one / COLLECTIONS for one in fetched)),
        "ANSIBLE_CALLBACK_PLUGINS": str(here / "plugins" / "callback"),
        "ANSIBLE_VARS_PLUGINS": str(here / "plugins" / "vars"),
        "ANSIBLE_FORKS": str(options.forks),
        "ANSIBLE_PYTHON_INTERPRETER": options.python,
        "ANSIBLE_PRIVATE_KEY_FILE": str(key),
        "ANSIBLE_TIMEOUT": str(max(1, round(options.connect_seconds))),
        "ANSIBLE_SSH_ARGS": _ssh(options, directory),
    }


def _paths(*folders: Path) -> str:
    return ":".join(map(str, folders))


def _ssh(options: Options, directory: Path) -> str:
    """Host keys are learned anew in each run: nodes come and go, and their addresses are used again."""
    settings = (
        "ControlMaster=auto",
        "ControlPersist=60s",
        f"UserKnownHostsFile={directory / 'known_hosts'}",
        "GlobalKnownHostsFile=/dev/null",
        "StrictHostKeyChecking=accept-new",
        "PasswordAuthentication=no",
        "IdentitiesOnly=yes",
        "BatchMode=yes",
        "ServerAliveInterval=15",
        "ServerAliveCountMax=4",
    )
    return " ".join(["-F", shlex.quote(options.ssh_config), *(f"-o {shlex.quote(s)}" for s in settings)])
