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
    command = ["git", "-C", repository or ".", "archive", "--format=tar", role.tree]
    done = subprocess.run(command, capture_output=True, check=False, timeout=_SECONDS)
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        cure = f"see git rev-parse HEAD:{ROLES}/{role.name}"
        raise Terminal(f"the role {role.name}: the repository has no tree {role.tree} ({why}): {cure}")
    return done.stdout


def _unpack(content: bytes, into: Path, role: RoleSource) -> None:
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            if sum(member.size for member in archive.getmembers()) > LARGEST:
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
