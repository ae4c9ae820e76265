"""What clouds of Hanse's own making offer: flavours, and limits of a project."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.model import Strict
from reconciler.ports import Size

Count = Annotated[int, Field(ge=0)]


class OfferedSize(Strict):
    """A flavour on offer. RAM in MiB, disk in GiB."""

    name: str
    cpus: Annotated[int, Field(ge=1)]
    ram_mib: Annotated[int, Field(ge=1)]
    disk_gib: Count = 0
    gpus: Count = 0

    def size(self) -> Size:
        """The same as the port's noun."""
        return Size(self.name, self.name, self.cpus, self.ram_mib, self.disk_gib, self.gpus)


class OfferedLimits(Strict):
    """The project's limits; what is not given is unlimited."""

    instances: Count | None = None
    cpus: Count | None = None
    ram_mib: Count | None = None
