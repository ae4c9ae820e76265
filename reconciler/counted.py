"""Counted: drivers that tell of each call of a back end: how often a target was asked, with what outcome, how long.

A call is one of a port: what a driver needs several requests for counts once, and so does what it does in bulk.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from reconciler.errors import Conflict, DriverError, OutcomeUnknown, Terminal, Transient
from reconciler.measured import Measured
from reconciler.model import Target
from reconciler.ports import Drivers

_OUTCOMES = {Transient: "transient", Terminal: "terminal", Conflict: "conflict", OutcomeUnknown: "unknown"}
_PLAIN = frozenset({"options", "secret", "catalogue"})


def drivers(those: Drivers, measured: Measured) -> Drivers:
    """The same drivers; ``measured`` is told of each call."""
    return cast("Drivers", _Counting(those, measured))


class _Counting:
    def __init__(self, drivers: Drivers, measured: Measured) -> None:
        self._drivers, self._measured = drivers, measured

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._drivers, name)
        if name in _PLAIN or not callable(found):
            return found

        def opened(target: Target) -> Any:
            about = (target.id, name, self._measured)
            return _Port(_noticed(found, *about, well=False)(target), *about)

        return opened


class _Port:
    """A back end as its port has it."""

    def __init__(self, port: Any, target: str, name: str, measured: Measured) -> None:
        self._port, self._about = port, (target, name, measured)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        return _noticed(found, *self._about) if callable(found) else found


def _noticed(
    call: Callable[..., Any], target: str, port: str, measured: Measured, *, well: bool = True
) -> Callable[..., Any]:
    """The same call; with ``well`` it is told of where it succeeds, too."""

    @wraps(call)
    def noticed(*given: Any, **named: Any) -> Any:
        began, outcome = measured.timer(), "error"
        try:
            answer = call(*given, **named)
            outcome = "ok"
        except DriverError as error:
            outcome = _OUTCOMES.get(type(error), "error")
            raise
        finally:
            if well or outcome != "ok":
                measured.called((target, port, outcome), measured.timer() - began)
        return answer

    return noticed
