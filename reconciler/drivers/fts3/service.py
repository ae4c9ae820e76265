"""Jobs of one FTS3 server: handed over once, looked at many at a time.

Ids follow from names as the server itself derives them: ``uuid5(uuid5(base_id, vo), sid)``.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from reconciler.drivers.fts3.options import Options
from reconciler.drivers.fts3.rest import Rest
from reconciler.drivers.fts3.states import job
from reconciler.errors import Terminal, Transient
from reconciler.ports.storage import Source
from reconciler.ports.transfer import MoveJob, Movement

_AT_ONCE = 40
"""Jobs asked for in one call."""
_FIELDS = "file_index,file_state,file_metadata,transferred,filesize,reason"
_CONFLICT = 409


class FTS3:
    """One server. Safe between threads."""

    def __init__(self, rest: Rest, options: Options) -> None:
        self._rest, self._options = rest, options
        self._space: uuid.UUID | None = None

    @property
    def most(self) -> int:
        """Files that one job may have."""
        return self._options.maxFiles

    def job_id(self, sid: str) -> str:
        """The id that the job submitted as ``sid`` has, or would have. Asks the server once who we are."""
        if self._space is None:
            _, us = self._rest.get("/whoami")
            vo = self._options.vo or next(iter(us.get("vos") or ()), "")
            if not vo or not us.get("base_id"):
                raise Terminal(f"{self._rest.name} does not say of which VO we are: give vo")
            self._space = uuid.uuid5(uuid.UUID(us["base_id"]), vo)
        return str(uuid.uuid5(self._space, sid))

    def submit(self, sid: str, movements: Sequence[Movement], priority: int = 0) -> str:
        """Hand a job over; where it has been handed over before, its id is all that is returned."""
        expected = self.job_id(sid)
        body = {"files": [_file(move, self._options.activity) for move in movements]}
        params = self._parameters(sid, movements, priority)
        status, answer = self._rest.post("/jobs", {**body, "params": params}, right=(_CONFLICT,))
        if status == _CONFLICT:
            if expected in self.look([expected]):
                return expected
            raise Transient(f"{self._rest.name}: another job writes to one of the destinations", retry_after=30)
        if answer.get("job_id") != expected:
            raise Terminal(f"{self._rest.name} gives jobs other ids than it should: {answer.get('job_id')}")
        return expected

    def look(self, ids: Collection[str]) -> Mapping[str, MoveJob]:
        """How jobs stand. What the server cannot say of one job is no answer for the others."""
        found: dict[str, MoveJob] = {}
        for some in _some(ids, _AT_ONCE):
            status, answer = self._rest.get(f"/jobs/{','.join(some)}", right=(404,), files=_FIELDS)
            for entry in answer if isinstance(answer, list) else [answer]:
                code = str(entry.get("http_status") or entry.get("status") or status)[:3]
                if code == "200":
                    found[entry["job_id"]] = job(entry)
                elif code != "404":
                    raise Transient(f"{self._rest.name} does not tell of {entry.get('job_id', some[0])}: {code}")
        return found

    def cancel(self, job_id: str) -> None:
        """Call a job off."""
        self._rest.delete(f"/jobs/{job_id}", right=(404,))

    def _parameters(self, sid: str, movements: Sequence[Movement], priority: int) -> dict[str, Any]:
        options = self._options
        bring_online = max((move.bring_online for move in movements), default=0)
        given = {
            "id_generator": "deterministic",
            "sid": sid,
            "verify_checksum": "both" if all(move.checksum for move in movements) else "none",
            "overwrite": True,  # of what an earlier job has left of the same file
            "retry": options.retry,
            "retry_delay": options.retryDelay,
            "priority": max(1, min(5, options.priority + priority)),
            "job_metadata": {"issuer": "hanse", "sid": sid},
        }
        if bring_online:
            given.update(bring_online=bring_online, copy_pin_lifetime=bring_online)
        if options.maxHoursInQueue:
            given["max_time_in_queue"] = options.maxHoursInQueue
        return given


def _file(move: Movement, activity: str) -> dict[str, Any]:
    tokens = (_token(move.source), _token(move.destination))
    said: dict[str, Any] = {
        "sources": [_grid(move.source.url)],
        "destinations": [_grid(move.destination.url)],
        "metadata": {"path": move.path},
        "activity": move.activity or activity,
        "selection_strategy": "auto",
    }
    if move.size is not None:
        said["filesize"] = move.size
    if move.checksum:
        kind, _, value = move.checksum.partition(":")
        said["checksum"] = f"{kind.upper()}:{value}"
    if any(tokens):
        if not all(tokens):
            raise Terminal(f"{move.path}: one storage takes tokens and the other none; FTS wants both or neither")
        said.update(source_tokens=[tokens[0]], destination_tokens=[tokens[1]])
    return said


def _token(end: Source) -> str:
    return end.headers.get("Authorization", "").removeprefix("Bearer ")


def _grid(url: str) -> str:
    """FTS and its clients speak of WebDAV storages as ``davs``."""
    return f"davs://{url[8:]}" if url.startswith("https://") else url


def _some(ids: Collection[str], count: int) -> Iterator[list[str]]:
    rest = iter(dict.fromkeys(ids))
    while some := list(islice(rest, count)):
        yield some
