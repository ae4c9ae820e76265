"""DatasetRules as Rucio's ``add_rule`` takes them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.kinds.datasetrule import DatasetRuleSpec
from reconciler.kinds.datasetrule.rucio import Untold, rucio_expression
from reconciler.kinds.datasetrule.spec import Copies
from reconciler.model import Ref, Resource
from reconciler.ports import Wish


@dataclass
class Exported:
    """The bodies, and what could not be said."""

    rules: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def export_rules(resources: Mapping[Ref, Resource], now: datetime, account: str = "") -> Exported:
    """Every DatasetRule that is wanted ``now``, as bodies of ``POST /rules/``; one for each set of copies."""
    found = Exported()
    sites = {ref.name for ref in resources if ref.kind == "Site"}
    for ref in sorted(ref for ref in resources if ref.kind == "DatasetRule"):
        resource = resources[ref]
        try:
            for wish in wishes(resource.spec, now, sites):
                found.rules.append(add_rule(wish, account, now, f"{ref} of Hanse"))
        except Untold as untold:
            found.problems.append(f"{ref}: {untold}")
    return found


def wishes(spec: DatasetRuleSpec, now: datetime, sites: Collection[str] = ()) -> Iterator[Wish]:
    """What a rule asks for now, in the terms that both sides have. Raises Untold."""
    if spec.spread is not None:
        raise Untold(f"spread: {spec.spread}: Rucio cannot keep copies apart; make a rule for each {spec.spread}")
    ends = spec.lifetime.expires if spec.lifetime else None
    for wanted in spec.wants(now):
        yield Wish(
            spec.scope,
            spec.name,
            _expression(wanted, sites),
            wanted.copies,
            spec.grouping,
            spec.weight or "",
            ends,
            rucio_expression(spec.sourceLocations, sites) if spec.sourceLocations else "",
            spec.activity or "",
            spec.purge,
            spec.locked,
            spec.priority,
        )


def _expression(wanted: Copies, sites: Collection[str]) -> str:
    where = rucio_expression(wanted.locations, sites)
    return f"({where})&qos={wanted.qos}" if wanted.qos else where


def add_rule(wish: Wish, account: str, now: datetime, comment: str) -> dict[str, Any]:
    """The body of ``POST /rules/``; Rucio is told how long a rule lasts, in seconds, and not until when."""
    lasts = max(1, int((wish.expires - now).total_seconds())) if wish.expires else None
    said = {
        "dids": [{"scope": wish.scope, "name": wish.name}],
        "account": account or None,
        "copies": wish.copies,
        "rse_expression": wish.expression,
        "grouping": wish.grouping,
        "weight": wish.weight or None,
        "lifetime": lasts,
        "source_replica_expression": wish.source_expression or None,
        "activity": wish.activity or None,
        "purge_replicas": wish.purge,
        "locked": wish.locked,
        "priority": wish.priority,
        "comment": comment,
    }
    return {name: value for name, value in said.items() if value is not None}
