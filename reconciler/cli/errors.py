"""Errors as people see them: one message on stderr, what to do next, and the exit code."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Mapping

from typer.exceptions import TyperException

from reconciler.cli import console
from reconciler.cli.codes import BLOCKED, FAILED, INTERRUPTED, STALE
from reconciler.errors import BlockedPlan, HanseError, KeptRecords, LeaseHeld, ManifestError, RecordsError, StalePlan
from reconciler.masking import MASK

_NEXT: tuple[tuple[type[HanseError], str], ...] = (
    (StalePlan, "make a new plan: hanse plan --out FILE"),
    (BlockedPlan, "see what would allow it: hanse plan"),
    (KeptRecords, ""),
    (LeaseHeld, "wait for it to end, or stop it"),
    (
        RecordsError,
        "check [records] url (hanse config); docs/how-to/recover-after-a-crash.md says what to do when it is lost",
    ),
    (ManifestError, "hanse validate checks all of them"),
)
_SHOWN = 20
"""The most faults of manifests that a command shows which is not hanse validate."""
"""Error -> what to do next, where the message does not say it; the first that fits."""


def expected(error: HanseError, environment: Mapping[str, str]) -> int:
    """Say an error that this program raises itself."""
    if environment.get("HANSE_DEBUG"):
        _trace(error)
    advice = next((said for kind, said in _NEXT if isinstance(error, kind)), "")
    if isinstance(error, ManifestError):
        _faults(error)
    _say(_message(error), advice)
    if isinstance(error, StalePlan):
        return STALE
    return BLOCKED if isinstance(error, BlockedPlan) else FAILED


def usage(error: TyperException) -> int:
    """Say that the command line cannot be understood. The code is 1: 2 means that changes are pending."""
    context = getattr(error, "ctx", None)
    command = getattr(context, "command_path", "hanse")
    said = error.format_message() if hasattr(error, "format_message") else str(error)
    if not said:  # the help was printed: nothing was asked for
        return 0
    _say(said.rstrip("."), f"see {command} --help")
    return FAILED


def unusable(error: OSError, environment: Mapping[str, str]) -> int:
    """Say that a file that was named, or the machine, does not allow what was asked."""
    if environment.get("HANSE_DEBUG"):
        _trace(error)
    said = error.strerror or type(error).__name__
    _say(f"{error.filename}: {said}" if error.filename else said, "check the path, its permissions and free space")
    return FAILED


def unexpected(error: Exception, environment: Mapping[str, str]) -> int:
    """Say an error that nobody foresaw."""
    if environment.get("HANSE_DEBUG"):
        _trace(error)
    _say(
        f"unexpected {type(error).__name__}: {error}", "this is a fault of Hanse: HANSE_DEBUG=1 shows where, report it"
    )
    return FAILED


def interrupted() -> int:
    """Ctrl-C, or an answer that was not given."""
    _say("stopped", "")
    return INTERRUPTED


def nobody_reads() -> int:
    """The reader of our output is gone (``hanse plan | head``): nothing more can be said."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED


def _message(error: HanseError) -> str:
    if not isinstance(error, ManifestError):
        return str(error)
    count = len(error.diagnostics)
    return "a manifest has a fault" if count == 1 else f"manifests have {count:,} faults"


def _faults(error: ManifestError) -> None:
    """Each fault on a line that begins with its place, as editors and terminals know it; the first ones."""
    for diagnostic in error.diagnostics[:_SHOWN]:
        console.note(str(diagnostic))
    if len(error.diagnostics) > _SHOWN:
        console.note(f"… and {len(error.diagnostics) - _SHOWN:,} more")


def _trace(error: BaseException) -> None:
    console.note(MASK("".join(traceback.format_exception(error))).rstrip())


def _say(message: str, advice: str) -> None:
    console.note(MASK(f"error: {message}"))
    if advice:
        console.note(f"next: {advice}")
