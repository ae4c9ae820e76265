"""What a check finds, and what it stands on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from reconciler.model import Graph, Ref, SecretRef
from reconciler.settings import Settings
from reconciler.wiring import Wired


class State(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


class Finding(NamedTuple):
    """One line. ``check`` is filled in by who examines."""

    check: str
    state: State
    said: str
    cure: str = ""


def ok(said: str) -> Finding:
    """As it should be."""
    return Finding("", State.OK, said)


def warning(said: str, cure: str) -> Finding:
    """It works, and somebody should look at it."""
    return Finding("", State.WARNING, said, cure)


def fault(said: str, cure: str) -> Finding:
    """It does not work."""
    return Finding("", State.FAULT, said, cure)


@dataclass
class Ground:
    """What checks look at."""

    settings: Settings
    drivers: Wired
    clock: Callable[[], datetime]
    declare: Callable[[], Graph]
    """What is declared, ordered; it raises a HanseError."""
    lease: str
    """Name of the lease under which daemons work."""

    @cached_property
    def declared(self) -> Graph:
        """What is declared, read once."""
        return self.declare()

    @cached_property
    def repository(self) -> Path:
        """Where manifests are."""
        return Path(self.settings.source.repository)

    @property
    def new(self) -> bool:
        """Whether the copy of the remote was not made yet: the loop was never started."""
        return bool(self.settings.source.remote) and not self.repository.exists()

    def named(self) -> Iterator[tuple[str, SecretRef]]:
        """Every secret that hanse.toml names, with the setting that does."""
        from reconciler.manifest.scopes import references

        for name in type(self.settings).model_fields:
            yield from references(getattr(self.settings, name), f"[{name}]")

    def wanted(self) -> Iterator[tuple[Ref, str, SecretRef]]:
        """Every secret that manifests name, with the resource and the field."""
        from reconciler.manifest.scopes import named

        for ref, one in self.declared.resources.items():
            for path, reference in named(one):
                yield ref, path, reference


Check = Callable[[Ground], Iterator[Finding]]
