"""The policy of an elastic group, as manifests write it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reconciler.model.spec import Strict

Seconds = Annotated[int, Field(ge=0, le=31_536_000)]
Count = Annotated[int, Field(ge=0, le=10_000)]


class Elasticity(Strict):
    """How a group of workers grows and shrinks with the queue of its batch system."""

    partitions: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    """Partitions of the batch system whose jobs the group serves; empty: all."""
    idleSeconds: Seconds = 300
    """A node without a job for so long is stopped when no queued job needs it."""
    coolDownSeconds: Seconds = 0
    """A node is not stopped sooner than so long after it came up."""
    bootSeconds: Annotated[int, Field(ge=1, le=86_400)] = 300
    """A node serves so long after it was asked for; when one is later, another is started beside it."""
    bootTimeoutSeconds: Annotated[int, Field(ge=1, le=86_400)] = 900
    """A node that does not serve after so long is taken away, and its name into quarantine."""
    quarantineSeconds: Seconds = 1800
    """A name is not used again for so long; three failures within it slow the group down to one boot at a time."""
    maxPending: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Nodes are started while fewer than so many boot; those of one job are started together. Left out: any number."""
    minIdle: Count = 0
    """So many nodes wait for jobs that are yet to come, within the group's max."""
    paidIntervalSeconds: Seconds = 0
    """What the cloud charges for at once (3600: whole hours): a node stays until what is paid for ends; 0: nothing."""
    paidMarginSeconds: Seconds = 120
    """How long before the end of a paid interval a node may be stopped."""
