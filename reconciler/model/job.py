"""JobUse: what a batch system's accounting tells of a job that is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class JobUse:
    """One run of a job; a job that was requeued has several, which differ in their end."""

    cluster: str
    id: str
    """Of each task of an array its own."""
    user: str
    account: str
    partition: str
    state: str
    """The batch system's word: ``COMPLETED``, ``TIMEOUT``."""
    start: datetime
    end: datetime
    wall_seconds: int
    """In which it ran; while it was suspended it did not."""
    cpu_seconds: int
    """That its processes computed."""
    cpus: int
    nodes: int
    memory_mib: int = 0
    """The most that one of its tasks held."""
    gpus: int = 0
    suspend_seconds: int = 0
