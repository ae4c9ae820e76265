"""Policies as a simulation runs them: each looks at the world now and then, and boots and stops nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.elastic import Group, decide
from reconciler.simulation.world import World, instant, seconds


class Scaler(Protocol):
    """Grows and shrinks a simulated cluster."""

    log: list[tuple[float, str]]
    """What it did, and why: (seconds from the start, sentence)."""

    def look(self, world: World) -> float | None:
        """Do what is to be done now; when to look again although nothing has happened, None: never."""
        ...


@dataclass
class Hanse:
    """The function that runs the clusters."""

    groups: Sequence[Group]
    log: list[tuple[float, str]] = field(default_factory=list)

    def look(self, world: World) -> float | None:
        world.release()
        found = decide(self.groups, world.queue(), world.machines(), instant(world.now))
        for one in found.quarantine:
            world.quarantine(one.node)
        for one in found.stop:
            world.stop(one.node)
        for boot in found.boot:
            world.boot(boot.group)
        self.log += [(world.now, sentence) for sentence in found.sentences()]
        return None if found.look_again is None else seconds(found.look_again)


@dataclass
class Fixed:
    """All nodes, from the first moment to the end: what a cluster without elasticity costs."""

    groups: Sequence[Group]
    log: list[tuple[float, str]] = field(default_factory=list)

    def look(self, world: World) -> float | None:
        for group in self.groups:
            there = sum(node.group.name == group.name for node in world.nodes.values())
            for _ in range(group.max - there):
                world.boot(group.name)
        return None
