"""What a virtual cluster is: whose, where, which machines, what runs on them, what data they need near."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue

from reconciler.elastic import Elasticity
from reconciler.kinds.when import Lifetime
from reconciler.model import SecretRef, Spec, Strict

AUTO = "auto"
FRONTEND = "frontend"
SLURM = "slurm"
"""The role whose queue elastic groups follow."""

Word = Annotated[str, Field(min_length=1)]
VoName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=255)]
Label = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$", max_length=20)]
Port = Annotated[str, Field(pattern=r"^[0-9]{1,5}(-[0-9]{1,5})?/(tcp|udp)$")]
Reference = Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9.-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""``name`` in the cluster's own namespace, or ``namespace/name``."""
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Count = Annotated[int, Field(ge=0, le=10_000)]
Unready = Annotated[
    int,
    Field(
        ge=0,
        description="Observed: machines that are there and do not serve (starting, stopped, in error).",
        json_schema_extra={"readOnly": True},
    ),
]

_KEY_TYPES = frozenset(
    {"ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"}
    | {"sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"}
)


def _public_key(value: str) -> str:
    if "PRIVATE KEY" in value:
        message = "this is a private key: give the public one, and replace the pair"
        raise ValueError(message)
    kind, _, rest = value.partition(" ")
    if kind not in _KEY_TYPES or not rest.strip():
        message = f"not a public SSH key: it starts with one of {', '.join(sorted(_KEY_TYPES))}, then base64"
        raise ValueError(message)
    try:
        blob = base64.b64decode(rest.split()[0], validate=True)
    except binascii.Error as error:
        message = f"the base64 part of the {kind} key is damaged: {error}"
        raise ValueError(message) from error
    if blob[:4] != len(kind).to_bytes(4, "big") or blob[4 : 4 + len(kind)] != kind.encode():
        message = f"the base64 part is not that of a {kind} key"
        raise ValueError(message)
    return value


PublicKey = Annotated[str, Field(max_length=8192, pattern=r"^[^\r\n]+$"), AfterValidator(_public_key)]
"""A line of authorized_keys without options: type, base64, comment."""


class Requirements(Strict):
    """What a site must have to be chosen for ``site: auto``."""

    countries: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] = ()
    """ISO 3166-1 alpha-2 codes; empty: anywhere."""
    excludeSites: tuple[Word, ...] = ()
    instances: Count | None = None
    """At least so many instances in the VO's allocation at the site."""
    cpus: Count | None = None
    """At least so many vCPUs in the VO's allocation at the site."""
    ramGiB: Count | None = None
    """At least so much RAM in the VO's allocation at the site."""
    gpus: Count = 0
    """At least so many accelerators, as the site's extension ``Accelerator.Number`` says."""
    imagePresent: bool = False
    """The cloud synchronises the federation's images, and the VO lists every image the cluster uses."""
    labels: dict[Word, str] = Field(default={})
    """Extension properties that the site must have, with these values."""
    near: Reference | None = None
    """A DatasetRule: sites that hold its data come first."""


class Machine(Strict):
    """What one machine has, at least; the smallest flavour that fits is taken."""

    cpus: Annotated[int, Field(ge=1, le=4096)] = 1
    ramMiB: Annotated[int, Field(ge=128)] = 1024
    diskGiB: Annotated[int, Field(ge=0)] = 0
    gpus: Annotated[int, Field(ge=0, le=64)] = 0
    image: Word
    """Image, by the name the cloud knows it by."""
    flavour: Word | None = None
    """Exactly this flavour, instead of the smallest that fits."""


class Frontend(Machine):
    """The machine that users log in to."""

    count: Count = 1
    """Always 1; 0 is what is observed when it is not there."""
    unready: Unready = 0


class WorkerGroup(Machine):
    """Machines of one make: either ``count`` of them, or any number between ``min`` and ``max``."""

    name: Label
    site: Word | None = None
    """Another Site for these machines, whose cloud joins the cluster's; left out, they are where the front end is."""
    cloud: Word | None = None
    """That Site's cloud; left out, the only one that joins."""
    count: Count | None = None
    min: Count | None = None
    max: Count | None = None
    elasticity: Elasticity | None = None
    """How the number follows the queue, between ``min`` and ``max``; left out, nothing changes it."""
    nodes: Annotated[
        tuple[Annotated[int, Field(ge=0)], ...] | None,
        Field(
            description="Chosen, for an elastic group: the ordinals of the machines that there shall be.",
            json_schema_extra={"readOnly": True},
        ),
    ] = None
    unready: Unready = 0


