"""Hosts as an Ansible inventory, in the JSON form of its YAML plugin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconciler.drivers.ansible.trust import guarded
from reconciler.ports import Host


def inventory(hosts: Sequence[Host]) -> dict[str, Any]:
    """Every host under ``all``, named again in each of its groups."""
    groups: dict[str, dict[str, dict[str, None]]] = {}
    for host in hosts:
        for group in host.groups:
            groups.setdefault(group, {"hosts": {}})["hosts"][host.name] = None
    return {"all": {"hosts": {host.name: _variables(host) for host in hosts}, "children": groups}}


def _variables(host: Host) -> dict[str, Any]:
    connection = {"ansible_host": host.address, "ansible_port": host.port, "ansible_user": host.user}
    return {**guarded(dict(host.variables)), **connection}
