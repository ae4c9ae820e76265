"""The federation's register as GOCDB would show it: of the commit that was planned last, and of earlier ones.

It is made when somebody asks, and kept until another commit is current; earlier ones are kept for a while.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from reconciler import manifest, source
from reconciler.certified import certification_steps
from reconciler.downtimes import declarations
from reconciler.errors import SourceError
from reconciler.exchange.gocdb import Feed, Topology, View, topology
from reconciler.kinds import registry
from reconciler.model import Graph, Ref, Resource, Revision
from reconciler.reconcile import House
from reconciler.settings import Settings
from reconciler.source.dated import commit_at
from reconciler.source.names import resolved
from reconciler.source.repository import opened
from reconciler.source.worktree import NAME as WORKTREE

_KEPT = 6
"""How many registers are kept, and how many ways of showing them."""
_TIME = re.compile(r"\d{4}-\d\d-\d\d")


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
        self._making = {True: threading.Lock(), False: threading.Lock()}
        """Of the past, and of the present: who asks for the one does not wait for the other."""

    def feed(self, view: View, at: str = "") -> Feed:
        """The register as it is shown: as it stands, or as it was ``at`` a commit or a time.

        Raises NotYet, and SourceError or ManifestError for a commit that cannot be read.
        """
        graph = self._graph = self._house.earlier or self._graph  # there is none while the loop makes another one
        key = self._key(graph, at)
        with self._making[bool(at)]:
            made = self._known(key) or self._topology(graph, key)
        with self._lock:
            _put(self._made, key, made)
            feed = self._feeds.get((key, view)) or Feed(made, view)
            _put(self._feeds, (key, view), feed)
            return feed

    def _known(self, key: Any) -> Topology | None:
        with self._lock:
            return self._made.get(key)

    def _key(self, graph: Graph | None, at: str) -> Any:
        """What names a register: its commit; what is declared by a working tree, which has none."""
        if at:
            return commit_named(self._house.settings, at)
        if graph is None:
            raise NotYet
        return graph.commit if graph.commit != WORKTREE else id(graph)

    def _topology(self, graph: Graph | None, key: Any) -> Topology:
        here = graph is not None and key in (graph.commit, id(graph))
        return self._of(graph) if graph is not None and here else self._past(key)

    def _of(self, graph: Graph) -> Topology:
        house = self._house
        read = house.memory.revision
        if read is None:
            raise NotYet
        read = replace(read, commit=graph.commit)  # the memory may have gone on
        return registered(house.settings, read, graph.resources, house.clock(), Path(house.settings.cache))

    def _past(self, commit: str) -> Topology:
        settings = self._house.settings
        read = source.read(Path(settings.source.repository), commit, paths=settings.source.paths)
        resources = manifest.load(read, registry(), manifest.RuleSettings(settings.rules)).items
        return registered(settings, read, resources, self._house.clock())


def _put(kept: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > _KEPT:
        kept.popitem(last=False)


def registered(
    settings: Settings, read: Revision, resources: Mapping[Ref, Resource], now: datetime, cache: Path | None = None
) -> Topology:
    """The register of one revision, with what git says of its downtimes and certifications. Raises SourceError.

    ``cache`` keeps what was read of the past for the next look: of what is current, for it holds one past alone.
    """
    where = Path(settings.source.repository)
    steps = partial(certification_steps, where, read, resources)
    return topology(resources, declarations(where, read, resources, cache), now, steps)


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
