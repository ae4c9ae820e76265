"""What a cluster needs besides its servers: a security group, a key pair, floating IPs, a server group.

All are called ``hanse-<uid>``. The security group is made before everything else and goes last, so that one list of
groups shows every owner of whom anything is left, after whatever crash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from reconciler.drivers.openstack import shown
from reconciler.drivers.openstack.api import Api
from reconciler.drivers.openstack.failures import Missing
from reconciler.drivers.openstack.session import Session
from reconciler.errors import Conflict, Terminal
from reconciler.ports import Holding, NodeRequest

T = TypeVar("T")
MARK = "hanse-"
_OWNED = re.compile(rf"{MARK}([0-9a-f]{{32}})")
_NOTE = 200
NETWORKS_SECONDS = 300.0
"""How long the names of networks are believed."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What servers of one owner are made with."""

    group: str = ""
    """Security group, by id."""
    key: str = ""
    """Key pair, by name."""
    hints: Mapping[str, str] = field(default_factory=dict)
    """Scheduler hints: the server group."""


class Keep:
    """Makes and takes away what is kept for owners. ``call`` does one call with libcloud's driver."""

    def __init__(self, session: Session, call: Callable[..., Any], public_key: Callable[[], str]) -> None:
        self._session, self._call, self._public_key = session, call, public_key

    def holdings(self) -> list[Holding]:
        """Every owner of whom something is left."""
        groups = self._call("list security groups", lambda api: api.security_groups("id", "name", "description"))
        found = {m.group(1): g.get("description") or "" for g in groups if (m := _OWNED.fullmatch(g["name"]))}
        return [Holding(owner, note) for owner, note in sorted(found.items())]

    def ready(self, request: NodeRequest) -> Kept:
        """Have everything that a server of the owner needs; looks first, makes what is missing."""
        if not request.owner:
            return Kept(key=self._key("hanse", new=False))
        name = f"{MARK}{request.owner}"
        group, new = self._group(name, request)
        return Kept(group, self._key(name, new=new), self._hints(name))

    def _group(self, name: str, request: NodeRequest) -> tuple[str, bool]:
        """(id, made just now). Of several by one name (an answer was lost) all know the first."""
        found = self._call("look for a security group", lambda api: api.security_groups(name=name))
        group = min(found, key=lambda g: str(g["id"]), default=None)
        note = request.note[:_NOTE]
        made = group or self._call(
            f"make the security group {name}", lambda api: api.create_security_group(name, note), making=True
        )
        rules = shown.missing_rules(made, request.security_ports)
        if rules:
            self._call(f"make rules of {name}", lambda api: api.create_rules(rules))
        for rule in shown.stale_rules(made, request.security_ports):
            self._delete("security-group-rules", rule)
        return made["id"], group is None

    def _key(self, name: str, *, new: bool) -> str:
        """The key pair, with the reconciler's own key in it."""
        wanted = self._public_key()
        if not new and self._has_key(name, wanted):
            return name
        make = lambda api: api.import_key_pair_from_string(name, wanted)  # noqa: E731
        try:
            self._call(f"make the key pair {name}", make)
        except Conflict:
            if not self._has_key(name, wanted):
                self._gone(f"delete the key pair {name}", lambda api: api.delete_key_pair_named(name))
                self._call(f"make the key pair {name}", make)
        return name

    def _has_key(self, name: str, wanted: str) -> bool:
        try:
            found = self._call(f"look for the key pair {name}", lambda api: api.get_key_pair(name))
        except Missing:
            return False
        return bool(found.public_key.split()[:2] == wanted.split()[:2])

    def _hints(self, name: str) -> dict[str, str]:
        policy = self._session.options.server_group
        if not policy:
            return {}
        groups = self._call("list server groups", Api.ex_list_server_groups)
        found = next((g for g in groups if g.name == name), None)
        made = found or self._call(f"make the server group {name}", lambda api: api.ex_add_server_group(name, policy))
        return {"group": made.id}

    # -- networks ------------------------------------------------------------------------------------------------------

    def networks(self, wanted: Sequence[str]) -> list[str]:
        """Ids of the networks named, or of the only one that there is. Raises Terminal when that is not plain."""
        there = self._networks()
        if not wanted:
            usable = [n for n in there if not n.get("router:external")]
            if len(usable) != 1:
                names = ", ".join(sorted(n["name"] for n in usable)) or "none"
                raise Terminal(f"{self._session.name}: which network? Name one; there are: {names}")
            return [usable[0]["id"]]
        return [self._network(name, there) for name in wanted]

    def _network(self, name: str, there: Sequence[Mapping[str, Any]]) -> str:
        found = sorted(str(n["id"]) for n in there if name in (n["id"], n["name"]))
        if len(found) == 1:
            return found[0]
        if found:
            said = f"{len(found)} networks are called {name}: name one by its id: {', '.join(found)}"
        else:
            said = f"no network is called {name}; there are: {', '.join(sorted(n['name'] for n in there)) or 'none'}"
        raise Terminal(f"{self._session.name}: {said}")

    def _networks(self) -> list[dict[str, Any]]:
        def look() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = self._call("list networks", Api.networks)
            return found

        known: list[dict[str, Any]] = self._session.remembered("networks", NETWORKS_SECONDS, look)
        return known

    # -- public addresses ----------------------------------------------------------------------------------------------

    def publish(self, node_id: str, owner: str) -> tuple[str, ...]:
        """Bind a floating IP of the owner's to the server; one that has a public address keeps it."""
        ports = self._call("list ports", lambda api: api.ports("id", "fixed_ips", device_id=node_id))
        if not ports:
            raise Terminal(f"{self._session.name}: no server has the id {node_id}, or it is on no network yet")
        ours = self._floating(owner)
        held = {p["id"]: p for p in ports}
        bound = [ip["floating_ip_address"] for ip in ours if ip["port_id"] in held]
        if bound:
            return tuple(bound)
        port = min(held.values(), key=lambda p: (not _has_ipv4(p), p["id"]))["id"]
        return (self._bound(owner, port, ours),)

    def _bound(self, owner: str, port: str, ours: Sequence[Mapping[str, Any]]) -> str:
        free = min((ip for ip in ours if not ip["port_id"]), key=lambda ip: str(ip["id"]), default=None)
        if free is not None:
            self._call("bind a floating IP", lambda api: api.bind_floating_ip(free["id"], port))
            return str(free["floating_ip_address"])
        pool, note = self._pool(), f"{MARK}{owner}"
        make = lambda api: api.create_floating_ip(pool, port, note)  # noqa: E731
        made = self._call("take a floating IP", make, making=True)
        return str(made["floating_ip_address"])

    def _pool(self) -> str:
        """The external network that addresses come from: never a random one of several."""
        external = [n for n in self._networks() if n.get("router:external")]
        named = self._session.options.floating_network
        if named:
            return self._network(named, external)
        if len(external) != 1:
            names = ", ".join(sorted(n["name"] for n in external)) or "none"
            said = f"which external network? Name it with the option floating_network; there are: {names}"
            raise Terminal(f"{self._session.name}: {said}")
        return str(external[0]["id"])

    def _floating(self, owner: str) -> list[dict[str, Any]]:
        note = f"{MARK}{owner}"
        found: list[dict[str, Any]] = self._call("list floating IPs", lambda api: api.floating_ips(description=note))
        return [ip for ip in found if ip.get("description") == note]

    def withdraw(self, owner: str) -> None:
        """Give the owner's floating IPs back."""
        for ip in self._floating(owner):
            self._delete("floatingips", ip["id"])

    # -- the end -------------------------------------------------------------------------------------------------------

    def release(self, owner: str) -> bool:
        """Take away everything that is kept for an owner, the security group last."""
        name = f"{MARK}{owner}"
        groups = self._call("look for a security group", lambda api: api.security_groups("id", "name", name=name))
        if any(self._still_used(group["id"]) for group in groups):
            return False
        self.withdraw(owner)
        self._gone(f"delete the key pair {name}", lambda api: api.delete_key_pair_named(name))
        self._release_server_group(name)
        for group in groups:
            try:
                self._delete("security-groups", group["id"])
            except Conflict:
                return False
        return True

    def _still_used(self, group: str) -> bool:
        """A port of a server that is there, or going, is in the group. Ports that outlived their server are deleted."""
        ports = self._call(
            "list ports", lambda api: api.ports("id", "device_id", "security_groups", security_groups=group)
        )
        mine = [port for port in ports if group in port["security_groups"]]
        if not mine:
            return False
        servers = {server["id"] for server in self._call("list servers", Api.servers)}
        for port in mine:
            if port["device_id"] not in servers:
                self._delete("ports", port["id"])
        return any(port["device_id"] in servers for port in mine)

    def _release_server_group(self, name: str) -> None:
        if not self._session.options.server_group:
            return
        for group in self._call("list server groups", Api.ex_list_server_groups):
            if group.name == name:
                self._gone(f"delete the server group {name}", partial(Api.ex_del_server_group, server_group=group))

    def _delete(self, collection: str, part: str) -> None:
        self._gone(f"delete {part} of {collection}", lambda api: api.delete_network_part(collection, part))

    def _gone(self, what: str, do: Callable[[Api], Any]) -> None:
        try:
            self._call(what, do)
        except Missing:
            return


def _has_ipv4(port: Mapping[str, Any]) -> bool:
    return any("." in ip["ip_address"] for ip in port["fixed_ips"])
