"""What a world of namespaces is told to be: the operator's ``namespace`` table, checked before anything is made."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from reconciler.drivers.options import table
from reconciler.model import Strict
from reconciler.ports import Size

Count = Annotated[int, Field(ge=0)]
SMALLEST = 29
"""The longest prefix of a subnet: one address for the bridge and five for nodes."""


class OfferedSize(Strict):
    """A flavour on offer. RAM in MiB, disk in GiB. Nothing is limited to it."""

    name: str
    cpus: Annotated[int, Field(ge=1)]
    ram_mib: Annotated[int, Field(ge=1)]
    disk_gib: Count = 0
    gpus: Count = 0

    def size(self) -> Size:
        """The same as the port's noun."""
        return Size(self.name, self.name, self.cpus, self.ram_mib, self.disk_gib, self.gpus)


class Limits(Strict):
    """The project's limits; what is not given is unlimited."""

    instances: Count | None = None
    cpus: Count | None = None
    ram_mib: Count | None = None


SIZES = (
    OfferedSize(name="small", cpus=1, ram_mib=2048, disk_gib=20),
    OfferedSize(name="medium", cpus=2, ram_mib=4096, disk_gib=40),
    OfferedSize(name="large", cpus=4, ram_mib=8192, disk_gib=80),
    OfferedSize(name="xlarge", cpus=8, ram_mib=16384, disk_gib=160),
)


class Options(Strict):
    """How a world is made. Everything has a default."""

    subnet: str = ""
    """Private IPv4 network of the nodes; its first address is the bridge's (``10.99.0.0/24``); "" takes a free one."""
    rootfs: str = ""
    """Directory that holds the nodes' roots, shared by many worlds, or one finished root; "" is ``<state>/rootfs``."""
    packages: tuple[str, ...] = ()
    """Debian packages in the nodes' root besides those that a node needs."""
    sizes: tuple[OfferedSize, ...] = SIZES
    images: tuple[str, ...] = ("debian-12",)
    """Names under which the one root is offered."""
    quota: Limits = Limits()
    private_key: str = ""
    """SSH key that playbooks use; its public half may log in to every node. "" is the reconciler's own."""
    state: Annotated[str, Field(min_length=1)]

    @field_validator("subnet")
    @classmethod
    def _private_network(cls, value: str) -> str:
        if value:
            network = ipaddress.IPv4Network(value)
            if not network.is_private or network.prefixlen > SMALLEST:
                message = f"{value} is not a private network with a prefix of at most /{SMALLEST}"
                raise ValueError(message)
        return value

    @property
    def roots(self) -> Path:
        """Where the nodes' roots are kept."""
        return Path(self.rootfs) if self.rootfs else Path(self.state) / "rootfs"


def options_of(options: Mapping[str, Any]) -> Options:
    """The ``namespace`` table of a target's options. Raises SettingsError naming the field."""
    return table(Options, "namespace", {**_shared(options), **options.get("namespace", {})})


def _shared(options: Mapping[str, Any]) -> dict[str, str]:
    """What the compute and the configure port are both told."""
    return {name: str(options[name]) for name in ("state", "private_key") if options.get(name)}
