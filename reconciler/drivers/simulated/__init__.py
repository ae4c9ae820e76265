"""A simulated cloud: the embedded default for compute, and the world for scale and fault tests.

It is a product, not a mock: nodes and playbook runs are kept in one SQLite file per target, shared between processes,
and survive a killed client. Delays, quotas, failures, rate limits, partial lists and lost replies are configured under
``simulate`` (see `Simulate`) and repeat exactly for one ``seed``.
"""

from __future__ import annotations

from reconciler.drivers.simulated.clock import Clock, ManualClock, RealClock
from reconciler.drivers.simulated.cloud import SimulatedCloud
from reconciler.drivers.simulated.options import Fault, Simulate, SimulatedSize, simulate_of
from reconciler.drivers.simulated.world import World, world_path
from reconciler.model import Target
from reconciler.ports import Drivers

__all__ = [
    "Clock",
    "Fault",
    "ManualClock",
    "RealClock",
    "Simulate",
    "SimulatedCloud",
    "SimulatedSize",
    "World",
    "open",
    "world_path",
]


def open(target: Target, drivers: Drivers | None = None, clock: Clock | None = None) -> SimulatedCloud:  # noqa: A001, ARG001
    """The simulated cloud behind ``target``; it fills the compute, the configure and the images port.

    The world lives in ``options["state"]``, its behaviour in ``options["simulate"]``. Raises SettingsError.
    """
    world = World.open(world_path(str(target.options["state"]), target.name))
    simulate = simulate_of(target.options)
    if target.options.get("joins"):  # playbooks reach the machines of the clouds that join it too
        simulate = simulate.model_copy(update={"any_host": True})
    return SimulatedCloud(world, simulate, clock or RealClock())
