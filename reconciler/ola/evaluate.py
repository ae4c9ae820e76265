"""One month of every agreement: what was missed, and for how many months in a row.

What is undefined misses nothing; that too much of a month is unknown is a miss of its own. A month of which nothing is
kept ends a row of misses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from reconciler.ola.months import Key, month_before
from reconciler.ola.nouns import Evaluation, Finding, Measured, Promise

MISSES = 3
"""So many months in a row are more than bad luck: an explanation and a plan are asked for."""
_LONGEST = 24
"""Months that are looked back at most."""


def evaluated(
    promises: Iterable[Promise], month: str, measured: Callable[[str], Mapping[Key, Measured]], *, partial: bool = False
) -> list[Evaluation]:
    """The month of each promise, in the order of subjects. ``measured`` gives what is kept of a month."""
    here = measured(month)
    found = []
    for promise in sorted(promises, key=lambda one: one.subject):
        one = here.get(promise.subject.measured_as)
        findings = [*(_missed(promise, one) if one else ()), *_overused(promise)]
        misses = tuple(_row(promise, month, measured))
        if len(misses) >= MISSES:
            said = f"missed in {len(misses)} months in a row, since {misses[-1][0]}"
            findings.append(Finding("three-misses", said, len(misses), MISSES))
        found.append(Evaluation(month, promise.subject, promise.ngi, promise, one, misses, tuple(findings), partial))
    return found


def _row(
    promise: Promise, month: str, measured: Callable[[str], Mapping[Key, Measured]]
) -> Iterator[tuple[str, Measured]]:
    for _ in range(_LONGEST):
        one = measured(month).get(promise.subject.measured_as)
        if one is None or not list(_missed(promise, one)):
            return
        yield month, one
        month = month_before(month)


def _missed(promise: Promise, one: Measured) -> Iterator[Finding]:
    if promise.availability is not None and one.availability is not None and one.availability < promise.availability:
        yield _below("availability", one.availability, promise.availability)
    if promise.reliability is not None and one.reliability is not None and one.reliability < promise.reliability:
        yield _below("reliability", one.reliability, promise.reliability)
    if promise.unknown is not None and one.unknown > promise.unknown:
        said = f"unknown {one.unknown:.3f} % is above {promise.unknown:g} %"
        yield Finding("unknown", said, round(one.unknown, 5), promise.unknown)


def _below(rule: str, value: float, target: float) -> Finding:
    return Finding(rule, f"{rule} {value:.3f} % is below {target:g} %", round(value, 5), target)  # type: ignore[arg-type]


def _overused(promise: Promise) -> Iterator[Finding]:
    for use in promise.uses:
        if use.used > use.granted:
            said = f"{use.what}: {use.used:,.1f} used on the average, {use.granted:,.1f} granted"
            yield Finding("use", said, use.used, use.granted)
