"""How many copies of a dataset there are, and where: the one fact that waiting consumers want, as it changes.

It comes from the records after each run, and from what a run under way has finished. A copy counts when everything
wanted of it is there and right. The loop tells the board; web/ and daemon/ wait for it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from reconciler.kinds.expression import Expression, Storages
from reconciler.kinds.replica import ReplicaSpec
from reconciler.model import Graph, Outcome, Verb
from reconciler.model.data import ReplicaRecord, ReplicaState

_THERE = frozenset({Verb.CREATE, Verb.UPDATE, Verb.REPLACE, Verb.ADOPT})


@dataclass(frozen=True, slots=True)
class Question:
    """So many copies, at storages that an expression describes."""

    copies: int = 1
    at: str = "*"

    def expression(self) -> Expression:
        """Its expression. Raises ExpressionError."""
        return Expression.parse(self.at)


@dataclass(frozen=True, slots=True)
class Fact:
    """The answer for one dataset."""

    dataset: str
    question: Question
    storages: tuple[str, ...]
    """``site/storage`` of each complete copy that counts, in order."""

    @property
    def met(self) -> bool:
        """Whether there are as many as asked for."""
        return len(self.storages) >= self.question.copies

    def data(self) -> dict[str, object]:
        """As plain JSON data."""
        said = {"dataset": self.dataset, "copies": len(self.storages), "wanted": self.question.copies}
        return {**said, "at": self.question.at, "storages": list(self.storages), "met": self.met}


class Board:
    """What is known now, and a way to wait until that changes. Safe between threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._copies: Mapping[str, frozenset[str]] = {}
        self._places = Storages.of({})
        self._version = 0

    @property
    def version(self) -> int:
        """Grows with each change; 0 while nothing is known."""
        return self._version

    def learn(self, replicas: Iterable[ReplicaRecord], places: Storages) -> None:
        """Take what the records say, and the storages as the manifests describe them."""
        found: dict[str, set[str]] = {}
        for replica in replicas:
            there = found.setdefault(replica.dataset, set())
            if replica.state is ReplicaState.AVAILABLE:
                there.add(replica.storage)
        self._set({dataset: frozenset(there) for dataset, there in found.items()}, places)

    def heard(self, outcome: Outcome, graph: Graph) -> None:
        """Take what a run under way has just finished."""
        action = outcome.action
        if outcome.state != "done" or action.ref.kind != "Replica":
            return
        resource = graph.resources.get(action.ref)
        spec = resource.spec if resource else None
        if action.verb in _THERE and isinstance(spec, ReplicaSpec) and spec.dataset:
            known = self._copies.get(spec.dataset, frozenset())
            self._set({**self._copies, spec.dataset: known | {str(spec.storage)}}, self._places)

    def facts(self, pattern: str, question: Question) -> list[Fact]:
        """The answer for every dataset known whose name fits a pattern; for a plain name also while it is unknown."""
        with self._changed:
            copies, places = self._copies, self._places
        where = question.expression().matching(places)
        plain = not any(sign in pattern for sign in "*?[")
        names = [pattern] if plain else sorted(name for name in copies if fnmatchcase(name, pattern))
        return [Fact(name, question, tuple(sorted(copies.get(name, frozenset()) & where))) for name in names]

    def wait(self, seen: int, seconds: float) -> int:
        """Wait until something is newer than version ``seen``, at most so long; the version now."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > seen, seconds)
            return self._version

    def _set(self, copies: Mapping[str, frozenset[str]], places: Storages) -> None:
        with self._changed:
            same = copies == self._copies and places.attributes == self._places.attributes
            if not same or not self._version:
                self._copies, self._places = copies, places
                self._version += 1
                self._changed.notify_all()
