"""The playbook run that configures a cluster: which hosts, which variables, which secrets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reconciler.kinds.virtualcluster.nodes import Member
from reconciler.kinds.virtualcluster.spec import FRONTEND, Secret, VirtualClusterSpec
from reconciler.model import Change, SecretRef
from reconciler.ports import Drivers, Host, RunRequest

PLAYBOOK = "virtualcluster/present.yml"


def hosts(spec: VirtualClusterSpec, members: Iterable[Member]) -> list[Host]:
    """The members as Ansible hosts: group ``frontend``, or ``workers`` and the group of its own name."""
    return [
        Host(
            m.node.name,
            m.node.addresses[0] if m.node.addresses else "",
            groups=(FRONTEND,) if m.group == FRONTEND else tuple(dict.fromkeys(("workers", m.group.replace("-", "_")))),
            user=spec.ansible.user,
            port=spec.ansible.port,
            variables=_own(spec, m),
        )
        for m in sorted(members, key=lambda m: (m.group != FRONTEND, m.group, m.ordinal))
    ]


def _own(spec: VirtualClusterSpec, member: Member) -> dict[str, Any]:
    """What a role may know of one host: its place, and what its group promises of it."""
    machine = spec.machine(member.group)
    place = {"hanse_group": member.group, "hanse_ordinal": member.ordinal}
    if machine is None:
        return place
    return place | {"hanse_cpus": machine.cpus, "hanse_ram_mib": machine.ramMiB, "hanse_gpus": machine.gpus}


def request(change: Change, spec: VirtualClusterSpec, members: Sequence[Member], drivers: Drivers) -> RunRequest:
    """The run that brings every member to what is wanted. Secrets are read here and nowhere else."""
    software, secrets = _software(spec)
    there = hosts(spec, members)
    variables = {
        "hanse_cluster": {
            "name": change.ref.name,
            "namespace": change.ref.namespace,
            "uid": change.uid,
            "vo": spec.vo,
        },
        "hanse_members": [{"name": h.name, "address": h.address, "groups": list(h.groups)} for h in there],
        "hanse_worker_groups": [group.name for group in spec.workers],
        "hanse_ports": list(spec.network.ports),
        "hanse_ssh_keys": list(spec.sshKeys),
        "hanse_software": software,
    }
    return RunRequest(
        playbook=PLAYBOOK,
        hosts=there,
        variables=variables,
        secrets={name: drivers.secret(reference) for name, reference in secrets.items()},
        timeout_seconds=float(spec.ansible.timeoutSeconds),
    )


def _software(spec: VirtualClusterSpec) -> tuple[list[dict[str, Any]], dict[str, SecretRef]]:
    """Roles with their variables; a secret stands there as a template of the variable that carries it."""
    secrets: dict[str, SecretRef] = {}
    roles = []
    for number, software in enumerate(spec.software):
        variables: dict[str, Any] = {}
        for name, value in software.variables.items():
            if isinstance(value, Secret):
                carrier = f"hanse_secret_{number}_{name}"
                secrets[carrier] = value.secretRef
                variables[name] = "{{ " + carrier + " }}"
            else:
                variables[name] = value
        roles.append({"role": software.role, "variables": variables})
    return roles, secrets
