"""Ref: the name of a resource, and the one key every stage uses."""

from __future__ import annotations


class Ref(str):
    """``Kind/name`` for federation-wide kinds, ``Kind/namespace/name`` for namespaced ones.

    A string, so that its hash is computed once: a federation is compared as dictionaries keyed by it.
    """

    __slots__ = ()

    @classmethod
    def of(cls, kind: str, name: str, namespace: str | None = None) -> Ref:
        """The reference to ``name``; ``namespace`` is None for federation-wide kinds."""
        return cls(f"{kind}/{namespace}/{name}" if namespace else f"{kind}/{name}")

    def attempt(self, target: str) -> Ref:
        """The name of what an unfinished create may have left of this resource on a target it does not go to now."""
        return Ref(f"{self}@{target.replace('/', '+')}")

    @property
    def whole(self) -> Ref:
        """The resource that an attempt was one of; itself for any other name."""
        return Ref(self.partition("@")[0])

    @property
    def kind(self) -> str:
        """The kind, as manifests spell it."""
        return self.partition("/")[0]

    @property
    def namespace(self) -> str | None:
        """The namespace; None for federation-wide kinds."""
        parts = self.split("/")
        return parts[1] if len(parts) > 2 else None  # noqa: PLR2004

    @property
    def name(self) -> str:
        """The name inside its namespace."""
        return self.rpartition("/")[2]
