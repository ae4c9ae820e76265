"""What a keystone shows of its shares: step by step what is there, as the spec would say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from reconciler.kinds.share.mapping import Rules, deviations, let_in
from reconciler.kinds.share.mapping import named as unknown
from reconciler.kinds.share.spec import DOMAIN, ShareSpec
from reconciler.model import Absent, Observation, Present, Stray, Unknown, Wanted
from reconciler.ports import Census, Group, Identity, Project, Way

PROPERTY = "egi.VO"
"""Property of a project that names its VO: accounting and image synchronisation look for it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What keystone has of one share."""

    project: Project | None
    group: Group | None


@dataclass(frozen=True)
class View:
    """One keystone, read once: the domains, ways and projects that some shares are about."""

    censuses: Mapping[str, Census]
    """By the domain's name."""
    ways: Mapping[tuple[str, str], Way]
    """By (provider, protocol)."""
    named: Mapping[str, Project]
    """Projects that were named by id and are in none of the domains."""
    gone: frozenset[str] = frozenset()
    """Ids of groups that rules name and that there are not."""

    def rules(self, spec: ShareSpec, way: Way, groups: Mapping[str, Group] | None = None) -> Rules:
        """The rules of a way, as they concern groups of the share's domain."""
        return Rules(way.mappings, groups or self.census(spec).groups, spec.domain or DOMAIN, self.gone)

    def census(self, spec: ShareSpec) -> Census:
        """The domain of a share."""
        return self.censuses[spec.domain or DOMAIN]

    def way(self, spec: ShareSpec) -> Way:
        """The way in of a share."""
        return self.ways[way_of(spec)]

    def parts(self, spec: ShareSpec, uid: str) -> Parts:
        """What is there of a share: by its mark, else by the id that was given, else by its name."""
        census = self.census(spec)
        projects, groups = census.projects.values(), census.groups.values()
        project = _marked(projects, uid) or _marked(self.named.values(), uid)
        if project is None and spec.projectId:
            project = census.projects.get(spec.projectId) or self.named.get(spec.projectId)
        elif project is None:
            project = next((p for p in projects if p.name == spec.project), None)
        group = _marked(groups, uid) or next((g for g in groups if g.name == spec.group), None)
        return Parts(project, group)


def way_of(spec: ShareSpec) -> tuple[str, str]:
    """Provider and protocol of a share."""
    return spec.identityProvider or "", spec.protocol or ""


def _marked(things: Iterable[Any], uid: str) -> Any:
    return next((thing for thing in things if thing.uid == uid), None)


def view(identity: Identity, specs: Iterable[ShareSpec], more_roles: Iterable[str] = ()) -> View:
    """Read what some shares are about; the number of calls does not grow with the number of shares."""
    specs = list(specs)
    roles = {spec.role for spec in specs if spec.role} | set(more_roles)
    censuses = {d: identity.census(d, roles) for d in sorted({s.domain or DOMAIN for s in specs} or {DOMAIN})}
    ways = {way: identity.way(*way) for way in sorted({way_of(s) for s in specs})}
    known = {p for census in censuses.values() for p in census.projects}
    wanted = sorted({s.projectId for s in specs if s.projectId} - known)
    named = {i: found for i in wanted if (found := identity.project(i))}
    groups = {g for census in censuses.values() for g in census.groups}
    lost = {g for s in specs if s.entitlements for g in unknown(s, ways[way_of(s)].mappings, groups)}
    return View(censuses, ways, named, frozenset(g for g in sorted(lost) if identity.group(g) is None))


def look(wanted: Wanted, seen: View, quotas: Mapping[str, Mapping[str, int]], today: date) -> Observation:
    """The observation of one share. ``quotas`` are limits by project id."""
    spec = spec_of(wanted.spec)
    parts = seen.parts(spec, wanted.uid)
    if parts == Parts(None, None):
        complete = seen.census(spec).complete
        return Absent() if complete else Unknown("keystone listed only a part of its projects and groups")
    uids = {part.uid for part in (parts.project, parts.group) if part}
    others = sorted(uids - {wanted.uid, ""})
    mixed = parts.group is not None and bool(seen.rules(spec, seen.way(spec)).mixed(parts.group.id))
    return Present(
        _as_seen(spec, parts, seen, quotas, today),
        owned="" not in uids,
        uid=others[0] if others else "" if "" in uids else wanted.uid,
        outputs=outputs(parts),
        healthy=not mixed,
        note="a rule that somebody wrote lets others in as well, and is left alone" if mixed else "",
    )


