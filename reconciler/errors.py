"""Every error this package raises.

HanseError
├── SourceError            the repository or the commit cannot be read: nothing is concluded from it
├── ManifestError          the commit is wrong: fix the YAML (carries every Diagnostic found)
├── SettingsError          hanse.toml or the environment is wrong
├── PlanError
│   ├── StalePlan          the world, the commit or the playbooks moved since the plan was made
│   └── BlockedPlan        a safety limit or a missing approval stands in the way
├── RecordsError           the database cannot be used
│   ├── LeaseHeld          another reconciler holds the lease
│   └── KeptRecords        there is something already, and it is not overwritten
└── DriverError            a back end said no
    ├── Transient          the same call may succeed later, after ``retry_after`` seconds if given
    ├── Terminal           trying again cannot help: a person must act
    ├── Conflict           the object moved under us: observe again
    └── OutcomeUnknown     the call was sent and the answer lost: look before anything is tried again
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.masking import MASK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model import Diagnostic, Reason


class HanseError(Exception):
    """Base of every error raised here."""


class SourceError(HanseError):
    """The repository or the commit cannot be read."""

    def __init__(self, message: str, too_large: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.too_large = tuple(too_large)
        """Blob ids of the files over the limit, where that is all that is wrong: everything else was read."""


class CommitLost(SourceError):
    """The repository has not got what was accepted any more: ``commit``, the head of ``branch``, waits for a person."""

    def __init__(self, branch: str, commit: str, message: str) -> None:
        super().__init__(message)
        self.branch, self.commit = branch, commit


class ManifestError(HanseError):
    """The manifests at this commit cannot be reconciled; ``diagnostics`` holds every fault."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__("\n".join(str(d) for d in diagnostics))
        self.diagnostics = tuple(diagnostics)


class SettingsError(HanseError):
    """The operator's configuration is wrong."""


class PlanError(HanseError):
    """A plan cannot be made, or may not be applied."""


class StalePlan(PlanError):
    """The plan rests on something that has moved."""


class BlockedPlan(PlanError):
    """A safety limit or a missing approval stands in the way."""


class RecordsError(HanseError):
    """The database cannot be used."""


class LeaseHeld(RecordsError):
    """Another reconciler works on this database."""


class KeptRecords(RecordsError):
    """What is there, or who works there, is kept: nothing is put in its place. The message says what to do."""


class DriverError(HanseError):
    """A back end refused or failed an operation. Secrets that were read are taken out of its words."""

    def __init__(self, message: str, *, reason: Reason | None = None) -> None:
        super().__init__(MASK(message))
        self.reason = reason


class Transient(DriverError):
    """The same call may succeed later."""

    def __init__(self, message: str, *, retry_after: float | None = None, reason: Reason | None = None) -> None:
        super().__init__(message, reason=reason)
        self.retry_after = retry_after


class Terminal(DriverError):
    """The same call will fail until somebody acts."""


class Conflict(DriverError):
    """The object is not as it was when we looked."""


class OutcomeUnknown(DriverError):
    """The call was sent and its answer lost."""
