"""Batch systems of a site."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.kinds.gocdb import ShortName, Url
from reconciler.model import Strict

Word = Annotated[str, Field(min_length=1)]


class Queue(Strict):
    """One queue (a partition, in Slurm)."""

    name: Word
    vos: tuple[Word, ...] = ()
    """VOs that may use it; empty: all."""
    maxCpus: Annotated[int, Field(ge=1)] | None = None
    """Cores of one job, at most."""
    maxWallMinutes: Annotated[int, Field(ge=1)] | None = None


class Batch(Strict):
    """One batch endpoint."""

    name: ShortName
    type: Literal["slurm", "htcondor", "arc"]
    url: Url | None = None
    queues: tuple[Queue, ...] = ()
