"""What a replica is: where it lies, which bytes it has, and where they may be fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from reconciler.kinds.gocdb import ShortName
from reconciler.kinds.replica.naming import Layout, Naming
from reconciler.model import Spec, Strict

_CHECKSUM = re.compile(r"(?:adler32:[0-9A-Fa-f]{8}|md5:[0-9A-Fa-f]{32})")
_DATASET = re.compile(r"[A-Za-z0-9._-]{1,30}:/?[A-Za-z0-9][A-Za-z0-9._/-]{0,249}")


def _checksum(value: str) -> str:
    if not _CHECKSUM.fullmatch(value):
        message = f"{value!r} is not a checksum; write adler32: and 8, or md5: and 32 hexadecimal digits"
        raise ValueError(message)
    return value


def _path(value: str) -> str:
    parts = value.split("/")
    if any(part in ("", ".", "..") for part in parts) or not value.isprintable():
        message = f"{value!r} is not a path under a storage's root; write it without a leading /, // or .."
        raise ValueError(message)
    return value


def _dataset(value: str) -> str:
    if not _DATASET.fullmatch(value) or ".." in value or "//" in value:
        message = f"{value!r} is not the name of a dataset; write scope:name"
        raise ValueError(message)
    return value


def _url(value: str) -> str:
    scheme = urlsplit(value).scheme
    if scheme not in ("http", "https", "file", "data") or not value.isprintable() or " " in value:
        message = f"{value[:60]!r} is not a URL that can be copied from; http, https, file and data URLs can"
        raise ValueError(message)
    return value


Checksum = Annotated[str, AfterValidator(_checksum)]
"""``adler32:`` and 8, or ``md5:`` and 32 hexadecimal digits."""
FilePath = Annotated[str, Field(min_length=1, max_length=1024), AfterValidator(_path)]
"""A path under a storage's root, without a leading slash."""
DatasetName = Annotated[str, AfterValidator(_dataset)]
"""``scope:name``."""
SourceUrl = Annotated[str, AfterValidator(_url)]
Bytes = Annotated[int, Field(ge=0)]
SourcePlace = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+(#rucio)?(:[^/].*)?$")]
"""``site/storage``, or ``site/storage:folder``; ``site/storage#rucio`` where the files lie by Rucio's naming."""


class StorageRef(Strict):
    """A storage of a site."""

    site: ShortName
    name: ShortName

    def __str__(self) -> str:
        return f"{self.site}/{self.name}"


class StorageSource(Strict):
    """A file, or a folder of files, on a storage of the federation."""

    site: ShortName
    storage: ShortName
    path: FilePath
    """The file; for a dataset the folder that its files' paths count from."""
    replica: Annotated[str, Field(min_length=1, max_length=253)] | None = None
    """The Replica (``name`` or ``namespace/name``) that brings it there: waited for."""


def _form(value: Any) -> str:
    return "url" if isinstance(value, str) else "at"


Source = Annotated[
    Annotated[SourceUrl, Tag("url")] | Annotated[StorageSource, Tag("at")],
    Discriminator(_form),  # so that a fault is told of the form that was meant, and of no other
]
"""A URL, or a place on a storage of the federation."""


class ReplicaFile(Strict):
    """One file of a dataset."""

    path: FilePath
    """Counts from the replica's ``path``."""
    size: Bytes | None = None
    """Bytes."""
    checksum: Checksum | None = None
    source: SourceUrl | None = None
    """Where this file comes from, when not from under the replica's source."""


def folder_of(dataset: str) -> str:
    """The folder of a dataset's files when none is given: ``<scope>/<name>``."""
    scope, _, name = dataset.partition(":")
    return f"{scope}/{name.strip('/')}"


class Lies(Strict):
    """How files are named that lie at a storage already."""

    path: FilePath | None = None
    """The folder of the files, ``<scope>/<name>`` when not given; of Rucio's naming what stands before the scope."""
    naming: Naming = "plain"
    """``plain``: below ``path``. ``rucio``: where Rucio's ``hash`` puts them."""

    def layout(self, dataset: str) -> Layout:
        """Where the files of ``scope:name`` lie."""
        if self.naming == "rucio":
            return Layout.rucio(dataset, self.path or "")
        return Layout(self.path or folder_of(dataset))

    def source(self, storage: str, dataset: str) -> str:
        """The place as a source of other copies."""
        if self.naming == "rucio":
            return f"{storage}#rucio:{self.path}" if self.path else f"{storage}#rucio"
        usual = self.path in (None, folder_of(dataset))
        return storage if usual else f"{storage}:{self.path}"


def source_at(place: str, dataset: str) -> tuple[str, Layout]:
    """What a source says: ``site/storage``, and where the files of ``scope:name`` lie there."""
    where, _, folder = place.partition(":")
    storage, _, naming = where.partition("#")
    lies = Lies(path=folder or None, naming="rucio" if naming else "plain")
    return storage, lies.layout(dataset)


class Fileset(Strict):
    """The files of a dataset, by what stands for them: the catalogue knows them one by one."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Over every path, size and checksum."""
    count: Annotated[int, Field(ge=0)]
    bytes: Bytes
    """Total size, of the files whose size is known."""


class ReplicaSpec(Spec):
    """One file (``path``), the ``files`` of a ``dataset``, or those that a Dataset declares (``fileset``)."""

    storage: StorageRef
    dataset: DatasetName | None = None
    """The dataset that it is, or that the file belongs to: ``scope:name``."""
    path: FilePath | None = None
    """Path of the file; for a dataset the folder of its files, ``<scope>/<name>`` when not given."""
    size: Bytes | None = None
    """Size of the file in bytes."""
    checksum: Checksum | None = None
    """Checksum of the file."""
    source: Source | None = None
    """Where it is copied from: a URL, or a place on another storage. For a dataset the folder of its files."""
    files: tuple[ReplicaFile, ...] = ()
    """The files of the dataset."""
    fileset: Fileset | None = None
    """The files of the dataset, where a Dataset brings the replica along. Filled in."""
    whole: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    """What stands for all files of the dataset, where it has only a part of them. Filled in."""
    sources: tuple[SourcePlace, ...] = ()
    """Storages that its files may be read from, as ``site/storage``, nearest first; ``site/storage:folder`` where they
    do not lie in ``<scope>/<name>`` there, ``site/storage#rucio`` where Rucio has named them. Filled in."""
    rules: tuple[Annotated[str, Field(pattern=r"^DatasetRule/")], ...] = ()
    """The DatasetRules that hold it: while there is one, it stays. Filled in."""
    priority: Annotated[int, Field(ge=1, le=5)] = 3
    """Of its transfers, the highest that a rule of its gives. Filled in."""
    activity: Annotated[str, Field(min_length=1)] | None = None
    """What it is for, in the words of those who share out the network. Filled in."""
    purge: bool = False
    """Taken away at once when no rule holds it any more, also where it could stay as a cache. Filled in."""
    origin: bool = False
    """Its files lie there by themselves: they count as a copy, and are never taken away. Filled in."""
    lies: Lies | None = None
    """How they are named there, where nothing is ever written, not even what is missing. Filled in."""

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if not self.many and self.path is None:
            message = "neither a file nor a dataset is named; give path, or dataset and files"
            raise ValueError(message)
        if self.many and self.dataset is None:
            message = "files without a dataset; give dataset: scope:name"
            raise ValueError(message)
        if self.files and self.fileset is not None:
            message = "files and fileset are both given; give one of them"
            raise ValueError(message)
        if self.many and (self.size is not None or self.checksum is not None):
            message = "size and checksum are those of one file; give them with each of the files"
            raise ValueError(message)
        if self.lies is not None and (self.fileset is None or not self.origin):
            message = "lies is said of what a Dataset has in place; take it out"
            raise ValueError(message)
        paths = [file.path for file in self.files]
        twice = next((path for path in paths if paths.count(path) > 1), None) if len(set(paths)) < len(paths) else None
        if twice is not None:
            message = f"the file {twice} stands twice; name each file once"
            raise ValueError(message)
        return self

    @property
    def many(self) -> bool:
        """True for the files of a dataset, False for a single file."""
        return bool(self.files) or self.fileset is not None

    @property
    def folder(self) -> str:
        """The folder of a dataset's files; "" for a single file."""
        if not self.many:
            return ""
        return self.layout.folder

    @property
    def layout(self) -> Layout:
        """Where each of a dataset's files lies."""
        dataset = self.dataset or ""
        return self.lies.layout(dataset) if self.lies else Layout(self.path or folder_of(dataset))

    def parts(self) -> Iterator[ReplicaFile]:
        """Every file that it names itself, with its path under the storage's root."""
        if not self.many:
            yield ReplicaFile(path=self.path or "", size=self.size, checksum=self.checksum)
        folder = self.folder
        for file in self.files:
            yield file.model_copy(update={"path": f"{folder}/{file.path}"})
