"""What a dataset is: its name, and what belongs to it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from reconciler.kinds.gocdb import ShortName
from reconciler.kinds.replica import DatasetName, FilePath, Fileset, ReplicaFile
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
        return self

    @property
    def dataset(self) -> str:
        """``scope:name``."""
        return f"{self.scope}:{self.name}"
