"""Outputs: what others may take from a cluster (``valuesFrom``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.kinds.virtualcluster.nodes import Member
from reconciler.kinds.virtualcluster.spec import FRONTEND, VirtualClusterSpec

_SCHEMES = {22: "ssh", 80: "http", 443: "https"}


def outputs(spec: VirtualClusterSpec, members: Sequence[Member]) -> Mapping[str, Any]:
    """``frontend_address``, ``worker_addresses``, ``endpoints`` (URLs of open TCP ports) and ``nodes``."""
    there = sorted(
        (m for m in members if m.node.addresses and not m.broken),
        key=lambda m: (m.group != FRONTEND, m.group, m.ordinal),
    )
    addresses = [(m.group, m.node.addresses[0]) for m in there]
    front = next((_outside(m) for m in there if m.group == FRONTEND), None)
    found: dict[str, Any] = {
        "worker_addresses": [address for group, address in addresses if group != FRONTEND],
        "nodes": [{"name": m.node.name, "group": m.group, "address": m.node.addresses[0]} for m in there],
    }
    if front is not None:
        found["frontend_address"] = front
        found["endpoints"] = _endpoints(front, spec.network.ports)
    return found


def _outside(member: Member) -> str:
    """The address by which users find a machine: the public one, where it has one."""
    return (member.node.public_addresses or member.node.addresses)[0]


def _endpoints(address: str, ports: Sequence[str]) -> list[str]:
    """URLs of single TCP ports; ranges have none."""
    host = f"[{address}]" if ":" in address else address
    numbers = [int(port.partition("/")[0]) for port in ports if port.endswith("/tcp") and "-" not in port]
    return [f"{_SCHEMES.get(number, 'tcp')}://{host}:{number}" for number in numbers]
