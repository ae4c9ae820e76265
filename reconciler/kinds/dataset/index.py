"""The datasets of a federation by name, looked up once for all rules; containers are taken apart."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.kinds.base import Federation
from reconciler.kinds.dataset.spec import DatasetSpec
from reconciler.model import Ref


@dataclass(frozen=True, slots=True)
class Datasets:
    """Every Dataset declared."""

    by_name: Mapping[str, tuple[Ref, DatasetSpec]]

    @classmethod
    def of(cls, federation: Federation) -> Datasets:
        """Look at every Dataset."""
        found = ((ref, spec) for ref, spec in federation.of_kind("Dataset") if isinstance(spec, DatasetSpec))
        return cls({spec.dataset: (ref, spec) for ref, spec in found})

    def vo(self, name: str) -> str:
        """The VO whose data it is; "" when it does not say."""
        found = self.by_name.get(name)
        return (found[1].vo or "") if found else ""

    def leaves(self, name: str) -> list[tuple[str, Ref, DatasetSpec]]:
        """The datasets with files of their own that a name stands for, in the order of their names."""
        found: dict[str, tuple[Ref, DatasetSpec]] = {}
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            one = waiting.pop()
            if one in seen or one not in self.by_name:
                continue
            seen.add(one)
            ref, spec = self.by_name[one]
            waiting.extend(spec.datasets)
            if not spec.datasets:
                found[one] = (ref, spec)
        return [(one, *found[one]) for one in sorted(found)]


class Shelf:
    """Remembers the datasets of the federation looked at last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._federation: Federation | None = None
        self._datasets = Datasets({})

    def datasets(self, federation: Federation) -> Datasets:
        """The datasets of a federation. Ask only once all of them are settled."""
        with self._lock:
            if federation is not self._federation:
                self._federation, self._datasets = federation, Datasets.of(federation)
            return self._datasets


def loops(contents: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Each loop of containers, as the chain of their names; told of the first of them."""
    done: set[str] = set()
    for start in sorted(contents):
        chain: list[str] = []
        stack = [(start, iter(contents.get(start, ())))]
        chain.append(start)
        while stack:
            _, members = stack[-1]
            name = next(members, None)
            if name is None:
                stack.pop()
                done.add(chain.pop())
            elif name in chain:
                yield (*chain[chain.index(name) :], name)
            elif name not in done and name in contents:
                stack.append((name, iter(contents[name])))
                chain.append(name)
