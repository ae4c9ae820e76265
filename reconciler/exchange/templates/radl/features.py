"""Features of a RADL system and of the networks that it is in, as machines."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from reconciler.exchange.templates.amounts import bytes_of, truth, whole
from reconciler.exchange.templates.draft import Draft, Machines
from reconciler.exchange.templates.items import Account, Item
from reconciler.exchange.templates.software import batch_system, role_named

_PORT = re.compile(r"(?P<low>\d{1,5})(:(?P<high>\d{1,5}))?(/(?P<protocol>\w+))?(-(?P<local>\d{1,5})(/\w+)?)?")
_OWN_NAMES = "machines are called after their cluster, group and number, and find each other by these names"
_OF_EC3 = {
    "ec3_destroy_interval": "paidIntervalSeconds",
    "ec3_destroy_safe": "paidMarginSeconds",
}
_GALAXY = "ansible.modules."


class Features:
    """Reads systems."""

    def __init__(self, draft: Draft, account: Account, networks: Mapping[str, Item]) -> None:
        self.draft, self.account, self.networks = draft, account, networks
        self._patterns: tuple[tuple[str, Callable[[Machines, str, Item], None]], ...] = (
            (r"cpu\.count", lambda m, _, i: m.cpus(account, i, i.data)),
            (r"memory\.size", lambda m, _, i: m.ram(account, i, i.data)),
            (r"disk\.0\.(size|free_size)", lambda m, _, i: m.disk(account, i, i.data)),
            (r"gpu\.count", lambda m, _, i: m.gpus(account, i, i.data)),
            (r"instance_type", lambda m, _, i: m.flavour(account, i, i.data)),
            (r"cpu\.arch", self._architecture),
            (r"net_interface\.\d+\.connection", self._connection),
            (r"net_interface\.\d+\.(additional_)?dns_names?", self._named),
            (r"disk\.0\.os\..*|disk\.0\.image\..*", self._os),
            (r"disk\.\d+\.applications", self._applications),
            (r"disk\.[1-9]\d*\..*", self._disk),
            (r"queue_system", self._queue),
            (r"soft", self._soft),
            (r"ec3_.*", self._ec3),
            (r".*_max", self._upper),
            (r".*", self._unknown),
        )

    def machines(self, name: str, item: Item, deployed: int | None) -> Machines:
        """The machines of a system."""
        made = Machines(name, item, deployed or 0)
        self.draft.machines[name] = made
        made.front = "queue_system" in item.fields
        said = {key: part for key, part in item.fields.items() if part.scalar}
        self._image(made, said)
        for key, part in item.fields.items():
            reader = next(reader for pattern, reader in self._patterns if re.fullmatch(pattern, key))
            reader(made, key, part)
        return made

    # --- readers ------------------------------------------------------------------------------------------------

    def _architecture(self, _machines: Machines, _key: str, item: Item) -> None:
        if str(item.data) in ("x86_64", "amd64", ""):
            item.mention()
        else:
            self.account.lost(item, f"the architecture {item.data} is not asked for", "name a flavour and image of it")

    def _image(self, machines: Machines, said: Mapping[str, Item]) -> None:
        url = said.get("disk.0.image.url") or said.get("disk.0.image.name")
        names = [said.get(f"disk.0.os.{part}") for part in ("flavour", "version")]
        distribution = "-".join(str(part.data).lower() for part in names if part is not None and part.data)
        machines.said = str(url.data) if url is not None and url.data else distribution
        machines.image = url if url is not None and url.data else names[0]

    def _os(self, machines: Machines, key: str, item: Item) -> None:
        if key == "disk.0.image.url" and item.entries:
            self.account.lost(item, "of several images none is chosen here", "give the right one: --image '*=NAME'")
        elif key.startswith("disk.0.image.") or key in ("disk.0.os.flavour", "disk.0.os.version"):
            item.mention()
        elif key == "disk.0.os.name" and str(item.data).lower() != "linux":
            self.account.lost(item, f"{item.data} is not configured by Hanse's roles", "take an image with Linux")
        elif key == "disk.0.os.credentials.username":
            item.mention()
            self.draft.user = self.draft.user or str(item.data)
        elif key.startswith("disk.0.os.credentials."):
            self.account.spared(item, "Hanse makes a key pair of its own, and leaves secrets out of manifests")
        elif key == "disk.0.os.name":
            item.mention()
        else:
            self._unknown(machines, key, item)

    def _connection(self, machines: Machines, _key: str, item: Item) -> None:
        network = self.networks.get(str(item.data))
        if network is None:
            self.account.lost(item, f"there is no network {item.data}", "name one of the cloud's in network.networks")
            return
        item.mention()
        for key, part in network.fields.items():
            if key == "outbound":
                machines.public = part if truth(part.data) else machines.public
                part.mention()
            elif key == "outports":
                self._ports(machines, part)
            elif key == "provider_id" and part.data:
                machines.networks.setdefault(str(part.data), part)
                part.mention()
            elif key == "create" and truth(part.data) is False:
                part.mention()
            elif not part.mentioned:
                cure = "name a network that is there in network.networks"
                self.account.lost(part, f"{key} of a network is not mapped: no network is made", cure)

    def _ports(self, machines: Machines, item: Item) -> None:
        for part in item.entries or [item]:
            said = [one.strip() for one in str(part.data or "").split(",") if one.strip()]
            part.mention()
            for one in said:
                found = _PORT.fullmatch(one)
                if found is None:
                    self.account.lost(part, f"{one} cannot be read as a port", "open it in network.ports")
                    continue
                if found["local"] and found["local"] != found["low"]:
                    message = f"{found['low']} does not lead to {found['local']}: ports are not translated"
                    self.account.lost(part, message, "use one number, and open that")
                high = f"-{found['high']}" if found["high"] else ""
                machines.open(self.account, part, f"{found['low']}{high}", found["protocol"] or "tcp")

    def _named(self, _machines: Machines, _key: str, item: Item) -> None:
        for one in item.entries or [item]:
            name = str(one.data if one.scalar else "").partition("@")[0].strip(".").lower()
            if "." in name and "#n#" not in name:
                one.mention()
                self.draft.names.setdefault(name, one)
            else:
                self.account.altered(one, f"no machine is called {one.data}: {_OWN_NAMES}")
        item.mention()

    def _disk(self, machines: Machines, key: str, item: Item) -> None:
        number = key.split(".")[1]
        if key.endswith(".size") and bytes_of(item.data):
            where = machines.item.fields.get(f"disk.{number}.mount_path")
            at = f" at {where.data}" if where is not None else ""
            cure = "give more diskGiB, or keep the data with a DatasetRule"
            self.account.lost(item, f"no volume of {item.data} is made{at}: machines have their root disk", cure)
        elif key.endswith(".image.url"):
            cure = "copy its data to a storage and declare a DatasetRule"
            self.account.lost(item, f"the volume {item.data} is not attached", cure)
        else:
            self.account.spared(item, f"disk {number} is not made")

    def _applications(self, _machines: Machines, _key: str, item: Item) -> None:
        for one in item.entries:
            name = one.get("name") if one.fields else one
            said = str(name.data) if name is not None else ""
            if said.startswith(_GALAXY):
                role_named(self.draft, self.account, name or one, said.removeprefix(_GALAXY))
            else:
                cure = "take an image that has it, or write a role that installs it"
                self.account.lost(name or one, f"the application {said} is not looked for in images", cure)
            one.mention()

    def _queue(self, _machines: Machines, _key: str, item: Item) -> None:
        batch_system(self.draft, self.account, item, str(item.data))

    def _ec3(self, machines: Machines, key: str, item: Item) -> None:
        number = whole(item.data)
        if key in _OF_EC3 and number is not None:
            machines.elastic = {**(machines.elastic or {}), **({_OF_EC3[key]: number} if number else {})}
            item.mention()
        elif key == "ec3_if_fail" and item.data:
            message = f"jobs are not sent to {item.data} when this group is full: each job goes where it fits"
            self.account.altered(
                item, message, "groups have the same partition unless elasticity.partitions says others"
            )
        elif key == "ec3_max_instances" or key in ("ec3_class", "ec3_if_fail", "ec3_node_type", "ec3_inherit_from"):
            item.mention()
        else:
            self.account.lost(item, f"{key} is not mapped", "see elasticity in the manifest's worker groups")

    def _soft(self, _machines: Machines, _key: str, item: Item) -> None:
        for wish in item.entries:
            said = ", ".join(wish.fields)
            self.account.lost(wish, f"wishes ({said}) are not weighed", "require it, or leave it out")

    def _upper(self, machines: Machines, key: str, item: Item) -> None:
        lower = machines.item.fields.get(key.removesuffix("_max"))
        if lower is not None and lower.data == item.data:
            item.mention()
            return
        cure = "the smallest flavour that fits is taken; name another with flavour"
        self.account.lost(item, f"an upper bound of {item.data} is not kept", cure)

    def _unknown(self, _machines: Machines, key: str, item: Item) -> None:
        if not item.mentioned and item.data in ("", None):
            self.account.spared(item, f"{key} asks for nothing")
        else:
            self.account.lost(item, f"{key} is not known to this import", "say it in the manifest if it is needed")
