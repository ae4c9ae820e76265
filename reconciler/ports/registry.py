"""The registry port: documents by name, for what lives in a register (sites, VOs, probes, rules)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Document:
    """One registered thing."""

    name: str
    """``namespace/name`` or ``name``."""
    body: Mapping[str, Any]
    """Plain JSON data."""
    uid: str = ""


@dataclass(frozen=True, slots=True)
class Register:
    """Everything registered under one table."""

    documents: Mapping[str, Document]
    token: str = ""
    unchanged: bool = False


class Registry(Protocol):
    """One table of a register."""

    def read(self, token: str = "") -> Register:
        """Read all documents; with an earlier token it may answer ``unchanged``."""
        ...

    def put(self, documents: Sequence[Document]) -> None:
        """Write all of them in one transaction. A uid stands once: under a new name, it leaves its former one."""
        ...

    def remove(self, names: Sequence[str]) -> None:
        """Remove all of them in one transaction; one that is gone already is fine."""
        ...
