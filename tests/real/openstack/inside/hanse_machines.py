"""The servers of one compute host: namespace hosts at the addresses that neutron gave.

What a host is made of is the namespace driver's; its book and network are used here without its world, which would
give addresses itself. Used by nova's driver, and by tests to see what really is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from ipaddress import IPv4Network
from pathlib import Path

from reconciler.drivers.locks import locked
from reconciler.drivers.namespace import machine
from reconciler.drivers.namespace.book import Book, Record
from reconciler.drivers.namespace.network import Network


class Machines:
    """Hosts by server id, under ``directory``, on ``network``, with the tree ``root`` below their own files."""

    def __init__(self, directory: Path, network: Network, root: str) -> None:
        self._book = Book(directory)
        self._network = network
        self._root = root

    def ids(self) -> list[str]:
        """Every server that was built and not taken away."""
        return [record.id for record in self._book.records()]

    def runs(self, id: str) -> bool | None:
        """Whether it runs; None when there is no such server."""
        return None if self._book.read(id) is None else machine.is_running(self._book.folder(id))

    def console(self, id: str) -> str:
        """What its first process said."""
        with suppress(FileNotFoundError):
            return (self._book.folder(id) / "console.log").read_text(errors="replace")
        return ""

    def build(self, id: str, name: str, address: str, keys: Iterable[str], user_data: str = "") -> None:
        """Make a host and start it; what is there of an earlier try is taken away."""
        self.take_away(id)
        record = Record(
            id=id, name=id, phase="up", size="", cpus=0, ram_mib=0, image="", root=self._root, address=address,
            public_keys=tuple(keys), user_data=user_data, metadata={"name": name},
        )  # fmt: skip
        with locked(self._book.lock(id)):
            self._book.folder(id).mkdir(parents=True)
            self._book.write(record)
            self._network.plug(id, address)
            machine.lay_out(self._book.folder(id), _named(record))
            self._boot(record)

    def start(self, id: str) -> None:
        """Start a stopped host. Raises KeyError when there is none."""
        with self._at(id) as record:
            if not machine.is_running(self._book.folder(id)):
                machine.halt(self._book.folder(id), self._network.namespace(id))
                self._boot(record)

    def stop(self, id: str) -> None:
        """End a host's processes and keep its files. Raises KeyError when there is none."""
        with self._at(id):
            machine.halt(self._book.folder(id), self._network.namespace(id))

    def take_away(self, id: str) -> None:
        """Take a host away with its files; one that is gone is fine."""
        with locked(self._book.lock(id)):
            if self._book.read(id) is not None:
                machine.halt(self._book.folder(id), self._network.namespace(id))
                self._network.unplug(id)
                self._book.strike(id)

    def _boot(self, record: Record) -> None:
        machine.boot(self._book.folder(record.id), _named(record), self._network.namespace(record.id))

    @contextmanager
    def _at(self, id: str) -> Iterator[Record]:
        with locked(self._book.lock(id)):
            record = self._book.read(id)
            if record is None:
                raise KeyError(id)
            yield record


def network_of(facts: Mapping[str, str]) -> Network:
    """The servers' network, as ``machines.json`` has it."""
    return Network(facts["network"], IPv4Network(facts["subnet"]))


def order_failures(run: Path, times: int) -> None:
    """Have the next ``times`` builds below ``run`` fail."""
    with locked(run / "failures.lock"):
        (run / "failures").write_text(str(times))


def take_failure(run: Path) -> bool:
    """Whether this build shall fail; it is one of those that were ordered then."""
    with locked(run / "failures.lock"), suppress(FileNotFoundError):
        left = int((run / "failures").read_text())
        (run / "failures").write_text(str(left - 1)) if left > 1 else (run / "failures").unlink()
        return left > 0
    return False


def _named(record: Record) -> Record:
    """The record under the server's own name, which becomes the host's."""
    return record.model_copy(update={"name": record.metadata["name"]})
