"""The directory driver: a directory is a storage. The embedded default of the storage port.

Options: ``root`` (an existing directory; without it one is kept under ``state``), ``capacity`` and ``minFreeBytes``
(bytes). Everything that is Hanse's own lies in ``.hanse`` under the root: the index of marks and checksums, and the
files that are still arriving.
"""

from __future__ import annotations

from pathlib import Path

from reconciler.drivers.directory.storage import Directory
from reconciler.drivers.fetch import file_path
from reconciler.errors import Terminal
from reconciler.model import Target
from reconciler.ports import Drivers, Storage


def open(target: Target, drivers: Drivers) -> Storage:  # noqa: A001, ARG001
    """The directory behind ``target``. Nothing is read or made yet."""
    options = target.options
    state = Path(str(options["state"])) if options.get("state") else None
    root = options.get("root") or _of_url(str(options.get("url") or ""))
    if root is None and state is None:
        raise Terminal(f"{target.id}: the directory driver needs the option root")
    return Directory(
        target.id,
        Path(str(root)) if root is not None else _embedded(state, target),
        capacity=options.get("capacity"),
        min_free=int(options.get("minFreeBytes") or 0),
        known=state / f"{target.name.replace('/', '.')}.id" if state is not None else None,
        make_root=root is None,
    )


def _of_url(url: str) -> Path | None:
    return file_path(url) if url.startswith("file:") else None


def _embedded(state: Path | None, target: Target) -> Path:
    parts = target.name.split("/")
    if state is None or any(part in ("", ".", "..") for part in parts):
        raise Terminal(f"{target.id}: not a name that a directory can have")
    return state.joinpath(*parts)
