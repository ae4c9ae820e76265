"""The compute port: nodes with our mark in their metadata. Fits apache-libcloud's NodeDriver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

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
    price: float | None = None
    """For an hour, in whatever the cloud charges in; None when it does not say, 0.0 when it charges nothing."""
    features: frozenset[str] = frozenset()
    """Hardware beyond numbers, lower case: ``infiniband``, ``gpu:a100``."""


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
    owner: str = ""
    """Uid of what the node is part of. What a cloud needs besides the node (a security group, a key pair) is made once
    for each owner and named after it, so that `Compute.release` can take it away; "" where nothing is to be shared."""
    note: str = ""
    """What the cloud is to write beside what it keeps for the owner, at most 200 characters: `Holding.note`."""
    disk_gib: int = 0
    """Root disk asked for; only counts where the flavour has none of its own."""


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
    public_addresses: tuple[str, ...] = ()
    """Those of ``addresses`` that were given to it by `Compute.publish`, or that come from a public network."""
    user: str = ""
    """Whose it is, by the identifier that the cloud has of its users; "" when the cloud does not say."""
    user_name: str = ""
    """What the cloud calls that user; "" unless the operator wants names told."""


class Traffic(NamedTuple):
    """Bytes that came to a node and went from it. Both count up, and begin anew when the node is started anew."""

    received: int
    sent: int


@dataclass(frozen=True, slots=True)
class Holding:
    """What a cloud keeps for an owner besides its nodes. It is there before the first node and gone after the last."""

    owner: str
    """Uid, as in `NodeRequest.owner`."""
    note: str = ""
    """As in `NodeRequest.note`."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a project. ``limit`` None is unlimited."""

    used: int
    limit: int | None = None

    @property
    def left(self) -> int | None:
        """What may still be taken; None is unlimited."""
        return None if self.limit is None else max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left for us; None is unlimited."""

    instances: int | None = None
    cpus: int | None = None
    ram_mib: int | None = None
    limits: Mapping[str, Limit] = field(default_factory=dict)
    """Everything the cloud says: ``instances``, ``cpus``, ``ram_mib``, and where it knows them ``floating_ips``,
    ``security_groups``, ``security_group_rules``, ``ports``, ``key_pairs``, ``server_groups``, ``volumes``,
    ``volume_gib``."""

    @classmethod
    def of(cls, limits: Mapping[str, Limit]) -> Quota:
        """The quota that these limits make."""
        left = {name: limits[name].left for name in ("instances", "cpus", "ram_mib") if name in limits}
        return cls(**left, limits=limits)


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

    def traffic(self, node_ids: Sequence[str]) -> Mapping[str, Traffic]:
        """Say what is known of the traffic of these nodes, by id; nothing where the cloud does not count it or tell it.

        Where each node is asked about alone, only so many are at a time: the first ones.
        """
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

    def holdings(self) -> Sequence[Holding]:
        """Whatever is kept for owners besides nodes, one per owner, in one call: nothing is left unseen by a crash."""
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

    def publish(self, node_id: str, owner: str) -> Sequence[str]:
        """Give a node an address that is reached from outside; one that has one keeps it. Returns its public addresses.

        An address that the owner has and no node uses is taken before a new one is asked for.
        """
        ...

    def withdraw(self, owner: str) -> None:
        """Give back the public addresses that `publish` took for an owner."""
        ...

    def release(self, owner: str) -> bool:
        """Take away whatever is kept for an owner that has no nodes any more; it may be gone already.

        False: something is still in use (a node that is going holds its port); ask again.
        """
        ...
