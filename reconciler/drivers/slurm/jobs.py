"""Slurm's jobs in the terms of the batch port."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from reconciler.drivers.slurm.fields import gpus, moment, number, tres, words
from reconciler.drivers.slurm.hostlist import expand, numbers
from reconciler.ports import Job
from reconciler.ports.batch import JobState

OVER = frozenset(
    {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "DEADLINE"}
    | {"OUT_OF_MEMORY", "REVOKED"}
)
ON_NODES = frozenset({"RUNNING", "CONFIGURING", "SUSPENDED", "STOPPED", "SIGNALING", "RESIZING", "STAGE_OUT"})
WAITS_FOR_NODES = frozenset(
    {"", "None", "Resources", "Priority", "PartitionConfig", "PartitionNodeLimit", "NodeDown", "Cleaning"}
    | {"ReqNodeNotAvail", "NodesDown", "WaitingForScheduling", "Nodes_required_for_job_are_DOWN"}
)
"""Reasons that another node may lift; whatever else a job waits for, no node would make it start."""
_PLAIN = re.compile(r"[A-Za-z0-9_.=-]+")


class Strange(ValueError):
    """A job or node that cannot be understood."""


def jobs(listed: Iterable[Mapping[str, Any]], now: datetime) -> Iterator[Job]:
    """Every job that is not over; tasks of an array one by one. ``now`` is the controller's clock. Raises Strange."""
    waiting: list[tuple[Job, Mapping[str, Any]]] = []
    active: Counter[int] = Counter()
    for given in listed:
        job = _job(given, now)
        if job is None:
            continue
        if job.state in ("queued", "held") and given.get("array_task_string"):
            waiting.append((job, given))
            continue
        active[number(given.get("array_job_id"))] += job.state == "running"
        yield job
    for job, given in waiting:
        yield from _tasks(job, given, active[number(given.get("array_job_id"))])


def _job(given: Mapping[str, Any], now: datetime) -> Job | None:
    state = _state(given, now)
    if state is None:
        return None
    wanted = tres(given.get("tres_req_str"))
    on = expand(str(given.get("nodes") or "")) if state in ("running", "completing") else ()
    nodes = max(1, len(on) or int(wanted.get("node") or number(given.get("node_count"))))
    return Job(
        id=_name(given),
        state=state,
        partition=str(given["partition"]).partition(",")[0],
        submitted=moment(max(number(given.get("submit_time")), number(given.get("eligible_time")))) or now,
        cpus=max(1, number(given.get("cpus"))),
        nodes=nodes,
        cpus_per_task=max(1, number(given.get("cpus_per_task")), number(given.get("minimum_cpus_per_node"))),
        memory_mib=number(given.get("memory_per_node")),
        memory_mib_per_cpu=number(given.get("memory_per_cpu")),
        gpus=gpus(given.get("tres_per_node")) or -(-gpus(given.get("tres_req_str")) // nodes),
        exclusive=bool(words(given.get("shared"), given.get("exclusive")) & {"NONE", "TRUE", "EXCLUSIVE"}),
        features=tuple(word for word in re.split(r"[&,]", str(given.get("features") or "")) if _PLAIN.fullmatch(word)),
        priority=number(given.get("priority")),
        started=moment(given.get("start_time")) if on else None,
        ends_by=moment(given.get("end_time")) if on and number(given.get("time_limit")) else None,
        on=on,
        reason=str(given.get("state_reason") or ""),
    )


def _name(given: Mapping[str, Any]) -> str:
    array, task = number(given.get("array_job_id")), given.get("array_task_id")
    alone = task is None or (isinstance(task, Mapping) and not task.get("set"))
    return str(given["job_id"]) if alone or not array else f"{array}_{number(task)}"


def _state(given: Mapping[str, Any], now: datetime) -> JobState | None:
    """None for what is over. Raises Strange for a state of which nothing is known."""
    found = words(given["job_state"])
    if "COMPLETING" in found:
        return "completing"
    if found & ON_NODES:
        return "running"
    if "PENDING" in found or found & {"REQUEUED", "REQUEUE_FED", "SPECIAL_EXIT", "REQUEUE_HOLD"}:
        return "held" if _is_held(given, now) else "queued"
    if found & OVER:
        return None
    message = f"job {given['job_id']} is {'+'.join(sorted(found)) or 'in no state'}"
    raise Strange(message)


def _is_held(given: Mapping[str, Any], now: datetime) -> bool:
    eligible = moment(given.get("eligible_time"))
    later = eligible is not None and eligible > now
    return later or not number(given.get("priority")) or str(given.get("state_reason") or "") not in WAITS_FOR_NODES


def _tasks(job: Job, given: Mapping[str, Any], running: int) -> Iterator[Job]:
    """The tasks of an array that have not begun: ``0-5%2`` lets two run at once, so the others wait for no node."""
    listed, _, limit = str(given["array_task_string"]).partition("%")
    listed = listed.removesuffix("...").rstrip(",-")
    room = max(0, int(limit) - running) if limit.isdecimal() else None
    for n, task in enumerate(numbers(listed)):
        one = replace(job, id=f"{number(given.get('array_job_id'))}_{task}")
        over = room is not None and n >= room and one.state == "queued"
        yield replace(one, state="held", reason="JobArrayTaskLimit") if over else one
