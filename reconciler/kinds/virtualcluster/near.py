"""Where the data of a rule already lies: the share of its replicas at each site, as the manifests declare them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from reconciler.kinds.base import Federation
from reconciler.model import Ref


def data_at(federation: Federation, ref: Ref, near: str | None) -> Mapping[str, float]:
    """Site -> share (0..1) of the rule's replicas that its storages hold; empty when nothing is known."""
    if near is None:
        return {}
    rule = rule_ref(ref, near)
    held: Counter[str] = Counter()
    for replica, spec in federation.of_kind("Replica"):
        storage = str(getattr(spec, "storage", ""))
        if getattr(spec, "rule", None) in (rule.name, near) and replica.namespace == rule.namespace:
            held[storage.partition("/")[0]] += 1
    total = held.total()
    return {site: count / total for site, count in held.items()}


def rule_ref(ref: Ref, name: str) -> Ref:
    """The DatasetRule that a cluster means by ``name`` or ``namespace/name``."""
    namespace, _, short = name.rpartition("/")
    return Ref.of("DatasetRule", short, namespace or ref.namespace)
