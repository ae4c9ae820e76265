"""Clouds that no image can be brought to, and that say so.

Namespace hosts share one root; EC2 is given machine images by its own tools.
"""

from __future__ import annotations

from reconciler.errors import Terminal
from reconciler.model import Reason, Target
from reconciler.ports import Drivers
from reconciler.ports.images import Images

_WHY = {
    "namespace": "namespace hosts all run the one root that the operator gives them: no image can be brought in",
    "ec2": "images cannot be brought to EC2 by this driver: register an AMI there, and name it in the option images",
}


def open(target: Target, drivers: Drivers | None = None) -> Images:  # noqa: A001, ARG001
    """Raises Terminal (OBSERVE_ONLY) saying why there are none."""
    raise Terminal(f"{target.name}: {_WHY.get(target.driver, 'its driver has no images')}", reason=Reason.OBSERVE_ONLY)
