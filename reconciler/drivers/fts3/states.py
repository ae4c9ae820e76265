"""What FTS3's states mean: of a job, and of each of its files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.ports.transfer import FileMove, MoveJob, MoveState

_OVER = frozenset({"FINISHED", "FAILED", "FINISHEDDIRTY", "CANCELED"})
_STATES: Mapping[str, MoveState] = {
    "FINISHED": "done",
    "FAILED": "failed",
    "CANCELED": "stopped",
    "ACTIVE": "moving",
    "READY": "moving",
    "ARCHIVING": "moving",
    "STAGING": "staging",
    "STARTED": "staging",
    "ON_HOLD_STAGING": "staging",
}
"""Of a file; whatever else there is (SUBMITTED, TOKEN_PREP, NOT_USED, ON_HOLD ...) waits."""
_HOPELESS = re.compile(
    r"(?i)no such file|file not found|does not exist|checksum mismatch|size mismatch|\[2\]|\[ENOENT\]"
)


def job(answer: Mapping[str, Any]) -> MoveJob:
    """A job as ``GET /jobs/ID?files=...`` tells of it."""
    files = tuple(_file(entry) for entry in answer.get("files") or ())
    state = str(answer["job_state"])
    return MoveJob(str(answer["job_id"]), state, state in _OVER, files, str(answer.get("reason") or ""))


def _file(entry: Mapping[str, Any]) -> FileMove:
    state = _STATES.get(str(entry["file_state"]), "waiting")
    metadata, reason = entry.get("file_metadata"), str(entry.get("reason") or "")
    path = str(metadata.get("path", "")) if isinstance(metadata, dict) else ""
    whole = entry.get("filesize") if state == "done" else None
    moved = int(whole or entry.get("transferred") or 0)
    return FileMove(path, state, moved, reason, state == "failed" and _HOPELESS.search(reason) is not None)
