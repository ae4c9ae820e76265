"""Which manifest files a commit has, by blob id: one call to git for all of them, or for what changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import git

from reconciler.errors import SourceError
from reconciler.model import Revision

MAX_BYTES = 1 << 20
MAX_FILES = 1_000_000
SUFFIXES = (".yaml", ".yml")
NOT_FILES = {"120000": "is a symbolic link; put the file itself there", "160000": "is a submodule; copy its files here"}

_ID = re.compile(r"[0-9a-f]{40,64}\Z")
_MANIFEST = re.compile(r"100\d{3} blob ([0-9a-f]+)\t([^\0]*\.ya?ml)\0")
_NO_FILE = re.compile(r"(?:\A|\0)(1[26]0000) \w+ [0-9a-f]+\t([^\0]*)")


def files_at(repo: git.Repo, commit: str, paths: Sequence[str]) -> dict[str, str]:
    """Path -> blob id of every manifest file under ``paths``. Raises SourceError with every fault."""
    wanted = [path.strip("/") for path in paths if path.strip("/") not in ("", ".")]
    everywhere = len(wanted) < len(paths)
    listed = _output(repo.git.ls_tree("-r", "-z", "--full-tree", commit, "--", *([] if everywhere else wanted), **RAW))
    files = {name: blob for blob, name in _MANIFEST.findall(listed)}
    faults = [f"{name}: {NOT_FILES[mode]}" for mode, name in _NO_FILE.findall(listed)]
    faults += _missing(repo, commit, wanted, files)
    if listed.count("\0") > MAX_FILES:
        faults.append(f"{listed.count(chr(0))} files under {', '.join(paths)}: over {MAX_FILES}; name narrower paths")
    return _sound(files, faults)


def changed_files(repo: git.Repo, commit: str, paths: Sequence[str], earlier: Revision) -> dict[str, str] | None:
    """The same, from the files of an earlier commit and the difference; None when that cannot be had."""
    if earlier.paths != tuple(paths) or not _ID.match(earlier.commit) or not earlier.files:
        return None
    if earlier.commit == commit:
        return dict(earlier.files)
    wanted = [path.strip("/") or "." for path in paths]
    try:
        said = repo.git.diff_tree("-r", "-z", "--no-renames", earlier.commit, commit, "--", *wanted, **RAW)
    except git.GitCommandError:  # the earlier commit is gone
        return None
    files = dict(earlier.files)
    faults = []
    for mode, blob, status, name in _differences(_output(said)):
        if status == "D" or not name.endswith(SUFFIXES):
            files.pop(name, None)
        if status != "D" and mode in NOT_FILES:
            faults.append(f"{name}: {NOT_FILES[mode]}")
        elif status != "D" and name.endswith(SUFFIXES):
            files[name] = blob
    faults += _missing(repo, commit, [path for path in wanted if path != "."], files)
    return _sound(files, faults)


RAW = {"strip_newline_in_stdout": False, "stdout_as_string": False}
"""Asks GitPython for what git wrote, byte for byte."""


def _output(said: object) -> str:
    """Paths that are not UTF-8 keep their bytes, so that they can be named."""
    assert isinstance(said, bytes)  # noqa: S101 (RAW asks for it)
    return said.decode("utf-8", "surrogateescape")


def _differences(said: str) -> Iterator[tuple[str, str, str, str]]:
    parts = said.split("\0")[:-1]
    for header, name in zip(parts[::2], parts[1::2], strict=True):
        _, mode, _, blob, status = header.split(" ")
        yield mode, blob, status, name


def _missing(repo: git.Repo, commit: str, paths: Iterable[str], files: Iterable[str]) -> Iterator[str]:
    """A path that is not there is a mistake, never an empty federation."""
    for path in paths:
        inside = f"{path}/"
        if any(name.startswith(inside) or name == path for name in files):
            continue
        if not repo.git.ls_tree("--full-tree", commit, "--", path):
            yield f"{path}: no such path at {commit[:12]}; check [source] paths"


def _sound(files: dict[str, str], faults: list[str]) -> dict[str, str]:
    faults += [f"{name!r}: the name is not UTF-8" for name in _not_utf8(files)]
    if faults:
        raise SourceError("\n".join(faults))
    return files


def _not_utf8(names: Iterable[str]) -> list[str]:
    try:
        "".join(names).encode()
    except UnicodeEncodeError:
        return [name for name in names if any("\udc80" <= letter <= "\udcff" for letter in name)]
    return []
