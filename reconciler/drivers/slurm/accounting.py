"""Slurm's accounting: jobs that are over, from ``sacct``, as parted text or as JSON.

Steps are added up into their job: in some versions the job's own row tells neither its CPU time nor its memory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from reconciler.drivers.slurm.fields import gpus, number, words
from reconciler.drivers.slurm.jobs import OVER
from reconciler.errors import Terminal
from reconciler.model.job import JobUse

FIELDS = (
    "JobIDRaw,Cluster,User,Account,Partition,State,Start,End,ElapsedRaw,Suspended,TotalCPU,AllocCPUS,NNodes,MaxRSS,"
    "AllocTRES"
)
COMMAND = f"""\
set -e
PATH=$PATH:/usr/local/bin:/usr/bin
export SLURM_TIME_FORMAT=%s TZ=UTC
sacct --allusers --duplicates --parsable2 --starttime={{start}} --endtime={{end}} --format={FIELDS}
"""
"""``start`` and ``end`` as ``YYYY-MM-DDTHH:MM:SS``, UTC: jobs that ran some time between."""
_NEEDED = frozenset(FIELDS.split(",")) - {"Suspended", "MaxRSS", "AllocTRES", "NNodes", "Partition"}
_TIME = re.compile(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)(?:\.(\d+))?")
_SIZE = re.compile(r"([\d.]+)([KMGTP]?)[cn]?")
_KIB = {"": 1 / 1024, "K": 1, "M": 1024, "G": 1024**2, "T": 1024**3, "P": 1024**4}
_OVER = OVER - {"RESIZING"}
_NEVER = frozenset({"", "0", "Unknown", "None"})


def parsed(text: str) -> tuple[JobUse, ...]:
    """The jobs of ``sacct --parsable2`` (with its header) or ``sacct --json`` that ran and are over.

    Raises Terminal, naming the line or the job, for anything that is not understood.
    """
    return tuple(_from_json(text) if text.lstrip().startswith("{") else _from_lines(text))


@dataclass
class _Job:
    row: Mapping[str, str]
    line: int
    cpu: float = 0.0
    memory: float = 0.0
    steps: list[Mapping[str, str]] = field(default_factory=list)


def _from_lines(text: str) -> Iterator[JobUse]:
    header, *lines = text.splitlines() or [""]
    names = header.split("|")
    lacking = sorted(_NEEDED - set(names))
    if lacking:
        raise Terminal(f"sacct's first line lacks {', '.join(lacking)}: ask for --format={FIELDS}")
    job: _Job | None = None
    for at, line in enumerate(lines, 2):
        values = line.split("|")
        if len(values) != len(names):
            raise Terminal(f"line {at} of sacct has {len(values)} fields, its first line {len(names)}")
        row = dict(zip(names, values, strict=True))
        if "." in row["JobIDRaw"]:
            if job is not None and row["JobIDRaw"].partition(".")[0] == job.row["JobIDRaw"]:
                job.steps.append(row)
            continue
        if job is not None:
            yield from _told(job)
        job = _Job(row, at)
    if job is not None:
        yield from _told(job)


def _told(job: _Job) -> Iterator[JobUse]:
    row = job.row
    state = words(row["State"].partition(" by ")[0])
    if not state & _OVER or row["Start"] in _NEVER or row["End"] in _NEVER:
        return
    try:
        total = max(_seconds(row["TotalCPU"]), sum(_seconds(step["TotalCPU"]) for step in job.steps))
        yield JobUse(
            cluster=row["Cluster"],
            id=row["JobIDRaw"],
            user=row["User"],
            account=row["Account"],
            partition=row.get("Partition", ""),
            state=min(state & _OVER),
            start=_moment(row["Start"]),
            end=_moment(row["End"]),
            wall_seconds=int(row["ElapsedRaw"]),
            cpu_seconds=round(total),
            cpus=int(row["AllocCPUS"]),
            nodes=int(row.get("NNodes") or 1),
            memory_mib=round(max((_mib(r.get("MaxRSS", "")) for r in (row, *job.steps)), default=0)),
            gpus=gpus(row.get("AllocTRES", "")),
            suspend_seconds=round(_seconds(row.get("Suspended", ""))),
        )
    except ValueError as error:
        raise Terminal(f"line {job.line} of sacct is not understood: {error}") from error


def _moment(said: str) -> datetime:
    """Seconds since 1970, or ``YYYY-MM-DDTHH:MM:SS``, which is taken for UTC."""
    return (
        datetime.fromtimestamp(int(said), UTC) if said.isdigit() else datetime.fromisoformat(said).replace(tzinfo=UTC)
    )


def _seconds(said: str) -> float:
    """``1-02:03:04``, ``02:03:04`` or ``03:04.567``; nothing is 0. Raises ValueError."""
    if not said:
        return 0.0
    found = _TIME.fullmatch(said)
    if found is None:
        message = f"{said!r} is no time"
        raise ValueError(message)
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[:4])
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds + float(f"0.{found[5] or 0}")


def _mib(said: str) -> float:
    if not said:
        return 0.0
    found = _SIZE.fullmatch(said)
    if found is None:
        message = f"{said!r} is no size"
        raise ValueError(message)
    return float(found[1]) * _KIB[found[2]] / 1024


# -- JSON --------------------------------------------------------------------------------------------------------------


def _from_json(text: str) -> Iterator[JobUse]:
    try:
        told = json.loads(text)
        errors = [str(error.get("error") or error) for error in told.get("errors") or ()]
        jobs: Iterable[Any] = told["jobs"]
    except (ValueError, KeyError, AttributeError) as error:
        raise Terminal(f"sacct's JSON is not understood: {error}") from error
    if errors:
        raise Terminal(f"sacct: {'; '.join(errors)}")
    for given in jobs:
        try:
            yield from _job(given)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Terminal(f"job {given.get('job_id', '?')} of sacct is not understood: {error!r}") from error


def _job(given: Mapping[str, Any]) -> Iterator[JobUse]:
    state, time = words(given["state"]["current"]), given["time"]
    if not state & _OVER or not number(time["start"]) or not number(time["end"]):
        return
    steps = given.get("steps") or ()
    allocated = {(one["type"], one.get("name") or ""): number(one["count"]) for one in given["tres"]["allocated"]}
    cards = max(
        (count for (kind, name), count in allocated.items() if kind == "gres" and name.startswith("gpu")), default=0
    )
    yield JobUse(
        cluster=str(given["cluster"]),
        id=str(given["job_id"]),
        user=str(given.get("user") or (given.get("association") or {}).get("user") or ""),
        account=str(given["account"]),
        partition=str(given.get("partition") or ""),
        state=min(state & _OVER),
        start=datetime.fromtimestamp(number(time["start"]), UTC),
        end=datetime.fromtimestamp(number(time["end"]), UTC),
        wall_seconds=number(time["elapsed"]),
        cpu_seconds=round(max(_total(time), sum(_total(step["time"]) for step in steps))),
        cpus=allocated.get(("cpu", ""), 0) or number(given["required"]["CPUs"]),
        nodes=max(1, allocated.get(("node", ""), 0)),
        memory_mib=round(max((_held(step) for step in steps), default=0) / 2**20),
        gpus=cards,
        suspend_seconds=number(time.get("suspended")),
    )


def _total(time: Mapping[str, Any]) -> float:
    total = time.get("total") or {}
    return number(total.get("seconds")) + number(total.get("microseconds")) / 1e6


def _held(step: Mapping[str, Any]) -> int:
    """Bytes: the most that a task of a step held, as Slurm keeps it, under what was asked for."""
    most = ((step.get("tres") or {}).get("requested") or {}).get("max") or ()
    return max((number(one["count"]) for one in most if one["type"] == "mem"), default=0)
