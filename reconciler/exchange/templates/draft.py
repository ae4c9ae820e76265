"""What a template asks for, in whatever language it was written: machines, roles, names, keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.exchange.templates.amounts import GIB, MIB, bytes_of, rounded_up, whole
from reconciler.exchange.templates.items import Account, Item

_MOST_CPUS, _MOST_GPUS, _LEAST_RAM = 4096, 64, 128
_RANGE = re.compile(r"(\d{1,5})(?:[:-](\d{1,5}))?")
_HIGHEST = 65535


@dataclass(slots=True, eq=False)
class Machines:
    """Machines of one make."""

    name: str
    item: Item
    count: int = 1
    low: int | None = None
    high: int | None = None
    """Bounds, where the number may change."""
    bounds: Item | None = None
    """Where they stand."""
    begins: Item | None = None
    """Where it is said how many there are at the beginning."""
    sizes: dict[str, Any] = field(default_factory=dict)
    """Fields of the manifest's machine: cpus, ramMiB, diskGiB, gpus, flavour."""
    said: str = ""
    """What the template says of the image."""
    image: Item | None = None
    """Where it says so."""
    public: Item | None = None
    """Where it says that they have a public address."""
    ports: dict[str, Item] = field(default_factory=dict)
    networks: dict[str, Item] = field(default_factory=dict)
    front: bool = False
    """True for the machine on which a batch system's server runs."""
    elastic: dict[str, int] | None = None
    """Fields of the manifest's elasticity, when the number follows a queue."""

    def cpus(self, account: Account, item: Item, said: Any) -> None:
        """Take a number of cores."""
        self._number(account, item, "cpus", said, (1, _MOST_CPUS))

    def gpus(self, account: Account, item: Item, said: Any) -> None:
        """Take a number of accelerators."""
        self._number(account, item, "gpus", said, (0, _MOST_GPUS))

    def ram(self, account: Account, item: Item, said: Any) -> None:
        """Take an amount of memory."""
        amount = bytes_of(said)
        if amount is None or amount < _LEAST_RAM * MIB:
            account.lost(item, f"{said!r} is no amount of memory", "give ramMiB in the manifest")
            return
        self.sizes["ramMiB"] = rounded_up(amount, MIB)
        item.mention()

    def disk(self, account: Account, item: Item, said: Any) -> None:
        """Take the size of the root disk; 0 asks for nothing."""
        amount = bytes_of(said)
        if amount is None:
            account.lost(item, f"{said!r} is no size of a disk", "give diskGiB in the manifest")
            return
        if amount:
            self.sizes["diskGiB"] = rounded_up(amount, GIB)
        item.mention()

    def flavour(self, account: Account, item: Item, said: Any) -> None:
        """Take the name of a flavour; an empty one asks for nothing."""
        if isinstance(said, dict | list):
            account.lost(item, "this is no name of a flavour", "give flavour in the manifest")
        elif said not in (None, ""):
            self.sizes["flavour"] = str(said)
        item.mention()

    def number(self, account: Account, item: Item, said: Any) -> int | None:
        """A number of machines, of which there can be 10,000."""
        found = whole(said)
        if found is None or found > 10_000:  # noqa: PLR2004
            account.lost(item, f"{said!r} is no number of machines", "give count, or min and max, in the manifest")
            return None
        item.mention()
        return found

    def open(self, account: Account, item: Item, said: str, protocol: str = "tcp") -> None:
        """Open ports: ``22``, ``6000:6063`` with ``/udp`` behind them where they are not TCP."""
        numbers, _, given = said.strip().partition("/")
        found = _RANGE.fullmatch(numbers.strip())
        protocol = (given or protocol).lower()
        low, high = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 0 < low <= high <= _HIGHEST or protocol not in ("tcp", "udp"):
            cure = "open what you need in network.ports: 8080/tcp, 6000-6063/udp"
            account.lost(item, f"{said!r} ({protocol}) is no port that can be opened", cure)
            return
        item.mention()
        self.ports.setdefault(f"{low}/{protocol}" if low == high else f"{low}-{high}/{protocol}", item)

    def _number(self, account: Account, item: Item, name: str, said: Any, span: tuple[int, int]) -> None:
        found = whole(said)
        if found is None or not span[0] <= found <= span[1]:
            account.lost(item, f"{said!r} is no number from {span[0]} to {span[1]}", f"give {name} in the manifest")
            return
        if found or name != "gpus":
            self.sizes[name] = found
        item.mention()


@dataclass(slots=True, eq=False)
class Draft:
    """One cluster, as a template asks for it."""

    root: Item
    name: str
    machines: dict[str, Machines] = field(default_factory=dict)
    roles: dict[str, tuple[Item, dict[str, Any]]] = field(default_factory=dict)
    """Role -> where it was asked for first, and its variables."""
    keys: dict[str, Item] = field(default_factory=dict)
    """Public keys of users."""
    names: dict[str, Item] = field(default_factory=dict)
    """Absolute names that shall lead to the front end."""
    user: str = ""
    """Who logs in for Ansible."""
    policy: dict[str, int] | None = None
    """Fields of elasticity for every group that may change its number."""

    def role(self, item: Item, name: str, variables: Mapping[str, Any] | None = None) -> None:
        """Ask for a role; variables given later are added."""
        _, known = self.roles.setdefault(name, (item, {}))
        for variable, value in (variables or {}).items():
            known.setdefault(variable, value)
