"""What a rule asks for: which data, how many copies, where."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from reconciler.kinds.datasetrule.expression import Expression
from reconciler.kinds.replica import FilePath, ReplicaFile, Source
from reconciler.kinds.when import Lifetime
from reconciler.model import Spec


def _expression(value: str) -> str:
    Expression.parse(value)
    return value


Locations = Annotated[str, Field(min_length=1), AfterValidator(_expression)]
"""A location expression: ``country=ES & tier<2 \\ scratch``."""
Scope = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,30}$")]
DataName = Annotated[str, Field(pattern=r"^/?[A-Za-z0-9][A-Za-z0-9._/-]{0,249}$")]
Place = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$")]
"""``site/storage``."""


class DatasetRuleSpec(Spec):
    """So many copies of a dataset's files at storages that an expression describes."""

    scope: Scope
    name: DataName
    """Name of the data within its scope."""
    files: tuple[ReplicaFile, ...] = ()
    """The files; when none are given, those of a Replica of the same dataset that is declared by hand."""
    source: Source | None = None
    """Where the files are copied from: a URL, or a folder on a storage. Without it, from a declared Replica."""
    path: FilePath | None = None
    """Folder of the copies; ``<scope>/<name>`` when not given."""
    copies: Annotated[int, Field(ge=1, le=100)]
    locations: Locations
    """Storages that may hold the copies: ``country=ES & tier<2``."""
    sourceLocations: Locations | None = None
    """Storages that copies may be read from."""
    grouping: Literal["NONE", "DATASET", "ALL"] = "DATASET"
    """Keep files together (DATASET, ALL), or choose places for each file by itself (NONE)."""
    lifetime: Lifetime | None = None
    weight: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")] | None = None
    """A numeric attribute of storages: of those that fit, the ones where it is highest are taken."""
    qos: Annotated[str, Field(min_length=1)] | None = None
    """Class of service that a storage must be of."""
    vo: Annotated[str, Field(min_length=1)] | None = None
    """The VO whose data it is: storages that do not serve it are left out."""
    chosen: tuple[Place, ...] = ()
    """The storages chosen, as ``site/storage``. Filled in; may be given to choose by hand."""
    chosenFiles: dict[str, tuple[Place, ...]] = Field(default={})
    """The storages chosen for each file, with grouping NONE. Filled in."""

    @property
    def dataset(self) -> str:
        """``scope:name``."""
        return f"{self.scope}:{self.name}"
