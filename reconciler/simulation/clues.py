"""The scheduler of CLUES, for comparison, written anew after its published description.

Every five seconds it reads nodes and jobs. A job that has waited for longer than ``RECONSIDER_JOB_TIME`` becomes a
request; requests are served first come first served: on free nodes, else on nodes powering on, else nodes are powered
on for them, at most ``MAX_BOOTING_NODES`` at once. What a request was promised stays booked until its job runs. A node
idle for longer than ``IDLE_TIME`` is powered off; one that is not up ``MAX_WAIT_POWERON`` after it was asked for is in
error, and tried again, three times in all. What happens is seen at the next reading only, and a power-off follows one
round after it was chosen; so the numbers are those that its own simulator gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from reconciler.elastic import Group
from reconciler.elastic.fit import need_of
from reconciler.simulation.world import World, instant

PERIOD = 5.0
RECOVERY = 30.0
MAX_WAIT = 300.0
SERVED = 120.0
"""Seconds for which a request that was served keeps what it was promised when its job is not seen to run."""
RETRIES = 3

Power = Literal["idle", "used", "off", "pow_on", "pow_off", "off_err"]


@dataclass(slots=True)
class Slot:
    """One of the nodes that CLUES knows by name."""

    name: str
    group: Group
    state: Power = "off"
    since: float = 0.0
    failures: int = 0
    free: int = 0


@dataclass(slots=True)
class Request:
    """A job that has waited long enough to be thought about."""

    job: str
    state: Literal["pending", "attended", "blocked", "served", "not_served"]
    since: float
    booked: list[Slot] = field(default_factory=list)


class Clues:
    """CLUES' scheduling of power, on a simulated cluster."""

    def __init__(self, groups: Sequence[Group], reconsider: float = 60.0) -> None:
        self.log: list[tuple[float, str]] = []
        self._reconsider = reconsider
        self._slots = [Slot(f"{group.name}-{n:04d}", group) for group in groups for n in range(1, group.max + 1)]
        self._by_name = {slot.name: slot for slot in self._slots}
        self._requests: list[Request] = []
        self._waiting: dict[str, float] = {}
        """Pending job -> since when it has been so, or was last thought about."""
        self._going: list[Slot] = []
        self._limits = {group.name: group.policy.maxPending for group in groups}
        self._recovered = 0.0

    def look(self, world: World) -> float | None:
        self._monitor(world)
        self._power_off(world)
        self._book(world)
        chosen = self._serve(world)
        for slot in chosen:
            if slot.state == "off":
                world.boot(slot.group.name, slot.name)
                slot.state, slot.since = "pow_on", world.now
        self._reconsider_jobs(world)
        self._choose_idle(world, chosen)
        return world.now + PERIOD if self._alive(world) else None

    def _alive(self, world: World) -> bool:
        return bool(world.queued or world.running or world.nodes or self._going)

    # -- what it sees --------------------------------------------------------------------------------------------------

    def _monitor(self, world: World) -> None:
        now = world.now
        for slot in self._slots:
            node = world.nodes.get(slot.name)
            up = node is not None and node.state == "up"
            if slot.state == "pow_on" and not up and now - slot.since > MAX_WAIT:
                self._failed(world, slot)
            elif slot.state == "off_err" and now - self._recovered >= RECOVERY and slot.failures < RETRIES:
                slot.state = "off" if node is None else "off_err"
            elif slot.state == "pow_off" and node is None:
                slot.state, slot.since = "off", now
            elif up and node is not None and slot.state in ("pow_on", "idle", "used"):
                seen: Power = "used" if node.jobs else "idle"
                if seen != slot.state:
                    slot.state, slot.since, slot.failures = seen, now, 0
                slot.free = node.room.cpus
        if now - self._recovered >= RECOVERY:
            self._recovered = now
        for job in [job for job in self._waiting if job not in world.queued]:
            del self._waiting[job]
        for job in world.queued:
            self._waiting.setdefault(job, now)

    def _failed(self, world: World, slot: Slot) -> None:
        slot.state, slot.since = "off_err", world.now
        slot.failures += 1
        if slot.name in world.nodes:
            world.stop(slot.name)

    # -- what it promises ----------------------------------------------------------------------------------------------

    def _book(self, world: World) -> None:
        """Requests whose jobs run are over; what the others were promised is not free."""
        self._requests = [request for request in self._requests if request.job in world.queued]
        for slot in self._slots:
            if slot.state in ("off", "pow_on", "pow_off"):
                slot.free = slot.group.cpus
        for request in self._requests:
            waits = any(slot.state in ("pow_on", "pow_off") for slot in request.booked)
            if request.state == "attended" and not waits:
                request.state, request.booked = "pending", []
            elif request.state == "blocked" or (request.state == "served" and world.now - request.since >= SERVED):
                request.booked = []
            self._take(world, request)

    def _take(self, world: World, request: Request) -> None:
        cpus = self._asked(world, request.job)[1]
        for slot in request.booked:
            slot.free -= cpus

    def _asked(self, world: World, job: str) -> tuple[int, int]:
        """(nodes, CPUs on each) of a job."""
        need = need_of(world.job(job), max(slot.group.cpus for slot in self._slots))
        return need.nodes, need.cpus

    # -- powering on ---------------------------------------------------------------------------------------------------

    def _serve(self, world: World) -> list[Slot]:
        """The nodes to be powered on for the requests."""
        chosen: list[Slot] = []
        alive = 0
        for request in self._requests:
            if request.state in ("pending", "blocked") and not self._one(world, request, chosen, alive):
                break
            alive += request.state in ("pending", "attended")
        return chosen

    def _one(self, world: World, request: Request, chosen: list[Slot], alive: int) -> bool:
        """Think about one request; False when those behind it are not to be thought about."""
        pool = self._in("idle", "used")
        if self._fits(world, request, pool):
            self._decided(request, "blocked" if alive else "served", world)
            return True
        pool += self._in("pow_on")
        if self._fits(world, request, pool):
            self._decided(request, "attended", world)
            return True
        if self._full(chosen):
            return False
        pool += [slot for slot in self._in("off") if slot in chosen]
        pool += [slot for slot in self._in("off") if slot not in chosen]
        pool_off = [*pool, *self._in("pow_off")]
        if self._fits(world, request, pool) or self._fits(world, request, pool_off):
            self._decided(request, "attended", world)
            chosen += [slot for slot in request.booked if slot.state == "off" and slot not in chosen]
            return True
        if alive:
            return False
        self._decided(request, "blocked" if pool_off else "not_served", world)
        return True

    def _in(self, *states: Power) -> list[Slot]:
        return [slot for slot in self._slots if slot.state in states]

    def _full(self, chosen: Sequence[Slot]) -> bool:
        limit = min((limit for limit in self._limits.values() if limit is not None), default=0)
        return limit > 0 and len(self._in("pow_on")) + len(chosen) >= limit

    def _fits(self, world: World, request: Request, pool: Sequence[Slot]) -> bool:
        """Whether the pool has room; then the request's booking is made."""
        nodes, cpus = self._asked(world, request.job)
        found = [slot for slot in pool if slot.free >= cpus][:nodes]
        if len(found) < nodes:
            return False
        request.booked = found
        self._take(world, request)
        return True

    def _decided(
        self, request: Request, state: Literal["attended", "blocked", "served", "not_served"], world: World
    ) -> None:
        if request.state != state:
            request.state, request.since = state, world.now

    def _reconsider_jobs(self, world: World) -> None:
        live = {r.job: r for r in self._requests if r.state != "not_served"}
        for job, since in self._waiting.items():
            if world.now - since <= self._reconsider:
                continue
            request = live.get(job)
            if request is None or (request.state == "served" and world.now - request.since >= self._reconsider):
                self._requests = [r for r in self._requests if r.job != job]
                self._requests.append(Request(job, "pending", world.now))
                self._waiting[job] = world.now

    # -- powering off --------------------------------------------------------------------------------------------------

    def _choose_idle(self, world: World, chosen: Sequence[Slot]) -> None:
        for slot in self._in("idle"):
            policy = slot.group.policy
            node = world.nodes[slot.name]
            cooled = node.up is not None and world.now - node.up > policy.coolDownSeconds
            if cooled and world.now - slot.since > policy.idleSeconds and slot not in chosen:
                self._going.append(slot)

    def _power_off(self, world: World) -> None:
        for slot in self._going:
            if slot.state == "idle" and not world.nodes[slot.name].jobs:
                world.stop(slot.name)
                slot.state, slot.since = "pow_off", world.now
                self.log.append((world.now, f"stop {slot.name}: idle since {instant(slot.since):%H:%M:%S}"))
        self._going = []
