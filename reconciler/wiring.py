"""Wired: the drivers as the operator configured them. The one place that knows which module a driver's name means."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler import network
from reconciler.errors import SourceError, Terminal
from reconciler.model import SecretRef, Target
from reconciler.ports import (
    DNS,
    Batch,
    Catalogue,
    Checker,
    Compute,
    Configure,
    DataPolicy,
    Events,
    Identity,
    Images,
    Mover,
    Registry,
    RuleKeeper,
    Storage,
)
from reconciler.records.catalogue import Remembered
from reconciler.settings import Settings

if TYPE_CHECKING:
    from reconciler.drivers.secrets import Secrets
    from reconciler.records.store import Store

MODULES: Mapping[tuple[str, str], str] = {
    ("dns", "zonefile"): "reconciler.drivers.zonefile",
    ("dns", "rfc2136"): "reconciler.drivers.rfc2136",
    ("dns", "powerdns"): "reconciler.drivers.libcloud.powerdns",
    ("dns", "dyndns2"): "reconciler.drivers.dyndns.dyndns2",
    ("dns", "egi-dyndns"): "reconciler.drivers.dyndns.egi",
    ("compute", "simulated"): "reconciler.drivers.simulated",
    ("compute", "namespace"): "reconciler.drivers.namespace",
    ("compute", "openstack"): "reconciler.drivers.openstack",
    ("compute", "ec2"): "reconciler.drivers.ec2",
    ("configure", "simulated"): "reconciler.drivers.simulated",
    ("configure", "namespace"): "reconciler.drivers.ansible",
    ("batch", "slurm"): "reconciler.drivers.slurm",
    ("batch", "namespace"): "reconciler.drivers.slurm",
    ("batch", "openstack"): "reconciler.drivers.slurm",
    ("batch", "ec2"): "reconciler.drivers.slurm",
    ("configure", "openstack"): "reconciler.drivers.ansible",
    ("configure", "ec2"): "reconciler.drivers.ansible",
    ("images", "simulated"): "reconciler.drivers.simulated",
    ("images", "openstack"): "reconciler.drivers.openstack.images",
    ("images", "namespace"): "reconciler.drivers.imageless",
    ("images", "ec2"): "reconciler.drivers.imageless",
    ("storage", "directory"): "reconciler.drivers.directory",
    ("storage", "libcloud"): "reconciler.drivers.libcloud.storage",
    ("storage", "webdav"): "reconciler.drivers.webdav",
    ("events", "inotify"): "reconciler.drivers.events.inotify",
    ("events", "dcache"): "reconciler.drivers.events.dcache",
    ("events", "polling"): "reconciler.drivers.events.polling",
    ("mover", "fts3"): "reconciler.drivers.fts3",
    ("rules", "rucio"): "reconciler.drivers.rucio",
    ("registry", "embedded"): "reconciler.drivers.embedded",
    ("registry", "records"): "reconciler.records.documents",
    ("check", "plugins"): "reconciler.drivers.plugins",
    ("identity", "openstack"): "reconciler.drivers.keystone",
    ("identity", "embedded"): "reconciler.drivers.keystone.embedded",
    ("identity", "simulated"): "reconciler.drivers.keystone.embedded",
    ("identity", "namespace"): "reconciler.drivers.keystone.embedded",
}
DEFAULTS: Mapping[str, str] = {
    "dns": "zonefile",
    "compute": "simulated",
    "images": "simulated",
    "storage": "directory",
    "fts": "fts3",
    "rucio": "rucio",
    "registry": "embedded",
    "check": "plugins",
    "identity": "embedded",
}


_WORLDS: Mapping[str, str] = {"configure": "compute", "images": "compute", "events": "storage"}
"""Ports that share one world with what they serve: nodes, files."""
_IMPORTING = threading.Lock()
"""Threads that import parts of one package at the same time may find them half made."""


class Wired:
    """Fills ``ports.Drivers``. Back ends are opened once per thread, zones once for all: they keep what they read."""

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str] | None = None,
        catalogue: Catalogue | None = None,
        store: Store | None = None,
    ) -> None:
        """``catalogue`` knows the files of datasets; without one this process remembers what it learns.

        ``store`` knows which commit is in force, for secrets that stand encrypted in the repository.
        """
        self._settings = settings
        network.guard(settings.network)
        self.catalogue: Catalogue = catalogue or Remembered()
        self.catalogue.policy = DataPolicy(**settings.data.model_dump())
        self._environment = os.environ if environment is None else environment
        self._store = store
        self._secrets: Secrets | None = None
        self._local = threading.local()
        self._shared: dict[tuple[str, str, str], Any] = {}

    def options(self, target_id: str, driver: str) -> tuple[str, Mapping[str, Any]]:
        """The driver and options of a target: the manifest's driver, replaced or completed by hanse.toml.

        What the operator names for a target is used as it is; ``substitute`` is for what manifests name.
        """
        configured = dict(self._configured(target_id))
        meant = driver or self._usual(target_id.partition(":")[0])
        return str(configured.pop("driver", "")) or self._settings.substitute.get(meant, meant), configured

    def _usual(self, port: str) -> str:
        shared = self._settings.records.url.startswith("postgresql")
        return "records" if port == "registry" and shared else DEFAULTS[port]

    def _configured(self, target_id: str) -> Mapping[str, Any]:
        fitting = [pattern for pattern in self._settings.targets if fnmatchcase(target_id, pattern)]
        return self._settings.targets[max(fitting, key=len)] if fitting else {}

    def dns(self, target: Target) -> DNS:
        """The zone behind the target."""
        found: DNS = self._open("dns", target)
        return found

    def compute(self, target: Target) -> Compute:
        """The cloud project behind the target."""
        found: Compute = self._open("compute", target)
        return found

    def storage(self, target: Target) -> Storage:
        """The storage behind the target."""
        found: Storage = self._open("storage", target)
        return found

    def events(self, target: Target) -> Events:
        """What tells of events in the storage behind the target."""
        found: Events = self._open("events", target)
        return found

    def mover(self, target: Target) -> Mover:
        """The transfer service behind the target."""
        found: Mover = self._open("mover", target)
        return found

    def rules(self, target: Target) -> RuleKeeper:
        """The system behind the target that keeps replication rules of its own."""
        found: RuleKeeper = self._open("rules", target)
        return found

    def registry(self, target: Target) -> Registry:
        """The register table behind the target."""
        # What is recorded of a target may name the driver that kept it before.
        driver, options = self.options(target.id, "")
        if driver != "records":
            self._not_of_before(target)
            found: Registry = self._open("registry", Target(target.id, driver, options))
            return found
        if self._store is None:
            raise Terminal(f"{target.id} is kept in the records, and they are not open here")
        return self._store.documents.table(target.name, self.register_folder)

    def _not_of_before(self, target: Target) -> None:
        """What is left of a register whose place is the records by now must not be taken for it."""
        if self._store is not None and self._store.documents.keeps(target.name):
            raise Terminal(
                f"{target.id} is kept in the records by now, and what lies in {self.register_folder} is of before: "
                f'say driver = "records" in [targets."registry:*"]'
            )

    @property
    def register_folder(self) -> Path:
        """Where the register lies that is kept in a file."""
        return Path(self._settings.state) / "registry"

    def configure(self, target: Target) -> Configure:
        """What runs playbooks on the nodes of a compute target: it follows from the compute driver."""
        found: Configure = self._open("configure", target)
        return found

    def images(self, target: Target) -> Images:
        """The images of the cloud project behind the target."""
        found: Images = self._open("images", target)
        return found

    def batch(self, target: Target) -> Batch:
        """The batch system of a cluster, or of a site: how a cluster's is reached follows from the compute driver."""
        found: Batch = self._open("batch", target)
        return found

    def checker(self, target: Target) -> Checker:
        """What runs monitoring plugins."""
        found: Checker = self._open("check", target)
        return found

    def identity(self, target: Target) -> Identity:
        """The keystone behind the target, as an administrator."""
        found: Identity = self._open("identity", target)
        return found

    def secret(self, reference: SecretRef) -> str:
        """Read a secret now. Raises Terminal or Transient naming the reference, never the value."""
        return self.secrets.read(reference)

    @property
    def secrets(self) -> Secrets:
        """What reads them."""
        if self._secrets is None:  # two that are made at the same time read the same
            from reconciler.drivers.secrets import Secrets

            given = self._settings
            committed = committed_files(given, self._store)
            self._secrets = Secrets(self._environment, committed, given.sops, given.openbao)
        return self._secrets

    def _open(self, port: str, target: Target) -> Any:
        own = self._local.__dict__.setdefault("opened", {})
        opened: dict[tuple[str, str, str], Any] = self._shared if port == "dns" else own
        key = (port, target.id, target.driver)
        if key not in opened:
            module = MODULES.get((port, target.driver))
            if module is None:
                known = ", ".join(sorted(name for kind, name in MODULES if kind == port))
                said = f"no {port} driver called {target.driver} (there are: {known}); substitute it in hanse.toml"
                raise Terminal(said)
            world = _WORLDS.get(port, port)
            state = {"state": str(Path(self._settings.state) / world)}
            complete = Target(target.id, target.driver, {**state, **self._extra(port), **target.options})
            with _IMPORTING:
                driver = import_module(module)
            opened[key] = driver.open(complete, self)
        return opened[key]

    def _extra(self, port: str) -> Mapping[str, Any]:
        extra = {"playbooks": self._settings.playbooks} if self._settings.playbooks else {}
        return {**extra, "repository": self._settings.source.repository} if port == "configure" else extra


def committed_files(settings: Settings, store: Store | None) -> Callable[[str], bytes]:
    """What gives files of the repository as of the commit in force, whatever else is being planned."""

    def content(path: str) -> bytes:
        from reconciler import incoming, source

        wanted, repository = settings.source.revision, Path(settings.source.repository)
        try:
            if store is not None:
                come = incoming.chosen(settings, store, wanted, worktree=False)
                if come.unverified:
                    raise Terminal(f"{path}: no commit is in force: {come.unverified}")
                wanted = come.revision
            elif settings.source.signers or settings.source.signed:
                raise Terminal(f"{path}: which commit is in force is not known here")
            return source.content(repository, wanted, path)
        except SourceError as error:
            said = str(error)
            raise Terminal(said if said.startswith(path) else f"{path}: {said}") from error

    return content
