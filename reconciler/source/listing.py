"""Which manifest files a commit has, by blob id: one call to git for all of them, or for what changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import git

from reconciler.errors import SourceError
from reconciler.model import Diagnostic, Revision
from reconciler.source.refusals import MAX_FILES, is_manifest, misnamed, no_file

_ID = re.compile(r"[0-9a-f]{40,64}\Z")
_MANIFEST = re.compile(r"100\d{3} blob ([0-9a-f]+)\t([^\0]*\.(?i:ya?ml))\0")
_NO_FILE = re.compile(r"(?:\A|\0)(1[26]0000) \w+ [0-9a-f]+\t([^\0]*)")


class Listed(NamedTuple):
    """The manifests of a commit, and what is refused or left aside."""

    files: dict[str, str]
    """Path -> blob id."""
    refused: tuple[Diagnostic, ...]


def files_at(repo: git.Repo, commit: str, paths: Sequence[str]) -> Listed:
    """Every manifest under ``paths``. Raises SourceError for paths that are not there, and for too many files."""
    wanted = [path.strip("/") for path in paths if path.strip("/") not in ("", ".")]
    everywhere = len(wanted) < len(paths)
    listed = _output(repo.git.ls_tree("-r", "-z", "--full-tree", commit, "--", *([] if everywhere else wanted), **RAW))
    files = {name: blob for blob, name in _MANIFEST.findall(listed)}
    refused = [fault for mode, name in _NO_FILE.findall(listed) if (fault := no_file(name, mode))]
    faults = [*_missing(repo, commit, wanted, files)]
    count = listed.count("\0")
    if count > MAX_FILES:
        faults.append(f"{count} files under {', '.join(paths)}: over {MAX_FILES}; name narrower paths")
    others = [line.partition("\t")[2] for line in listed.split("\0")[:-1]] if count > len(files) else []
    names = {*files, *others} - {fault.file for fault in refused} if others else files
    return _sound(files, [*refused, *misnamed(_odd(names))], faults)


def changed_files(repo: git.Repo, commit: str, paths: Sequence[str], earlier: Revision) -> Listed | None:
    """The same, from the files of an earlier commit and the difference; None when that cannot be had."""
    if earlier.paths != tuple(paths) or not _ID.match(earlier.commit) or not earlier.files:
        return None
    if earlier.commit == commit:
        return Listed(dict(earlier.files), earlier.refused)
    wanted = [path.strip("/") or "." for path in paths]
    try:
        said = repo.git.diff_tree("-r", "-z", "--no-renames", earlier.commit, commit, "--", *wanted, **RAW)
    except git.GitCommandError:  # the earlier commit is gone
        return None
    files = dict(earlier.files)
    looked_at = set()
    refused, named = [], []
    for mode, blob, status, name in _differences(_output(said)):
        looked_at.add(name)
        files.pop(name, None)
        if status == "D":
            continue
        fault = no_file(name, mode)
        if fault is not None:
            refused.append(fault)
            continue
        named.append(name)
        if is_manifest(name):
            files[name] = blob
    refused += [*misnamed(named), *(fault for fault in earlier.refused if fault.file not in looked_at)]
    faults = _missing(repo, commit, [path for path in wanted if path != "."], files)
    return _sound(files, refused, [*faults])


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


def _sound(files: dict[str, str], refused: list[Diagnostic], faults: Sequence[str]) -> Listed:
    if faults:
        raise SourceError("\n".join([*faults, *map(str, (fault for fault in refused if fault.severity == "error"))]))
    for name in [*_not_utf8(files)]:
        del files[name]
    return Listed(files, tuple(sorted(refused)))


def _odd(names: Iterable[str]) -> Iterable[str]:
    """The names that anything can be wrong with."""
    plain = [*names]
    if not _not_utf8(plain):
        return (name for name in plain if not name.endswith((".yaml", ".yml")))
    return plain


def _not_utf8(names: Iterable[str]) -> list[str]:
    try:
        "".join(names).encode()
    except UnicodeEncodeError:
        return [name for name in names if any("\udc80" <= letter <= "\udcff" for letter in name)]
    return []
