"""The compute port of the simulated cloud: nodes that boot, fail, hide and count against a quota."""

from __future__ import annotations

import hashlib
import ipaddress
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace

import orjson

from reconciler.drivers.simulated.caller import Caller
from reconciler.drivers.simulated.faults import draw
from reconciler.drivers.simulated.images import active
from reconciler.drivers.simulated.options import Fault, SimulatedSize
from reconciler.errors import Terminal
from reconciler.model import Reason
from reconciler.ports import Holding, Image, Limit, Node, NodeListing, NodeRequest, NodeState, Quota, Size, Traffic

FIRST_ADDRESS = int(ipaddress.IPv4Address("198.18.0.0"))
"""RFC 2544's test networks, 198.18.0.0/15: never routed."""
ADDRESSES = 2**17 - 2

FIRST_PUBLIC_ADDRESS = int(ipaddress.IPv4Address("240.0.0.1"))
"""Reserved (RFC 1112): never routed either."""

COLUMNS = (
    "number, id, name, size, image, address, metadata, state, fault, running_at, visible_at, gone_at, "
    "(SELECT min(address) FROM published WHERE published.node = node.id)"
)
Row = tuple[int, str, str, str, str, str, str, NodeState, str, float, float, float | None, str | None]


class SimulatedCompute(Caller):
    """One project of the simulated cloud."""

    def nodes(self, token: str = "") -> NodeListing:
        """List all nodes; ``token`` stands for a world in which nothing is under way and nothing has changed since."""
        now, whose = self.clock.now(), self.simulate

        def read(db: sqlite3.Connection, number: int, fault: Fault | None) -> tuple[str, list[Row] | None]:
            _purge(db, now)
            birth, change, settles_at = db.execute("SELECT birth, change, settles_at FROM world").fetchone()
            settled = settles_at <= now and (fault is None or fault.kind != "partial")
            current = f"{birth}-{change}" if settled else ""
            if token and token == current:
                return current, None
            rows = db.execute(f"SELECT {COLUMNS} FROM node WHERE visible_at <= ? ORDER BY number", (now,))  # noqa: S608
            return current, self._shown(rows.fetchall(), number, fault)

        current, rows = self.call("list", read)
        if rows is None:
            return NodeListing((), token=current, unchanged=True)
        nodes = tuple(replace(_node(row, now), user=whose.user, user_name=whose.user_name) for row in rows)
        return NodeListing(nodes, complete=not isinstance(rows, _Part), token=current)

    def _shown(self, rows: list[Row], number: int, fault: Fault | None) -> list[Row]:
        if fault is None or fault.kind != "partial":
            return rows
        return _Part(row for row in rows if draw(self.simulate.seed, "partial", number, row[0]) >= fault.share)

    def traffic(self, node_ids: Sequence[str]) -> Mapping[str, Traffic]:
        """Bytes by the time since a node came up."""
        now, rates = self.clock.now(), (self.simulate.received_per_second, self.simulate.sent_per_second)
        if not any(rates):
            return {}
        query = "SELECT id, running_at FROM node WHERE state = 'running' AND gone_at IS NULL AND running_at <= ?"
        up = dict(self.call("traffic", lambda db, *_: db.execute(query, (now,)).fetchall()))
        return {one: Traffic(*(int((now - up[one]) * rate) for rate in rates)) for one in node_ids if one in up}

    def sizes(self) -> Sequence[Size]:
        """Flavours on offer."""
        return self.call("sizes", lambda *_: [_size(size) for size in self.simulate.sizes])

    def images(self) -> Sequence[Image]:
        """Images that were brought in, then those on offer."""
        return self.call("images", lambda db, *_: [Image(*found) for found in self._images(db)])

    def _images(self, db: sqlite3.Connection) -> list[tuple[str, str]]:
        return [*active(db), *((f"image-{name}", name) for name in self.simulate.images)]

    def quota(self) -> Quota:
        """What the limits leave."""
        return self.call("quota", lambda db, *_: self._left(db))

    def _left(self, db: sqlite3.Connection) -> Quota:
        _purge(db, self.clock.now())
        used = db.execute("SELECT instances, cpus, ram_mib FROM world").fetchone()
        limits = self.simulate.quota.model_dump()
        return Quota.of({name: Limit(taken, limits[name]) for name, taken in zip(limits, used, strict=True)})

    def holdings(self) -> Sequence[Holding]:
        """What is kept for owners besides nodes."""
        query = "SELECT owner, note FROM holding ORDER BY owner"
        return self.call("holdings", lambda db, *_: [Holding(*row) for row in db.execute(query).fetchall()])

    def create(self, request: NodeRequest) -> Node:
        """Make a node, or return the one that carries the name already (unless ``duplicate_names``)."""

        def make(db: sqlite3.Connection, _number: int, fault: Fault | None) -> Node:
            existing = None if self.simulate.duplicate_names else self._named(db, request.name)
            return existing or self._make(db, request, fault)

        return self.call("create", make)

    def _named(self, db: sqlite3.Connection, name: str) -> Node | None:
        query = f"SELECT {COLUMNS} FROM node WHERE name = ? AND gone_at IS NULL ORDER BY number"  # noqa: S608
        row = db.execute(query, (name,)).fetchone()
        return _node(row, self.clock.now()) if row else None

    def _make(self, db: sqlite3.Connection, request: NodeRequest, fault: Fault | None) -> Node:
        size = self._checked(db, request)
        if request.owner:
            db.execute("INSERT OR IGNORE INTO holding VALUES (?, ?)", (request.owner, request.note))
        now = self.clock.now()
        last = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'node'").fetchone()
        number = (last[0] if last else 0) + 1
        id_, address = self._id("node", number), self._address(number)
        metadata, asked = orjson.dumps(dict(request.metadata)).decode(), _asked(request)
        broken = fault is not None and fault.kind == "no-valid-host"
        state: NodeState = "error" if broken else "running"
        said = "No valid host was found." if broken else ""
        running_at, visible_at = now + self.simulate.boot_seconds, now + self.simulate.invisible_seconds
        machine = (size.name, size.cpus, size.ram_mib, request.image.name, address)
        row = (number, id_, request.name, *machine, metadata, asked, state, said, running_at, visible_at)
        db.execute("INSERT INTO node VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)", row)
        shown = (size.name, request.image.name, address, metadata, state, said, running_at, visible_at, None, None)
        return _node((number, id_, request.name, *shown), now)

    def _checked(self, db: sqlite3.Connection, request: NodeRequest) -> SimulatedSize:
        size = next((s for s in self.simulate.sizes if s.name == request.size.name), None)
        if size is None:
            message = f"create: no flavour is called {request.size.name}"
            raise Terminal(message)
        if request.image.name not in {name for _, name in self._images(db)}:
            message = f"create: no image is called {request.image.name}"
            raise Terminal(message)
        left = self._left(db)
        for what, needed, free in (
            ("instances", 1, left.instances), ("cores", size.cpus, left.cpus), ("ram", size.ram_mib, left.ram_mib),
        ):  # fmt: skip
            if free is not None and needed > free:
                message = f"create: 403 Quota exceeded for {what}: requested {needed}, {free} left"
                raise Terminal(message, reason=Reason.QUOTA_EXCEEDED)
        return size

    def destroy(self, node_id: str) -> None:
        """Take a node away, after ``destroy_seconds``; one that is gone already is fine."""
        now = self.clock.now()
        gone_at = now + self.simulate.destroy_seconds

        def take(db: sqlite3.Connection, *_: object) -> None:
            db.execute("UPDATE node SET gone_at = ? WHERE id = ? AND gone_at IS NULL", (gone_at, node_id))
            _purge(db, now)

        self.call("destroy", take)

    def power_on(self, node_id: str) -> None:
        """Start a stopped node; it boots again."""
        running_at = self.clock.now() + self.simulate.boot_seconds
        statement = "UPDATE node SET state = 'running', running_at = ? WHERE id = ? AND state = 'stopped'"
        self.call("power-on", lambda db, *_: db.execute(statement, (running_at, node_id)))

    def mark(self, node_id: str, metadata: Mapping[str, str]) -> None:
        """Merge ``metadata`` into the node's. Raises Terminal when there is no such node."""

        def merge(db: sqlite3.Connection, *_: object) -> bool:
            row = db.execute("SELECT metadata FROM node WHERE id = ? AND gone_at IS NULL", (node_id,)).fetchone()
            if row is None:
                return False
            merged = orjson.dumps(orjson.loads(row[0]) | dict(metadata)).decode()
            db.execute("UPDATE node SET metadata = ? WHERE id = ?", (merged, node_id))
            return True

        if not self.call("mark", merge):
            message = f"mark: 404 no node has the id {node_id}"
            raise Terminal(message)

    def publish(self, node_id: str, owner: str) -> Sequence[str]:
        """Give a node a public address. Raises Terminal when there is no such node."""

        def give(db: sqlite3.Connection, *_: object) -> str | None:
            there = db.execute("SELECT address FROM published WHERE node = ? ORDER BY number", (node_id,)).fetchone()
            if there is not None:
                return str(there[0])
            if not db.execute("SELECT 1 FROM node WHERE id = ? AND gone_at IS NULL", (node_id,)).fetchone():
                return None
            return _moved(db, owner, node_id) or self._published(db, owner, node_id)

        address = self.call("publish", give)
        if address is None:
            message = f"publish: 404 no node has the id {node_id}"
            raise Terminal(message)
        return (address,)

    def _published(self, db: sqlite3.Connection, owner: str, node_id: str) -> str:
        db.execute("INSERT OR IGNORE INTO holding VALUES (?, '')", (owner,))
        made = db.execute("INSERT INTO published (owner, address, node) VALUES (?, '', ?)", (owner, node_id))
        address = str(ipaddress.IPv4Address(FIRST_PUBLIC_ADDRESS + (made.lastrowid or 0)))
        db.execute("UPDATE published SET address = ? WHERE number = ?", (address, made.lastrowid))
        return address

    def withdraw(self, owner: str) -> None:
        """Give an owner's public addresses back."""
        self.call("withdraw", lambda db, *_: db.execute("DELETE FROM published WHERE owner = ?", (owner,)))

    def release(self, owner: str) -> bool:
        """Take away what is kept for an owner; False while a node of its own is still there."""
        now = self.clock.now()

        def take(db: sqlite3.Connection, *_: object) -> bool:
            _purge(db, now)
            db.execute("DELETE FROM published WHERE owner = ?", (owner,))
            if db.execute("SELECT 1 FROM node WHERE request ->> '$.owner' = ?", (owner,)).fetchone():
                return False
            db.execute("DELETE FROM holding WHERE owner = ?", (owner,))
            return True

        return self.call("release", take)

    def _id(self, what: str, number: int) -> str:
        text = f"{self.simulate.seed}:{self.world.path.name}:{what}:{number}"
        digest = hashlib.sha256(text.encode()).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"

    def _address(self, number: int) -> str:
        start = int(draw(0, self.world.path.name) * ADDRESSES)
        return str(ipaddress.IPv4Address(FIRST_ADDRESS + 1 + (start + number) % ADDRESSES))


