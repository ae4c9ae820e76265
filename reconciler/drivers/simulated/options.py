"""What a simulated cloud is told to be: the operator's ``simulate`` table, checked before the first call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from reconciler.drivers.options import table
from reconciler.model import Strict

CallVerb = Literal[
    "list",
    "sizes",
    "images",
    "quota",
    "create",
    "destroy",
    "power-on",
    "mark",
    "run",
    "poll",
    "reachable",
    "holdings",
    "publish",
    "withdraw",
    "release",
    "list-images",
    "bring",
    "update-image",
    "remove-image",
    "users",
    "traffic",
]
FaultKind = Literal["500", "503", "429", "quota", "no-valid-host", "lost-reply", "hang", "partial", "task", "lost-run"]

Seconds = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class Fault(Strict):
    """One way in which a call goes wrong. The first fault of the list that strikes a call counts."""

    on: CallVerb
    """The call that it strikes."""
    kind: FaultKind
    """500, 503, 429: refused, try again; quota: refused for good; no-valid-host: the node comes up in error;
    lost-reply: it is done and the answer lost; hang: it takes ``seconds``; partial: a list lacks ``share`` of the
    nodes; task: a playbook task fails on one host; lost-run: nothing is known of the run when asked."""
    every: Annotated[int, Field(ge=1)] | None = None
    """Every n-th call of that verb."""
    at: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """Exactly these calls, counted from 1 over the life of the world."""
    probability: Share = 0.0
    """Each call with this probability, drawn from ``seed`` and the call's number."""
    retry_after: Seconds | None = None
    """What 429 and 503 tell the client, seconds."""
    seconds: Seconds = 1.0
    """How long a hang lasts."""
    share: Share = 0.5
    """Of a partial list: the part that is missing."""


class SimulatedSize(Strict):
    """A flavour on offer. RAM in MiB, disk in GiB."""

    name: str
    cpus: Annotated[int, Field(ge=1)]
    ram_mib: Annotated[int, Field(ge=1)]
    disk_gib: Count = 0
    gpus: Count = 0
    price: Annotated[float, Field(ge=0)] | None = None
    """For an hour."""
    features: tuple[str, ...] = ()
    """``infiniband``, ``gpu:a100``."""


class SimulatedQuota(Strict):
    """The project's limits; what is not given is unlimited."""

    instances: Count | None = None
    cpus: Count | None = None
    ram_mib: Count | None = None


SIZES = (
    SimulatedSize(name="small", cpus=1, ram_mib=2048, disk_gib=20),
    SimulatedSize(name="medium", cpus=2, ram_mib=4096, disk_gib=40),
    SimulatedSize(name="large", cpus=4, ram_mib=8192, disk_gib=80),
    SimulatedSize(name="xlarge", cpus=8, ram_mib=16384, disk_gib=160),
    SimulatedSize(name="2xlarge", cpus=16, ram_mib=32768, disk_gib=320),
    SimulatedSize(name="4xlarge", cpus=32, ram_mib=65536, disk_gib=640),
    SimulatedSize(name="highmem", cpus=8, ram_mib=131072, disk_gib=160),
    SimulatedSize(name="gpu-small", cpus=8, ram_mib=32768, disk_gib=160, gpus=1),
    SimulatedSize(name="gpu-large", cpus=32, ram_mib=131072, disk_gib=640, gpus=4),
)
IMAGES = ("debian-12", "debian-13", "ubuntu-22.04", "ubuntu-24.04", "almalinux-9", "rockylinux-9")


class Simulate(Strict):
    """How the cloud behaves. Everything has a default: at once, without limits, without failures."""

    seed: int = 0
    boot_seconds: Seconds = 0.0
    """From the request to a running node."""
    ssh_seconds: Seconds = 0.0
    """From running to an answer on the SSH port."""
    destroy_seconds: Seconds = 0.0
    """How long a node is shown as deleting."""
    configure_seconds: Seconds = 0.0
    """How long a playbook run takes."""
    invisible_seconds: Seconds = 0.0
    """How long a new node is missing in lists (eventual consistency)."""
    rate_limit: Annotated[int, Field(ge=1)] | None = None
    """Calls per second over all clients; more are answered 429."""
    quota: SimulatedQuota = SimulatedQuota()
    sizes: tuple[SimulatedSize, ...] = SIZES
    images: tuple[str, ...] = IMAGES
    fetch_images: bool = False
    """Fetch and verify images that are brought in; otherwise what they are said to be is believed."""
    faults: tuple[Fault, ...] = ()
    duplicate_names: bool = False
    """True: asking twice for one name makes two nodes, as OpenStack does."""
    received_per_second: Count = 0
    """Bytes that come to a node in each second that it runs; 0 here and in the next: traffic is not counted."""
    sent_per_second: Count = 0
    """Bytes that go from it."""
    user: str = ""
    """Whose machines these are, by the cloud's identifier."""
    user_name: str = ""
    """What the cloud calls that user."""
    any_host: bool = False
    """True: playbooks also run on hosts that are not nodes of this world."""


def simulate_of(options: Mapping[str, Any]) -> Simulate:
    """The behaviour in a target's options. Raises SettingsError naming the field."""
    return table(Simulate, "simulate", options.get("simulate", {}))
