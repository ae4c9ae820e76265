"""Recomputations: names that nothing has are told."""

from __future__ import annotations

from reconciler.kinds.recomputation import KIND
from tests.kinds.downtime.downtimes import NORTH, resources


def told(**said: object) -> list[str]:
    spec = {
        "requester": {"name": "Maria Watt"},
        "reason": "the monitor was cut off",
        "start": "2026-10-02T10:00:00Z",
        "end": "2026-10-02T11:00:00Z",
        **said,
    }
    declared = resources({"Site/NORTH": NORTH, "Recomputation/cut-off": spec})
    return [f"{fault.path}: {fault.message}; {fault.cure}" for _, _, fault in KIND.quarrels(declared, declared)]


def test_names_that_nothing_has_are_told_with_what_was_meant():
    assert told(
        report="Critcal",
        exclude=["NROTH"],
        excludeMetrics=[{"metric": "m", "host": "nova.example.com"}],
        appliedStatusChanges=[{"site": "NOPE", "state": "OK"}, {"service": "webdaw", "state": "OK"}],
    ) == [
        "spec.report: there is no Report Critcal; did you mean Critical?",
        "spec.exclude[0]: there is no Site NROTH; did you mean NORTH?",
        "spec.excludeMetrics[0].host: there is no service on a host nova.example.com; did you mean nova.example.org?",
        "spec.appliedStatusChanges[0].site: there is no Site NOPE; it changes nothing, unless there was one then",
        "spec.appliedStatusChanges[1].service: there is no service of type webdaw; did you mean webdav?",
    ]


def test_names_that_there_are_are_no_fault():
    assert told(report="Default", exclude=["NORTH"], excludeMetrics=[{"metric": "m", "service": "webdav"}]) == []
