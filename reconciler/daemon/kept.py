"""What came of runs of probes goes to the records and to the log; and so does what they tell of passive ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from reconciler.daemon.prepared import Probe
from reconciler.kinds.probe import Checks, Looked
from reconciler.model import Gap, ProbeState
from reconciler.ports import CheckResult
from reconciler.records.store import Store
from reconciler.records.told import Told

_log = structlog.get_logger()


@dataclass(frozen=True)
class Kept:
    """What came of runs goes to the records, and to the log; and so does what they tell of passive ones."""

    store: Store
    checks: Callable[[], Checks | None] = lambda: None

    def result(self, probe: Probe, result: CheckResult, began: datetime, late: float) -> ProbeState:
        """Keep a result, and say how the probe stands then."""
        state = self.store.probes.add_result(probe.ref, result, probe.spec.attempts, began, late)
        log = _log.info if result.status == "OK" else _log.warning
        log("probed", resource=probe.ref, status=result.status, hard=not state.soft, said=result.summary)
        self._tell(probe, result, began)
        return state

    def _tell(self, probe: Probe, result: CheckResult, began: datetime) -> None:
        """Results of passive metrics of the same service, that a plugin has told."""
        checks = self.checks()
        if not result.others or checks is None or probe.about is None:
            return
        told = []
        for other in result.others:
            ref = checks.by_what.get(Looked(probe.about.service, other.hostname, other.metric))
            if ref is None:
                _log.warning("told of no probe", by=probe.ref, hostname=other.hostname, metric=other.metric)
            else:
                said = CheckResult(other.status, other.summary)
                told.append(Told(ref, began, said, checks.attempts[ref]))
        self.store.telling.add(told)

    def missed(self, gaps: Sequence[Gap]) -> None:
        """Keep that runs were due and never happened."""
        self.store.probes.add_gaps(gaps)
