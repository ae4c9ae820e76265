"""Which manifest files a commit has, by blob id: one call to git for all of them, or for what changed."""

from __future__ import annotations

from collections.abc import Sequence

import git

from reconciler.errors import SourceError
from reconciler.model import Revision

MAX_BYTES = 1 << 20
MAX_FILES = 1_000_000
_KINDS = {"120000": "is a symbolic link; put the file itself there", "160000": "is a submodule; copy its files here"}


def files_at(repo: git.Repo, commit: str, paths: Sequence[str]) -> dict[str, str]:
    """Path -> blob id of every manifest file under ``paths``. Raises SourceError with every fault."""
    listed = _lines(repo.git.ls_tree("-r", "-z", "--full-tree", commit, "--", *paths, **_RAW))
    files: dict[str, str] = {}
    faults = [f"{path}: no such path at {commit[:12]}" for path in paths if not _exists(repo, commit, path)]
    if len(listed) > MAX_FILES:
        raise SourceError(f"{len(listed)} files under {', '.join(paths)}: over {MAX_FILES}; name narrower paths")
    for line in listed:
        said, _, name = line.partition("\t")
        if said.startswith("100"):
            if name.endswith((".yaml", ".yml")):
                files[name] = said[12:52]
        else:
            faults.append(f"{name}: {_KINDS.get(said[:6], 'is not a file')}")
    if faults:
        raise SourceError("\n".join(faults))
    return files


def changed_files(repo: git.Repo, commit: str, paths: Sequence[str], earlier: Revision) -> dict[str, str] | None:
    """The same, from the files of an earlier commit and the difference; None when that cannot be had."""
    if earlier.paths != tuple(paths):
        return None
    if earlier.commit == commit:
        return dict(earlier.files)
    try:
        said = repo.git.diff_tree("-r", "-z", "--no-renames", earlier.commit, commit, "--", *paths, **_RAW)
    except git.GitCommandError:
        return None
    parts = _lines(said)
    files = dict(earlier.files)
    faults = []
    for header, name in zip(parts[::2], parts[1::2], strict=True):
        _, mode, _, blob, status = header.split(" ")
        if status == "D":
            files.pop(name, None)
        elif mode in _KINDS:
            faults.append(f"{name}: {_KINDS[mode]}")
        elif name.endswith((".yaml", ".yml")):
            files[name] = blob
    if faults:
        raise SourceError("\n".join(faults))
    return files


_RAW = {"strip_newline_in_stdout": False}


def _lines(said: str) -> list[str]:
    return said.split("\0")[:-1]


def _exists(repo: git.Repo, commit: str, path: str) -> bool:
    if path in ("", "."):
        return True
    return bool(repo.git.ls_tree("--full-tree", commit, "--", path.rstrip("/")))
