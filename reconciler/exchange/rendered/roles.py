"""Who may change what: the roles that RoleAssignments state, asked of each resource."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import orjson

from reconciler.kinds.roleassignment import ACTIONS, Action, RoleAssignmentSpec
from reconciler.model import Ref, Resource

Key = tuple[str, str]
"""(level, name): what a role is held over."""

_GRANT: Mapping[str, Action] = {
    "site": "grant roles over a site",
    "ngi": "grant roles over an NGI",
    "serviceGroup": "grant roles over a service group",
    "vo": "grant roles over a VO",
}


class Roles:
    """Who may do what to which thing, from every assignment."""

    def __init__(self, resources: Mapping[Ref, Resource]) -> None:
        self._held: dict[Key, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._ngi: dict[str, str] = {}
        self.vos = frozenset(ref.name for ref in resources if ref.kind == "VO")
        self.projects: set[str] = set()
        for ref, resource in resources.items():
            if ref.kind == "RoleAssignment" and isinstance(resource.spec, RoleAssignmentSpec):
                self._take(resource.spec)
            elif ref.kind == "Site":
                self._ngi[ref.name] = str(orjson.loads(resource.content).get("ngi") or "")

    def _take(self, spec: RoleAssignmentSpec) -> None:
        over = spec.over
        if over.level == "project":
            self.projects.add(over.name)
        for role, holders in spec.roles.items():
            self._held[over.level, over.name][role] |= set(holders)

    def may(self, action: Action, *over: Key) -> frozenset[str]:
        """Holders, over any of these things or over the project, of a role that may do it."""
        keys = [*over, *(("project", project) for project in self.projects)]
        found = (self._held[key][role] for key in keys if key in self._held for role in ACTIONS[action])
        return frozenset[str]().union(*found)

    def ngi_of(self, site: str) -> str:
        """The NGI of a site; "" when it has none."""
        return self._ngi.get(site, "")

    def common(self) -> frozenset[str]:
        """Those who may change what belongs to nobody else."""
        return self.may("change what is common")

    def at(self, action: Action, site: str, ngi: str = "") -> frozenset[str]:
        """Those who may do something to a site: by a role over it, over its NGI, or over the project.

        ``ngi`` is that of a site that is not declared yet.
        """
        return self.may(action, ("site", site), ("ngi", ngi or self.ngi_of(site)))


def owners_of(ref: Ref, resource: Resource, roles: Roles) -> frozenset[str]:
    """Those who may change a resource; empty when nobody holds a role over it."""
    content: Mapping[str, Any] = orjson.loads(resource.content)
    if ref.kind == "Site":
        return roles.at("change a site", ref.name)
    if ref.kind == "VO":
        return roles.may("change a VO", ("vo", ref.name))
    if ref.kind == "ServiceGroup":
        return roles.may("change a service group", ("serviceGroup", ref.name))
    if ref.kind == "RoleAssignment":
        return _granting(content["over"], roles)
    if ref.kind == "Downtime":
        return frozenset.intersection(*(_affected(one, roles) for one in content["affects"]))
    return _by_content(ref, content, roles)


def _granting(over: Mapping[str, str], roles: Roles) -> frozenset[str]:
    ((level, name),) = ((level, name) for level, name in over.items() if name)
    if level == "site":
        return roles.at("grant roles over a site", name)
    return roles.may(_GRANT[level], (level, name)) if level in _GRANT else roles.common()


def _affected(one: Mapping[str, Any], roles: Roles) -> frozenset[str]:
    """Those who may change the sites that a downtime is about: many sites are their NGI's, or the project's."""
    if one.get("site"):
        return roles.at("change a site", one["site"])
    ngi = (one.get("selector") or {}).get("ngi")
    return roles.may("change a site", ("ngi", ngi)) if ngi else roles.common()


def _by_content(ref: Ref, content: Mapping[str, Any], roles: Roles) -> frozenset[str]:
    """A VO's, when it stands in the VO's namespace or names it; a site's, when it names one; else the project's."""
    vo = ref.namespace if ref.namespace in roles.vos else content.get("vo")
    if isinstance(vo, str) and vo in roles.vos:
        return roles.may("change a VO", ("vo", vo))
    site = content.get("site")
    return roles.at("change a site", site) if isinstance(site, str) and site != "auto" else roles.common()
