"""The declared resources as kinds may look at them, and the back ends that they describe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.kinds.base import Kind
from reconciler.model import Ref, Resource, Spec, Target
from reconciler.ports import Drivers


@dataclass(frozen=True, slots=True)
class Declared:
    """Fills ``Federation`` from resources."""

    resources: Mapping[Ref, Resource]

    def get(self, ref: Ref) -> Spec | None:
        """The spec declared under ``ref``; None when there is none."""
        found = self.resources.get(ref)
        return found.spec if found else None

    def of_kind(self, kind: str) -> Iterable[tuple[Ref, Spec]]:
        """Every resource of a kind, in the order of their names."""
        start = f"{kind}/"
        for ref in sorted(ref for ref in self.resources if ref.startswith(start)):
            yield ref, self.resources[ref].spec


def connect(
    wanted: Mapping[str, Ref], resources: Mapping[Ref, Resource], kinds: Mapping[str, Kind[Any]], drivers: Drivers
) -> dict[str, Target]:
    """The back end behind each target id, asked of the kind of a resource that lives on it."""
    declared = Declared(resources)
    return {target: kinds[ref.kind].connect(target, declared, drivers) for target, ref in wanted.items()}
