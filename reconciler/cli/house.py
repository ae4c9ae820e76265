"""The house, opened for one command: settings, drivers, database, and what earlier commands have parsed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli import console
from reconciler.cli.options import Place
from reconciler.errors import ManifestError

if TYPE_CHECKING:
    from reconciler.manifest import Survey
    from reconciler.model import Graph, Ref, Resource, Resources, Revision
    from reconciler.reconcile import House
    from reconciler.records.store import Store
    from reconciler.settings import Settings

_OWN = frozenset({"HANSE_DEBUG"})
"""Variables of the command line itself: they are no settings."""


def environment() -> dict[str, str]:
    """The environment as settings may read it."""
    return {name: value for name, value in os.environ.items() if name not in _OWN}


def settings_of(place: Place) -> Settings:
    """What is in force at a place."""
    from reconciler.settings import load

    return load(place.root, environment(), place.config)


@contextmanager
def opened(place: Place, *, write: bool = True) -> Iterator[House]:
    """Everything that planning needs; what was parsed is kept for the next command.

    Where nothing is to be recorded, a database that is not there is not made, and one that may not be written will do.
    """
    from reconciler.kinds import registry
    from reconciler.manifest import Memory
    from reconciler.reconcile import House
    from reconciler.records.store import open_store, read_store
    from reconciler.wiring import Wired

    settings = settings_of(place)
    url = settings.records.url
    with open_store(url, now) if write or writable(url) else read_store(url, now) as store:
        memory = Memory.open(Path(settings.cache), registry())
        try:
            yield House(settings, Wired(settings, catalogue=store.catalogue, store=store), store, memory)
        except ManifestError:
            memory.save()  # what is without fault need not be parsed again
            raise
        memory.save()


def writable(url: str) -> bool:
    """Whether the database is there and may be brought up to date; a server is asked when it is opened."""
    file = url.removeprefix("sqlite:///")
    return file == url or os.access(file, os.W_OK)


@contextmanager
def records(place: Place, *, write: bool = False) -> Iterator[Store]:
    """The database alone; to be read, unless told otherwise."""
    from reconciler.records.store import open_store, read_store

    url = settings_of(place).records.url
    with open_store(url, now) if write else read_store(url, now) as store:
        yield store


@contextmanager
def told(place: Place) -> Iterator[Store]:
    """The database to be told of; where there is none yet, that is said."""
    with records(place) as store:
        if store.database.is_fleeting:
            console.note(f"nothing has been recorded yet ({settings_of(place).records.url}): hanse apply does so")
        yield store


def declared(settings: Settings, revision: str, *, worktree: bool = False) -> tuple[Revision, Resources]:
    """A revision, and what it declares, valid one by one. Needs no database."""
    read, found = surveyed(settings, revision, worktree=worktree)
    if not found.sound:
        raise ManifestError(found.faults)
    return read, found.resources


def declared_with(
    settings: Settings, kind: str, name: str, revision: str, *, worktree: bool = False
) -> Mapping[Ref, Resource]:
    """Everything declared at a revision, the configured one for ""; raises SettingsError when ``name`` is not."""
    from reconciler.errors import SettingsError
    from reconciler.model import Ref
    from reconciler.nearest import or_meant

    _, resources = declared(settings, revision or settings.source.revision, worktree=worktree)
    if Ref.of(kind, name) not in resources.items:
        names = [ref.name for ref in resources.items if ref.kind == kind]
        raise SettingsError(f"there is no {kind} {name}" + or_meant(name, names))
    return resources.items


def surveyed(settings: Settings, revision: str, *, worktree: bool = False) -> tuple[Revision, Survey]:
    """A revision, and what it declares, valid or not, with every fault of it. Needs no database."""
    from reconciler import manifest, source
    from reconciler.kinds import registry

    kinds = registry()
    memory = manifest.Memory.open(Path(settings.cache), kinds)
    where, paths = Path(settings.source.repository), settings.source.paths
    read = source.read(where, revision, worktree=worktree, paths=paths, earlier=memory.revision)
    found = manifest.survey(read, kinds, manifest.RuleSettings(settings.rules, settings.secrets), memory)
    memory.save()
    return read, found


def ordered(settings: Settings, read: Revision, resources: Resources) -> Graph:
    """What is declared, with every reference resolved."""
    from reconciler import graph
    from reconciler.kinds import registry
    from reconciler.manifest.located import located
    from reconciler.wiring import Wired

    with located(read):
        return graph.build(resources, registry(), Wired(settings))


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)
