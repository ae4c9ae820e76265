"""The nodes' network: one bridge per world, one veth pair and one network namespace per node.

Names of interfaces hold 15 characters, names of nodes more: interfaces and namespaces are named by digests of the
world's and the node's ids.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from reconciler.drivers.namespace.commands import run
from reconciler.errors import Terminal
from reconciler.model import digest_of

POOL = IPv4Network("10.96.0.0/12")
"""Where a world without a subnet of its own finds one: out of the way of the usual home and container networks."""
PREFIX = 23
"""Length of the prefix of a subnet that was found: 509 nodes."""
GONE = ("does not exist", "Cannot find device", "No such file or directory", "No such process")


@dataclass(frozen=True, slots=True)
class Network:
    """The network of the world ``id``."""

    id: str
    subnet: IPv4Network

    @property
    def bridge(self) -> str:
        """The bridge's interface."""
        return bridge_of(self.id)

    @property
    def gateway(self) -> IPv4Address:
        """The host's address on the bridge."""
        return self.subnet[1]

    @property
    def prefix(self) -> str:
        """What every namespace's name begins with."""
        return f"hanse-{self.id[:8]}-"

    def namespace(self, node_id: str) -> str:
        """Name of a node's network namespace."""
        return f"{self.prefix}{digest_of(node_id.encode())[:12]}"

    def veth(self, node_id: str) -> str:
        """The host's end of a node's cable."""
        return f"h{self.id[:6]}{digest_of(node_id.encode())[:8]}"

    def free_address(self, taken: Iterable[str]) -> str:
        """The lowest address that no node has. Raises Terminal when all are taken."""
        used = {IPv4Address(address) for address in taken} | {self.gateway}
        for address in self.subnet.hosts():
            if address not in used:
                return str(address)
        raise Terminal(f"all addresses of {self.subnet} are taken by nodes")

    def raise_bridge(self) -> None:
        """Make the bridge and give it its address; what is there already is left."""
        address = f"{self.gateway}/{self.subnet.prefixlen}"
        link = _links(self.bridge)
        if link and address in _addresses(link[0]) and "UP" in link[0]["flags"]:
            return
        for name, network in _used_networks():
            if name != self.bridge and network.overlaps(self.subnet):
                raise Terminal(f"the nodes' subnet {self.subnet} touches {network} of {name}: choose another subnet")
        # With an address of its own the bridge does not take its lowest port's, which changes as nodes come and go.
        run(
            ["ip", "link", "add", self.bridge, "address", mac(str(self.gateway)), "type", "bridge"], tolerate=["exists"]
        )
        for other in set(_addresses(link[0]) if link else ()) - {address}:
            run(["ip", "address", "del", other, "dev", self.bridge], tolerate=GONE)
        run(["ip", "address", "replace", address, "dev", self.bridge])
        run(["ip", "link", "set", self.bridge, "up"])

    def plug(self, node_id: str, address: str) -> None:
        """Give a node its namespace, its cable and its address."""
        name, veth = self.namespace(node_id), self.veth(node_id)
        run(["ip", "netns", "add", name])
        run(["ip", "neighbour", "del", address, "dev", self.bridge], tolerate=GONE)
        outside = (
            f"link add {veth} type veth peer name eth0 address {mac(address)} netns {name}\n"
            f"link set {veth} master {self.bridge} up\n"
        )
        run(["ip", "-batch", "-"], given=outside)
        inside = (
            f"address add {address}/{self.subnet.prefixlen} dev eth0\n"
            "link set lo up\n"
            "link set eth0 up\n"
            f"route add default via {self.gateway}\n"
        )
        run(["ip", "-netns", name, "-batch", "-"], given=inside)

    def unplug(self, node_id: str) -> None:
        """Take a node's namespace and cable away; what is gone already is fine."""
        run(["ip", "link", "del", self.veth(node_id)], tolerate=GONE)
        self.remove(self.namespace(node_id))

    def remove(self, namespace: str) -> None:
        """Take a network namespace away, and the inner ends of its cables with it."""
        run(["ip", "netns", "del", namespace], tolerate=GONE)

    def namespaces(self) -> list[str]:
        """Every network namespace of this world, with or without a record."""
        names = [line.split()[0] for line in run(["ip", "netns", "list"]).splitlines() if line]
        return [name for name in names if name.startswith(self.prefix)]

    def traffic(self) -> dict[str, tuple[int, int]]:
        """Bytes that came to a node and went from it, by its end of the cable, in one call."""
        printed = run(["ip", "-json", "-stats", "link", "show", "master", self.bridge], tolerate=GONE)
        links = [link for link in json.loads(printed or "[]") if "stats64" in link]
        # What the host's end sends is what the node receives.
        return {link["ifname"]: (link["stats64"]["tx"]["bytes"], link["stats64"]["rx"]["bytes"]) for link in links}

    def lower_bridge(self) -> None:
        """Take the bridge away, and every cable that still ends in it."""
        for link in _links_of(self.bridge):
            run(["ip", "link", "del", link], tolerate=GONE)
        run(["ip", "link", "del", self.bridge], tolerate=GONE)


def mac(address: str) -> str:
    """The MAC address of whoever has an IPv4 address: the same again when the address is used again."""
    return ":".join(f"{byte:02x}" for byte in (0x02, 0x48, *IPv4Address(address).packed))


def processes_in(namespace: str) -> list[int]:
    """Process ids in a network namespace; none when there is no such namespace."""
    return [int(pid) for pid in run(["ip", "netns", "pids", namespace], tolerate=GONE).split()]


def bridge_of(world_id: str) -> str:
    """The interface that is a world's bridge."""
    return f"hb{world_id[:8]}"


def free_subnet(but: str = "") -> str:
    """A subnet of the pool that touches no address and no route of this machine, ``but`` the interface of that name.

    Raises Terminal when there is none.
    """
    used = [network for name, network in _used_networks() if name != but]
    for candidate in POOL.subnets(new_prefix=PREFIX):
        if not any(candidate.overlaps(network) for network in used):
            return str(candidate)
    raise Terminal(f"no free network in {POOL}: give the namespace driver a subnet")


def _used_networks() -> Iterable[tuple[str, IPv4Network]]:
    """(interface, network) of each route and address of this machine."""
    for route in json.loads(run(["ip", "-json", "-4", "route", "show", "table", "all"]) or "[]"):
        if route["dst"] != "default":
            yield route.get("dev", "a route"), ipaddress.IPv4Network(route["dst"], strict=False)
    for link in json.loads(run(["ip", "-json", "-4", "address", "show"]) or "[]"):
        for address in _addresses(link):
            yield link["ifname"], ipaddress.IPv4Interface(address).network


def _addresses(link: dict[str, Any]) -> list[str]:
    return [f"{a['local']}/{a['prefixlen']}" for a in link.get("addr_info", []) if a["family"] == "inet"]


def _links(name: str) -> list[dict[str, Any]]:
    printed = run(["ip", "-json", "address", "show", "dev", name], tolerate=GONE)
    return [link for link in json.loads(printed or "[]") if link]


def _links_of(bridge: str) -> list[str]:
    printed = run(["ip", "-json", "link", "show", "master", bridge], tolerate=GONE)
    return [link["ifname"] for link in json.loads(printed or "[]") if link]