def spec_of(spec: Any) -> ShareSpec:
    """The spec, as this kind's own."""
    assert isinstance(spec, ShareSpec)  # noqa: S101 (its own kind's)
    return spec


def outputs(parts: Parts) -> dict[str, Any]:
    """What others may take from a share."""
    found: dict[str, Any] = {}
    if parts.project:
        found |= {"project_id": parts.project.id, "project": parts.project.name, "domain_id": parts.project.domain_id}
    return found | ({"group_id": parts.group.id} if parts.group else {})


def _as_seen(
    spec: ShareSpec, parts: Parts, seen: View, quotas: Mapping[str, Mapping[str, int]], today: date
) -> ShareSpec:
    return spec.model_copy(
        update={
            **_project(spec, parts.project),
            "group": parts.group.name if parts.group else None,
            "role": _role(spec, parts, seen.census(spec)),
            **_way(spec, parts, seen),
            "quotas": _quotas(spec, parts.project, quotas, today),
        }
    )


def _project(spec: ShareSpec, project: Project | None) -> dict[str, Any]:
    if project is None:
        return {"project": None, "projectId": None, "property": None}
    return {
        "project": project.name,
        "projectId": project.id if spec.projectId else None,
        "property": project.properties.get(PROPERTY),
        "enabled": project.enabled,
    }


def _role(spec: ShareSpec, parts: Parts, census: Census) -> str | None:
    """The role wanted, when the group has it and no other that was asked about."""
    if parts.project is None or parts.group is None:
        return None
    mine = {role for group, project, role in census.grants if (group, project) == (parts.group.id, parts.project.id)}
    other = sorted(mine - {spec.role or ""})
    return other[0] if other else spec.role if mine else None


def _way(spec: ShareSpec, parts: Parts, seen: View) -> dict[str, Any]:
    """The fields about the way in: each is as wanted, or what it is instead, or None."""
    way = seen.way(spec)
    mapping = way.mapping or mapping_of(spec)
    open_ = way.provider is not None and way.provider.enabled
    group = parts.group.id if parts.group else ""
    rules = seen.rules(spec, way)
    return {
        "identityProvider": spec.identityProvider if open_ else None,
        "issuer": spec.issuer if way.provider and spec.issuer in way.provider.remote_ids else None,
        "protocol": spec.protocol if way.mapping else None,
        "mapping": (way.mapping or None) if spec.mapping else None,
        "entitlements": let_in(spec, group, rules, mapping) if group else (),
        "deviations": deviations(spec, group, rules, mapping) if group else (),
    }


def mapping_of(spec: ShareSpec) -> str:
    """The mapping for a protocol that has none yet."""
    return spec.mapping or f"{spec.identityProvider}_{spec.protocol}"


def _quotas(spec: ShareSpec, project: Project | None, quotas: Mapping[str, Mapping[str, int]], today: date) -> Any:
    """The quotas, the one in force as the cloud has it; what no service of the cloud keeps is as wanted."""
    n = spec.quota(today)
    if n is None:
        return spec.quotas
    there = quotas.get(project.id, {}) if project else {}
    wanted = spec.quotas[n].limits()
    actual = {name: there.get(name, limit) for name, limit in wanted.items()} if project else dict.fromkeys(wanted)
    return tuple(q.model_copy(update=actual) if m == n else q for m, q in enumerate(spec.quotas))


def strays(target: str, seen: View, held: set[str]) -> tuple[Stray, ...]:
    """What carries our mark and belongs to nobody, each mark once."""
    named: dict[str, str] = {}
    for census in seen.censuses.values():
        named |= {group.uid: group.name for group in census.groups.values()}
        named |= {project.uid: project.name for project in census.projects.values()}
    return tuple(Stray(target, uid, name, "Share") for uid, name in sorted(named.items()) if uid and uid not in held)
