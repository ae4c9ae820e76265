"""Workloads that once ran: the Standard Workload Format of the Parallel Workloads Archive, and ``sacct -P``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from reconciler.errors import HanseError
from reconciler.simulation.workload import Task

_SWF_FIELDS = 18
_UNITS = {"": 1.0, "K": 1 / 1024, "M": 1.0, "G": 1024.0, "T": 1024.0**2}
"""Of ReqMem, to MiB."""
_MEMORY = re.compile(r"^([0-9.]+)([KMGT]?)([nc]?)$")
_ELAPSED = re.compile(r"^(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)(?:\.\d+)?$")
_GPUS = re.compile(r"gres/gpu(?::[^=,]+)?=(\d+)")


class TraceError(HanseError):
    """A trace cannot be read."""


def swf(text: str, name: str) -> Iterator[Task]:
    """Jobs of a trace in the Standard Workload Format; those that never ran are left out. Memory is per processor.

    Fields: https://www.cs.huji.ac.il/labs/parallel/workload/swf.html; -1 is unknown.
    """
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith(";"):
            continue
        words = line.split()
        try:
            fields = [float(word) for word in words]
        except ValueError as error:
            raise TraceError(f"{name}:{number}: {error}") from error
        if len(fields) < _SWF_FIELDS:
            raise TraceError(f"{name}:{number}: {len(fields)} fields, where the format has {_SWF_FIELDS}")
        task = _from_swf(words[0], fields)
        if task is not None:
            yield task


def _from_swf(job: str, fields: list[float]) -> Task | None:
    submitted, runtime, used, asked, limit = fields[1], fields[3], fields[4], fields[7], fields[8]
    cpus = int(asked if asked > 0 else used)
    if runtime <= 0 or cpus <= 0:
        return None
    memory = max(0, int(fields[9] * cpus / 1024))
    partition = f"{fields[14]:.0f}" if fields[14] > 0 else ""
    return Task(
        job, submitted, runtime, cpus, memory_mib=memory, partition=partition, limit=limit if limit > 0 else None
    )


def sacct(text: str, name: str) -> Iterator[Task]:
    """Jobs of ``sacct -P``, steps and those that never ran left out; it needs JobID, Submit, Elapsed and NCPUS.

    AllocNodes or NNodes, ReqMem, AllocTRES, Partition, Timelimit and Start are used where they are. An array's tasks
    are jobs of their own. Times without a zone are taken as UTC.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise TraceError(f"{name}: is empty")
    head = lines[0].split("|")
    for wanted in (("JobID", "JobIDRaw"), ("Submit",), ("Elapsed", "ElapsedRaw"), ("NCPUS", "AllocCPUS", "ReqCPUS")):
        if not set(wanted) & set(head):
            raise TraceError(f"{name}:1: no column {' or '.join(wanted)}: give sacct -P --format={wanted[0]},...")
    for number, line in enumerate(lines[1:], 2):
        row = dict(zip(head, line.split("|"), strict=False))
        try:
            task = _from_sacct(row)
        except ValueError as error:
            raise TraceError(f"{name}:{number}: {error}") from error
        if task is not None:
            yield task


def _from_sacct(row: Mapping[str, str]) -> Task | None:
    job = row.get("JobID") or row.get("JobIDRaw", "")
    runtime = _seconds(row.get("ElapsedRaw") or row.get("Elapsed", ""))
    cpus = int(_first(row, "AllocCPUS", "NCPUS", "ReqCPUS") or 0)
    if "." in job or "[" in job or not runtime or cpus <= 0:
        return None
    nodes = max(1, int(_first(row, "AllocNodes", "NNodes", "ReqNodes") or 1))
    gpus = _GPUS.search(row.get("AllocTRES") or row.get("ReqTRES", ""))
    return Task(
        job,
        datetime.fromisoformat(row["Submit"]).replace(tzinfo=UTC).timestamp(),
        runtime,
        cpus,
        nodes,
        _memory(row.get("ReqMem", ""), cpus, nodes),
        int(gpus[1]) // nodes if gpus else 0,
        row.get("Partition", ""),
        _limit(row.get("Timelimit", "")),
    )


def _first(row: Mapping[str, str], *names: str) -> str:
    return next((row[name] for name in names if row.get(name) not in (None, "", "0")), "")


def _seconds(text: str) -> float:
    """``3600``, ``01:00:00``, ``1-02:03:04`` or ``05:10.123`` in seconds; 0.0 for nothing."""
    if not text or text.isdigit():
        return float(text or 0)
    found = _ELAPSED.match(text)
    if not found:
        message = f"{text!r} is no duration"
        raise ValueError(message)
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def _limit(text: str) -> float | None:
    return None if text in ("", "UNLIMITED", "Partition_Limit") else _seconds(text)


def _memory(text: str, cpus: int, nodes: int) -> int:
    """``4G`` (of the job), ``4Gn`` (per node) or ``2000Mc`` (per CPU) as MiB per node; 0 when it is not said."""
    found = _MEMORY.match(text)
    if not found:
        return 0
    amount = float(found[1]) * _UNITS[found[2]]
    return int({"n": amount, "c": amount * cpus / nodes}.get(found[3], amount / nodes))