class ClusterNetwork(Strict):
    """How machines are connected."""

    networks: tuple[Word, ...] = ()
    """Networks of the cloud, by name; empty: those that the site gives the VO."""
    ports: tuple[Port, ...] = ("22/tcp",)
    """Open from outside: ``22/tcp``, ``6000-6063/udp``."""
    publicAddress: bool | None = None
    """Give the front end an address that is reached from outside: a floating IP, where machines have none by nature. It
    outlives the machine: a front end that is made anew gets the same."""


class Secret(Strict):
    """A variable whose value is a secret."""

    secretRef: SecretRef


class RoleFrom(Strict):
    """Where a role comes from that does not come with Hanse, and what it is, to the byte."""

    archive: Annotated[str, Field(pattern=r"^(https|http|file)://")] | None = None
    """URL of a tar archive: the role's folder, or a collection as ansible-galaxy builds it."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """Of the archive."""
    tree: Annotated[str, Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")] | None = None
    """A folder of the federation's own repository, by what it holds: ``git rev-parse HEAD:roles/NAME``."""


class Software(Strict):
    """One Ansible role."""

    role: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]*$")]
    source: RoleFrom | None = None
    """Left out, the role is one of those that come with Hanse."""
    variables: dict[Variable, Annotated[Secret | JsonValue, Field(union_mode="left_to_right")]] = Field(default={})
    """Variables of the role; a secret is given as ``{secretRef: {env: NAME}}`` or ``{secretRef: {file: PATH}}``."""


class DataNeed(Strict):
    """Data that must be in place."""

    datasetRule: Reference
    gate: Literal["exists", "ready"] = "ready"
    """ready: the cluster waits until the copies are there; exists: it does not."""


class Ansible(Strict):
    """How playbooks reach the machines."""

    user: Word = "root"
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    timeoutSeconds: Annotated[int, Field(ge=10, le=86_400)] = 1800
    """One run may take so long."""


class Replacement(Strict):
    """How many machines are made anew, where they vanish or break, without asking a person."""

    atOnce: Annotated[int, Field(ge=1)] | None = None
    """More than so many missing or not serving at the same time wait for an Approval; left out: any number is mended.
    """
    repairsPerHour: Annotated[int, Field(ge=1, le=3600)] = 6
    """So many times within an hour a cluster is mended; then it waits until the first of them is an hour old."""


class Removal(Strict):
    """What is waited for when a cluster is taken away."""

    drainSeconds: Annotated[int, Field(ge=0, le=30 * 86_400)] = 86_400
    """So long jobs may go on in a drained cluster; those that still run then end with their machines."""


class VirtualClusterSpec(Spec):
    """A virtual cluster."""

    vo: VoName
    """The VO it belongs to, and whose share of the cloud it uses."""
    site: Word = AUTO
    """Name of the Site, or ``auto``."""
    cloud: Word | None = None
    """Name of the site's cloud; the only one that serves the VO when not given."""
    requirements: Requirements | None = None
    frontend: Frontend
    workers: tuple[WorkerGroup, ...] = ()
    network: ClusterNetwork = ClusterNetwork()
    sshKeys: tuple[PublicKey, ...] = ()
    """Public keys that may log in."""
    software: tuple[Software, ...] = ()
    """Roles, in the order in which they run."""
    data: tuple[DataNeed, ...] = ()
    lifetime: Lifetime | None = None
    ansible: Ansible = Ansible()
    replacement: Replacement | None = None
    removal: Removal | None = None

    def group(self, name: str) -> WorkerGroup | None:
        """The worker group called ``name``."""
        return next((g for g in self.workers if g.name == name), None)

    @property
    def elastic(self) -> tuple[WorkerGroup, ...]:
        """The groups whose size follows the queue."""
        if all(software.role != SLURM for software in self.software):
            return ()
        return tuple(group for group in self.workers if group.elasticity is not None and group.count is None)

    def machine(self, name: str) -> Frontend | WorkerGroup | None:
        """The machines of a group, the front end's included."""
        return self.frontend if name == FRONTEND else self.group(name)
