"""From an image to the project it stands in: the way there is that of the VO's machines."""

from __future__ import annotations

from reconciler.kinds.base import Federation
from reconciler.kinds.virtualcluster.connect import PREFIX as MACHINES
from reconciler.kinds.virtualcluster.connect import connect as machines
from reconciler.model import Target
from reconciler.ports import Drivers

PREFIX = "images:"
_UNNAMED = "as the machines'"
"""No driver's name: the operator names none for the images alone."""


def target_id(site: str, cloud: str, vo: str) -> str:
    """``images:<site>/<cloud>/<vo>``: the images of one project of one cloud."""
    return f"{PREFIX}{site}/{cloud}/{vo}"


def connect(identity: str, federation: Federation, drivers: Drivers) -> Target:
    """The images behind a target id. What is configured for the project's machines holds; more of its own wins."""
    there = machines(identity.replace(PREFIX, MACHINES, 1), federation, drivers)
    driver, own = drivers.options(identity, _UNNAMED)
    return Target(identity, there.driver if driver == _UNNAMED else driver, {**there.options, **own})
