"""The compute port over namespaces: a world of nodes in one directory and on one bridge."""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path
from urllib.parse import quote

from reconciler.drivers.locks import is_held, locked
from reconciler.drivers.namespace import book, machine
from reconciler.drivers.namespace.book import Book, Record
from reconciler.drivers.namespace.commands import require
from reconciler.drivers.namespace.network import Network, bridge_of, free_subnet
from reconciler.drivers.namespace.options import Options
from reconciler.drivers.namespace.rootfs import ready_root
from reconciler.drivers.sshkey import own_key, public_key
from reconciler.errors import DriverError, Terminal
from reconciler.model import Reason, digest_of
from reconciler.ports import Holding, Image, Limit, Node, NodeListing, NodeRequest, NodeState, Quota, Size, Traffic

PROGRAMS = ("ip", "nsenter", "pivot_root", "setsid", "ssh-keygen", "unshare")
SUBNETS = Path("/run/lock/hanse-namespace.lock")
"""Held by whoever looks for a free subnet: worlds do not share one."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
INTERRUPTED = "its making was interrupted: ask for it again, or destroy it"


def world_directory(state: str, target_name: str) -> Path:
    """The directory of the world that belongs to a compute target (``CESGA/cloud-1``) under ``state``."""
    folder = "+".join(quote(part, safe="") for part in target_name.split("/"))
    return Path(state).resolve() / "namespace" / folder


class World:
    """One project: nodes on one bridge. Safe to use from many threads and processes at once."""

    def __init__(self, directory: Path, options: Options, draw: Callable[[int], str] = secrets.token_hex) -> None:
        self.directory = directory
        self.options = options
        self._book = Book(directory)
        self._draw = draw

    def nodes(self, token: str = "") -> NodeListing:  # noqa: ARG002
        """List all nodes. A node with a damaged record makes the list incomplete."""
        found, complete = [], True
        for name in self._book.names():
            try:
                record = self._book.read(name)
            except Terminal:
                complete = False
                continue
            if record is not None:
                found.append(self._shown(record))
        return NodeListing(tuple(found), complete)

    def traffic(self, node_ids: Sequence[str]) -> Mapping[str, Traffic]:
        """Counters of the nodes' cables."""
        if self._book.world() is None:
            return {}
        network = self._network()
        counted = network.traffic() if node_ids else {}
        cables = {node_id: network.veth(node_id) for node_id in node_ids}
        return {node_id: Traffic(*counted[cable]) for node_id, cable in cables.items() if cable in counted}

    def sizes(self) -> Sequence[Size]:
        """Flavours on offer."""
        return [offered.size() for offered in self.options.sizes]

    def images(self) -> Sequence[Image]:
        """Images on offer: names of the one root."""
        return [Image(name, name) for name in self.options.images]

    def quota(self) -> Quota:
        """What the limits leave."""
        records = list(self._book.records())
        limits = self.options.quota
        return Quota.of(
            {
                "instances": Limit(len(records), limits.instances),
                "cpus": Limit(sum(r.cpus for r in records), limits.cpus),
                "ram_mib": Limit(sum(r.ram_mib for r in records), limits.ram_mib),
            }
        )

    def holdings(self) -> Sequence[Holding]:
        """What is written down for owners besides nodes."""
        return [Holding(held.owner, held.note) for held in self._book.holdings()]

    def create(self, request: NodeRequest) -> Node:
        """Make the node called ``request.name``: from nothing, from a half-made one, or by starting a stopped one."""
        require(PROGRAMS)
        self._check(request)
        root = ready_root(self.options.roots, self.options.packages)
        with locked(self._book.lock(request.name)):
            record = self._book.read(request.name)
            if record is not None and record.phase == "deleting":
                self._take_away(record)
                record = None
            record = record or self._enter(request, root)
            if record.phase != "up" or not self._runs(record):
                record = self._bring_up(record)
            return self._node(record, "running")

    def destroy(self, node_id: str) -> None:
        """Take a node away, whatever state it is in."""
        with self._held(node_id) as record:
            if record is not None:
                self._take_away(record)

    def power_on(self, node_id: str) -> None:
        """Start a stopped node; one that runs, or is gone, is fine."""
        with self._held(node_id) as record:
            if record is not None and record.phase == "up" and not self._runs(record):
                self._bring_up(record)

    def mark(self, node_id: str, metadata: Mapping[str, str]) -> None:
        """Merge ``metadata`` into the node's. Raises Terminal when there is no such node."""
        record = self._by_id(node_id)
        if record is None:
            raise Terminal(f"no node has the id {node_id}")
        with locked(self._book.lock(record.name)):
            current = self._book.read(record.name)
            if current is None or current.id != node_id:
                raise Terminal(f"no node has the id {node_id}")
            self._book.write(current.model_copy(update={"metadata": {**current.metadata, **metadata}}))

    def publish(self, node_id: str, owner: str) -> Sequence[str]:
        """Show the node's own address as its public one: nobody but this machine reaches either."""
        record = self._by_id(node_id)
        if record is None:
            raise Terminal(f"no node has the id {node_id}")
        with self._alone():
            held = self._book.held(owner)
            self._book.hold(held.model_copy(update={"published": tuple({*held.published, record.name})}))
        return (record.address,)

    def withdraw(self, owner: str) -> None:
        """Show no address of the owner's nodes as public any more."""
        with self._alone():
            held = self._book.held(owner)
            if held.published:
                self._book.hold(held.model_copy(update={"published": ()}))

    def release(self, owner: str) -> bool:
        """Strike what is written down for an owner; False while a node of its own is still there."""
        if not self.directory.exists():
            return True
        with self._alone():
            if any(record.owner == owner for record in self._book.records()):
                return False
            self._book.drop(owner)
        return True

    def stop(self, node_id: str) -> None:
        """End a node's processes and keep its files, as a power cut does."""
        record = self._by_id(node_id)
        if record is None:
            raise Terminal(f"no node has the id {node_id}")
        with locked(self._book.lock(record.name)):
            machine.halt(self._book.folder(record.name), self._network().namespace(record.id))

    def close_down(self) -> None:
        """Take the whole world away: nodes, whatever kernel objects bear its name, bridge and files."""
        if not self.directory.exists():
            return
        require(PROGRAMS)
        with self._alone():
            for name in self._book.names():
                with contextlib.suppress(DriverError):
                    record = self._book.read(name)
                    if record is not None:
                        self._take_away(record)
            self._sweep()
        shutil.rmtree(self.directory)

    def _sweep(self) -> None:
        if self._book.world() is None:
            return
        network = self._network()
        for namespace in network.namespaces():
            machine.halt(self.directory, namespace)
            network.remove(namespace)
        network.lower_bridge()

    def _check(self, request: NodeRequest) -> None:
        if not NAME.fullmatch(request.name):
            raise Terminal(f"{request.name!r} cannot be a node's name: letters, digits, '.', '_' and '-', at most 200")
        if request.size.name not in {s.name for s in self.options.sizes}:
            raise Terminal(f"no flavour is called {request.size.name}")
        if request.image.name not in self.options.images:
            raise Terminal(f"no image is called {request.image.name}")

    def _enter(self, request: NodeRequest, root: Path) -> Record:
        """Write down a new node, with an address of its own, within the quota."""
        with self._alone():
            network = self._found()
            self._book.folder(request.name).mkdir(parents=True, exist_ok=True)
            record = Record(
                id=self._draw(8), name=request.name, phase="building", size=request.size.name,
                cpus=request.size.cpus, ram_mib=request.size.ram_mib, image=request.image.name, root=str(root),
                address=network.free_address(r.address for r in self._book.records()),
                metadata=dict(request.metadata), networks=request.networks,
                public_keys=(self._own_key(), *request.public_keys),
                security_ports=request.security_ports, user_data=request.user_data, owner=request.owner,
            )  # fmt: skip
            self._within_quota(record)
            if request.owner:
                held = self._book.held(request.owner)
                self._book.hold(held.model_copy(update={"note": request.note or held.note}))
            self._book.write(record)
        return record

    def _own_key(self) -> str:
        given = self.options.private_key
        return public_key(Path(given) if given else own_key(self.options.state))

    def _within_quota(self, record: Record) -> None:
        left = self.quota()
        needs = (
            ("instances", 1, left.instances),
            ("cpus", record.cpus, left.cpus),
            ("ram", record.ram_mib, left.ram_mib),
        )
        for what, needed, free in needs:
            if free is not None and needed > free:
                message = f"quota exceeded for {what}: {needed} asked for, {free} left"
                raise Terminal(message, reason=Reason.QUOTA_EXCEEDED)

    def _bring_up(self, record: Record) -> Record:
        """Make what the record says, from the start: what a killed predecessor left is taken away first."""
        directory, network = self._book.folder(record.name), self._network()
        record = record.model_copy(update={"phase": "building", "fault": ""})
        self._book.write(record)
        try:
            machine.halt(directory, network.namespace(record.id))
            network.unplug(record.id)
            network.raise_bridge()
            network.plug(record.id, record.address)
            machine.lay_out(directory, record)
            machine.boot(directory, record, network.namespace(record.id))
        except DriverError as error:
            self._book.write(record.model_copy(update={"fault": str(error)}))
            raise
        record = record.model_copy(update={"phase": "up"})
        self._book.write(record)
        return record

    def _take_away(self, record: Record) -> None:
        self._book.write(record.model_copy(update={"phase": "deleting"}))
        network = self._network()
        machine.halt(self._book.folder(record.name), network.namespace(record.id))
        network.unplug(record.id)
        self._book.strike(record.name)

    def _found(self) -> Network:
        """The world's network, chosen when there is none yet.

        The bridge stands before the world is written down: from then on nobody else finds its subnet free.
        """
        if self._book.world() is None:
            with locked(SUBNETS):
                id_ = digest_of(str(self.directory).encode())
                world = book.World(id=id_, subnet=self.options.subnet or free_subnet(but=bridge_of(id_)))
                Network(world.id, IPv4Network(world.subnet)).raise_bridge()
                self._book.found(world)
        return self._network()

    def _network(self) -> Network:
        world = self._book.world()
        if world is None:
            raise Terminal(f"{self.directory.name} has nodes but no world.json: it is damaged")
        return Network(world.id, IPv4Network(world.subnet))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with locked(self.directory / "world.lock"):
            yield

    def _runs(self, record: Record) -> bool:
        return machine.is_running(self._book.folder(record.name))

    @contextmanager
    def _held(self, node_id: str) -> Iterator[Record | None]:
        """A node's record, that nobody else changes meanwhile; None when the node is gone."""
        record = self._by_id(node_id)
        if record is None:
            yield None
            return
        require(PROGRAMS)
        with locked(self._book.lock(record.name)):
            current = self._book.read(record.name)
            yield current if current is not None and current.id == node_id else None

    def _by_id(self, node_id: str) -> Record | None:
        return next((r for r in self._book.records() if r.id == node_id), None)

    def _shown(self, record: Record) -> Node:
        if record.phase == "deleting":
            return self._node(record, "deleting")
        if record.phase == "up":
            return self._node(record, "running" if self._runs(record) else "stopped")
        if is_held(self._book.lock(record.name)):
            return self._node(record, "pending")
        return self._node(record, "error")

    def _node(self, record: Record, state: NodeState) -> Node:
        fault = (record.fault or INTERRUPTED) if state == "error" else ""
        addresses = () if state == "error" else (record.address,)
        published = bool(record.owner) and record.name in self._book.held(record.owner).published
        outside = addresses if published else ()
        metadata = dict(record.metadata)
        return Node(record.id, record.name, state, record.size, record.image, metadata, addresses, fault, outside)
