"""The compute port: nodes with our mark in their metadata. Fits apache-libcloud's NodeDriver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

NodeState = Literal["pending", "running", "stopped", "error", "deleting", "unknown"]


@dataclass(frozen=True, slots=True)
class Size:
    """A flavour. CPUs in cores, RAM in MiB, disk in GiB."""

    id: str
    name: str
    cpus: int
    ram_mib: int
    disk_gib: int
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class Image:
    """A machine image."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class NodeRequest:
    """What a new node shall be. ``name`` is unique to (uid, group, ordinal): the same request twice is one node."""

    name: str
    size: Size
    image: Image
    networks: tuple[str, ...] = ()
    public_keys: tuple[str, ...] = ()
    """Public SSH keys that may log in."""
    security_ports: tuple[str, ...] = ()
    """Ports open from outside: ``22/tcp``."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    user_data: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A machine as the cloud shows it."""

    id: str
    name: str
    state: NodeState
    size: str
    """Flavour name."""
    image: str
    """Image name, "" when the cloud does not say."""
    metadata: Mapping[str, str]
    addresses: tuple[str, ...] = ()
    fault: str = ""
    """Why it is in error."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left for us; None is unlimited."""

    instances: int | None = None
    cpus: int | None = None
    ram_mib: int | None = None


@dataclass(frozen=True, slots=True)
class NodeListing:
    """Every node we can see. ``complete`` is False when the cloud gave only a part."""

    nodes: tuple[Node, ...]
    complete: bool = True
    token: str = ""
    unchanged: bool = False


class Compute(Protocol):
    """One project in one cloud."""

    def nodes(self, token: str = "") -> NodeListing:
        """List all nodes in one call; with an earlier token it may answer ``unchanged``."""
        ...

    def sizes(self) -> Sequence[Size]:
        """Flavours."""
        ...

    def images(self) -> Sequence[Image]:
        """Images."""
        ...

    def quota(self) -> Quota:
        """What is left."""
        ...

    def create(self, request: NodeRequest) -> Node:
        """Ask for one node; returns at once, usually ``pending``.

        Raises Transient, Terminal (``reason=QUOTA_EXCEEDED`` for quotas), or OutcomeUnknown when the answer is lost:
        then look for ``request.name`` before asking again.
        """
        ...

    def destroy(self, node_id: str) -> None:
        """Take a node away; one that is gone already is fine."""
        ...

    def power_on(self, node_id: str) -> None:
        """Start a stopped node; one that runs, or is gone, is fine."""
        ...

    def mark(self, node_id: str, metadata: Mapping[str, str]) -> None:
        """Merge ``metadata`` into the node's."""
        ...
