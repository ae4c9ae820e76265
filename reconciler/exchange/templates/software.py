"""Roles and types of software that templates name, and the roles of Hanse that do the same."""

from __future__ import annotations

import re
from typing import Any

from reconciler.exchange.templates.draft import Draft
from reconciler.exchange.templates.items import Account, Item

_ROLES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (r"slurm", "slurm", {}),
    (r"nfs", "nfs", {}),
    (r"jupyter[_-]?hub", "jupyterhub", {}),
    (r"docker([_-]?compose)?", "containers", {"packages": ["docker.io"]}),
    (r"podman", "containers", {"packages": ["podman"]}),
    (r"(node|prometheus)[_-]?(node[_-]?)?exporter", "monitoring", {}),
)
"""A role's name behind its author's (``grycap.slurm``), Hanse's role, variables."""

_SELF_MADE = {
    "hosts": "names of all members are in every member's hosts file",
    "im": "Hanse takes the place of Infrastructure Manager",
    "clues": "Hanse follows the queue itself",
    "ec3": "Hanse follows the queue itself",
    "python": "Hanse needs no more of Python than the image has",
}
"""Roles whose work Hanse does itself."""

_DOES = {
    "slurm": ("slurm",),
    "nfs": ("nfs",),
    "jupyterhub": ("jupyter",),
    "containers": ("docker", "podman"),
    "monitoring": ("exporter", "prometheus"),
}
"""A role of Hanse, and words in the names of playbooks that do no more than it."""

_NONE = "write a role of your own and name it in spec.software, or leave it out"
_SECRET = re.compile(r"pass(word|wd)?|secret|token|credential|private_?key|api_?key|auth", re.IGNORECASE)


def role_named(draft: Draft, account: Account, item: Item, name: str) -> str | None:
    """Take a role of Ansible Galaxy into the draft; the name of Hanse's role that does the same."""
    short = name.partition(",")[0].rstrip("/").rpartition("/")[2].rpartition(".")[2].strip().lower()
    short = short.removeprefix("ansible-role-").removeprefix("ansible-")
    if short in _SELF_MADE:
        account.spared(item, f"the role {name}: {_SELF_MADE[short]}")
        return None
    for pattern, role, variables in _ROLES:
        if re.fullmatch(pattern, short):
            item.mention()
            draft.role(item, role, variables)
            return role
    account.lost(item, f"there is no role like {name}", _NONE)
    return None


def batch_system(draft: Draft, account: Account, item: Item, name: str) -> bool:
    """Take a batch system; False where there is none like it."""
    if name.lower() == "slurm":
        item.mention()
        draft.role(item, "slurm")
        return True
    if name.lower() in ("", "local"):
        account.spared(item, "jobs run on one machine, without a batch system")
        return False
    cure = "use the role slurm, or write a role of your own; the machines are made in any case"
    account.lost(item, f"there is no role that is tested for {name}", cure)
    return False


def does(role: str, playbook: str) -> bool:
    """Whether a role does what a playbook so called did, as far as its name tells."""
    return any(word in playbook.rpartition("/")[2].lower() for word in _DOES.get(role, ()))


def secret(name: str) -> bool:
    """Whether something so called holds a secret."""
    return _SECRET.search(name) is not None


def secret_of(account: Account, item: Item, name: str) -> dict[str, Any]:
    """A reference in place of a secret; its value is left behind."""
    variable = re.sub(r"\W+", "_", name).strip("_").upper()
    account.altered(item, "a secret does not stand in a manifest", f"put it into the environment as {variable}")
    return {"secretRef": {"env": variable}}
