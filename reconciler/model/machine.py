"""Machine: one that Hanse runs, as it was seen, and a span of time in which it stood so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from reconciler.model.ref import Ref

Standing = Literal["started", "suspended", "error"]
"""started: it ran; suspended: it was there and did not run; error: the cloud says that it is broken."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as a cloud shows it. Cores, MiB, GiB."""

    target: str
    node: str
    """What the cloud calls it: unique, and never given twice."""
    ref: Ref
    """The resource that it is part of."""
    site: str
    cloud: str
    vo: str
    name: str
    state: Standing
    flavour: str = ""
    image: str = ""
    cpus: int = 0
    memory_mib: int = 0
    disk_gib: int = 0
    gpus: int = 0
    public_ips: int = 0
    """IPv4 addresses that are reached from outside."""
    user: str = ""
    """Whose it is, by the cloud's identifier."""
    user_name: str = ""
    """What the cloud calls that user, where names are told."""


@dataclass(frozen=True, slots=True)
class Carried:
    """Bytes that came to a machine and went from it: in a month, and since they are counted until its end."""

    received: int
    sent: int
    total_received: int
    total_sent: int


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which a machine was seen to stand unchanged."""

    machine: Machine
    since: datetime
    until: datetime
    """When it was last seen so."""
    current: bool = True
    """It was there when its cloud was last read whole."""
