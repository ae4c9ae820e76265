"""How a share behaves: eight steps of onboarding as one resource, each looked at and mended by itself.

What cannot change in place, and why: site, cloud, domain and projectId say which project it is; another one is another
place, with nothing in it. Found again by: the uid in the properties of project and group, and their names, which are
unique in their domain. All shares of a keystone are changed one call after the other, since the mapping is one object.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import ClassVar

from reconciler.errors import Terminal
from reconciler.kinds.base import Fault, Federation, Kind, Rule
from reconciler.kinds.share.change import Visit, put_all, remove_all
from reconciler.kinds.share.connect import connect, target_id
from reconciler.kinds.share.observed import look, spec_of, strays, view
from reconciler.kinds.share.rules import RULES, quarrels
from reconciler.kinds.share.spec import DOMAIN, ISSUER, PROTOCOL, PROVIDER, ROLE, ShareSpec
from reconciler.model import Answer, Change, Edge, Reading, Reason, Ref, Resource, Target, Unknown, Wanted
from reconciler.ports import Drivers


class ShareKind(Kind[ShareSpec]):
    """A VO's part of a cloud."""

    name = "Share"
    plural = "shares"
    Spec = ShareSpec
    federation_wide: ClassVar[bool] = True
    immutable: ClassVar[frozenset[str]] = frozenset({"spec.site", "spec.cloud", "spec.domain", "spec.projectId"})
    batch: ClassVar[int] = 200
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def __init__(self, today: Callable[[], date] = lambda: datetime.now(UTC).date()) -> None:
        """``today`` tells the day in UTC: quotas are granted for periods."""
        self._today = today
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def canonical(self, spec: ShareSpec) -> ShareSpec:
        """With its defaults, and the entitlements in order."""
        project = spec.project or spec.vo
        return spec.model_copy(
            update={
                "domain": spec.domain or DOMAIN,
                "project": project,
                "property": spec.property or spec.vo,
                "group": spec.group or project,
                "role": spec.role or ROLE,
                "entitlements": tuple(sorted(set(spec.entitlements))),
                "issuer": spec.issuer or ISSUER,
                "identityProvider": spec.identityProvider or PROVIDER,
                "protocol": spec.protocol or PROTOCOL,
            }
        )

    def references(self, ref: Ref, spec: ShareSpec) -> Iterable[Edge]:  # noqa: ARG002
        yield Edge(Ref.of("Site", spec.site), "exists", "spec.site")
        yield Edge(Ref.of("VO", spec.vo), "exists", "spec.vo")

    def quarrels(self, resources: Mapping[Ref, Resource], changed: Collection[Ref]) -> Iterable[tuple[Ref, str, Fault]]:
        return quarrels(resources, changed)

    def target(self, ref: Ref, spec: ShareSpec) -> str:  # noqa: ARG002
        return target_id(spec.site, spec.cloud)

    def holders(self, spec: ShareSpec) -> Iterable[Ref]:
        """The site that supports the VO, and the VO."""
        return (Ref.of("Site", spec.site), Ref.of("VO", spec.vo))

    def connect(self, target_id: str, federation: Federation, drivers: Drivers) -> Target:
        return connect(target_id, federation, drivers)

    def observe(self, target: Target, wanted: Sequence[Wanted], drivers: Drivers, token: str = "") -> Reading:  # noqa: ARG002
        identity, today = drivers.identity(target), self._today()
        former = [spec_of(w.applied).role or "" for w in wanted if w.applied is not None]
        try:
            seen = view(identity, [spec_of(w.spec) for w in wanted], {role for role in former if role})
        except Terminal as error:
            if error.reason is not Reason.OBSERVE_ONLY:
                raise
            return Reading({w.ref: Unknown(str(error), error.reason) for w in wanted})
        limited = {}
        for w in wanted:
            spec, project = spec_of(w.spec), seen.parts(spec_of(w.spec), w.uid).project
            n = spec.quota(today)
            if project is not None and n is not None:
                limited[project.id] = spec.quotas[n].limits()
        names = {name for limits in limited.values() for name in limits}
        quotas = identity.quotas(list(limited), names) if names else {}
        results = {w.ref: look(w, seen, quotas, today) for w in wanted}
        complete = all(census.complete for census in seen.censuses.values())
        return Reading(results, strays(target.id, seen, {w.uid for w in wanted}), complete=complete)

    def put(self, target: Target, changes: Sequence[Change], drivers: Drivers) -> Mapping[Ref, Answer]:
        with self._locks[target.id]:
            return put_all(Visit(drivers.identity(target), target.id, self._today()), changes)

    def remove(self, target: Target, changes: Sequence[Change], drivers: Drivers) -> Mapping[Ref, Answer]:
        with self._locks[target.id]:
            return remove_all(Visit(drivers.identity(target), target.id, self._today()), changes)
