"""The inotify driver of the events port: what happens in a directory of this machine. Takes the storage's options."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Literal

from watchfiles import Change, watch

from reconciler.drivers.directory import folder
from reconciler.drivers.directory.scan import OWN
from reconciler.errors import Terminal, Transient
from reconciler.model import Target
from reconciler.ports import Drivers
from reconciler.ports.events import Events, StorageEvent

_SETTLE_MS = 200
_QUIET_MS = 500
"""After so long without a change the watch is surely in place."""
_LOOK = 1.0
"""Seconds between two looks for a root that is not there yet."""


def open(target: Target, drivers: Drivers) -> Events:  # noqa: A001, ARG001
    """The directory behind ``target``. Nothing is watched yet."""
    return Inotify(target.id, folder(target))


class Inotify:
    """One directory."""

    def __init__(self, name: str, root: Path) -> None:
        self._name, self._root = name, root

    def follow(self, folders: Collection[str], told: Callable[[StorageEvent], None], stop: threading.Event) -> None:
        """Watch the whole directory, and tell of what lies below ``folders``."""
        while not self._root.is_dir():
            if stop.wait(_LOOK):
                return
        root, starts = self._root.resolve(), tuple(f"{one.strip('/')}/" for one in folders)

        def counts(_change: Change, path: str) -> bool:
            below = Path(path).relative_to(root).as_posix()
            return not f"{below}/".startswith(f"{OWN}/") and f"{below}/".startswith(starts)

        in_place = False
        try:
            for changes in watch(
                root,
                watch_filter=counts,
                debounce=_SETTLE_MS,
                step=50,
                stop_event=stop,
                rust_timeout=_QUIET_MS,
                yield_on_timeout=True,
            ):
                if not in_place:
                    told(StorageEvent(""))
                in_place = True
                for change, path in changes:
                    below = Path(path).relative_to(root).as_posix()
                    told(StorageEvent(below, _what(change)))
        except FileNotFoundError as error:
            raise Transient(f"{self._name}: {self._root} is not there any more") from error
        except (OSError, RuntimeError) as error:
            raise Terminal(f"{self._name}: {self._root} cannot be watched: {error}") from error


def _what(change: Change) -> Literal["came", "went", "changed"]:
    if change is Change.added:
        return "came"
    return "went" if change is Change.deleted else "changed"
