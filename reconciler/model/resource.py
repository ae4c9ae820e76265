"""Resource: one manifest document after validation. Its spec is decoded only when somebody looks at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from pydantic import Field

from reconciler.model.ref import Ref
from reconciler.model.spec import Spec, Strict, digest_of

Gate = Literal["exists", "ready", "after"]
"""``after`` orders alone: what the other has to do is done first, and nothing waits for what will not be done."""
Mode = Literal["observe", "warn", "enforce"]
DeletionPolicy = Literal["delete", "retain", "wait"]


class Edge(NamedTuple):
    """A typed reference: ``ref`` must exist (or be ready) first, or only goes first where there is anything to do.

    ``output`` names the value taken from it.
    """

    ref: Ref
    gate: Gate = "exists"
    path: str = ""
    """Where in the spec the reference stands, for messages: ``spec.site``."""
    output: str = ""


class Lifecycle(Strict):
    """How a resource is handled; every field has the safe default."""

    mode: Mode = "enforce"
    """observe: only look; warn: report drift and repair nothing; enforce: make it so."""
    deletionPolicy: DeletionPolicy = "delete"
    """When the manifest is taken away: delete; retain (forget it, leave it standing); wait (for an Approval)."""
    adopt: bool = False
    """Take over an existing object that carries no ownership mark."""
    moved: str | None = None
    """The former name (``name`` or ``namespace/name``) of this resource: renames it without destroying it."""
    ignore: tuple[str, ...] = Field(default=())
    """Spec paths (``spec.ttl``) whose drift is reported but not repaired."""


PLAIN = Lifecycle()
"""How a resource is handled that says nothing about it: the one object, so that it is quick to recognise."""


class Location(NamedTuple):
    """Where a document starts."""

    file: str
    line: int


class Resource(NamedTuple):
    """One declared thing. A named tuple, because a hundred thousand of them must be quick to make.

    ``content`` is the canonical JSON of the spec; ``digest`` its digest. ``decode`` turns it into the kind's spec.
    """

    ref: Ref
    digest: str
    content: bytes
    edges: tuple[Edge, ...]
    target: str
    """Target id; "" while a choice (``site: auto``) is open."""
    location: Location
    decode: Callable[[bytes], Spec]
    lifecycle: Lifecycle = PLAIN
    labels: Mapping[str, str] | None = None
    annotations: Mapping[str, str] | None = None
    owner: Ref | None = None
    """The resource that made this one (a DatasetRule its Replicas); None when it stands in git."""
    open: bool = False
    """True when place/ must choose something in it."""

    @property
    def source(self) -> str:
        """Digest of all that git says of it: its spec, and its lifecycle where that is not the plain one."""
        if self.lifecycle is PLAIN:
            return self.digest
        return digest_of(f"{self.digest}{self.lifecycle!r}".encode())

    @property
    def spec(self) -> Any:
        """The spec, decoded and typed as the kind's own class."""
        return self.decode(self.content)
