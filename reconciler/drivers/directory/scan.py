"""One pass over a directory tree, confined to what was asked for. Symbolic links are neither followed nor listed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from stat import S_ISREG

from reconciler.drivers.prefixes import Prefixes

OWN = ".hanse"
"""The folder under a root that is Hanse's own; never listed."""


def walk(
    root: Path, prefixes: Prefixes, unreadable: Callable[[str, OSError], None]
) -> Iterator[tuple[str, os.stat_result]]:
    """Yield (path under ``root``, stat) of every regular file covered. Raises OSError when the root cannot be read.

    A folder below that cannot be read is told to ``unreadable``; one that has gone meanwhile is simply gone.
    """
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(root / folder) as entries:
                found = list(entries)
        except FileNotFoundError:
            if not folder:
                raise
            continue
        except OSError as error:
            if not folder:
                raise
            unreadable(folder, error)
            continue
        for entry in found:
            path = folder + entry.name
            if entry.is_dir(follow_symlinks=False):
                if path != OWN and prefixes.lead_into(path + "/"):
                    pending.append(path + "/")
            elif prefixes.cover(path) and (stat := _regular(entry)) is not None:
                yield path, stat


def _regular(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        stat = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    return stat if S_ISREG(stat.st_mode) else None
