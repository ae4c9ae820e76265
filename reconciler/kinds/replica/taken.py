"""What a replica takes of its site's storage, and for which VOs: those of the rules that hold it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, cast

from reconciler.kinds.base import Federation
from reconciler.kinds.replica.spec import ReplicaSpec
from reconciler.kinds.vo.group import vo_name
from reconciler.model import Ref
from reconciler.model.taken import Amounts, Taken


class _Rule(Protocol):
    @property
    def vo(self) -> str | None: ...


def taken(spec: ReplicaSpec, federation: Federation) -> Iterator[Taken]:
    """Bytes of its files whose size is known; what lies there by itself is nobody's."""
    if spec.origin:
        return
    size = spec.fileset.bytes if spec.fileset else sum(file.size or 0 for file in spec.parts())
    rules = (cast("_Rule | None", federation.get(Ref(rule))) for rule in spec.rules)
    vos = sorted({vo_name(rule.vo) for rule in rules if rule is not None and rule.vo})
    yield Taken(spec.storage.site, tuple(vos), Amounts(storage_bytes=size))
