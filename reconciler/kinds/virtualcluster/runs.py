"""The playbook run that configures a cluster: which hosts, which variables, which secrets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reconciler.kinds.virtualcluster import marks
from reconciler.kinds.virtualcluster.beside import place_in
from reconciler.kinds.virtualcluster.nodes import Member
from reconciler.kinds.virtualcluster.overlay import order, overlay_address
from reconciler.kinds.virtualcluster.spec import FRONTEND, Secret, Software, VirtualClusterSpec
from reconciler.model import Change, SecretRef
from reconciler.ports import Drivers, Host, RoleSource, RunRequest

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
            variables={**_own(spec, m), **_where(spec, m)},
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


def _where(spec: VirtualClusterSpec, member: Member) -> dict[str, str]:
    """Where the host is, and by which addresses others find it."""
    public = member.node.public_addresses
    return {
        "hanse_place": place_in(member.node.id),
        "hanse_public_address": public[0] if public else "",
        "hanse_overlay": overlay_address(spec, member.group, member.ordinal),
    }


def due(spec: VirtualClusterSpec, before: object, members: Sequence[Member]) -> tuple[Software, ...]:
    """The roles to run: where all members stand as they were configured ``before``, only those that have changed."""
    if not isinstance(before, VirtualClusterSpec):
        return spec.software
    as_before = f"{marks.config(before)}.{marks.members({m.node.name: m.node.id for m in members})}"
    if {member.config for member in members} != {as_before} or order(before) != order(spec):
        return spec.software
    return tuple(software for software in spec.software if software not in before.software)


def request(change: Change, spec: VirtualClusterSpec, members: Sequence[Member], drivers: Drivers) -> RunRequest:
    """The run that brings every member to what is wanted. Secrets are read here and nowhere else."""
    software, secrets = _software(spec, due(spec, change.before, members))
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
        "hanse_dropped": _dropped(spec, change.before),
    }
    return RunRequest(
        playbook=PLAYBOOK,
        hosts=there,
        variables=variables,
        secrets={name: drivers.secret(reference) for name, reference in secrets.items()},
        timeout_seconds=float(spec.ansible.timeoutSeconds),
        roles=_sources(spec, change.before),
    )


def _dropped(spec: VirtualClusterSpec, before: object) -> list[dict[str, Any]]:
    """Roles that members were configured with and that are not wanted any more. Taking away needs no secret."""
    return [
        {"role": old.role, "variables": {k: v for k, v in old.variables.items() if not isinstance(v, Secret)}}
        for old in _gone(spec, before)
    ]


def _gone(spec: VirtualClusterSpec, before: object) -> list[Software]:
    wanted = {software.role for software in spec.software}
    had = before.software if isinstance(before, VirtualClusterSpec) else ()
    return [old for old in had if old.role not in wanted]


def _software(spec: VirtualClusterSpec, due: Sequence[Software]) -> tuple[list[dict[str, Any]], dict[str, SecretRef]]:
    """Roles with their variables; a secret stands there as a template of the variable that carries it.

    Those that need not run are told too: what every member has may depend on them.
    """
    secrets: dict[str, SecretRef] = {}
    roles = []
    for number, software in enumerate(spec.software):
        variables: dict[str, Any] = {}
        if software not in due:
            roles.append({"role": software.role, "variables": {}, "due": False})
            continue
        for name, value in software.variables.items():
            if isinstance(value, Secret):
                carrier = f"hanse_secret_{number}_{name}"
                secrets[carrier] = value.secretRef
                variables[name] = "{{ " + carrier + " }}"
            else:
                variables[name] = value
        roles.append({"role": software.role, "variables": variables})
    return roles, secrets


def _sources(spec: VirtualClusterSpec, before: object) -> list[RoleSource]:
    """Where roles come from that do not come with Hanse; those that are to be taken away too."""
    return [
        RoleSource(one.role, one.source.archive or "", one.source.sha256 or "", one.source.tree or "")
        for one in (*spec.software, *_gone(spec, before))
        if one.source is not None
    ]
