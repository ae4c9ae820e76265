"""Quiet: of what nothing is told now, since somebody has said that it will not be as it should.

That is what stands on something in downtime, or in a Window that forbids every change there; and what rests on such.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from reconciler.kinds.downtime import intervals, whole_sites
from reconciler.kinds.site import SiteSpec
from reconciler.kinds.window import WindowSpec
from reconciler.model import Action, Reason, Ref, Resource, Verb
from reconciler.plan.scope import covers

Scope = Mapping[str, Any]


@dataclass
class Quiet:
    """Asks of each resource that is declared whether it is quiet at ``now``."""

    resources: Mapping[Ref, Resource]
    now: datetime
    _known: dict[Ref, bool] = field(default_factory=dict)

    @cached_property
    def scopes(self) -> tuple[Scope, ...]:
        """Downtimes and windows that hold: looked at when it is asked first, and once."""
        return (*_windows(self.resources, self.now), *_downtimes(self.resources, self.now))

    def __call__(self, ref: Ref) -> bool:
        """Whether nothing is told of it now."""
        if not self.scopes:
            return False
        if ref not in self._known:
            self._known[ref] = False  # what refers to itself in a circle is looked at once
            self._known[ref] = self._is(ref)
        return self._known[ref]

    def _is(self, ref: Ref) -> bool:
        found = self.resources.get(ref)
        if found is None:
            return False
        action = Action(Verb.NOOP, ref, Reason.DRIFT_DETECTED, found.target)
        return any(covers(scope, action) for scope in self.scopes) or any(
            self(edge.ref) for edge in found.edges if edge.gate != "after"
        )


def _windows(resources: Mapping[Ref, Resource], now: datetime) -> Iterator[Scope]:
    for ref in sorted(ref for ref in resources if ref.startswith("Window/")):
        spec: WindowSpec = resources[ref].spec
        if spec.type == "deny" and spec.scope.actions is None and spec.times.at(now)[0]:
            yield spec.scope.model_dump(exclude_none=True)


def _downtimes(resources: Mapping[Ref, Resource], now: datetime) -> Iterator[Scope]:
    """Patterns for the ids of back ends that are down, or at risk."""
    whole = {one.site for one in whole_sites(resources, {}, now) if one.start <= now < one.end}
    known = [one for one in intervals(resources, {}, now) if one.start <= now < one.end]
    for site in sorted(whole | {one.site for one in known}):
        resource = resources.get(Ref.of("Site", site))
        down = {one.service for one in known if one.site == site}
        targets = tuple(_struck(site, resource.spec, down, site in whole)) if resource else ()
        if targets:
            yield {"targets": targets}


def _struck(site: str, spec: SiteSpec, down: set[str], whole: bool) -> Iterator[str]:
    if whole:
        yield from (f"*:{site}", f"*:{site}/*")
    for cloud in spec.clouds:
        if spec.services_at(cloud.endpoint) & down:
            yield from (f"*:{site}/{cloud.name}", f"*:{site}/{cloud.name}/*")
    for storage in spec.storage:
        if spec.services_at(*filter(None, (storage.url, *storage.endpoints.values()))) & down:
            yield f"storage:{site}/{storage.name}"
