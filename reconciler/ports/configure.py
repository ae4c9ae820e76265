"""The configure port: a playbook run on nodes, started and asked about, never waited for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class Host:
    """A node as an Ansible host. ``groups`` are inventory groups."""

    name: str
    address: str
    groups: tuple[str, ...] = ()
    user: str = "root"
    port: int = 22
    variables: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoleSource:
    """Where a role comes from that does not come with Hanse: an archive with its SHA-256, or a git tree."""

    name: str
    archive: str = ""
    """URL: https or file."""
    sha256: str = ""
    tree: str = ""
    """Identifier of a tree in the federation's own repository."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One playbook over some hosts."""

    playbook: str
    """Path under playbooks/: ``virtualcluster/present.yml``."""
    hosts: Sequence[Host]
    variables: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Variable name -> secret, passed in memory, never written to disk."""
    private_key: str = ""
    """Path of the SSH private key; "" for the reconciler's own."""
    timeout_seconds: float = 1800.0
    roles: Sequence[RoleSource] = ()
    """Roles to be had from elsewhere before the run."""


@dataclass(frozen=True, slots=True)
class RunState:
    """How a run stands. ``failed_hosts`` maps host -> what it said."""

    state: Literal["running", "successful", "failed", "lost"]
    message: str = ""
    failed_hosts: Mapping[str, str] = field(default_factory=dict)


class Configure(Protocol):
    """Runs playbooks on hosts."""

    def start(self, request: RunRequest) -> str:
        """Start a run and return its handle at once."""
        ...

    def poll(self, handle: str) -> RunState:
        """How the run stands; ``lost`` when nothing is known of it (then start it again: playbooks are idempotent)."""
        ...

    def cancel(self, handle: str) -> None:
        """Stop the run and everything it started."""
        ...

    def reachable(self, hosts: Sequence[Host]) -> Mapping[str, str]:
        """Host name -> "" when its SSH port answers, else why not."""
        ...
