"""The check port: one run of one monitoring plugin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

CheckStatus = Literal["OK", "WARNING", "CRITICAL", "UNKNOWN"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one run said. ``perfdata`` rows are (label, value, unit, warn, crit, min, max) as printed."""

    status: CheckStatus
    summary: str
    perfdata: tuple[tuple[str, float, str, str, str, str, str], ...] = ()
    seconds: float = 0.0


class Checker(Protocol):
    """Runs plugins from an allow-list."""

    def plugins(self) -> Sequence[str]:
        """Names that may be run and are installed."""
        ...

    def check(self, plugin: str, arguments: Sequence[str], timeout_seconds: float) -> CheckResult:
        """Run one plugin in its own process group. A signal, a time-out or an exit code outside 0..3 is UNKNOWN."""
        ...
