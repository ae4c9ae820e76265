"""Slurm's nodes in the terms of the batch port."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from reconciler.drivers.slurm.fields import gpus, moment, number, words
from reconciler.drivers.slurm.jobs import Strange
from reconciler.ports import BatchNode, Job
from reconciler.ports.batch import BatchNodeState

BASES = frozenset({"UNKNOWN", "DOWN", "IDLE", "ALLOCATED", "ERROR", "MIXED", "FUTURE"})
"""One of these is always there; whatever else is said is a flag."""


def nodes(listed: Iterable[Mapping[str, Any]], jobs: Collection[Job]) -> Iterator[BatchNode]:
    """Every node, with the jobs that are on it. Raises Strange."""
    on: dict[str, list[str]] = {}
    for job in jobs:
        for name in job.on:
            on.setdefault(name, []).append(job.id)
    for given in listed:
        yield _node(given, tuple(on.get(str(given["name"]), ())))


def _node(given: Mapping[str, Any], jobs: tuple[str, ...]) -> BatchNode:
    flags = words(given["state"], given.get("state_flags"))
    allocated = number(given.get("alloc_cpus"))
    occupied = bool(jobs or allocated)
    state = state_of(flags, occupied=occupied, name=str(given["name"]))
    reason = str(given.get("reason") or "")
    return BatchNode(
        name=str(given["name"]),
        state=state,
        partitions=tuple(given.get("partitions") or ()),
        cpus=number(given.get("cpus")),
        memory_mib=number(given.get("real_memory")),
        gpus=gpus(given.get("gres")),
        cpus_allocated=allocated,
        memory_mib_allocated=number(given.get("alloc_memory")),
        gpus_allocated=gpus(given.get("gres_used"), given.get("tres_used")),
        jobs=jobs,
        features=_list(given.get("active_features") or given.get("features")),
        idle_since=None if occupied else moment(given.get("last_busy")),
        up_since=moment(given.get("slurmd_start_time")),
        flags=flags,
        reason=reason,
        reason_since=moment(given.get("reason_changed_at")) if reason else None,
    )


def state_of(flags: frozenset[str], *, occupied: bool, name: str = "") -> BatchNodeState:
    """What Slurm's words mean for whoever starts and stops machines. Raises Strange when the state itself is missing.

    A node with a job is never idle, off or drained here, whatever the words say.
    """
    if not flags & BASES:
        message = f"node {name} is {'+'.join(sorted(flags)) or 'in no state'}"
        raise Strange(message)
    busy = occupied or bool(flags & {"ALLOCATED", "MIXED", "COMPLETING"})
    if flags & {"POWERING_UP", "POWER_UP", "REBOOT_ISSUED"}:
        return "booting"
    if flags & {"POWERING_DOWN", "POWER_DOWN", "POWERED_DOWN", "FUTURE"} and not busy:
        return "stopping" if flags & {"POWERING_DOWN", "POWER_DOWN"} else "off"
    if flags & {"DOWN", "ERROR", "FAIL", "FAILING", "NOT_RESPONDING", "INVALID_REG"}:
        return "down"
    if flags & {"DRAIN", "DRAINING", "DRAINED", "MAINTENANCE", "MAINT", "REBOOT_REQUESTED", "POWER_DRAIN"}:
        return "draining" if busy else "drained"
    if "UNKNOWN" in flags:
        return "booting"
    return "busy" if busy else "idle"


def _list(value: Any) -> tuple[str, ...]:
    items = value.split(",") if isinstance(value, str) else value or ()
    return tuple(item for item in items if item)
