"""The federation's register as GOCDB would show it: of the commit that was planned last, and of earlier ones.

It is made when somebody asks, and kept until another commit is current; earlier ones are kept for a while.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reconciler import manifest, source
from reconciler.downtimes import declarations
from reconciler.errors import SourceError
from reconciler.exchange.gocdb import Feed, Topology, View, topology
from reconciler.kinds import registry
from reconciler.model import Graph
from reconciler.reconcile import House
from reconciler.settings import Settings
from reconciler.source.dated import commit_at
from reconciler.source.names import resolved
from reconciler.source.repository import opened

_KEPT = 6
"""How many registers are kept, and how many ways of showing them."""
_TIME = re.compile(r"\d{4}-\d\d-\d\d")
_WORKTREE = "worktree"


class NotYet(Exception):
    """Nothing has been planned so far."""


class Register:
    """Registers by commit, each made once."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._graph: Graph | None = None
        self._made: OrderedDict[Any, Topology] = OrderedDict()
        self._feeds: OrderedDict[tuple[Any, View], Feed] = OrderedDict()
        self._lock = threading.Lock()

    def feed(self, view: View, at: str = "") -> Feed:
        """The register as it is shown: as it stands, or as it was ``at`` a commit or a time.

        Raises NotYet, and SourceError or ManifestError for a commit that cannot be read.
        """
        with self._lock:
            self._graph = self._house.earlier or self._graph  # there is none while the loop makes another one
            key = self._key(at)
            if (key, view) not in self._feeds:
                _put(self._feeds, (key, view), Feed(self._topology(key), view))
            return self._feeds[key, view]

    def _key(self, at: str) -> Any:
        """What names a register: its commit; what is declared by a working tree, which has none."""
        if at:
            return commit_named(self._house.settings, at)
        if self._graph is None:
            raise NotYet
        return self._graph.commit if self._graph.commit != _WORKTREE else id(self._graph)

    def _topology(self, key: Any) -> Topology:
        if key not in self._made:
            graph = self._graph
            here = graph is not None and key in (graph.commit, id(graph))
            _put(self._made, key, self._of(graph) if graph is not None and here else self._past(key))
        return self._made[key]

    def _of(self, graph: Graph) -> Topology:
        house = self._house
        read = house.memory.revision
        if read is None:
            raise NotYet
        where = Path(house.settings.source.repository)
        read = replace(read, commit=graph.commit)  # the memory may have gone on
        stated = declarations(where, read, graph.resources, Path(house.settings.cache))
        return topology(graph.resources, stated, house.clock())

    def _past(self, commit: str) -> Topology:
        settings = self._house.settings
        where = Path(settings.source.repository)
        read = source.read(where, commit, paths=settings.source.paths)
        resources = manifest.load(read, registry(), manifest.RuleSettings(settings.rules)).items
        return topology(resources, declarations(where, read, resources), self._house.clock())


def _put(kept: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    kept[key] = value
    while len(kept) > _KEPT:
        kept.popitem(last=False)


def commit_named(settings: Settings, at: str) -> str:
    """The commit behind a name, or the one that was current when a day began or at a time (UTC). Raises SourceError."""
    repository = Path(settings.source.repository)
    if not _TIME.match(at):
        return resolved(opened(repository), at)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise SourceError(f"{at}: a day is written 2026-10-12, a time 2026-10-12T08:00:00") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    found = commit_at(repository, settings.source.revision, moment)
    if not found:
        raise SourceError(f"{at}: there was no commit yet")
    return found
