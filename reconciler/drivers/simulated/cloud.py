"""The simulated cloud as one object: what makes nodes also configures them."""

from __future__ import annotations

from reconciler.drivers.simulated.compute import SimulatedCompute
from reconciler.drivers.simulated.configure import SimulatedConfigure


class SimulatedCloud(SimulatedCompute, SimulatedConfigure):
    """Fills the compute and the configure port."""
