"""What was rendered, and whether the files that stand somewhere say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from reconciler.errors import SettingsError
from reconciler.exchange.fedcloud.shelf import replace_file


@dataclass(frozen=True, slots=True)
class Rendered:
    """Files by their relative names, in order."""

    files: Mapping[str, str]
    untold: tuple[str, ...] = ()
    """What could not be told in them."""
    remarks: tuple[str, ...] = ()
    """What one should know; the files are whole."""

    @property
    def text(self) -> str:
        """All of it, one file after the other."""
        return "".join(text for _, text in sorted(self.files.items()))


@dataclass(frozen=True, slots=True)
class Difference:
    """A file that says something else than the manifests do."""

    name: str
    diff: str
    """From what stands there to what would be written; "" for a file that would not be written at all."""


def header(command: str, source: str, *more: str) -> str:
    """The comment at the top of a file that may have one: how it was made, and no time, which would change."""
    lines = [f"Made by `hanse export {command}` from the {source}. Change those, not this file.", *more]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def written(rendered: Rendered, directory: Path) -> list[str]:
    """Write the files that differ from those in a directory; their names."""
    names = []
    for name, text in sorted(rendered.files.items()):
        path = _inside(directory, name)
        if _read(path) != text:
            replace_file(path, text)
            names.append(name)
    return names


def differences(rendered: Rendered, directory: Path, *, only: str = "") -> Iterator[Difference]:
    """Every file that says something else, or is missing; and, of those that fit ``only``, each that is too many."""
    for name, text in sorted(rendered.files.items()):
        there = _read(_inside(directory, name))
        if there != text:
            yield Difference(name, diff_of(name, there or "", text))
    for name in left(rendered, directory, only):
        yield Difference(name, "")


def left(rendered: Rendered, directory: Path, only: str) -> list[str]:
    """Files of a directory that fit a pattern and are not among those rendered."""
    found = directory.glob(only) if only else ()
    names = (path.relative_to(directory).as_posix() for path in found if path.is_file())
    return sorted(name for name in names if name not in rendered.files)


def diff_of(name: str, there: str, wanted: str) -> str:
    """What changes from a text to another, as ``diff -u`` tells it."""
    lines = unified_diff(there.splitlines(), wanted.splitlines(), name, f"{name} (from the manifests)", lineterm="")
    return "\n".join(lines)


def _inside(directory: Path, name: str) -> Path:
    path = directory / name
    if not path.resolve().is_relative_to(directory.resolve()):
        raise SettingsError(f"{name} would lie outside of {directory}")
    return path


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return None
