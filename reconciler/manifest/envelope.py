"""What stands around a spec."""

from __future__ import annotations

from typing import Any, Literal

from reconciler.kinds.metadata import Metadata
from reconciler.model import PLAIN, Lifecycle, Strict


class Envelope(Strict):
    """A manifest document."""

    apiVersion: Literal["hanse/v1"]
    """The version of the format."""
    kind: str
    """What is declared."""
    metadata: Metadata
    """What it is called."""
    lifecycle: Lifecycle = PLAIN
    """How it is handled."""
    spec: dict[str, Any]
    """What it shall be."""
