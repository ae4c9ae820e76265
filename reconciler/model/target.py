"""Target: a back end that can be down: one lease, one rate limit, one breaker, one credential."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Target:
    """Where resources live: a site's cloud, a zone, a storage, a registry table.

    ``id`` is ``<port>:<name>`` (``dns:fed.example.org.``, ``compute:CESGA-CLOUD/cloud-1``). ``options`` is plain
    JSON data, stored with the inventory so that a target can be reached after its manifest is gone. Secrets are
    references in it.
    """

    id: str
    driver: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def port(self) -> str:
        """The port that its driver fills: dns, compute, storage, registry, check."""
        return self.id.partition(":")[0]

    @property
    def name(self) -> str:
        """The part after the port."""
        return self.id.partition(":")[2]
