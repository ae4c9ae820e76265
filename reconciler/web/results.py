"""``POST /v1/results``: results of probes that others have run.

A JSON list of results, each with ``probe``, or with ``service``, ``hostname`` and ``metric`` as ARGO has them. What is
right is kept, what is wrong is told with its place in the list; the same again changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self

import orjson
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reconciler.drivers.plugin_output import performance
from reconciler.kinds.probe import Checks, Looked
from reconciler.ports import STATUSES, CheckResult, CheckStatus
from reconciler.records.told import Told
from reconciler.web.known import Known, bearing, refused

_AHEAD = timedelta(minutes=5)
"""A clock may go fast by so much."""
_FAULTS = 1000
"""So many faults are told, the rest is counted."""


def _status(given: Any) -> Any:
    """As plugins exit, or in words."""
    if isinstance(given, int) and not isinstance(given, bool) and 0 <= given < len(STATUSES):
        return STATUSES[given]
    return given.upper() if isinstance(given, str) else given


def _number(given: Any) -> Any:
    """Python takes true for 1."""
    if isinstance(given, bool):
        raise ValueError("this is no number")  # noqa: TRY004 (pydantic tells no other as a fault)
    return given


def _moment(given: Any) -> Any:
    """Seconds since 1970, or ISO 8601."""
    if not isinstance(given, int | float) or isinstance(given, bool):
        return _number(given)
    try:
        return datetime.fromtimestamp(given, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise ValueError("so many seconds since 1970 are no time") from error


class Item(BaseModel):
    """One result as it is told."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    probe: Annotated[str, Field(max_length=600)] = ""
    service: Annotated[str, Field(max_length=255)] = ""
    hostname: Annotated[str, Field(max_length=255)] = ""
    metric: Annotated[str, Field(max_length=255)] = ""
    status: Annotated[CheckStatus, BeforeValidator(_status)]
    timestamp: Annotated[AwareDatetime, BeforeValidator(_moment)]
    summary: Annotated[str, Field(max_length=100_000)] = ""
    message: Annotated[str, Field(max_length=100_000)] = ""
    actual_data: Annotated[str, Field(max_length=100_000)] = ""
    seconds: Annotated[float, BeforeValidator(_number), Field(ge=0, le=86_400, allow_inf_nan=False)] = 0.0

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not self.probe and not (self.service and self.hostname and self.metric):
            raise ValueError("give probe, or service, hostname and metric")
        return self


@dataclass
class Allowance:
    """How many results each token may still tell now; it fills up again within a minute."""

    per_minute: int
    clock: Callable[[], float] = time.monotonic
    left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, name: str, number: int) -> float:
        """Take so many; otherwise the seconds to wait."""
        now = self.clock()
        rest, at = self.left.get(name, (float(self.per_minute), now))
        rest = min(float(self.per_minute), rest + (now - at) * self.per_minute / 60)
        # One telling may be larger than a minute's share: it is let in when the share is whole.
        if rest < min(number, self.per_minute):
            self.left[name] = (rest, now)
            return max(1.0, (min(number, self.per_minute) - rest) * 60 / self.per_minute)
        self.left[name] = (rest - number, now)
        return 0.0


def routes(known: Known, clock: Callable[[], float] = time.monotonic) -> list[Route]:
    """The routes of results."""
    allowance = Allowance(known.settings.results_per_minute, clock)

    async def told(request: Request) -> Response:
        most = known.settings.body_megabytes * 1_000_000
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > most:
                return refused(413, f"at most {known.settings.body_megabytes} MB at a time: tell them in portions")
        try:
            items = orjson.loads(bytes(body))
        except orjson.JSONDecodeError as error:
            return refused(400, f"this is not JSON: {error}")
        if not isinstance(items, list):
            return refused(400, "give a list of results")
        if wait := allowance.take(request.state.token, len(items)):
            return refused(429, "too many results in a minute", {"Retry-After": f"{wait:.0f}"})
        checks = known.checks()
        if checks is None:
            return refused(503, "git was not read yet", {"Retry-After": "5"})
        return await run_in_threadpool(_kept, known, checks, items)

    return [Route("/v1/results", bearing(known, "results", told), methods=["POST"])]


def _kept(known: Known, checks: Checks, items: Sequence[Any]) -> Response:
    right: list[tuple[int, Told]] = []
    faults: list[dict[str, Any]] = []
    earliest, latest = known.clock() - timedelta(days=known.settings.results_days), known.clock() + _AHEAD
    for n, given in enumerate(items):
        try:
            right.append((n, _told(Item.model_validate(given), checks, (earliest, latest))))
        except ValidationError as error:
            faults += [_fault(n, ".".join(map(str, one["loc"])), one["msg"]) for one in error.errors()]
        except _Wrong as wrong:
            faults.append(_fault(n, wrong.field, wrong.why))
    verdicts = known.store.telling.add([one for _, one in right])
    today = known.clock().astimezone(UTC).date()
    past = {one.at.astimezone(UTC).date() for (_, one), said in zip(right, verdicts, strict=True) if said == "kept"}
    # The last result of a day is where the next one begins.
    known.store.uptime.reopen([day for each in past for day in (each, each + timedelta(days=1)) if day < today])
    other = [n for (n, _), said in zip(right, verdicts, strict=True) if said == "other"]
    faults += [_fault(n, "timestamp", "another result of this time is there; it stays") for n in other]
    kept, again = verdicts.count("kept"), verdicts.count("known")
    body = {"kept": kept, "known": again, "wrong": len({one["index"] for one in faults}), "faults": faults[:_FAULTS]}
    return JSONResponse(body, 200 if not faults else 207 if kept or again else 422)


class _Wrong(Exception):
    def __init__(self, field: str, why: str) -> None:
        super().__init__(why)
        self.field, self.why = field, why


def _told(item: Item, checks: Checks, within: tuple[datetime, datetime]) -> Told:
    looked = None if item.probe else Looked(item.service, item.hostname, item.metric)
    ref = checks.found(item.probe, looked)
    if ref is None:
        said = item.probe or f"{item.metric} of {item.service} at {item.hostname}"
        raise _Wrong("probe" if item.probe else "metric", f"there is no enabled probe {said}")
    if item.timestamp > within[1]:
        raise _Wrong("timestamp", "this is yet to come")
    if item.timestamp < within[0]:
        raise _Wrong("timestamp", f"this is too old: results are taken from {within[0]:%Y-%m-%d} on")
    first = (item.summary or item.message).strip().partition("\n")[0]
    measured = performance(item.actual_data) if item.actual_data else ()
    at = item.timestamp.astimezone(UTC)
    return Told(ref, at, CheckResult(item.status, first, measured, item.seconds), checks.attempts[ref])


def _fault(index: int, where: str, why: str) -> dict[str, Any]:
    return {"index": index, "field": where, "message": why}
