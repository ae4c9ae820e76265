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
    root, own = _given(target), target.name.replace("/", ".")
    return Directory(
        target.id,
        folder(target),
        capacity=options.get("capacity"),
        min_free=int(options.get("minFreeBytes") or 0),
        known=state / f"{own}.id" if state is not None else None,
        sums=state / f"{own}.sums" if state is not None else None,
        make_root=root is None,
    )


def folder(target: Target) -> Path:
    """Where the files of a directory storage lie."""
    root, state = _given(target), target.options.get("state")
    if root is None and not state:
        raise Terminal(f"{target.id}: the directory driver needs the option root")
    return root if root is not None else _embedded(Path(str(state)), target)


def _given(target: Target) -> Path | None:
    root = target.options.get("root")
    return Path(str(root)) if root else _of_url(str(target.options.get("url") or ""))


def _of_url(url: str) -> Path | None:
    return file_path(url) if url.startswith("file:") else None


def _embedded(state: Path, target: Target) -> Path:
    parts = target.name.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise Terminal(f"{target.id}: not a name that a directory can have")
    return state.joinpath(*parts)
