"""The compute port over one EC2 region. As in the OpenStack driver nothing is made twice: it is looked for first."""

from __future__ import annotations

import ipaddress
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

from libcloud.compute.base import NodeImage

from reconciler.drivers.ec2.api import Api
from reconciler.drivers.ec2.failures import translated
from reconciler.drivers.ec2.options import Options
from reconciler.drivers.openstack.failures import Missing
from reconciler.drivers.openstack.shown import cloud_config
from reconciler.drivers.sshkey import own_key, public_key
from reconciler.errors import Conflict, Terminal
from reconciler.ports import Holding, Image, Node, NodeListing, NodeRequest, NodeState, Quota, Size, Traffic

T = TypeVar("T")
MARK = "hanse-"
_OWNED = re.compile(rf"{MARK}([0-9a-f]{{32}})")
_OWNER_TAG = "hanse-owner"
_STATES: Mapping[str, NodeState] = {
    "pending": "pending",
    "running": "running",
    "stopping": "stopped",
    "stopped": "stopped",
    "shutting-down": "deleting",
    "terminated": "deleting",
}
_GROUP_NAME_ENDS = re.compile(r"[^A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*]")
"""What a security group's description may not have."""
_EVERYWHERE = "0.0.0.0/0"


class EC2:
    """One region. Each thread has a driver of libcloud's of its own."""

    def __init__(self, name: str, options: Options, key: str, secret: str) -> None:
        self._name, self._options, self._login = name, options, (key, secret)
        self._local, self._lock = threading.local(), threading.RLock()

    @property
    def api(self) -> Api:
        """The driver of libcloud's that belongs to this thread."""
        if not hasattr(self._local, "api"):
            options = self._options
            make: Any = Api
            try:
                self._local.api = make(
                    *self._login,
                    secure=options.secure,
                    host=options.host or None,
                    port=options.port,
                    region=options.region,
                    signature_version="4",
                    timeout=options.timeout_seconds,
                )
            except ValueError as error:
                raise Terminal(f"{self._name}: {error}") from error
        found: Api = self._local.api
        return found

    def _call(self, what: str, do: Callable[[Any], T], *, making: bool = False) -> T:
        with translated(f"{self._name}: {what}", making=making):
            return do(self.api)

    # -- what is there -------------------------------------------------------------------------------------------------

    def nodes(self, token: str = "") -> NodeListing:  # noqa: ARG002
        """List all instances."""
        return NodeListing(tuple(self._shown(node) for node in self._call("list instances", Api.instances)))

    def _shown(self, node: Any) -> Node:
        tags = {k: v for k, v in node.extra["tags"].items() if k != "Name" and not k.startswith("aws:")}
        names = {image: name for name, image in self._options.images.items()}
        state = _STATES.get(node.extra["status"], "unknown")
        public = tuple(node.public_ips)
        image = names.get(node.extra["image_id"], "")
        size = node.extra["instance_type"]
        return Node(node.id, node.name, state, size, image, tags, (*public, *node.private_ips), "", public)

    def holdings(self) -> Sequence[Holding]:
        """Owners of whom something is left, by the security groups' names."""
        groups = self._call("list security groups", lambda api: api.groups(**{"group-name": f"{MARK}*"}))
        found = {m.group(1): g.extra["description"] or "" for g in groups if (m := _OWNED.fullmatch(g.name))}
        return [Holding(owner, note) for owner, note in sorted(found.items())]

    def traffic(self, node_ids: Sequence[str]) -> Mapping[str, Traffic]:  # noqa: ARG002
        """Nothing: it is told by another service."""
        return {}

    def sizes(self) -> Sequence[Size]:
        """Instance types, as libcloud's own table has them."""
        offered = self._options.instance_types
        found = self._call("list instance types", lambda api: api.list_sizes())
        return [
            Size(s.id, s.id, int(s.extra.get("vcpu") or 1), s.ram, s.disk or 0, int(s.extra.get("gpu") or 0))
            for s in found
            if not offered or s.id in offered
        ]

    def images(self) -> Sequence[Image]:
        """Images by the operator's names, and those of the owners named."""
        listed: list[NodeImage] = []
        for owner in self._options.image_owners:
            listed += self._call("list images", lambda api, owner=owner: api.list_images(ex_owner=owner))  # type: ignore[misc]
        given = self._options.images
        return [Image(id_, name) for name, id_ in given.items()] + [
            Image(image.id, image.name) for image in listed if image.name and image.name not in given
        ]

    def quota(self) -> Quota:
        """Nothing: Amazon's limits are told by another service."""
        return Quota()

    # -- instances -----------------------------------------------------------------------------------------------------

    def create(self, request: NodeRequest) -> Node:
        """Ask for an instance, unless one has the name already."""
        named = self._call(f"look for {request.name}", lambda api: api.instances(**{"tag:Name": request.name}))
        there = [node for node in map(self._shown, named) if node.state != "deleting"]
        if there:
            return min(there, key=lambda node: node.id)
        if request.image.id not in {image.id for image in self.images()}:
            raise Terminal(f"{self._name}: no image is called {request.image.name}")
        with self._lock:
            more = self._ready(request)
        return self._shown(self._call(f"make {request.name}", lambda api: api.create_node(**more), making=True))

    def _ready(self, request: NodeRequest) -> dict[str, Any]:
        """Arguments of the create; what all of the owner's instances share is made when it is missing."""
        name = f"{MARK}{request.owner}" if request.owner else "hanse"
        networks = request.networks or self._options.networks
        subnet = self._subnet(networks[0]) if networks else None
        group = self._group(name, request, subnet.extra["vpc_id"] if subnet else None)
        keys = (*self._options.public_keys, *request.public_keys)
        shared = {"ex_subnet": subnet, "ex_security_group_ids": [group]} if subnet else {"ex_security_groups": [name]}
        return {
            "name": request.name,
            "size": SimpleNamespace(id=request.size.id),
            "image": SimpleNamespace(id=request.image.id),
            "ex_keyname": self._key(name),
            "ex_metadata": dict(request.metadata),
            "ex_userdata": request.user_data or cloud_config(keys),
            **shared,
        }

    def _subnet(self, name: str) -> Any:
        found = self._call(f"look for the subnet {name}", lambda api: api.ex_list_subnets(subnet_ids=[name]))
        if not found:
            raise Terminal(f"{self._name}: no subnet has the id {name}")
        return found[0]

    def _group(self, name: str, request: NodeRequest, vpc: str | None) -> str:
        groups = self._call("look for a security group", lambda api: api.groups(**{"group-name": name}))
        if groups:
            found = groups[0]
            there, id_ = found.ingress_rules, str(found.id)
        else:
            note = _GROUP_NAME_ENDS.sub("-", request.note)[:200] or "hanse"
            make: Any = lambda api: api.ex_create_security_group(name, note, vpc)  # noqa: E731
            there, id_ = [], str(self._call(f"make the security group {name}", make)["group_id"])
        self._rules(id_, there, request.security_ports)
        return id_

    def _rules(self, group: str, there: Sequence[Mapping[str, Any]], ports: Sequence[str]) -> None:
        """Open what is not open yet: the members to each other, and ``ports`` to everybody. Other ports are closed."""
        allow: Any = lambda *a, **k: self._call(  # noqa: E731
            f"open {group}", lambda api: api.ex_authorize_security_group_ingress(group, *a, **k)
        )
        if not any(pair.get("group_id") == group for rule in there for pair in rule["group_pairs"]):
            allow(-1, -1, group_pairs=[{"group_id": group}], protocol="-1")
        opened = {
            (r["protocol"], str(r["from_port"]), str(r["to_port"])) for r in there if _EVERYWHERE in r["cidr_ips"]
        }
        wanted = {_reach(port) for port in ports}
        for protocol, low, high in sorted(wanted - opened):
            allow(int(low), int(high), cidr_ips=[_EVERYWHERE], protocol=protocol)
        for protocol, low, high in sorted(opened - wanted):
            where = {"cidr_ips": [_EVERYWHERE], "protocol": protocol}
            close: Any = lambda api, a=low, b=high, w=where: api.ex_revoke_security_group_ingress(group, a, b, **w)  # noqa: E731
            self._call(f"close {group}", close)

    def _key(self, name: str) -> str:
        options = self._options
        wanted = public_key(Path(options.private_key) if options.private_key else own_key(options.state))
        if not self._call(f"look for the key pair {name}", lambda api: api.has_key_pair(name)):
            self._call(f"make the key pair {name}", lambda api: api.import_key_pair_from_string(name, wanted))
        return name

    def destroy(self, node_id: str) -> None:
        """Terminate an instance; one that is gone already is fine."""
        try:
            self._call(f"terminate {node_id}", lambda api: api.destroy_node(SimpleNamespace(id=node_id)))
        except Missing:
            return

    def power_on(self, node_id: str) -> None:
        """Start a stopped instance; one that runs, or is gone, is fine."""
        try:
            self._call(f"start {node_id}", lambda api: api.start_node(SimpleNamespace(id=node_id)))
        except (Missing, Conflict):
            return

    def mark(self, node_id: str, metadata: Mapping[str, str]) -> None:
        """Add tags. Raises Terminal when there is no such instance."""
        self._call(f"tag {node_id}", lambda api: api.tag(node_id, metadata))

    # -- what instances share ------------------------------------------------------------------------------------------

    def publish(self, node_id: str, owner: str) -> Sequence[str]:
        """Bind an elastic IP of the owner's to an instance; one that has a public address keeps it."""
        found = self._call(f"look at {node_id}", lambda api: api.instances(**{"instance-id": node_id}))
        if not found:
            raise Terminal(f"{self._name}: no instance has the id {node_id}")
        if found[0].public_ips:
            return tuple(found[0].public_ips)
        there = {node.id for node in self._call("list instances", Api.instances)}
        free = [address for address in self._owned(owner) if address["instanceId"] not in there]
        tags = {_OWNER_TAG: owner}
        taken = free[0] if free else self._call("take an elastic IP", lambda api: api.allocate(tags), making=True)
        bound = {"InstanceId": node_id, "AllocationId": taken["allocationId"], "AllowReassociation": "true"}
        self._call("bind an elastic IP", lambda api: api.ask("AssociateAddress", **bound))
        return (str(ipaddress.ip_address(taken["publicIp"])),)

    def _owned(self, owner: str) -> list[dict[str, str]]:
        return self._call("list elastic IPs", lambda api: api.addresses(**{f"tag:{_OWNER_TAG}": owner}))

    def withdraw(self, owner: str) -> None:
        """Give an owner's elastic IPs back."""
        for address in self._owned(owner):
            if address["associationId"]:
                bound = address["associationId"]
                self._gone("loosen an elastic IP", lambda api, b=bound: api.ask("DisassociateAddress", AssociationId=b))
            held = address["allocationId"]
            self._gone("give back an elastic IP", lambda api, h=held: api.ask("ReleaseAddress", AllocationId=h))

    def release(self, owner: str) -> bool:
        """Take away the owner's elastic IPs, key pair and security group, the group last."""
        name = f"{MARK}{owner}"
        used = self._call("list instances", lambda api: api.instances(**{"instance.group-name": name}))
        if used:
            return False
        self.withdraw(owner)
        self._gone(f"delete the key pair {name}", lambda api: api.delete_key_pair(SimpleNamespace(name=name)))
        for group in self._call("look for a security group", lambda api: api.groups(**{"group-name": name})):
            try:
                self._gone(f"delete {name}", lambda api, id_=group.id: api.ex_delete_security_group_by_id(id_))
            except Conflict:
                return False
        return True

    def _gone(self, what: str, do: Callable[..., Any]) -> None:
        try:
            self._call(what, do)
        except Missing:
            return


def _reach(port: str) -> tuple[str, str, str]:
    """(protocol, first, last) of ``6000-6010/udp``."""
    numbers, _, protocol = port.partition("/")
    low, _, high = numbers.partition("-")
    return protocol, low, high or low
