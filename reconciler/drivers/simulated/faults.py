"""Which calls go wrong: drawn from the seed and the call's number, so that a run can be repeated exactly."""

from __future__ import annotations

import hashlib
import sqlite3
from typing import Any, NoReturn

from reconciler.drivers.simulated.options import CallVerb, Fault, Simulate
from reconciler.errors import OutcomeUnknown, Terminal, Transient
from reconciler.model import Reason


def draw(seed: int, *what: Any) -> float:
    """A number in [0, 1) that is always the same for the same arguments."""
    text = ":".join(str(part) for part in (seed, *what))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") / 2**64


def strike(db: sqlite3.Connection, simulate: Simulate, verb: CallVerb, now: float) -> tuple[int, Fault | None]:
    """Count one call and say what befalls it: (the call's number, the fault or None)."""
    row = db.execute(
        "INSERT INTO call VALUES (?, 1) ON CONFLICT (verb) DO UPDATE SET n = n + 1 RETURNING n", (verb,)
    ).fetchone()
    number = int(row[0])
    if simulate.rate_limit is not None and _too_many(db, simulate.rate_limit, now):
        return number, Fault(on=verb, kind="429", retry_after=round(int(now) + 1 - now, 3))
    hits = (f for f in simulate.faults if f.on == verb and _strikes(f, simulate.seed, number))
    return number, next(hits, None)


def _strikes(fault: Fault, seed: int, number: int) -> bool:
    if number in fault.at or (fault.every is not None and number % fault.every == 0):
        return True
    return draw(seed, fault.on, fault.kind, number) < fault.probability


def _too_many(db: sqlite3.Connection, limit: int, now: float) -> bool:
    second = int(now)
    row = db.execute(
        "UPDATE world SET calls = CASE WHEN second = ?1 THEN calls + 1 ELSE 1 END, second = ?1 RETURNING calls",
        (second,),
    ).fetchone()
    return int(row[0]) > limit


REFUSED = frozenset({"500", "503", "429", "quota"})
"""Faults with which nothing is done."""


def refuse(fault: Fault, verb: str) -> NoReturn:
    """Raise what a driver makes of the cloud's refusal."""
    if fault.kind == "quota":
        message = f"{verb}: 403 Quota exceeded"
        raise Terminal(message, reason=Reason.QUOTA_EXCEEDED)
    said = {"500": "Internal Server Error", "503": "Service Unavailable", "429": "Too Many Requests"}
    message = f"{verb}: {fault.kind} {said[fault.kind]}"
    raise Transient(message, retry_after=fault.retry_after)


def lose(verb: str) -> NoReturn:
    """Raise what a driver makes of an answer that never came."""
    message = f"{verb}: the connection broke before the answer came"
    raise OutcomeUnknown(message)
