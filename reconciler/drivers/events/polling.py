"""The polling driver of the events port: for storages that tell nothing. Lists the folders and compares.

Options: ``seconds`` between two looks (300), and ``of``, the storage's own driver.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping

from reconciler.errors import DriverError
from reconciler.model import Target
from reconciler.ports import Drivers, Storage, StoredFile
from reconciler.ports.events import Events, StorageEvent


def open(target: Target, drivers: Drivers) -> Events:  # noqa: A001
    """The storage behind ``target``. Nothing is listed yet."""
    options = {name: value for name, value in target.options.items() if name not in ("seconds", "of", "events")}
    storage = drivers.storage(Target(target.id, str(target.options["of"]), options))
    return Polling(storage, float(target.options.get("seconds", 300.0)))


class Polling:
    """One storage."""

    def __init__(self, storage: Storage, seconds: float) -> None:
        self._storage, self._seconds = storage, seconds

    def follow(self, folders: Collection[str], told: Callable[[StorageEvent], None], stop: threading.Event) -> None:
        """List the folders again and again. The first tells of no file, nor does one that fails or is in part."""
        prefixes = [f"{folder.strip('/')}/" for folder in folders]
        before: Mapping[str, StoredFile] | None = None
        token = ""
        while not stop.is_set():
            try:
                listing = self._storage.listing(prefixes, token)
            except DriverError:
                if before is None:
                    raise
                stop.wait(self._seconds)
                continue
            if not listing.unchanged and listing.complete:
                for event in _differences(before, listing.files):
                    told(event)
                before, token = listing.files, listing.token
            stop.wait(self._seconds)


def _differences(before: Mapping[str, StoredFile] | None, now: Mapping[str, StoredFile]) -> list[StorageEvent]:
    if before is None:
        return [StorageEvent("")]
    found = [StorageEvent(path, "came") for path in now if path not in before]
    found += [StorageEvent(path, "went") for path in before if path not in now]
    return found + [StorageEvent(path) for path in now if path in before and _moved(before[path], now[path])]


def _moved(before: StoredFile, now: StoredFile) -> bool:
    return (before.size, before.modified) != (now.size, now.modified)
