"""How far elastic groups may grow: no further than what their cloud has left. A part is better than nothing.

What a group has at least is no wish but promised: it stays wanted, and where there is no room for it the plan says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from reconciler.errors import Terminal
from reconciler.kinds.base import Candidate, OpenChoice
from reconciler.kinds.virtualcluster.connect import target_id
from reconciler.kinds.virtualcluster.machines import size_for
from reconciler.kinds.virtualcluster.spec import VirtualClusterSpec, WorkerGroup
from reconciler.kinds.world import Need, Offer, World
from reconciler.model import Ref, Unknown


def afforded(
    ref: Ref, spec: VirtualClusterSpec, choices: Sequence[OpenChoice], prefix: str, world: World
) -> Iterator[OpenChoice]:
    """The choices, less the nodes that would come and for which nothing is left."""
    seen = world.stands(ref)
    if not isinstance(seen, VirtualClusterSpec) or seen.cloud is None:
        yield from choices
        return
    offer = world.offer(target_id(seen.site, seen.cloud, seen.vo))
    for choice in choices:
        group = spec.group(choice.field.removeprefix(prefix))
        before = seen.group(group.name) if group else None
        if group is None or group.site not in (None, spec.site) or isinstance(offer, Unknown):
            yield choice
            continue
        there = {str(n) for n in (before.nodes or ())} if before else set()
        limited, offer = _limited(choice, there, group, offer)
        yield limited


def _limited(choice: OpenChoice, there: set[str], group: WorkerGroup, offer: Offer) -> tuple[OpenChoice, Offer]:
    try:
        size = size_for(group, offer.sizes)
    except Terminal:
        return choice, offer  # the plan says so
    need = Need(1, size.cpus, size.ram_mib)
    candidates: list[Candidate] = []
    fitting = [c for c in choice.candidates if not c.why_not]
    promised = (group.min or 0) - sum(c.name in there for c in fitting)
    refused = 0
    for candidate in choice.candidates:
        comes = not candidate.why_not and candidate.name not in there
        lacks = offer.lacks(need) if comes and promised <= 0 else ""
        promised -= comes
        refused += bool(lacks)
        candidates.append(replace(candidate, why_not=f"quota: {lacks}") if lacks else candidate)
        offer = offer.less(need) if comes and not lacks else offer
    if not refused:
        return choice, offer
    said = f"{refused} fewer than wanted: the cloud has no more room"
    reason = f"{choice.reason}; {said}" if choice.reason else said
    return replace(choice, candidates=tuple(candidates), count=choice.count - refused, reason=reason), offer