class _Part(list[Row]):
    """Rows of a list that lacks some."""


def _purge(db: sqlite3.Connection, now: float) -> None:
    db.execute("DELETE FROM node WHERE gone_at <= ?", (now,))


def _moved(db: sqlite3.Connection, owner: str, node_id: str) -> str | None:
    """An address of the owner that no node uses, now the node's; None when there is none."""
    free = "SELECT number, address FROM published WHERE owner = ? AND node NOT IN (SELECT id FROM node) ORDER BY number"
    found = db.execute(free, (owner,)).fetchone()
    if found is None:
        return None
    db.execute("UPDATE published SET node = ? WHERE number = ?", (node_id, found[0]))
    return str(found[1])


def _asked(request: NodeRequest) -> str:
    """What else was asked for, kept for whoever looks into the file."""
    asked = {"networks": request.networks, "keys": request.public_keys, "ports": request.security_ports,
             "owner": request.owner, "image": request.image.id}  # fmt: skip
    return orjson.dumps(asked).decode()


def _size(size: SimulatedSize) -> Size:
    return Size(
        id=f"flavour-{size.name}",
        name=size.name,
        cpus=size.cpus,
        ram_mib=size.ram_mib,
        disk_gib=size.disk_gib,
        gpus=size.gpus,
        price=size.price,
        features=frozenset(size.features),
    )


def _node(row: Row, now: float) -> Node:
    _number, id_, name, size, image, address, metadata, state, fault, running_at, _visible_at, gone_at, public = row
    shown: NodeState = "deleting" if gone_at is not None else state
    if shown == "running" and running_at > now:
        shown = "pending"
    outside = (public,) if public else ()
    addresses = () if state == "error" else (*outside, address)
    return Node(id_, name, shown, size, image, orjson.loads(metadata), addresses, fault, outside)
