"""Roles that do not come with Hanse: fetched once, kept by their digest, refused when they are not what was pinned.

A role is an archive with its folder (``tasks/`` at its top, or one folder below), a collection as ``ansible-galaxy``
builds it, or a git tree of the federation's own repository. Playbooks run with the rights of the reconciler: that is
why the manifest, which is trusted, says what a role is to the byte, and not only where it is.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from reconciler.drivers.fetch import pieces, shown
from reconciler.errors import Terminal
from reconciler.ports import RoleSource, Source

LARGEST = 32 * 1024 * 1024
"""Bytes of an archive, and of what is in it."""
ROLES, COLLECTIONS = "roles", "collections"
_SECONDS = 60.0
_MODES = {"100644": 0o644, "100755": 0o755, "100664": 0o644}
_ALONE = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "core.fsmonitor",
    "GIT_CONFIG_VALUE_0": "false",
    "GIT_CONFIG_KEY_1": "safe.directory",
    "GIT_CONFIG_VALUE_1": "*",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
"""The pinned tree is what its id says, whatever refs/replace puts in its place."""


def supplied(wanted: Sequence[RoleSource], folder: Path, repository: str, own: Path) -> list[Path]:
    """A folder with ``roles`` and ``collections`` for each; fetched when it is not there.

    Raises Terminal for what is not as pinned, holds no such role, or has the name of one in ``own``; Transient when it
    cannot be had now.
    """
    return [_supplied(role, folder, repository, own) for role in wanted]


def _supplied(role: RoleSource, folder: Path, repository: str, own: Path) -> Path:
    if (own / role.name).exists():
        raise Terminal(f"the role {role.name} comes with Hanse: give yours another name")
    place = folder / f"{role.sha256 or role.tree}-{role.name}"
    if place.is_dir():
        return place
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=folder, prefix="coming-") as coming:
        _unpack(_content(role, repository), Path(coming, "content"), role)
        _arrange(Path(coming, "content"), Path(coming, "ready"), role)
        try:
            Path(coming, "ready").rename(place)
        except OSError:
            if not place.is_dir():  # another run was faster
                raise
    return place


def _content(role: RoleSource, repository: str) -> bytes:
    return _of_tree(role, repository) if role.tree else _of_archive(role)


def _of_archive(role: RoleSource) -> bytes:
    found = io.BytesIO()
    with pieces(Source(role.archive)) as parts:
        for part in parts:
            found.write(part)
            if found.tell() > LARGEST:
                raise Terminal(f"the role {role.name}: {shown(role.archive)} has more than {LARGEST} bytes")
    digest = hashlib.sha256(found.getvalue()).hexdigest()
    if digest != role.sha256:
        said = f"{shown(role.archive)} has the SHA-256 {digest}, and the manifest pins {role.sha256}"
        raise Terminal(f"the role {role.name}: {said}: nothing of it was run")
    return found.getvalue()


def _of_tree(role: RoleSource, repository: str) -> bytes:
    """The tree as an archive of what it holds, byte for byte.

    ``git archive`` would let attributes leave files out, fill words in, and run filters that some configuration names.
    """
    said = _git(repository, "ls-tree", "-r", "-z", "-l", "--full-tree", role.tree, role=role)
    lines = [line.partition("\t") for line in said.decode("utf-8", "surrogateescape").split("\0")[:-1]]
    files = [(name, *head.split()) for head, _, name in lines]
    if sum(int(size) for *_, size in files if size.isdecimal()) > LARGEST:
        raise Terminal(f"the role {role.name}: its tree has more than {LARGEST} bytes")
    if odd := next((name for name, mode, *_ in files if mode not in _MODES), None):
        raise Terminal(f"the role {role.name}: {odd} is neither a file nor a folder")
    ids = "".join(f"{blob}\n" for _, _, _, blob, _ in files)
    contents = io.BytesIO(_git(repository, "cat-file", "--batch", "--buffer", role=role, given=ids.encode()))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, mode, *_ in files:
            member = tarfile.TarInfo(name)
            member.mode, member.size = _MODES[mode], int(contents.readline().split()[2])
            archive.addfile(member, io.BytesIO(contents.read(member.size)))
            contents.read(1)
    return packed.getvalue()


def _git(repository: str, *arguments: str, role: RoleSource, given: bytes = b"") -> bytes:
    """What git says about the repository, and nothing else: no other's configuration, no replaced objects."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(
        ["git", "-C", repository or ".", *arguments],
        input=given,
        capture_output=True,
        check=False,
        timeout=_SECONDS,
        env={**plain, **_ALONE},
    )
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        cure = f"see git rev-parse HEAD:{ROLES}/{role.name}"
        raise Terminal(f"the role {role.name}: the repository has no tree {role.tree} ({why}): {cure}")
    return done.stdout


def _unpack(content: bytes, into: Path, role: RoleSource) -> None:
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            unpacked = 0
            for member in archive:  # one by one: what is too large is not even decompressed
                unpacked += member.size
                if unpacked > LARGEST:
                    raise Terminal(f"the role {role.name} has more than {LARGEST} bytes unpacked")
            archive.extraction_filter = lambda member, _path: member  # ours are looked at already
            archive.extractall(into, [_harmless(m) for m in archive.getmembers()])  # noqa: S202 (each was looked at)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise Terminal(f"the role {role.name}: its archive cannot be unpacked: {error}") from error


def _harmless(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """A file or folder below the place it is unpacked to, of whoever unpacks it. Raises TarError for anything else.

    What ``filter="data"`` of Python 3.11.4 does; Debian 12 has 3.11.2.
    """
    path = PurePosixPath(member.name)
    if not (member.isfile() or member.isdir()):
        raise tarfile.ExtractError(f"{member.name} is neither a file nor a folder")
    if path.is_absolute() or ".." in path.parts:
        raise tarfile.ExtractError(f"{member.name} would be written elsewhere")
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
    return member


def _arrange(content: Path, ready: Path, role: RoleSource) -> None:
    """Put it where Ansible looks for it."""
    if (content / "MANIFEST.json").is_file():
        _collection(content, ready, role)
        return
    inner = [entry for entry in content.iterdir() if entry.is_dir()]
    root = content if (content / "tasks").is_dir() else inner[0] if len(inner) == 1 else content
    if not (root / "tasks" / "main.yml").is_file():
        raise Terminal(f"the role {role.name}: there is no tasks/main.yml in it")
    (ready / ROLES).mkdir(parents=True)
    shutil.move(root, ready / ROLES / role.name)


def _collection(content: Path, ready: Path, role: RoleSource) -> None:
    about = json.loads((content / "MANIFEST.json").read_bytes())["collection_info"]
    namespace, name = str(about["namespace"]), str(about["name"])
    if not role.name.startswith(f"{namespace}.{name}.") or not (namespace + name).replace("_", "").isalnum():
        raise Terminal(f"the role {role.name}: the archive is the collection {namespace}.{name}")
    place = ready / COLLECTIONS / "ansible_collections" / namespace
    place.mkdir(parents=True)
    shutil.move(content, place / name)
