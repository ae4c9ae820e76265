"""One call to the simulated cloud: counted, limited, struck by faults, otherwise one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TypeVar

from reconciler.drivers.simulated.clock import Clock
from reconciler.drivers.simulated.faults import REFUSED, lose, refuse, strike
from reconciler.drivers.simulated.options import CallVerb, Fault, Simulate
from reconciler.drivers.simulated.world import World

T = TypeVar("T")
Effect = Callable[[sqlite3.Connection, int, Fault | None], T]
"""What a call does: gets the transaction, the call's number and the fault that shapes its answer."""


class Caller:
    """Base of both ports: a world, its behaviour and a clock."""

    def __init__(self, world: World, simulate: Simulate, clock: Clock) -> None:
        self.world = world
        self.simulate = simulate
        self.clock = clock

    def call(self, verb: CallVerb, effect: Effect[T]) -> T:
        """Do one call. Raises Transient, Terminal or OutcomeUnknown as the faults want it."""
        with self.world.write() as db:
            number, fault = strike(db, self.simulate, verb, self.clock.now())
            if fault is None:
                return effect(db, number, None)
        if fault.kind in REFUSED:
            refuse(fault, verb)
        if fault.kind == "hang":
            self.clock.sleep(fault.seconds)
        with self.world.write() as db:
            answer = effect(db, number, fault)
        if fault.kind == "lost-reply":
            lose(verb)
        return answer
