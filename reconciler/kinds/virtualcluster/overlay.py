"""The private network of a cluster whose members need not be in one place: who has which address in it. Pure."""

from __future__ import annotations

from ipaddress import IPv4Network

from reconciler.errors import Terminal
from reconciler.kinds.virtualcluster.spec import FRONTEND, VirtualClusterSpec

WIREGUARD = "wireguard"
"""The role that makes the network."""
NETWORK = "10.220.0.0/16"
"""Its default, as in the role."""
GROUPS = 64
"""So many groups share the network evenly, the front end first: an address never depends on who else is there."""


def network_of(spec: VirtualClusterSpec) -> str:
    """The network; "" for a cluster without one."""
    role = next((software for software in spec.software if software.role == WIREGUARD), None)
    return str(role.variables.get("network", NETWORK)) if role else ""


def order(spec: VirtualClusterSpec) -> tuple[str, ...]:
    """The groups in the order in which they have addresses; nothing for a cluster without such a network."""
    return (FRONTEND, *(worker.name for worker in spec.workers)) if network_of(spec) else ()


def overlay_address(spec: VirtualClusterSpec, group: str, ordinal: int) -> str:
    """The address of one member; "" for a cluster without such a network.

    Raises Terminal where the network is none, or has no room for the group or the number.
    """
    named, names = network_of(spec), order(spec)
    if group not in names:
        return ""
    try:
        network = IPv4Network(named)
    except ValueError as error:
        raise Terminal(f"the role {WIREGUARD}: network: {error}") from error
    each, index = network.num_addresses // GROUPS, names.index(group)
    number = index * each + ordinal + 1
    if index >= GROUPS or ordinal + 1 >= each:
        raise Terminal(f"the role {WIREGUARD}: {network} has room for {GROUPS} groups of {max(0, each - 1)} members")
    return str(network[number])
