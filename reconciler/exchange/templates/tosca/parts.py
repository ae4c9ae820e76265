"""What is put on machines: batch systems, elasticity, disks, names, applications."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from reconciler.exchange.templates.amounts import bytes_of, whole
from reconciler.exchange.templates.draft import Draft, Machines
from reconciler.exchange.templates.items import Account, Item
from reconciler.exchange.templates.software import batch_system, does, role_named, secret, secret_of
from reconciler.exchange.templates.tosca.compute import Computes
from reconciler.exchange.templates.tosca.inputs import Values

_CLUES = {
    "IDLE_TIME": "idleSeconds",
    "COOLDOWN_NODES": "coolDownSeconds",
    "MAX_WAIT_POWERON": "bootTimeoutSeconds",
    "MAX_BOOTING_NODES": "maxPending",
    "EXTRA_NODES_FREE": "minIdle",
}
"""Options of CLUES, and the fields of elasticity that mean the same."""

_BOOT, _LONGEST_BOOT = 300, 86_400
_KNOWN_BY_ITSELF = re.compile(r"(public_)?front_end_ip|wn_ips|wn_num|server_ip|hostname|.*_private_ip")
_DRIVEN = "Hanse follows the queue from outside, with the credentials that it has anyway"
_CONNECTIONS = ("host", "dependency", "lrms", "wn", "endpoint", "binding", "link", "local_storage")


class Parts:
    """Reads node templates that are no machines."""

    def __init__(self, draft: Draft, account: Account, values: Values, computes: Computes) -> None:
        self.draft, self.account, self.values, self.computes = draft, account, values, computes
        self._disks: dict[str, Item] = {}
        self._readers: tuple[tuple[str, Callable[[str, Item, str], None]], ...] = (
            (r".*\.LRMS\.FrontEnd(\.\w+)?", self._front_end),
            (r".*\.LRMS\.WorkerNode(\.\w+)?", self._worker),
            (r".*\.ElasticCluster", self._elastic),
            (r".*\.(BlockStorage|ObjectStorage)", self._storage),
            (r".*\.network\.(Network|Port)|.*\.nodes\.Network", self._network),
            (r".*\.DNSRegistry", self._registry),
            (r".*\.(Dynafed|Onedata\w*|OneDataSpace|Rucio\w*|Dataset\w*)(\..+)?", self._data),
            (r".*", self._application),
        )

    def take(self, name: str, node: Item, chain: list[str]) -> None:
        """Take one in, by the first of its types that is known."""
        for kind in chain or [""]:
            reader = next(reader for pattern, reader in self._readers if re.fullmatch(pattern, kind))
            if reader != self._application or kind == (chain or [""])[-1]:
                reader(name, node, (chain or [""])[0] if reader == self._application else kind)
                break
        self._connections(node)

    def close(self) -> None:
        """Say what became of disks, once it is known who uses them."""
        for name, machines in self.draft.machines.items():
            for requirement in self._requirements(machines.item):
                self._attached(name, requirement)
        for node in self._disks.values():
            self._volume(node, "")

    # --- batch systems ------------------------------------------------------------------------------------------

    def _front_end(self, _name: str, node: Item, kind: str) -> None:
        system = kind.rpartition("FrontEnd")[2].strip(".")
        known = batch_system(self.draft, self.account, node.fields["type"], system)
        host = self._host(node)
        if host is not None:
            host.front = True
        self._lrms_properties(node, system, known=known)
        self._endpoints(node, host)
        self._scripts(node)

    def _worker(self, _name: str, node: Item, kind: str) -> None:
        system = kind.rpartition("WorkerNode")[2].strip(".")
        if system.lower() not in ("slurm", "", "local") and system.lower() not in self._told_of():
            batch_system(self.draft, self.account, node.fields["type"], system)
        host = self._host(node)
        bounds = self.values.parts(node.get("capabilities", "wn", "properties"))
        if host is not None:
            self.computes.scalable(host, bounds)
        self._lrms_properties(node, system, known=system.lower() == "slurm")
        self._endpoints(node, host)
        self._scripts(node)

    def _told_of(self) -> set[str]:
        return {
            d.message.rpartition(" ")[2].lower() for d in self.account.unmapped if "no role that is tested" in d.message
        }

    def _lrms_properties(self, node: Item, system: str, *, known: bool) -> None:
        for key, item in self.values.parts(node.get("properties")).items():
            if _KNOWN_BY_ITSELF.fullmatch(key):
                self.account.spared(item, f"{key}: members of a cluster know each other")
            elif not known:
                shown = "a secret" if secret(key) else key
                self.account.lost(
                    item, f"{shown} is for {system}, which no role sets up", "give it to a role of your own"
                )
            elif key == "version":
                value = self.values.plain(item)
                message = f"not Slurm {value} but the one of the image's distribution is set up"
                self.account.altered(item, message, "for another, name a source of packages with the role apt_source")
            elif key == "nfs":
                self._nfs(item)
            else:
                self.account.lost(
                    item, f"{key} is no variable of the role slurm", "see the variables of the role slurm"
                )

    def _nfs(self, item: Item) -> None:
        if self.values.plain(item):
            self.draft.role(item, "nfs", {"path": "/home"})
            self.account.altered(item, "/home of the front end is shared over NFS 4, by Ganesha")

    # --- elasticity ---------------------------------------------------------------------------------------------

    def _elastic(self, _name: str, node: Item, _kind: str) -> None:
        self.draft.policy = self.draft.policy if self.draft.policy is not None else {}
        for key, item in self.values.parts(node.get("properties")).items():
            if key == "config_options":
                for option in (self.values.resolve(item) or item).entries:
                    self._option(option)
                item.mention()
            else:
                self.account.spared(item, f"{key}: {_DRIVEN}")
        capabilities = node.get("capabilities")
        for item in capabilities.below() if capabilities else ():
            self.account.spared(item, f"no port is opened for CLUES: {_DRIVEN}")
        self._scripts(node, f"CLUES is not installed: {_DRIVEN}")

    def _option(self, option: Item) -> None:
        parts = self.values.parts(option)
        name = str(self.values.plain(parts.get("option")) or "")
        value = whole(self.values.plain(parts.get("value")))
        field = _CLUES.get(name)
        assert self.draft.policy is not None  # noqa: S101 (made by the caller)
        if name == "RECONSIDER_JOB_TIME":
            self.account.altered(option, f"a node is started as soon as a job needs it, not {value} s later")
        elif name == "EXTRA_SLOTS_FREE" and value:
            cure = "keep nodes with elasticity.minIdle"
            self.account.lost(option, f"{value} free slots are not kept", cure)
        elif field is None:
            self.account.spared(option, f"{name} is how CLUES works inside")
        elif value is None:
            self.account.lost(option, f"{name} has no number", f"give elasticity.{field} in the manifest")
        elif field == "maxPending" and not value:
            option.mention()
        else:
            self._policy(option, field, value)

    def _policy(self, option: Item, field: str, value: int) -> None:
        policy = self.draft.policy if self.draft.policy is not None else {}
        option.mention()
        policy[field] = value
        if field == "bootTimeoutSeconds" and not _BOOT <= value <= _LONGEST_BOOT:
            policy[field] = min(max(value, _BOOT), _LONGEST_BOOT)
            self.account.altered(option, f"a node is given up after {policy[field]} s: that is the nearest there is")

    # --- disks, networks, names, data ---------------------------------------------------------------------------

    def _storage(self, name: str, node: Item, kind: str) -> None:
        if kind.endswith("ObjectStorage"):
            self.account.lost(node, f"{name}: a cluster has no object storage of its own", "declare a DatasetRule")
        else:
            self._disks[name] = node

    def _attached(self, machines: str, requirement: Item) -> None:
        node = requirement.get("node") or requirement
        disk = self._disks.pop(str(node.plain()), None) if node.scalar else None
        if disk is None:
            return
        relationship = requirement.get("relationship")
        location = self.values.plain(requirement.get("relationship", "properties", "location"))
        for item in (node, relationship.get("type") if relationship is not None else None, relationship):
            item.mention() if item is not None and item.scalar else None
        self._volume(disk, f" at {location} of {machines}" if location else f" of {machines}")

    def _volume(self, node: Item, where: str) -> None:
        properties = self.values.parts(node.get("properties"))
        size = self.values.plain(properties.get("size"))
        volume = self.values.plain(properties.get("volume_id") or properties.get("snapshot_id"))
        for key, item in properties.items():
            if key not in ("size", "volume_id", "snapshot_id"):
                item.mention()
        if volume:
            cure = "copy its data to a storage and declare a DatasetRule, or attach it by hand"
            self.account.lost(node, f"the volume {volume}{where} is not attached", cure)
        elif bytes_of(size):
            cure = "give more diskGiB, or keep the data with a DatasetRule"
            self.account.lost(node, f"no volume of {size} is made{where}: machines have their root disk", cure)
        else:
            self.account.spared(node, f"a disk of no size{where} is none")

    def _network(self, name: str, node: Item, kind: str) -> None:
        if kind.endswith("Port"):
            self._port(node)
            return
        for key, item in self.values.parts(node.get("properties")).items():
            value = self.values.plain(item)
            if key in ("network_name", "network_id") and value and str(value).upper() not in ("PUBLIC", "PRIVATE"):
                for machines in self._linked(name):
                    machines.networks.setdefault(str(value), item)
                item.mention()
            elif str(value).upper() in ("PUBLIC", "PRIVATE") and key in ("network_name", "network_type"):
                for machines in self._linked(name) if str(value).upper() == "PUBLIC" else ():
                    machines.public = item
                item.mention()
            else:
                cure = "name a network that is there in network.networks"
                self.account.lost(item, f"no network is made, so {key} says nothing", cure)

    def _linked(self, network: str) -> list[Machines]:
        """Machines whose ports are in a network."""
        bound: list[Machines] = []
        for node in self.values.nodes.fields.values():
            named = {key: self._target(item) for entry in self._requirements_of(node) for key, item in entry}
            if named.get("link") == network and named.get("binding") in self.draft.machines:
                bound.append(self.draft.machines[str(named["binding"])])
        return bound

    def _port(self, node: Item) -> None:
        for key, item in self.values.parts(node.get("properties")).items():
            if key == "order":
                self.account.spared(item, "the order of interfaces changes nothing")
            else:
                self.account.lost(item, f"{key} of an interface is not mapped", "the cloud gives addresses")

    def _registry(self, _name: str, node: Item, _kind: str) -> None:
        properties = self.values.parts(node.get("properties"))
        record = self.values.plain(properties.get("record_name"))
        domain = self.values.plain(properties.get("domain_name"))
        if record and domain:
            self.draft.names.setdefault(f"{record}.{domain}".strip(".").lower(), properties["record_name"])
        for key, item in properties.items():
            if key not in ("record_name", "domain_name"):
                self.account.spared(item, f"{key}: who may write into a zone stands in hanse.toml")
        self._scripts(node, "names are kept by Hanse itself")

    def _data(self, name: str, node: Item, kind: str) -> None:
        cure = "declare a DatasetRule for it, and name the rule in spec.data"
        self.account.lost(node, f"{name} ({kind}) is data that the cluster needs", cure)

    # --- applications -------------------------------------------------------------------------------------------

    def _application(self, name: str, node: Item, kind: str) -> None:
        short = kind.rpartition(".")[2]
        role = self._roles(node)
        if role is None and re.search(r"JupyterHub", kind):
            self.draft.role(node.fields["type"], "jupyterhub")
            role = "jupyterhub"
        elif role is None and re.search(r"\bDocker$|Container\.Runtime\.Docker", kind):
            self.draft.role(node.fields["type"], "containers", {"packages": ["docker.io"]})
            role = "containers"
        elif role is None and re.search(r"NFS", short):
            self.draft.role(node.fields["type"], "nfs")
            role = "nfs"
        self._endpoints(node, self._host(node))
        self._application_properties(node, role, short)
        told = len(self.account.unmapped)
        self._scripts(node, role=role)
        if role is None and told == len(self.account.unmapped) and "type" in node.fields:
            cure = "write a role that does what it does, and name it in spec.software"
            self.account.lost(node.fields["type"], f"nothing is known to run {name} ({kind})", cure)

    def _application_properties(self, node: Item, role: str | None, kind: str) -> None:
        paths = {"nfs": ("path", "export", "shared_folder", "export_path")}
        for key, item in self.values.parts(node.get("properties")).items():
            if role == "nfs" and key in paths["nfs"]:
                self.draft.roles["nfs"][1]["path"] = str(self.values.plain(item))
            elif role == "jupyterhub" and key in ("password", "admin_password"):
                self.draft.roles["jupyterhub"][1]["password"] = secret_of(self.account, item, f"jupyterhub_{key}")
            elif role == "jupyterhub" and key == "port":
                self.draft.roles["jupyterhub"][1]["port"] = self.values.plain(item)
            else:
                what = f"the role {role}" if role else f"what replaces {kind}"
                shown = f"{key} is not carried over"
                self.account.lost(item, shown, f"give it to {what} as a variable, secrets as secretRef")

    def _roles(self, node: Item) -> str | None:
        """Roles that the node brings along; the first one that Hanse has."""
        found: str | None = None
        artifacts = node.get("artifacts")
        for artifact in artifacts.below() if artifacts else ():
            file, kind = artifact.get("file"), str(plain(artifact.get("type")) or "")
            if file is not None and ("collection" in kind or "role" not in kind.lower()):
                self.account.lost(artifact, f"{file.plain()} is not installed", "name what needs it as a role")
            elif file is not None:
                role = role_named(self.draft, self.account, file, str(self.values.plain(file)))
                artifact.fields["type"].mention()
                found = found or role
        return found

    def _scripts(self, node: Item, why: str = "", role: str | None = None) -> None:
        """Playbooks that a node brings along: they are never run by Hanse. ``role`` is the one that does the same."""
        interfaces = node.get("interfaces")
        for interface in interfaces.below() if interfaces else ():
            for step, operation in interface.fields.items():
                script = operation.get("implementation") if operation.fields else operation
                said = plain(script) if script is not None and script.scalar else step
                names = [*operation.get("inputs").fields] if operation.get("inputs") is not None else []  # type: ignore[union-attr]
                more = f", with {', '.join(names)}" if names else ""
                if why:
                    self.account.spared(operation, why)
                elif role and does(role, str(said)):
                    cure = f"see the variables of the role {role}"
                    self.account.altered(
                        operation, f"{said or step}{more}: the role {role} does it in its own way", cure
                    )
                else:
                    message = f"{step} runs {said or 'a script'}{more}: scripts are not carried over"
                    self.account.lost(
                        operation, message, "write a role of your own that does it, and name it in spec.software"
                    )

    def _endpoints(self, node: Item, host: Machines | None) -> None:
        capabilities = node.get("capabilities")
        for name, item in capabilities.fields.items() if capabilities else ():
            if name == "endpoint" and host is not None:
                self.computes.endpoint(host, self.values.parts(item.get("properties")))

    # --- how nodes hang together --------------------------------------------------------------------------------

    def _host(self, node: Item) -> Machines | None:
        """The machines that a node runs on, through the nodes that it runs on."""
        seen: set[str] = set()
        found: Item | None = node
        while found is not None:
            name = next((self._target(i) for e in self._requirements_of(found) for k, i in e if k == "host"), None)
            if name is None or name in seen:
                return None
            if name in self.draft.machines:
                return self.draft.machines[name]
            seen.add(name)
            found = self.values.nodes.get(name)
        return None

    def _connections(self, node: Item) -> None:
        for entry in self._requirements_of(node):
            for key, item in entry:
                target = self._target(item)
                if key in _CONNECTIONS and target is not None and target in self.values.nodes.fields:
                    item.mention()
                elif key in _CONNECTIONS and target is not None:
                    self.account.lost(item, f"there is no node {target} in the template", "add the file that has it")
                else:
                    self.account.lost(item, f"{key} is not mapped", "say it in the manifest if the cluster needs it")

    def _requirements(self, node: Item) -> list[Item]:
        """What a machine requires; connections to disks are spoken of with the disks."""
        found = [item for entry in self._requirements_of(node) for _, item in entry]
        for entry in self._requirements_of(node):
            for key, item in entry:
                if key in _CONNECTIONS and self._target(item) in self.values.nodes.fields:
                    continue
                self.account.lost(item, f"{key} is not mapped", "say it in the manifest if the cluster needs it")
        return found

    def _requirements_of(self, node: Item) -> list[list[tuple[str, Item]]]:
        found = node.get("requirements")
        if found is None:
            return []
        return [[*entry.fields.items()] for entry in found.entries] or [[*found.fields.items()]]

    def _target(self, requirement: Item) -> str | None:
        node = requirement.get("node") or requirement
        return str(node.plain()) if node.scalar and node.plain() is not None else None


def plain(item: Item | None) -> Any:
    """The plain value of what may not be there."""
    return item.plain() if item is not None else None
