"""What a rule asks for: which data, how many copies, where, and what of it changes with time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reconciler.kinds.dataset import DataName, Scope
from reconciler.kinds.expression import Locations
from reconciler.kinds.replica import DatasetName, Fileset
from reconciler.kinds.when import Instant, Lifetime
from reconciler.model import Spec, Strict

Place = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$")]
"""``site/storage``."""
Number = Annotated[int, Field(ge=1, le=100)]
Word = Annotated[str, Field(min_length=1)]
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")]
Period = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,5}[hdw]$")]
"""Hours, days or weeks: ``12h``, ``30d``, ``8w``."""

_UNIT = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


class Copies(Strict):
    """So many copies at storages that an expression describes."""

    copies: Number = 1
    locations: Locations = "*"
    """Storages that may hold them."""
    qos: Word | None = None
    """Class of service that they must be of."""


class Stage(Strict):
    """What is wanted for a while."""

    for_: Annotated[Period | None, Field(alias="for")] = None
    """How long; the last stage may last for ever."""
    copies: Annotated[tuple[Copies, ...], Field(min_length=1)]
    """All of them, at storages of their own."""

    @property
    def lasts(self) -> timedelta | None:
        """How long; None: for ever."""
        return _UNIT[self.for_[-1]] * int(self.for_[:-1]) if self.for_ else None


class DatasetRuleSpec(Spec):
    """So many copies of a dataset's files at storages that an expression describes."""

    scope: Scope
    name: DataName
    """Name of a Dataset, or of a container of datasets, within its scope."""
    copies: Number | None = None
    """How many, all at different storages."""
    locations: Locations | None = None
    """Storages that may hold the copies: ``country=ES & tier<2``."""
    qos: Word | None = None
    """Class of service that a storage must be of."""
    stages: tuple[Stage, ...] = ()
    """In place of ``copies``, ``locations`` and ``qos``: what is wanted first, and what after that."""
    start: Annotated[Instant | None, Field(alias="from")] = None
    """When the first stage begins, UTC."""
    sourceLocations: Locations | None = None
    """Storages that copies may be read from."""
    grouping: Literal["NONE", "DATASET", "ALL"] = "DATASET"
    """Keep the files of each dataset together (DATASET), those of a whole container (ALL), or choose places for each
    file by itself (NONE)."""
    spread: Key | None = None
    """No two copies where this is the same: ``country``, ``continent``, ``site``, or any other attribute."""
    weight: Key | None = None
    """A numeric attribute of storages: what is chosen by several rules or for several datasets goes to each storage in
    proportion to it. Where it is 0 nothing new goes; a storage without it is left out."""
    lifetime: Lifetime | None = None
    vo: Word | None = None
    """The VO whose data it is, and whose quotas are charged; that of the Dataset when not given."""
    owner: Word | None = None
    """Who asked for it."""
    priority: Annotated[int, Field(ge=1, le=5)] = 3
    """Of its transfers: 5 comes first."""
    activity: Word | None = None
    """What it is for, in the words of those who share out the network: ``Production``."""
    purge: bool = False
    """Whether its copies go at once when it ends, also where copies that no rule holds are kept while there is room."""
    locked: bool = False
    """Whether it may be taken away only if an Approval names it."""
    by: Annotated[str, Field(pattern=r"^rucio:[A-Za-z0-9._-]+$")] | None = None
    """Who keeps it: ``rucio:NAME`` of hanse.toml, which chooses the places and moves the data; Hanse when not given."""
    comment: Word | None = None
    chosen: tuple[Place, ...] = ()
    """The storages chosen, as ``site/storage``. Filled in; may be given to choose by hand."""
    chosenDatasets: dict[DatasetName, tuple[Place, ...]] = Field(default={})
    """The storages chosen for each dataset of a container. Filled in."""
    placed: dict[DatasetName, dict[Place, Fileset]] = Field(default={})
    """Which files of which dataset lie where. Filled in."""
    replicas: tuple[Annotated[str, Field(pattern=r"^[^/]+/[^/]+$")], ...] = ()
    """The Replicas that it needs, ``namespace/name``. Filled in."""
    readable: tuple[Place, ...] = ()
    """The storages that ``sourceLocations`` describes. Filled in."""

    @model_validator(mode="after")
    def _copies_or_stages(self) -> Self:
        if self.stages and (self.copies is not None or self.locations is not None or self.qos is not None):
            message = "copies, locations and qos stand in each of the stages; take them out here"
            raise ValueError(message)
        if not self.stages and (self.copies is None or self.locations is None):
            message = "copies and locations are missing; give both, or stages"
            raise ValueError(message)
        if bool(self.stages) != (self.start is not None):
            message = "from and stages go together: stages count from a day that does not move"
            raise ValueError(message)
        if any(stage.for_ is None for stage in self.stages[:-1]):
            message = "a stage that has no end is followed by another; give it for"
            raise ValueError(message)
        return self

    @property
    def dataset(self) -> str:
        """``scope:name``."""
        return f"{self.scope}:{self.name}"

    def wants(self, now: datetime) -> tuple[Copies, ...]:
        """What is wanted now."""
        stage = self.stage(now)
        if stage is not None:
            return stage.copies
        return (Copies(copies=self.copies or 1, locations=self.locations or "*", qos=self.qos),)

    def stage(self, now: datetime) -> Stage | None:
        """The stage that it is in; the first one before they begin, the last one for ever after."""
        found = (stage for stage, end in self._ends() if end is None or now < end)
        return next(found, self.stages[-1] if self.stages else None)

    def turns(self, now: datetime) -> datetime | None:
        """When the next stage begins; None when it does not."""
        ends = [end for _, end in self._ends()][:-1]
        return next((end for end in ends if end is not None and now < end), None)

    def _ends(self) -> Iterator[tuple[Stage, datetime | None]]:
        end = self.start
        for stage in self.stages:
            end = end + stage.lasts if end is not None and stage.lasts is not None else None
            yield stage, end

    def expressions(self) -> Iterator[tuple[str, str]]:
        """(path, expression) of each that stands in it."""
        if self.locations is not None:
            yield "spec.locations", self.locations
        for n, stage in enumerate(self.stages):
            for m, some in enumerate(stage.copies):
                yield f"spec.stages[{n}].copies[{m}].locations", some.locations
        if self.sourceLocations is not None:
            yield "spec.sourceLocations", self.sourceLocations

    def may_read(self, storage: str) -> bool:
        """Whether copies may be read from a storage."""
        return self.sourceLocations is None or storage in self.readable
