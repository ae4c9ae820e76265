"""Drivers: what a kind is handed. It opens the back end behind a target; wiring.py builds the real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from reconciler.model import SecretRef, Target
from reconciler.ports.batch import Batch
from reconciler.ports.catalogue import Catalogue
from reconciler.ports.check import Checker
from reconciler.ports.compute import Compute
from reconciler.ports.configure import Configure
from reconciler.ports.dns import DNS
from reconciler.ports.events import Events
from reconciler.ports.identity import Identity
from reconciler.ports.images import Images
from reconciler.ports.registry import Registry
from reconciler.ports.rules import RuleKeeper
from reconciler.ports.storage import Storage
from reconciler.ports.transfer import Mover


class Drivers(Protocol):
    """Opens back ends. What it returns may be kept per thread; opening the same target again is cheap."""

    @property
    def catalogue(self) -> Catalogue:
        """What is known of the files of datasets."""
        ...

    def options(self, target_id: str, driver: str) -> tuple[str, Mapping[str, Any]]:
        """The operator's (driver name, options) for a target: substitutions and connection data of hanse.toml.

        ``driver`` is what the manifest asks for, "" when it leaves it to the operator.
        """
        ...

    def dns(self, target: Target) -> DNS:
        """The zone behind the target."""
        ...

    def compute(self, target: Target) -> Compute:
        """The cloud project behind the target."""
        ...

    def storage(self, target: Target) -> Storage:
        """The storage behind the target."""
        ...

    def events(self, target: Target) -> Events:
        """What tells of events in the storage behind the target."""
        ...

    def mover(self, target: Target) -> Mover:
        """The transfer service behind the target."""
        ...

    def rules(self, target: Target) -> RuleKeeper:
        """The system behind the target that keeps replication rules of its own."""
        ...

    def registry(self, target: Target) -> Registry:
        """The register table behind the target."""
        ...

    def configure(self, target: Target) -> Configure:
        """What runs playbooks on the nodes of a compute target."""
        ...

    def identity(self, target: Target) -> Identity:
        """The keystone behind the target, as an administrator."""
        ...

    def images(self, target: Target) -> Images:
        """The images of the cloud project behind the target."""
        ...

    def batch(self, target: Target) -> Batch:
        """The batch system of a cluster, on its front end."""
        ...

    def checker(self, target: Target) -> Checker:
        """What runs monitoring plugins."""
        ...

    def secret(self, reference: SecretRef) -> str:
        """The secret, read now. Raises Terminal naming the reference, never the value."""
        ...
