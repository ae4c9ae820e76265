"""What a dataset is: its name, and what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from reconciler.kinds.gocdb import ShortName
from reconciler.kinds.replica import DatasetName, FilePath, Fileset, Lies, ReplicaFile
from reconciler.kinds.replica.naming import Naming
from reconciler.model import Spec, Strict

Scope = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,30}$")]
DataName = Annotated[str, Field(pattern=r"^/?[A-Za-z0-9][A-Za-z0-9._/-]{0,249}$")]


class Folder(Strict):
    """A folder of a storage: whatever lies in it is the dataset."""

    site: ShortName
    storage: ShortName
    path: FilePath

    def __str__(self) -> str:
        return f"{self.site}/{self.storage}"


class InPlace(Strict):
    """A storage where all files of a dataset lie already."""

    site: ShortName
    storage: ShortName
    path: FilePath | None = None
    """The folder of the files, ``<scope>/<name>`` when not given; with ``rucio`` what stands before the scope, if
    anything does."""
    naming: Naming = "plain"
    """``plain``: each file lies below ``path``. ``rucio``: where Rucio's naming (``hash``) puts it,
    ``<scope>/<2 digits>/<2 digits>/<file>``."""

    def __str__(self) -> str:
        return f"{self.site}/{self.storage}"


class DatasetSpec(Spec):
    """Data with a name of its own: ``files``, a ``listing``, or ``datasets``."""

    scope: Scope
    name: DataName
    """Name of the data within its scope; ``scope:name`` is unique in the federation."""
    files: tuple[ReplicaFile, ...] = ()
    """The files, each with where it is read first."""
    listing: Folder | None = None
    """A folder whose files are the dataset. It counts as a copy, and nothing is ever taken away there."""
    datasets: tuple[DatasetName, ...] = ()
    """Names of datasets: it is their container. A file of two of them is kept with each."""
    copies: Annotated[tuple[InPlace, ...], Field(min_length=1)] | None = None
    """Storages where all its files lie already, put there by somebody else. Each counts as a copy, and nothing is ever
    written, mended or taken away there."""
    open: bool = True
    """Whether files may come. What comes into the folder of a closed dataset is reported and does not belong to it."""
    quietSeconds: Annotated[int, Field(ge=0, le=604_800)] = 0
    """A file of a listing belongs to it once nobody has written to it for so long. Give it where files grow under their
    own names; where they appear whole, 0 will do."""
    lost: tuple[FilePath, ...] = ()
    """Files that do not belong to it any more. Nothing else lets go of a file that was known once."""
    vo: Annotated[str, Field(min_length=1)] | None = None
    """The VO whose data it is, for rules that name none."""
    owner: Annotated[str, Field(min_length=1)] | None = None
    """Who answers for it."""
    fileset: Fileset | None = None
    """What its files were found to be. Filled in."""

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if sum(map(bool, (self.files, self.listing, self.datasets))) != 1:
            message = "give exactly one of files, listing, datasets"
            raise ValueError(message)
        if self.copies and self.datasets:
            message = "a container has no files of its own; give copies with each of its datasets"
            raise ValueError(message)
        there = [str(place) for place in (*(self.copies or ()), *((self.listing,) if self.listing else ()))]
        twice = next((name for name in there if there.count(name) > 1), None)
        if twice is not None:
            message = f"the storage {twice} stands twice; say once where the files lie there"
            raise ValueError(message)
        return self

    @property
    def in_place(self) -> Mapping[str, Lies]:
        """``site/storage`` -> how the files are named there, for each of ``copies``."""
        return {str(place): Lies(path=place.path, naming=place.naming) for place in self.copies or ()}

    @property
    def dataset(self) -> str:
        """``scope:name``."""
        return f"{self.scope}:{self.name}"
