"""Backup and restore: the records as of one moment, and what the daemon remembers of having told, in one archive.

Left out is what can be made again (the cache, the copy of the repository), what is worth as much as a password (keys in
the state folder), and the worlds of embedded back ends, which are what Hanse looks after and not what it remembers.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from reconciler import __version__
from reconciler.errors import KeptRecords, RecordsError
from reconciler.records import dumping
from reconciler.records.store import open_store
from reconciler.settings import Settings

FORM: Final = "hanse.backup.v1"
REMEMBERED: Final = ("notified",)
"""Folders of the state folder: without them subscribers would be told again."""
_ABOUT, _RECORDS, _STATE = "about.json", "records", "state"
_LARGEST: Final = 64 << 20
"""Bytes of one remembered file."""


@dataclass(frozen=True, slots=True)
class About:
    """What a backup says of itself."""

    form: str
    hanse: str
    made: str
    """UTC, ISO 8601."""
    dialect: str
    schema: str
    sha256: dict[str, str]
    """Member -> digest."""


def back_up(settings: Settings, file: Path, now: datetime) -> About:
    """Write a backup. What is there already is not overwritten. Raises RecordsError, or OSError of the file."""
    if file.exists():
        raise KeptRecords(f"{file} is there already, and a backup is not overwritten: name another file")
    url = settings.records.url
    schema = dumping.schema_of(url, now)
    if not schema:
        raise RecordsError("nothing has been recorded yet: there is nothing to back up")
    with tempfile.TemporaryDirectory(prefix=".hanse-backup-", dir=file.absolute().parent) as place:
        folder = Path(place)
        dumping.dump(url, folder / _RECORDS)
        members = {_RECORDS: folder / _RECORDS, **dict(_remembered(Path(settings.state)))}
        digests = {name: _digest(path) for name, path in members.items()}
        about = About(FORM, __version__, now.isoformat(), dumping.dialect_of(url), schema, digests)
        whole = folder / "whole"
        with os.fdopen(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            _write(out, about, members)
            out.flush()
            os.fsync(out.fileno())
        os.link(whole, file)  # whole or not at all, and over nothing
    return about


def about(file: Path) -> About:
    """What a backup says of itself. Raises RecordsError when it is none, or damaged."""
    try:
        with tarfile.open(file, "r:gz") as archive:
            return _about(archive)
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise RecordsError(f"{file}: it is no backup of Hanse, or damaged") from error


def restore(settings: Settings, file: Path, now: datetime, lease: str) -> About:
    """Put a backup back and bring it up to date. Raises RecordsError, with nothing changed.

    Refused while somebody holds ``lease``, over a database that is not empty, for a backup of a newer Hanse or of
    another sort of database, and for one that is damaged.
    """
    told, url = about(file), settings.records.url
    if told.dialect != (here := dumping.dialect_of(url)):
        raise RecordsError(f"{file} is of {told.dialect}, [records] url is of {here}: restore to the same sort")
    if dumping.newer(told.schema):
        raise RecordsError(f"{file} is at schema {told.schema}, made by Hanse {told.hanse}: a newer one than this")
    if why := dumping.refusal(url, now, lease):
        raise KeptRecords(why)
    state = Path(settings.state)
    state.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".hanse-restore-", dir=state.parent) as place:
        folder = Path(place)
        _unpack(file, told, folder)
        dumping.load(url, folder / _RECORDS)
        for name in told.sha256:
            if name != _RECORDS:
                target = state / Path(name).relative_to(_STATE)
                target.parent.mkdir(parents=True, exist_ok=True)
                (folder / name).replace(target)
    open_store(url, lambda: now).close()  # migrations that are missing run here
    return told


def _remembered(state: Path) -> Iterator[tuple[str, Path]]:
    for name in REMEMBERED:
        top = state / name
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield f"{_STATE}/{path.relative_to(state)}", path


def _write(out: Any, about: About, members: dict[str, Path]) -> None:
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=6) as archive:
        fields = {name: getattr(about, name) for name in About.__slots__}
        said = json.dumps(fields, indent=2, sort_keys=True).encode()
        entry = tarfile.TarInfo(_ABOUT)
        entry.size, entry.mode = len(said), 0o600
        archive.addfile(entry, io.BytesIO(said))
        for name, path in members.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = path.stat().st_size, 0o600
            with path.open("rb") as content:
                archive.addfile(entry, content)


def _about(archive: tarfile.TarFile) -> About:
    first = archive.next()
    content = archive.extractfile(first) if first and first.name == _ABOUT and first.size < _LARGEST else None
    try:
        found = About(**json.loads(content.read() if content else b""))
    except (ValueError, TypeError) as error:
        raise tarfile.ReadError(str(error)) from error
    names = [_STATE, *REMEMBERED]
    for name in found.sha256:
        parts = name.split("/")
        if name != _RECORDS and (parts[0] != names[0] or parts[1:2] == [] or parts[1] not in names or ".." in parts):
            raise tarfile.ReadError(name)
    if found.form != FORM:
        raise RecordsError(f"this is a backup of the form {found.form}: this Hanse knows {FORM}")
    return found


def _unpack(file: Path, told: About, folder: Path) -> None:
    """The members that it tells of, each as it was written: plain files, and nothing else."""
    try:
        with tarfile.open(file, "r:gz") as archive:
            for name in told.sha256:
                _extract(archive, name, folder / name)
    except (tarfile.TarError, EOFError, OSError, KeyError) as error:
        raise RecordsError(f"{file}: it is damaged") from error
    for name, digest in told.sha256.items():
        if (folder / name).is_symlink() or _digest(folder / name) != digest:
            raise RecordsError(f"{file}: {name} in it is damaged")


def _extract(archive: tarfile.TarFile, name: str, file: Path) -> None:
    content = archive.extractfile(name)
    if content is None:
        raise tarfile.ReadError(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("xb") as written:
        shutil.copyfileobj(content, written)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
