"""What nova, glance and neutron show, in the port's words."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from libcloud.compute.drivers.openstack import OpenStackNodeSize

from reconciler.ports import Limit, Node, NodeState, Size, Traffic

_STATES: Mapping[str, NodeState] = {
    "ACTIVE": "running",
    "VERIFY_RESIZE": "running",
    "PASSWORD": "running",
    "BUILD": "pending",
    "REBUILD": "pending",
    "REBOOT": "pending",
    "HARD_REBOOT": "pending",
    "RESIZE": "pending",
    "REVERT_RESIZE": "pending",
    "MIGRATING": "pending",
    "SHUTOFF": "stopped",
    "SUSPENDED": "stopped",
    "PAUSED": "stopped",
    "RESCUE": "stopped",
    "SHELVED": "stopped",
    "SHELVED_OFFLOADED": "stopped",
    "ERROR": "error",
    "DELETED": "deleting",
    "SOFT_DELETED": "deleting",
}
WAKE: Mapping[str, str] = {
    "SHUTOFF": "os-start",
    "SUSPENDED": "resume",
    "PAUSED": "unpause",
    "RESCUE": "unrescue",
    "SHELVED": "unshelve",
    "SHELVED_OFFLOADED": "unshelve",
}
"""Status -> the action that makes a server run again."""
_ACCELERATOR = re.compile(r"gpu|nvidia|tesla|rtx|mi\d{2,3}|\b[avhltpk]\d{1,3}\b", re.IGNORECASE)
"""PCI aliases that are accelerators: others are network cards."""

_NOVA = {
    "instances": ("totalInstancesUsed", "maxTotalInstances"),
    "cpus": ("totalCoresUsed", "maxTotalCores"),
    "ram_mib": ("totalRAMUsed", "maxTotalRAMSize"),
    "server_groups": ("totalServerGroupsUsed", "maxServerGroups"),
}
_CINDER = {
    "volumes": ("totalVolumesUsed", "maxTotalVolumes"),
    "volume_gib": ("totalGigabytesUsed", "maxTotalVolumeGigabytes"),
}
_NEUTRON = {
    "floating_ips": "floatingip",
    "security_groups": "security_group",
    "security_group_rules": "security_group_rule",
    "ports": "port",
}


def node(server: Mapping[str, Any], images: Mapping[str, str], users: Mapping[str, str], *, public_first: bool) -> Node:
    """A server of ``/servers/detail``. ``images`` and ``users`` map ids to names."""
    public, fixed = _addresses(server.get("addresses") or {})
    fault = (server.get("fault") or {}).get("message", "")
    image = server.get("image") or {}
    return Node(
        id=server["id"],
        name=server["name"],
        state=state(server),
        size=(server.get("flavor") or {}).get("original_name", ""),
        image=images.get(image.get("id", ""), ""),
        metadata=server.get("metadata") or {},
        addresses=(*public, *fixed) if public_first else (*fixed, *public),
        fault=fault,
        public_addresses=public,
        user=server.get("user_id") or "",
        user_name=users.get(server.get("user_id") or "", ""),
    )


def traffic(diagnostics: Mapping[str, Any]) -> Traffic | None:
    """Bytes of all network cards in ``/servers/<id>/diagnostics`` (2.48); None where the hypervisor tells none."""
    cards = diagnostics.get("nic_details") or ()
    told = [(card.get("rx_octets"), card.get("tx_octets")) for card in cards]
    known = [(rx, tx) for rx, tx in told if isinstance(rx, int) and isinstance(tx, int)]
    return Traffic(sum(rx for rx, _ in known), sum(tx for _, tx in known)) if known else None


def state(server: Mapping[str, Any]) -> NodeState:
    """The state of a server; one whose deletion is under way is going, whatever its status."""
    if server.get("OS-EXT-STS:task_state") in ("deleting", "soft-deleting"):
        return "deleting"
    return _STATES.get(server["status"], "unknown")


def _addresses(networks: Mapping[str, Sequence[Mapping[str, Any]]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(public, fixed), IPv4 first. Public are floating ones, and fixed ones that the world routes."""
    shown = sorted(
        (entry for _, entries in sorted(networks.items()) for entry in entries), key=lambda entry: entry["version"]
    )
    public = [e["addr"] for e in shown if e.get("OS-EXT-IPS:type") == "floating"]
    public += [e["addr"] for e in shown if e["addr"] not in public and ipaddress.ip_address(e["addr"]).is_global]
    return tuple(public), tuple(e["addr"] for e in shown if e["addr"] not in public)


