"""What the readings of cloud and batch system, held together, say of every worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from reconciler.elastic.fit import Room, room_in, room_of
from reconciler.elastic.nouns import Group, Machine
from reconciler.ports.batch import DRAINED_BY_US, BatchNode, Queue

Standing = Literal[
    "serving", "draining", "held", "booting", "late", "overdue", "failed", "silent", "stopping", "quarantined"
]
"""draining: by us; held: drained by somebody else; late: should serve by now; overdue: will not; silent: did serve."""
FAILURES = 3
"""So many boots that failed, and none that came up meanwhile, slow a group down."""


@dataclass(frozen=True, slots=True)
class Member:
    """One worker of a group."""

    machine: Machine
    node: BatchNode | None
    standing: Standing

    @property
    def has_jobs(self) -> bool:
        """Whether anything runs on it, or is about to."""
        return self.node is not None and bool(self.node.jobs or self.node.cpus_allocated)


@dataclass(slots=True)
class Muster:
    """The workers of one group."""

    group: Group
    members: list[Member] = field(default_factory=list)

    def count(self, *standings: Standing) -> int:
        """How many stand so."""
        return sum(member.standing in standings for member in self.members)

    @property
    def there(self) -> int:
        """Machines that exist, whatever their state."""
        return sum(member.standing != "quarantined" for member in self.members)

    def cautious(self, now: datetime) -> bool:
        """Whether boots failed so often of late that one at a time is tried."""
        policy = self.group.policy
        window = now - timedelta(seconds=policy.quarantineSeconds)
        failed = [m.machine.since for m in self.members if m.standing == "quarantined" and m.machine.since > window]
        if len(failed) < FAILURES:
            return False
        came_up = (m.node.up_since for m in self.members if m.node is not None and m.node.up_since is not None)
        since = max(failed) - timedelta(seconds=policy.bootTimeoutSeconds)
        return not any(at > since for at in came_up)

    def may_boot(self, now: datetime) -> tuple[int, int]:
        """How many more nodes there may be, and how many of them at once."""
        pending = self.count("booting")
        limit = 1 if self.cautious(now) else self.group.policy.maxPending
        room = max(0, self.group.max - self.there)
        return room, room if limit is None else min(room, max(0, limit - pending))


def muster(
    groups: Sequence[Group], queue: Queue, machines: Sequence[Machine], now: datetime
) -> tuple[dict[str, Muster], list[Room]]:
    """The groups with their workers, and every room that there is or will be; nodes of nobody's are rooms too."""
    nodes = {node.name: node for node in queue.nodes}
    musters = {group.name: Muster(group) for group in groups}
    rooms: list[Room] = []
    for machine in sorted(machines, key=lambda m: m.name):
        node = nodes.pop(machine.name, None)
        if machine.group not in musters:
            continue
        found = musters[machine.group]
        member = Member(machine, node, _standing(machine, node, found.group, now))
        found.members.append(member)
        rooms += _room(member, found.group)
    rooms += [room_of(node, "", "serving") for node in nodes.values() if node.state in ("idle", "busy")]
    return musters, sorted(rooms, key=lambda room: room.order)


def _room(member: Member, group: Group) -> list[Room]:
    match member.standing:
        case "serving" | "draining" if member.node is not None:
            return [room_of(member.node, group.name, member.standing)]
        case "booting" if member.has_jobs and member.node is not None:
            return [room_of(member.node, group.name, "booting")]
        case "booting":
            return [room_in(group, member.machine.name, "booting")]
        case _:
            return []


_ASIDE: Mapping[str, Standing] = {"stopping": "stopping", "failed": "failed", "quarantined": "quarantined"}


def _standing(machine: Machine, node: BatchNode | None, group: Group, now: datetime) -> Standing:
    if machine.state in _ASIDE:
        return _ASIDE[machine.state]
    match node.state if node is not None else "booting":
        case "idle" | "busy":
            return "serving"
        case "draining" | "drained":
            return "draining" if node is not None and node.reason.startswith(DRAINED_BY_US) else "held"
        case "stopping":
            return "stopping"
        case "down" if node is not None and node.up_since is not None and node.up_since >= machine.since:
            return _silent(node, group, now)
        case _:
            return _booting(machine, group, now)


def _silent(node: BatchNode, group: Group, now: datetime) -> Standing:
    """Given as long to come back as a node has to come up; for good when it is not known since when."""
    patience = timedelta(seconds=group.policy.bootTimeoutSeconds)
    return "silent" if node.reason_since is not None and now - node.reason_since >= patience else "held"


def _booting(machine: Machine, group: Group, now: datetime) -> Standing:
    age = (now - machine.since).total_seconds()
    if age >= group.policy.bootTimeoutSeconds:
        return "overdue"
    return "late" if age >= group.policy.bootSeconds else "booting"
