"""The simulated cloud as one object: what makes nodes also configures them, and keeps the images they are made from."""

from __future__ import annotations

from reconciler.drivers.simulated.compute import SimulatedCompute
from reconciler.drivers.simulated.configure import SimulatedConfigure
from reconciler.drivers.simulated.images import SimulatedImages


class SimulatedCloud(SimulatedCompute, SimulatedConfigure, SimulatedImages):
    """Fills the compute, the configure and the images port."""