def size(found: OpenStackNodeSize) -> Size:
    """A flavour as libcloud shows it."""
    return Size(found.id, found.name, found.vcpus, found.ram, found.disk, gpus(found.extra))


def gpus(specs: Mapping[str, Any]) -> int:
    """Accelerators that a flavour's extra specs promise: EGI's property, virtual GPUs, or PCI devices."""
    stated = str(specs.get("Accelerator:Number", ""))
    if stated.isdecimal():
        return int(stated)
    virtual = sum(int(v) for k, v in specs.items() if re.fullmatch(r"resources\d*:(V|P)GPU", k) and str(v).isdecimal())
    return virtual or sum(_passed_through(str(specs.get("pci_passthrough:alias", ""))))


def _passed_through(aliases: str) -> Iterator[int]:
    """``gpu-a100:2,ib:1``."""
    for alias in filter(None, aliases.split(",")):
        name, _, number = alias.strip().rpartition(":")
        if _ACCELERATOR.search(name or number):
            yield int(number) if name and number.isdecimal() else 1


def nova_limits(absolute: Mapping[str, int]) -> Iterator[tuple[str, Limit]]:
    """Limits of ``/limits`` of nova."""
    return _absolute(absolute, _NOVA)


def cinder_limits(absolute: Mapping[str, int]) -> Iterator[tuple[str, Limit]]:
    """Limits of ``/limits`` of cinder."""
    return _absolute(absolute, _CINDER)


def neutron_limits(quota: Mapping[str, Mapping[str, int]]) -> Iterator[tuple[str, Limit]]:
    """Limits of ``/quotas/<project>/details`` of neutron."""
    for name, word in _NEUTRON.items():
        if word in quota:
            yield name, Limit(quota[word]["used"] + quota[word].get("reserved", 0), _bound(quota[word]["limit"]))


def _absolute(absolute: Mapping[str, int], words: Mapping[str, tuple[str, str]]) -> Iterator[tuple[str, Limit]]:
    for name, (used, most) in words.items():
        if most in absolute:
            yield name, Limit(absolute.get(used, 0), _bound(absolute[most]))


def _bound(limit: int) -> int | None:
    """-1 is unlimited."""
    return None if limit < 0 else limit


def cloud_config(keys: Sequence[str]) -> str:
    """User data by which cloud-init lets further keys in: a key pair holds one. JSON is YAML."""
    return f"#cloud-config\n{json.dumps({'ssh_authorized_keys': list(keys)})}\n" if keys else ""


def missing_rules(group: Mapping[str, Any], ports: Iterable[str]) -> list[dict[str, Any]]:
    """The rules that a security group lacks: its members among themselves, and ``ports`` from everywhere."""
    there = {_key(rule) for rule in group.get("security_group_rules", ())}
    return [rule for rule in _wanted_rules(group, ports) if _key(rule) not in there]


def stale_rules(group: Mapping[str, Any], ports: Iterable[str]) -> list[str]:
    """Ids of rules that let everybody in where nobody shall be; rules for certain addresses or groups are not ours."""
    wanted = {_key(rule) for rule in _wanted_rules(group, ports)}
    there = (rule for rule in group.get("security_group_rules", ()) if rule["direction"] == "ingress")
    open_to_all = (rule for rule in there if _key(rule)[0] is None and not rule.get("remote_group_id"))
    return [rule["id"] for rule in open_to_all if _key(rule) not in wanted]


def _wanted_rules(group: Mapping[str, Any], ports: Iterable[str]) -> list[dict[str, Any]]:
    wanted = [_rule(group["id"], version, remote_group_id=group["id"]) for version in ("IPv4", "IPv6")]
    for port in ports:
        numbers, _, protocol = port.partition("/")
        low, _, high = numbers.partition("-")
        reach = {"protocol": protocol, "port_range_min": int(low), "port_range_max": int(high or low)}
        wanted += [_rule(group["id"], version, **reach) for version in ("IPv4", "IPv6")]
    return wanted


def _rule(group: str, version: str, **more: Any) -> dict[str, Any]:
    return {"security_group_id": group, "direction": "ingress", "ethertype": version, **more}


def _key(rule: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a rule means; everywhere is written in two ways."""
    remote = rule.get("remote_ip_prefix")
    fields = ("direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_group_id")
    return (None if remote in ("0.0.0.0/0", "::/0") else remote, *(rule.get(field) for field in fields))
