"""Marks: what a node's metadata says about whose it is, what it was made as and what it was configured with."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

from reconciler.kinds.virtualcluster.overlay import order
from reconciler.kinds.virtualcluster.spec import ClusterNetwork, Frontend, Machine, VirtualClusterSpec, WorkerGroup
from reconciler.model import digest_of, encode

UID = "hanse-uid"
REF = "hanse-ref"
TARGET = "hanse-target"
GROUP = "hanse-group"
ORDINAL = "hanse-ordinal"
PLACE = "hanse-place"
"""Site and cloud of a machine that is not in its cluster's own."""
PLACES = "hanse-places"
"""On the front end: every other place where machines of the cluster were ever asked for, parted by commas."""
SHAPE = "hanse-shape"
"""Digest of size, image and network asked for."""
FLAVOUR = "hanse-flavour"
"""The flavour that was taken."""
IMAGE = "hanse-image"
CONFIG = "hanse-config"
"""``<config>.<members>``: digests of the configuration and of the members it was last configured with."""

MachineT = TypeVar("MachineT", Frontend, WorkerGroup)

_SHAPE_FIELDS = ("cpus", "ramMiB", "diskGiB", "gpus", "image", "flavour")
_NOWHERE = {"site": None, "cloud": None}
_DIGITS = 16
_OWNER_DIGITS = 12


def note(target: str, ref: str) -> str:
    """What a cloud writes beside what it keeps for a cluster."""
    return f"{target} {ref}"


def noted(text: str) -> tuple[str, str]:
    """(target, ref) of a note."""
    target, _, ref = text.partition(" ")
    return target, ref


def owner_of(uid: str) -> str:
    """The part of the uid that node names begin with."""
    return uid[:_OWNER_DIGITS]


def node_name(uid: str, group: str, ordinal: int) -> str:
    """The one name of a node: the same after every crash."""
    return f"{owner_of(uid)}-{group}-{ordinal}"


@lru_cache(maxsize=65536)
def shape_of(network: ClusterNetwork, *fields: object) -> str:
    """Digest of what a machine is made as; a public address may come and go."""
    return digest_of(encode([network.model_dump(mode="json", exclude={"publicAddress"}), fields]))[:_DIGITS]


def shape(machine: Machine, network: ClusterNetwork) -> str:
    """Digest of what ``machine`` is made as on ``network``."""
    return shape_of(network, *(getattr(machine, field) for field in _SHAPE_FIELDS), *_elsewhere(machine).values())


def shaped_like(machine: MachineT, other: Machine) -> MachineT:
    """``machine`` with the make of ``other``."""
    made = {field: getattr(other, field) for field in _SHAPE_FIELDS}
    return machine.model_copy(update={**made, **_NOWHERE, **_elsewhere(other)} if hasattr(machine, "site") else made)


def _elsewhere(machine: Machine) -> dict[str, str]:
    """Where the machines of a group are, if not where the front end is."""
    if not isinstance(machine, WorkerGroup) or machine.site is None:
        return {}
    return {"site": machine.site} | ({"cloud": machine.cloud} if machine.cloud else {})


def config(spec: VirtualClusterSpec) -> str:
    """Digest of what a cluster is configured with; secrets count by their reference."""
    said = spec.model_dump(mode="json", include={"software", "sshKeys"})
    groups = order(spec)
    return digest_of(encode({**said, "groups": groups} if groups else said))[:_DIGITS]


def members(nodes: dict[str, str]) -> str:
    """Digest of the members: name -> node id."""
    return digest_of(encode(nodes))[:_DIGITS]
