"""The Policy of one plan: limits from hanse.toml, approvals from git, pauses from the records, and the time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from reconciler.model import Approval, Graph, Limit, PlacePolicy, Policy, Weights, digest_of
from reconciler.plan.budget import WINDOW
from reconciler.records.store import Store
from reconciler.settings import LimitSettings, Settings


def policy(settings: Settings, graph: Graph, store: Store, now: datetime, *, unverified: str) -> Policy:
    """Everything a plan must respect."""
    return Policy(
        now=now,
        deletes=_limit(settings.limits.deletes),
        updates=_limit(settings.limits.updates),
        approvals=tuple(_approvals(graph)),
        pauses=tuple(store.pauses.list()),
        unverified=unverified,
        playbooks=playbooks_digest(playbooks(settings)),
        mended=store.journal.mended(now - WINDOW),
    )


def placing(settings: Settings) -> PlacePolicy:
    """How places are chosen."""
    given = settings.place
    return PlacePolicy(
        weights=Weights(**given.weights.model_dump()),
        sites=given.sites,
        retry=timedelta(hours=given.retry_hours),
        availability=given.availability_percent / 100,
        downtime=timedelta(hours=given.downtime_hours),
        bytes_per_second=given.megabytes_per_second * 1e6,
        gain=given.rebalance_gain,
    )


def playbooks(settings: Settings) -> Path:
    """Where the playbooks are: the operator's, or those that come with Hanse."""
    if settings.playbooks:
        return Path(settings.playbooks)
    here = Path(__file__).parent
    installed = here / "_playbooks"
    return installed if installed.is_dir() else here.parent / "playbooks"


def playbooks_digest(directory: Path) -> str:
    """Digest over every file that a playbook run may read."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    said = "".join(f"{path.relative_to(directory)}={digest_of(path.read_bytes())}\n" for path in files)
    return digest_of(said.encode())


def _limit(settings: LimitSettings) -> Limit:
    return Limit(settings.absolute, settings.percent, settings.minimum_population)


def _approvals(graph: Graph) -> Iterator[Approval]:
    for ref in sorted(ref for ref in graph.resources if ref.startswith("Approval/")):
        spec = graph.resources[ref].spec
        scope = spec.scope.model_dump(exclude_none=True)
        yield Approval(ref, scope, spec.atMost, spec.expires, spec.reason, spec.by)
