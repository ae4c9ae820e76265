"""One pass over a directory tree, confined to what was asked for. Symbolic links are neither followed nor listed."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from stat import S_ISREG

from reconciler.drivers.prefixes import Prefixes

OWN = ".hanse"
"""The folder under a root that is Hanse's own; never listed."""


def walk(
    root: Path, prefixes: Prefixes, unreadable: Callable[[str, OSError], None], odd: Callable[[str], None]
) -> Iterator[tuple[str, os.stat_result]]:
    """Yield (path under ``root``, stat) of every regular file covered. Raises OSError when the root cannot be read.

    What cannot be read below is told to ``unreadable``; what has gone meanwhile is simply gone. What can be no file of
    a storage, for its name is not text or its path longer than the system takes, is told to ``odd`` and left out.
    """

    def failed(path: str, error: OSError) -> None:
        if not path:
            raise error
        if error.errno == errno.ENAMETOOLONG:
            odd(path)
        else:
            unreadable(path, error)

    pending = [""]
    while pending:
        folder = pending.pop()
        for entry in _entries(root, folder, failed):
            path = folder + entry.name
            inner = entry.is_dir(follow_symlinks=False)
            if path == OWN or not (prefixes.lead_into(path + "/") if inner else prefixes.cover(path)):
                continue
            if not is_text(entry.name):
                odd(path)
            elif inner:
                pending.append(path + "/")
            elif (stat := _regular(entry, path, failed)) is not None:
                yield path, stat


def _entries(root: Path, folder: str, failed: Callable[[str, OSError], None]) -> list[os.DirEntry[str]]:
    """What lies in a folder; nothing where it has gone meanwhile."""
    try:
        with os.scandir(root / folder) as entries:
            return list(entries)
    except FileNotFoundError:
        if not folder:
            raise
    except OSError as error:
        failed(folder, error)
    return []


def is_text(name: str) -> bool:
    """Whether a name is text: the system's names are bytes, and those that are not UTF-8 come with surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def escaped(path: str) -> str:
    """Any path as one line of text."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _regular(entry: os.DirEntry[str], path: str, failed: Callable[[str, OSError], None]) -> os.stat_result | None:
    try:
        stat = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        failed(path, error)
        return None
    return stat if S_ISREG(stat.st_mode) else None
