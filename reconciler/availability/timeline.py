"""A timeline: which status held from when on, through one day. Equal neighbours are one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import merge
from itertools import pairwise
from typing import NamedTuple

from reconciler.availability.states import EXCLUDED, Operations

DAY = 86_400
"""Seconds of a UTC day."""


class Timeline(NamedTuple):
    """Change points: ``states[n]`` holds from second ``times[n]`` until the next; the first time is 0."""

    times: tuple[int, ...]
    states: tuple[str, ...]

    @classmethod
    def always(cls, state: str) -> Timeline:
        """One status all day."""
        return cls((0,), (state,))

    @classmethod
    def of(cls, points: Mapping[int, str]) -> Timeline:
        """From points in any order, one of them at 0."""
        times, states = [0], [points[0]]
        for time in sorted(points):
            if points[time] != states[-1]:
                times.append(time)
                states.append(points[time])
        return cls(tuple(times), tuple(states))

    def at(self, second: int) -> str:
        """The status that holds at a second."""
        return self.states[bisect_right(self.times, second) - 1]

    def intervals(self) -> Iterator[tuple[int, int, str]]:
        """(from, until, status), the last one until midnight."""
        for (start, end), state in zip(pairwise((*self.times, DAY)), self.states, strict=True):
            yield start, end, state

    def seconds(self) -> dict[str, int]:
        """Seconds in each status that there was."""
        spent: dict[str, int] = {}
        for start, end, state in self.intervals():
            spent[state] = spent.get(state, 0) + end - start
        return spent

    @property
    def changes(self) -> int:
        """How often the status changed (flip-flops)."""
        return len(self.times) - 1

    def replaced(self, start: int, end: int, state: str) -> Timeline:
        """``state`` from ``start`` until ``end``; what holds at ``end`` goes on there. Both are clamped to the day."""
        if start > DAY or end < 0 or end < start:
            return self
        start, end = max(start, 0), min(end, DAY)
        first, last = bisect_left(self.times, start), bisect_left(self.times, end)
        points = dict(zip(self.times[:first], self.states[:first], strict=True))
        if start < DAY:
            points[start] = state
        points |= dict(zip(self.times[last:], self.states[last:], strict=True))
        if end < DAY:
            points[end] = self.at(end)
        return Timeline.of(points)


def combined(timelines: Sequence[Timeline], operation: str, operations: Operations) -> Timeline:
    """What several make together: folded in their order, wherever one of them changes."""
    if len(timelines) == 1:
        return timelines[0]
    if all(len(one.times) == 1 for one in timelines):
        return Timeline.always(operations.fold(operation, (one.states[0] for one in timelines)))
    sweep = _counting if operations.is_plain(operation) else _in_order
    return Timeline.of(dict(sweep(timelines, operation, operations)))


def _in_order(timelines: Sequence[Timeline], operation: str, operations: Operations) -> Iterator[tuple[int, str]]:
    now = [one.states[0] for one in timelines]
    for time, n, state in _steps(timelines):
        now[n] = state
        yield time, operations.fold(operation, now)


def _counting(timelines: Sequence[Timeline], operation: str, operations: Operations) -> Iterator[tuple[int, str]]:
    """The same in time that does not depend on how many there are: how many stand in each status is enough."""
    now = [EXCLUDED] * len(timelines)
    there = Counter({EXCLUDED: len(timelines)})
    for time, n, state in _steps(timelines):
        was, now[n] = now[n], state
        there[state] += 1
        there[was] -= 1
        if not there[was]:
            del there[was]
        yield time, operations.fold_some(operation, frozenset(there))


def _steps(timelines: Sequence[Timeline]) -> Iterable[tuple[int, int, str]]:
    return merge(*(_marked(n, one) for n, one in enumerate(timelines)))


def _marked(n: int, timeline: Timeline) -> Iterator[tuple[int, int, str]]:
    return ((time, n, state) for time, state in zip(timeline.times, timeline.states, strict=True))
