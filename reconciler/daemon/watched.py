"""The probes of the service: those that were applied, made ready after each step, and run beside the loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from reconciler import keeping
from reconciler.daemon.kept import Kept
from reconciler.daemon.prepared import Probe, checks, prepared
from reconciler.daemon.probing import Prober, keep_probing, run_due
from reconciler.daemon.turns import Ran
from reconciler.errors import Terminal
from reconciler.kinds.metrictemplate import DEFAULT_PORTS
from reconciler.kinds.probe import Checks, Operator
from reconciler.model import Ref, Resource, Target
from reconciler.ports import Checker, CheckResult
from reconciler.reconcile import House
from reconciler.uptime.declared import METRIC_LABEL

CHECKS = "check:local"
"""Where monitoring plugins run: on the reconciler's own machine."""


class Watched:
    """What is looked at by probes. ``declared`` gives what git says; None before it was read."""

    def __init__(self, house: House, declared: Callable[[], Mapping[Ref, Resource] | None]) -> None:
        self._house, self._declared = house, declared
        self._probes: list[Probe] = []
        self._prober: Prober | None = None
        self.checks: Checks | None = None
        """The probes by what they look at, once git was read."""

    @property
    def backlog(self) -> tuple[int, float]:
        """Probes that wait for a free worker, and for how many seconds the first of them has been due."""
        return (self._prober.waiting, self._prober.lag) if self._prober else (0, 0.0)

    def prepare(self) -> None:
        """Look at the inventory for probes: what was applied is what is run."""
        declared = self._declared()
        labelled = {ref: one.labels or {} for ref, one in (declared or {}).items() if ref.kind == "Probe"}
        metrics = {ref: labels[METRIC_LABEL] for ref, labels in labelled.items() if METRIC_LABEL in labels}
        said = self._house.settings.probes
        operator = Operator(said.attributes, {**DEFAULT_PORTS, **said.ports})
        probes = prepared(keeping.inventory(self._house.store), self._house.kinds, metrics, operator)
        self._probes = list(probes.values())
        self.checks = checks(probes) if declared is not None else None

    def keep(self, stop: threading.Event) -> None:
        """Run probes whenever they are due, until told to stop."""
        self.prepare()
        workers = self._house.settings.probes.workers
        prober = Prober(self._checker(), self._kept(), self._house.clock, workers, secret=self._secret)
        self._prober = prober
        keep_probing(prober, lambda: self._probes, self._last, stop)

    def run_due(self) -> Mapping[Ref, CheckResult]:
        """Run every probe that is due now, and wait for what they say."""
        self.prepare()
        return run_due(
            self._probes, self._last(), self._checker(), self._house.clock, self._kept(), secret=self._secret
        )

    def _checker(self) -> Checker:
        driver, options = self._house.drivers.options(CHECKS, "")
        return self._house.drivers.checker(Target(CHECKS, driver, options))

    def _kept(self) -> Kept:
        return Kept(self._house.store, lambda: self.checks)

    def _secret(self, name: str) -> str:
        """A secret that templates name. Raises Terminal where the operator says none."""
        known = self._house.settings.probes.secrets
        if name not in known:
            raise Terminal(f"there is no secret {name}: say where it is found in [probes.secrets]")
        return self._house.drivers.secret(known[name])

    def _last(self) -> dict[Ref, Ran]:
        return {ref: Ran.of(state) for ref, state in self._house.store.probes.states().items()}
