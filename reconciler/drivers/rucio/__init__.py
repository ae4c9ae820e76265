"""The rucio driver of the rules port: rules, storages and replicas of a Rucio server, through its REST interface.

Rucio's own client brings a few dozen packages; what is needed here is a dozen calls. Options: see ``options.py``.
"""

from __future__ import annotations

from reconciler.drivers.options import checked
from reconciler.drivers.rucio.keeper import Rucio
from reconciler.drivers.rucio.options import Options
from reconciler.drivers.rucio.rest import Rest
from reconciler.model import Target
from reconciler.ports import Drivers
from reconciler.ports.rules import RuleKeeper


def open(target: Target, drivers: Drivers) -> RuleKeeper:  # noqa: A001
    """The server behind ``target``. Nothing is asked yet."""
    options = checked(target, Options)
    return Rucio(Rest(target.id, options, drivers.secret), options)
