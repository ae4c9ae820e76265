"""How many nodes a queue needs: one pure function of the groups, a reading of the queue, the machines and the time.

Queued jobs are placed, first come first fit, on what serves and boots; for what does not fit nodes are started; what
nobody needs for a while is stopped. A node with a job is never stopped, whatever else is true.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime, timedelta

from reconciler.elastic.nouns import Decisions, Group, Machine, NodeDecision
from reconciler.elastic.placing import Placing
from reconciler.elastic.policy import Elasticity
from reconciler.elastic.survey import Member, Muster, Standing, muster
from reconciler.ports.batch import Queue

_UNREAD = "the batch system was read only in part: nothing is started or stopped on doubt"

_ALIVE: tuple[Standing, ...] = ("serving", "booting")
"""What counts towards a group's minimum."""


def decide(groups: Sequence[Group], queue: Queue, machines: Sequence[Machine], now: datetime) -> Decisions:
    """What to boot, stop, take back and put aside now, each with its reason; the same arguments, the same answer."""
    if not queue.complete:
        return Decisions(note=_UNREAD)
    musters, rooms = muster(groups, queue, machines, now)
    placing = Placing(musters, rooms, now)
    placing.place(queue.jobs)
    _keep_enough(placing)
    claimed = placing.claimed()
    boots = {one.group for one in placing.boot}
    resume = [one for found in musters.values() for one in _resumed(found, claimed, found.group.name in boots)]
    stop: list[NodeDecision] = []
    for found in musters.values():
        if found.group.name not in boots:
            stop += _stops(found, {one.node for one in resume}, claimed, len(placing.spare(found.group.name)), now)
    return Decisions(
        boot=tuple(placing.boot),
        stop=tuple(stop),
        quarantine=tuple(one for found in musters.values() for one in _quarantined(found, now)),
        resume=tuple(resume),
        waiting=tuple(placing.waiting),
        aside=tuple(placing.aside),
        look_again=min(
            (at for found in musters.values() for at in _instants(found, boots, now) if at > now), default=None
        ),
    )


def _keep_enough(placing: Placing) -> None:
    """Boot up to the group's minimum, and as many spare nodes as its policy asks for."""
    for found in placing.musters.values():
        group, alive = found.group, found.count(*_ALIVE, "draining")
        alive += sum(one.group == group.name for one in placing.boot)
        while alive < group.min and placing.may[group.name][1] > 0:
            placing.more(group, "", f"the group has {alive} nodes, and at least {group.min}")
            alive += 1
        spare = len(placing.spare(group.name))
        while spare < group.policy.minIdle and placing.may[group.name][1] > 0:
            placing.more(group, "", f"{spare} nodes are free, and {group.policy.minIdle} shall wait for what comes")
            spare += 1


def _stops(
    found: Muster, resumed: Set[str], claimed: Mapping[str, str], spare: int, now: datetime
) -> Iterator[NodeDecision]:
    """Nodes that nobody needs, the longest idle first; first of all what an earlier run has begun to stop."""
    group, count = found.group, found.there - found.count("stopping")
    alive = found.count(*_ALIVE) + sum(member.machine.name in resumed for member in found.members)
    for member in found.members:
        if member.standing == "draining" and not member.has_jobs and member.machine.name not in resumed:
            count -= 1
            yield NodeDecision(member.machine.name, group.name, "it was drained to be stopped, and has no job left")
    for member in sorted(_idle(found.members), key=_idle_since):
        if alive <= group.min:
            return
        if count > group.max:
            reason = f"the group has {count} nodes, and at most {group.max}"
        elif member.machine.name not in claimed and spare > group.policy.minIdle and _ripe(member, group.policy, now):
            reason = f"no job for {_said(now - _idle_since(member))}, and no queued job needs it"
            spare -= 1
        else:
            continue
        alive, count = alive - 1, count - 1
        yield NodeDecision(member.machine.name, group.name, reason)


def _idle(members: Iterable[Member]) -> Iterator[Member]:
    """Nodes that serve and certainly have no job."""
    for member in members:
        node = member.node
        if member.standing == "serving" and node is not None and node.state == "idle" and not member.has_jobs:
            yield member


def _idle_since(member: Member) -> datetime:
    """The moment it was last useful; of a node that does not tell, the moment it came up or was asked for."""
    assert member.node is not None  # noqa: S101
    return max(filter(None, (member.node.idle_since, member.node.up_since, member.machine.since)))


def _ripe(member: Member, policy: Elasticity, now: datetime) -> bool:
    at = _due(member, policy, now)
    return at is not None and at <= now


def _due(member: Member, policy: Elasticity, now: datetime) -> datetime | None:
    """When an idle node may be stopped, seen from now; None when it is not known since when it is idle."""
    assert member.node is not None  # noqa: S101
    if member.node.idle_since is None:
        return None
    up = member.node.up_since or member.machine.since
    idle = _idle_since(member) + timedelta(seconds=policy.idleSeconds)
    at = max(idle, up + timedelta(seconds=policy.coolDownSeconds))
    return _paid(max(at, now), member.machine.since, policy) if policy.paidIntervalSeconds else at


def _paid(at: datetime, bought: datetime, policy: Elasticity) -> datetime:
    """``at``, or the end of the paid interval that it falls into, less the margin."""
    interval = policy.paidIntervalSeconds
    margin = min(policy.paidMarginSeconds, interval)
    into = (at - bought).total_seconds() % interval
    return at if into >= interval - margin else at + timedelta(seconds=interval - margin - into)


def _quarantined(found: Muster, now: datetime) -> Iterator[NodeDecision]:
    for member in found.members:
        if member.has_jobs:
            continue
        age = _said(now - member.machine.since)
        reasons: dict[str, str] = {
            "overdue": f"asked for {age} ago, and it never served",
            "failed": "the cloud says that it failed",
            "silent": f"it answers no more: {member.node.reason if member.node else ''}",
        }
        if member.standing in reasons:
            yield NodeDecision(member.machine.name, found.group.name, reasons[member.standing])


def _resumed(found: Muster, claimed: Mapping[str, str], boots: bool) -> Iterator[NodeDecision]:
    """Nodes that were to be stopped and are needed: for a job, or because others would have to be booted."""
    group, alive = found.group, found.count(*_ALIVE)
    drained = [member.machine.name for member in found.members if member.standing == "draining"]
    for name in sorted(drained, key=lambda name: name not in claimed):
        if name in claimed:
            reason = f"job {claimed[name]} can run on it"
        elif boots:
            reason = "others are being started, so it stays"
        elif alive < group.min:
            reason = f"the group has at least {group.min} nodes"
        else:
            return
        alive += 1
        yield NodeDecision(name, group.name, reason)


def _instants(found: Muster, boots: Set[str], now: datetime) -> Iterator[datetime]:
    """When time alone changes what is to be done; ``boots``: groups that get a node now."""
    policy = found.group.policy
    if found.group.name in boots:
        yield now + timedelta(seconds=policy.bootSeconds)
    for member in found.members:
        since = member.machine.since
        match member.standing:
            case "booting":
                yield since + timedelta(seconds=policy.bootSeconds)
            case "late":
                yield since + timedelta(seconds=policy.bootTimeoutSeconds)
            case "quarantined":
                yield since + timedelta(seconds=policy.quarantineSeconds)
            case "held" if member.node is not None and member.node.reason_since is not None:
                yield member.node.reason_since + timedelta(seconds=policy.bootTimeoutSeconds)
    yield from (at for member in _idle(found.members) if (at := _due(member, policy, now)))


def _said(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"  # noqa: PLR2004
