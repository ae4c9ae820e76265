"""The transfer port: a service that copies files between storages by itself, and tells how far it is. Fits FTS3."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from reconciler.ports.storage import Copy, Source, StoredFile

MoveState = Literal["waiting", "staging", "moving", "done", "failed", "stopped"]
"""Not begun; being brought from tape; under way; copied; not copied; called off by somebody."""
_OVER = frozenset({"done", "failed", "stopped"})


@dataclass(frozen=True, slots=True)
class Movement:
    """One file to be copied."""

    path: str
    """Its name in the answers."""
    source: Source
    destination: Source
    """Where it is to be written, and what the writer must send."""
    size: int | None = None
    checksum: str = ""
    """``adler32:...`` or ``md5:...``; "" when not known."""
    bring_online: int = 0
    """Seconds that the source may take to bring it from tape; 0 for what lies on disk."""
    activity: str = ""
    """What it is for, by which a service shares out the network; "" for the one that its options name."""


@dataclass(frozen=True, slots=True)
class FileMove:
    """How one file stands."""

    path: str
    state: MoveState
    bytes: int = 0
    """That have arrived."""
    reason: str = ""
    """Why it failed, as the service says."""
    hopeless: bool = False
    """Trying again cannot help."""

    @property
    def over(self) -> bool:
        """Nothing more will happen to it."""
        return self.state in _OVER


@dataclass(frozen=True, slots=True)
class MoveJob:
    """How a job stands."""

    id: str
    state: str
    """In the service's words."""
    over: bool
    files: tuple[FileMove, ...]
    reason: str = ""


class Mover(Protocol):
    """A transfer service. It is asked for many jobs at once, and finds a job again by the name it was given."""

    @property
    def most(self) -> int:
        """Files that one job may have."""
        ...

    def job_id(self, sid: str) -> str:
        """The id that the job submitted as ``sid`` has, or would have."""
        ...

    def submit(self, sid: str, movements: Sequence[Movement], priority: int = 0) -> str:
        """Hand a job over, and return its id; one that was handed over before is not handed over twice.

        Higher priorities come first. Raises OutcomeUnknown when the answer is lost: then `look` at `job_id`.
        """
        ...

    def look(self, ids: Collection[str]) -> Mapping[str, MoveJob]:
        """How jobs stand, in few calls; those that the service does not know are left out."""
        ...

    def cancel(self, job_id: str) -> None:
        """Call a job off; one that is over or unknown is fine."""
        ...


@runtime_checkable
class Landing(Protocol):
    """A storage that others may write into: beside the files, so that what is half-written never stands for a file."""

    def landing(self, path: str, uid: str) -> Source:
        """Where what is to be ``path`` may be written, and what the writer must send; always the same place."""
        ...

    def land(self, copy: Copy) -> StoredFile:
        """Verify what was written at the landing, and show it under its name (atomically), with our mark.

        ``copy.source`` says only where it came from. Raises Conflict when nothing was written there, Terminal when it
        is not what is expected; then it is removed.
        """
        ...
