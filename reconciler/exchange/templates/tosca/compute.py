"""Machines of a topology: what host, os, endpoint and scalable say of them."""

from __future__ import annotations

import re
from collections.abc import Callable

from reconciler.exchange.templates.amounts import bytes_of, truth
from reconciler.exchange.templates.draft import Draft, Machines
from reconciler.exchange.templates.items import Account, Item
from reconciler.exchange.templates.software import secret
from reconciler.exchange.templates.tosca.inputs import Values

_FQDN = re.compile(
    r"(?=.{4,253}$)([a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE
)
_PUBLIC = re.compile(r"(?:(?P<id>.+)\.)?(?P<word>PUBLIC|PRIVATE)", re.IGNORECASE)

_OWN_NAMES = "machines are called after their cluster, group and number, and find each other by these names"


class Computes:
    """Reads node templates of Compute."""

    def __init__(self, draft: Draft, account: Account, values: Values) -> None:
        self.draft, self.account, self.values = draft, account, values

    def take(self, name: str, node: Item) -> None:
        """Take one in."""
        machines = Machines(name, node)
        self.draft.machines[name] = machines
        readers: dict[str, Callable[[Machines, dict[str, Item]], None]] = {
            "host": self._host,
            "os": self._os,
            "endpoint": self.endpoint,
            "scalable": self.scalable,
        }
        for capability, item in self.values.parts(node.get("capabilities")).items():
            if capability in readers:
                readers[capability](machines, self.values.parts(item.get("properties")))
        self._properties(self.values.parts(node.get("properties")))

    # --- capabilities -------------------------------------------------------------------------------------------

    def _host(self, machines: Machines, said: dict[str, Item]) -> None:
        take: dict[str, Callable[[Account, Item, object], None]] = {
            "num_cpus": machines.cpus,
            "mem_size": machines.ram,
            "disk_size": machines.disk,
            "num_gpus": machines.gpus,
        }
        for key, item in said.items():
            value = self.values.plain(item)
            if value is None and item.mentioned:
                continue
            if key in take:
                take[key](self.account, item, value)
            elif key == "instance_type":
                machines.flavour(self.account, item, value)
            elif _nothing(value):
                self.account.spared(item, f"{key} asks for nothing")
            elif key in ("gpu_vendor", "gpu_model"):
                self.account.lost(item, f"{key} {value}: gpus counts accelerators of any make", "name a flavour")
            elif key == "preemtible_instance":
                self.account.lost(
                    item, "machines that the cloud may take back are not asked for", "name such a flavour"
                )
            else:
                self.account.lost(item, f"{key} is no requirement that Hanse knows", "name a flavour that has it")

    def _os(self, machines: Machines, said: dict[str, Item]) -> None:
        found = {key: self.values.plain(item) for key, item in said.items() if key != "credential"}
        image, distribution = str(found.get("image") or ""), str(found.get("distribution") or "")
        version = str(found.get("version") or "")
        machines.said = image or "-".join(part for part in (distribution.lower(), version) if part)
        machines.image = said.get("image") if image else said.get("distribution")
        for key, item in said.items():
            value = found.get(key)
            if key == "type" and str(value).lower() not in ("linux", "none", ""):
                self.account.lost(item, f"{value} is not configured by Hanse's roles", "take an image with Linux")
            elif key == "architecture" and value not in (None, "", "x86_64"):
                self.account.lost(item, f"the architecture {value} is not asked for", "name a flavour and image of it")
            elif key == "credential":
                self._credential(item)
            elif key in ("distribution", "version") and image:
                self.account.spared(item, "the image is named")
            elif key not in ("type", "architecture", "distribution", "version", "image") and not _nothing(value):
                self.account.lost(item, f"{key} is not looked for in images", "take an image that has it: --image")
            else:
                item.mention()

    def _credential(self, item: Item) -> None:
        parts = self.values.parts(item)
        for key, part in parts.items():
            if key == "user":
                self.draft.user = str(self.values.plain(part) or "") or self.draft.user
            else:
                self.account.spared(part, "Hanse makes a key pair of its own, and leaves secrets out of manifests")
        item.mention()

    def endpoint(self, machines: Machines, said: dict[str, Item]) -> None:
        """What is open, under which names, in which network."""
        one = {key: said[key] for key in ("port", "protocol") if key in said}
        if "port" in one:
            protocol = str(self.values.plain(one["protocol"]) or "tcp") if "protocol" in one else "tcp"
            machines.open(self.account, one["port"], str(self.values.plain(one["port"])), protocol)
        for key, item in said.items():
            if key == "ports":
                for port in self.values.parts(item).values():
                    self._port(machines, port)
                item.mention() if not self.values.parts(item) else None
            elif key in ("dns_name", "additional_dns_names"):
                self._named(item)
            elif key == "network_name":
                self._network(machines, item)
            elif key in ("protocol", "private_ip", "initiator"):
                value = self.values.plain(item)
                if key == "private_ip":
                    self.account.spared(item, f"private_ip {value}: every machine is in a network of the cloud")
            elif key not in one:
                value = self.values.plain(item)
                shown = "" if secret(key) else f" {value}"
                self.account.lost(item, f"{key}{shown} is not mapped", "see the fields of network in the manifest")

    def _port(self, machines: Machines, port: Item) -> None:
        parts = self.values.parts(port)
        protocol = str(self.values.plain(parts.get("protocol")) or "tcp")
        protocols = ("tcp", "udp") if protocol == "any" else (protocol,)
        key = next((k for k in ("source_range", "source", "target_range", "target") if k in parts), None)
        if key is None:
            self.account.lost(port, "names no port", "open what you need in network.ports")
            return
        value = self.values.plain(parts[key])
        said = ":".join(str(v) for v in value) if isinstance(value, list) else re.sub(r"[\[\] ]", "", str(value))
        for one in protocols:
            machines.open(self.account, parts[key], said.replace(",", ":"), one)
        self._of_port(parts, key, value)
        port.mentioned = True

    def _of_port(self, parts: dict[str, Item], key: str, value: object) -> None:
        """The other things that are said of a port."""
        for name, item in parts.items():
            found = self.values.plain(item)
            if name in (key, "protocol"):
                continue
            if name == "remote_cidr" and str(found) not in ("0.0.0.0/0", "::/0", "None", ""):
                message = f"{value} is open to every address, not to {found} alone"
                self.account.lost(item, message, "restrict it on the machines, or leave the port out of network.ports")
            elif name in ("target", "target_range") and found != value:
                self.account.lost(item, f"{value} does not lead to {found}: ports are not translated", "use one number")
            elif name not in ("remote_cidr", "target", "target_range"):
                self.account.spared(item, f"{name} of a port changes nothing")

    def _named(self, item: Item) -> None:
        found = self.values.resolve(item)
        for one in (found.entries or [found]) if found is not None else ():
            name = str(self.values.plain(one) or "").strip(".")
            one.mention()
            if not name:
                continue
            if _FQDN.fullmatch(name):
                self.draft.names.setdefault(name.lower(), item)
            else:
                self.account.altered(item, f"no machine is called {name}: {_OWN_NAMES}")
        item.mention()

    def _network(self, machines: Machines, item: Item) -> None:
        said = str(self.values.plain(item) or "")
        found = _PUBLIC.fullmatch(said)
        item.mention()
        if found is None:
            machines.networks.setdefault(said, item) if said else None
            return
        if found["word"].upper() == "PUBLIC":
            machines.public = item
        if found["id"]:
            what = "the option floating_network of the target" if machines.public else "network.networks"
            self.account.lost(
                item, f"which network of the cloud {found['id']} is, Hanse cannot say", f"name it in {what}"
            )

    def scalable(self, machines: Machines, said: dict[str, Item]) -> None:
        """How many there are."""
        numbers: dict[str, int] = {}
        for key, item in said.items():
            value = self.values.plain(item)
            if value is None:
                continue
            if key in ("count", "default_instances", "min_instances", "max_instances"):
                found = machines.number(self.account, item, value)
                numbers |= {} if found is None else {key: found}
            elif key == "removal_list" and not value:
                self.account.spared(item, "nothing is to be removed")
            else:
                self.account.lost(item, f"{key} is not mapped", "change count in the manifest: the last ones go first")
        low, high = numbers.get("min_instances"), numbers.get("max_instances")
        count = numbers.get("count", numbers.get("default_instances", low))
        if count is not None:
            machines.count = count
            machines.begins = said.get("count") or said.get("default_instances")
        if high is not None and high > (low or 0):
            machines.low, machines.high = low or 0, high
            machines.bounds = said["max_instances"]

    # --- properties ---------------------------------------------------------------------------------------------

    def _properties(self, said: dict[str, Item]) -> None:
        for key, item in said.items():
            value = self.values.plain(item) if key != "os_users" else ...
            if key == "os_users":
                self._users(item)
            elif _nothing(value):
                self.account.spared(item, f"{key} asks for nothing")
            elif key == "instance_name":
                self.account.altered(item, f"no machine is called {value}: {_OWN_NAMES}")
            elif key == "tags":
                self.account.lost(item, "tags of machines are Hanse's own marks", "give labels in metadata instead")
            else:
                self.account.lost(item, f"{key} of machines is not mapped", "see the fields of frontend and workers")

    def _users(self, item: Item) -> None:
        for user in (self.values.resolve(item) or item).entries:
            for key, part in self.values.parts(user).items():
                value = self.values.plain(part)
                if key == "os_user_ssh_public_key" and value:
                    self.draft.keys.setdefault(" ".join(str(value).split()), part)
                elif key == "os_user_name":
                    message = f"no account {value} is made: the key opens the account that Ansible uses"
                    self.account.altered(part, message, "make accounts with a role of your own")
                else:
                    self.account.spared(part, f"{key}: whoever logs in is an administrator")
        item.mention()


def _nothing(value: object) -> bool:
    """Whether a value asks for nothing."""
    return value in (None, "", [], {}) or truth(value) is False or bytes_of(value) == 0
