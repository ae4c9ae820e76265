"""The images port of the simulated cloud: images as rows, in the same file as the nodes that are made from them.

The bytes are of no use to it: what an image is said to be is believed, unless ``fetch_images`` wants it fetched and
verified as a real cloud's driver would.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import orjson

from reconciler.drivers.appliances import fetched
from reconciler.drivers.simulated.caller import Caller
from reconciler.drivers.simulated.options import Fault
from reconciler.errors import Conflict
from reconciler.ports.images import CONTENT, OWNER, ImageListing, ImageRequest, ImageState, ImageUpdate, StoredImage

_COLUMNS = "id, name, state, format, properties, checksums, size, hidden, visibility, disk, ram, made"
_FIELDS = {"name": "name", "hidden": "hidden", "visibility": "visibility", "min_disk_gib": "disk",
           "min_ram_mib": "ram"}  # fmt: skip


class SimulatedImages(Caller):
    """The images of one project of the simulated cloud."""

    def listing(self, token: str = "") -> ImageListing:
        """List all images; ``token`` stands for a list that has not changed since."""

        def read(db: sqlite3.Connection, *_: object) -> ImageListing:
            (birth,), (changes,) = (db.execute(f"SELECT {what}").fetchone() for what in _COUNTER)
            current = f"{birth}-images-{changes}"
            if token == current:
                return ImageListing((), token=current, unchanged=True)
            rows = db.execute(f"SELECT {_COLUMNS} FROM image ORDER BY number").fetchall()  # noqa: S608
            return ImageListing(tuple(map(_image, rows)), token=current)

        return self.call("list-images", read)

    def bring(self, request: ImageRequest) -> StoredImage:
        """Write an image down, in place of what the owner has half-made."""
        appliance = request.appliance
        with ExitStack() as stack:
            sums, size = appliance.checksums, appliance.size or 0
            if self.simulate.fetch_images:
                file = stack.enter_context(fetched(appliance, str(self.world.path.parent), request.progress))
                sums, size = file.checksums, file.size
            return self.call("bring", lambda db, _number, _fault: self._brought(db, request, sums, size))

    def _brought(self, db: sqlite3.Connection, request: ImageRequest, sums: frozenset[str], size: int) -> StoredImage:
        rows = db.execute(f"SELECT {_COLUMNS} FROM image ORDER BY hidden, number").fetchall()  # noqa: S608
        own = [image for image in map(_image, rows) if image.owner == request.owner]
        for image in own:
            if image.state in ("empty", "filling"):
                db.execute("DELETE FROM image WHERE id = ?", (image.id,))
        there = [i for i in own if i.state == "active" and i.has(request.appliance.checksums)]
        fitting = next((i for i in there if i.format == request.appliance.format), None)
        if fitting is not None:
            return fitting
        made = StoredImage(
            id=self._image_id(db),
            name=request.name,
            state="active",
            format=request.appliance.format,
            properties={**request.properties, OWNER: request.owner, CONTENT: request.appliance.content},
            checksums=sums,
            size=size,
            visibility=request.visibility,
            min_disk_gib=request.min_disk_gib,
            min_ram_mib=request.min_ram_mib,
            created=f"{self.clock.now():017.3f}",
        )
        write(db, made)
        return made

    def _image_id(self, db: sqlite3.Connection) -> str:
        last = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'image'").fetchone()
        return f"image-{self.world.path.stem}-{(last[0] if last else 0) + 1}"

    def update(self, image_id: str, update: ImageUpdate) -> None:
        """Change an image. Raises Conflict when there is none."""

        def change(db: sqlite3.Connection, *_: object) -> bool:
            row = db.execute("SELECT properties FROM image WHERE id = ?", (image_id,)).fetchone()
            if row is None:
                return False
            merged = {**orjson.loads(row[0]), **update.properties}
            values: dict[str, Any] = {"properties": _plain({k: v for k, v in merged.items() if v is not None})}
            values |= {c: getattr(update, f) for f, c in _FIELDS.items() if getattr(update, f) is not None}
            assignments = ", ".join(f"{column} = ?" for column in values)
            statement = f"UPDATE image SET {assignments} WHERE id = ?"  # noqa: S608
            db.execute(statement, (*values.values(), image_id))
            return True

        if not self.call("update-image", change):
            raise Conflict(f"update-image: 404 no image has the id {image_id}")

    def remove(self, image_id: str) -> None:
        """Take an image away; one that is gone already is fine."""
        self.call("remove-image", lambda db, *_: db.execute("DELETE FROM image WHERE id = ?", (image_id,)))

    def users(self) -> Mapping[str, int]:
        """Nodes by the image they were made from."""
        query = "SELECT request ->> '$.image', count(*) FROM node WHERE gone_at IS NULL GROUP BY 1"

        def count(db: sqlite3.Connection, _number: int, _fault: Fault | None) -> dict[str, int]:
            return {image: n for image, n in db.execute(query).fetchall() if image}

        return self.call("users", count)


_COUNTER = ("birth FROM world", "coalesce(max(n), 0) FROM image_change")


def write(db: sqlite3.Connection, image: StoredImage) -> None:
    """Write an image as it is: also the back door through which half-made ones come."""
    row = (image.id, image.name, image.state, image.format, _plain(dict(image.properties)),
           _plain(sorted(image.checksums)), image.size, image.hidden, image.visibility, image.min_disk_gib,
           image.min_ram_mib, image.created)  # fmt: skip
    db.execute(f"INSERT INTO image ({_COLUMNS}) VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608


def active(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """(id, name) of what nodes can be made from, the newest first."""
    query = "SELECT id, name FROM image WHERE state = 'active' AND NOT hidden ORDER BY number DESC"
    return [(str(id_), str(name)) for id_, name in db.execute(query).fetchall()]


def _image(row: tuple[Any, ...]) -> StoredImage:
    id_, name, state, format_, properties, checksums, size, hidden, visibility, disk, ram, made = row
    shown: ImageState = state
    sums = frozenset(orjson.loads(checksums))
    return StoredImage(
        id_, name, shown, format_, orjson.loads(properties), sums, size, bool(hidden), visibility, disk, ram, made
    )


def _plain(value: Any) -> str:
    return orjson.dumps(value).decode()
