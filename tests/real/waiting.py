"""How tests wait for what others do: processes, threads, servers. Long, for only a failure takes all of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 120.0
"""Seconds: a machine that is busy with other things takes many times as long as an idle one."""
_LONGEST = 4000

T = TypeVar("T")


def until(
    what: str,
    look: Callable[[], T],
    right: Callable[[T], object] = bool,
    *,
    why: Callable[[], object] | None = None,
    seconds: float = PATIENCE,
    every: float = 0.05,
) -> T:
    """What ``look`` gives, once it is right. It is looked at a last time when ``seconds`` are over.

    Raises AssertionError that says what was waited for, what was seen last, and ``why``: the end of a log, say.
    """
    end = time.monotonic() + seconds
    while True:
        late = time.monotonic() >= end
        if right(seen := look()):
            return seen
        if late:
            break
        time.sleep(every)
    told = f"\n{str(why())[-_LONGEST:]}" if why else ""
    raise AssertionError(f"not in {seconds:.0f} s: {what}; seen last: {str(seen)[-_LONGEST:]}{told}")
