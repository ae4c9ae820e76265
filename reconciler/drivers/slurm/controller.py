"""The batch port over a Slurm controller."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from reconciler.drivers.slurm import remote
from reconciler.drivers.slurm.accounting import COMMAND
from reconciler.drivers.slurm.accounting import parsed as accounting
from reconciler.drivers.slurm.jobs import Strange, jobs
from reconciler.drivers.slurm.nodes import nodes
from reconciler.drivers.slurm.options import Options
from reconciler.errors import Conflict, Terminal, Transient
from reconciler.model.job import JobUse
from reconciler.ports import Queue
from reconciler.ports.batch import DRAINED_BY_US

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
READ = """\
set -e
PATH=$PATH:/usr/local/bin:/usr/bin:/usr/sbin
export SLURM_TIME_FORMAT=%s
date +%s
printf '\\036'
squeue --all --json
printf '\\036'
scontrol show nodes --json 2>/dev/null || sinfo --all --Node --json
"""
"""Jobs first: one that starts in between shows as cores taken on its node."""
FORGET = """\
set -e
for node in {names}; do
    scontrol -o show node "$node" >/dev/null 2>&1 || continue
    held=$(squeue --noheader --all --nodelist="$node" --format=%A | head -1)
    if [ -n "$held" ]; then echo "$node has job $held"; exit 0; fi
    scontrol update nodename="$node" state=down reason={reason}
    scontrol delete nodename="$node"
done
"""


class Slurm:
    """One cluster's controller. Keeps nothing: safe to use from many threads."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def queue(self) -> Queue:
        """All jobs and nodes in one connection; incomplete when Slurm says something that is not understood."""
        return parsed(remote.run(self.options, READ))

    def accounted(self, start: datetime, end: datetime) -> tuple[JobUse, ...]:
        """Jobs that ended between, from Slurm's accounting. Raises Terminal where the cluster keeps none."""
        begin, until = (f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}" for moment in (start, end))
        said = remote.run(self.options, COMMAND.format(start=begin, end=until)).decode(errors="replace")
        return tuple(job for job in accounting(said) if start <= job.end < end)

    def drain(self, nodes: Sequence[str], reason: str) -> None:
        """Let no new job start on them. Raises Terminal for a reason that does not say that it is ours."""
        if not reason.startswith(DRAINED_BY_US):
            raise Terminal(f"the reason {reason!r} does not begin with {DRAINED_BY_US}")
        self._update(nodes, f"state=drain reason={shlex.quote(reason)}")

    def resume(self, nodes: Sequence[str]) -> None:
        """Let jobs start on them again."""
        self._update(nodes, "state=undrain")

    def forget(self, nodes: Sequence[str]) -> None:
        """Take them off the books. Raises Conflict for one that has a job; those before it are gone by then."""
        if not nodes:
            return
        reason = shlex.quote(f"{DRAINED_BY_US} its machine is gone")
        said = remote.run(self.options, FORGET.format(names=" ".join(_named(nodes)), reason=reason))
        if said.strip():
            raise Conflict(said.decode(errors="replace").strip())

    def _update(self, nodes: Sequence[str], what: str) -> None:
        if nodes:
            remote.run(self.options, f"set -e\nscontrol update nodename={','.join(_named(nodes))} {what}\n")


def _named(nodes: Sequence[str]) -> list[str]:
    """The same names, each of them certainly a name and nothing that a shell would do something with."""
    for name in nodes:
        if not NAME.fullmatch(name):
            raise Terminal(f"{name!r} is no node's name")
    return list(nodes)


def parsed(said: bytes) -> Queue:
    """What the front end printed as a reading. Raises Transient when it is not even JSON."""
    try:
        clock, queue, listed = said.split(b"\x1e")
        found, there = json.loads(queue), json.loads(listed)
        now = datetime.fromtimestamp(int(clock), UTC)
        _without_errors(found, there)
    except (ValueError, TypeError, AttributeError) as error:
        raise Transient(f"Slurm's answer is not understood: {error}") from error
    return _reading(found, there, now)


def _reading(found: Any, there: Any, now: datetime) -> Queue:
    try:
        known = tuple(jobs(found["jobs"], now))
        return Queue(known, tuple(nodes(there["nodes"], known)))
    except (Strange, KeyError, ValueError, TypeError, AttributeError):
        return Queue(complete=False)


def _without_errors(*answers: Any) -> None:
    for answer in answers:
        said = [str(error.get("error") or error.get("description")) for error in answer.get("errors") or ()]
        if said:
            message = "; ".join(said)
            raise ValueError(message)
