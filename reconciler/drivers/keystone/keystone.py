"""Keystone's v3 API behind the identity port."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from reconciler.drivers.keystone import quotas
from reconciler.drivers.keystone.rest import Rest
from reconciler.errors import Conflict, Terminal
from reconciler.ports.identity import Census, Group, Project, Provider, Rule, Way

_PROJECT = {"id", "name", "domain_id", "parent_id", "is_domain", "enabled", "description", "tags", "options", "links"}
_NOTE = "Kept by Hanse"
_MARK = re.compile(r"\[hanse:([0-9a-f]+)\]")
_FEDERATION = "/OS-FEDERATION"


class Keystone:
    """One keystone."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._roles: dict[str, str] = {}

    # -- looking -------------------------------------------------------------------------------------------------------

    def census(self, domain: str, roles: Collection[str]) -> Census:
        """Read a domain in three lists, and a list of assignments for each role."""
        domain_id = self._domain(domain)
        projects, whole = self._list("projects", domain_id=domain_id)
        groups, all_groups = self._list("groups", domain_id=domain_id)
        grants, all_grants = self._grants(roles)
        return Census(
            domain_id,
            {p["id"]: _project(p) for p in projects},
            {g["id"]: _group(g) for g in groups},
            grants,
            whole and all_groups and all_grants,
        )

    def project(self, project_id: str) -> Project | None:
        """One project by its id."""
        found = self._rest.get("identity", f"/projects/{_part(project_id)}", absent=True)
        return _project(found["project"]) if found else None

    def group(self, group_id: str) -> Group | None:
        """One group by its id."""
        found = self._rest.get("identity", f"/groups/{_part(group_id)}", absent=True)
        return _group(found["group"]) if found else None

    def way(self, provider: str, protocol: str) -> Way:
        """Read provider, protocol and mappings: three calls."""
        path = f"{_FEDERATION}/identity_providers/{_part(provider)}"
        found = self._rest.get("identity", path, absent=True)
        there = self._rest.get("identity", f"{path}/protocols/{_part(protocol)}", absent=True) if found else None
        mappings = self._rest.get("identity", f"{_FEDERATION}/mappings")["mappings"]
        return Way(
            _provider(found["identity_provider"]) if found else None,
            there["protocol"]["mapping_id"] if there else "",
            {each["id"]: tuple(each["rules"]) for each in mappings},
        )

    def _list(self, plural: str, **query: str) -> tuple[list[dict[str, Any]], bool]:
        """Everything of a kind, and whether that is all: keystone may be told to cut its lists off."""
        found = self._rest.get("identity", f"/{plural}?{urlencode(query)}" if query else f"/{plural}")
        return found[plural], not found.get("truncated", False)

    def _domain(self, name: str) -> str:
        found, _ = self._list("domains", name=name)
        if not found:
            raise Terminal(f"keystone has no domain called {name}: make it, or name another one")
        return str(found[0]["id"])

    def _grants(self, roles: Collection[str]) -> tuple[frozenset[tuple[str, str, str]], bool]:
        grants, whole = set[tuple[str, str, str]](), True
        for role in sorted(roles):
            found = self._role(role)
            assigned, all_ = self._list("role_assignments", **{"role.id": found}) if found else ([], True)
            whole = whole and all_
            grants.update(_assigned(assigned, role))
        return frozenset(grants), whole

    def _role(self, name: str) -> str:
        """The id of a role, "" when there is none; roles are looked up together, and again when one is new."""
        if name not in self._roles:
            self._roles = {role["name"]: role["id"] for role in self._list("roles")[0]}
        return self._roles.get(name, "")

    # -- projects and groups -------------------------------------------------------------------------------------------

    def create_project(self, name: str, domain_id: str, properties: Mapping[str, str]) -> Project:
        """Make a project; its properties go along in the same call."""
        body = {"name": name, "domain_id": domain_id, "description": _NOTE, **properties}
        return _project(self._rest.call("POST", "identity", "/projects", {"project": body})["project"])

    def update_project(self, project_id: str, properties: Mapping[str, str | None], *, enabled: bool | None) -> None:
        """Set properties; a property that is taken away is null from then on, which reads as none."""
        body = {**properties, **({} if enabled is None else {"enabled": enabled})}
        self._rest.call("PATCH", "identity", f"/projects/{_part(project_id)}", {"project": body})

    def rename_project(self, project_id: str, name: str) -> None:
        """Give a project another name."""
        self._rest.call("PATCH", "identity", f"/projects/{_part(project_id)}", {"project": {"name": name}})

    def delete_project(self, project_id: str) -> None:
        """Take a project away."""
        self._rest.call("DELETE", "identity", f"/projects/{_part(project_id)}", ok=(404,))

    def contents(self, project_id: str) -> Sequence[str]:
        """Servers, addresses, networks, routers, volumes and images of a project."""
        return quotas.contents(self._rest, project_id)

    def create_group(self, name: str, domain_id: str, properties: Mapping[str, str]) -> Group:
        """Make a group."""
        body = {"name": name, "domain_id": domain_id, "description": _NOTE, **properties}
        return _group(self._rest.call("POST", "identity", "/groups", {"group": body})["group"])

    def update_group(self, group_id: str, properties: Mapping[str, str | None], name: str | None = None) -> None:
        """Set properties and name of a group."""
        body = {**properties, **({} if name is None else {"name": name})}
        self._rest.call("PATCH", "identity", f"/groups/{_part(group_id)}", {"group": body})

    def delete_group(self, group_id: str) -> None:
        """Take a group away."""
        self._rest.call("DELETE", "identity", f"/groups/{_part(group_id)}", ok=(404,))

    def grant(self, group_id: str, project_id: str, role: str) -> None:
        """Give a group a role on a project."""
        found = self._role(role)
        if not found:
            raise Terminal(f"keystone has no role called {role}: make it, or name another one")
        self._rest.call("PUT", "identity", _grant(group_id, project_id, found))

    def revoke(self, group_id: str, project_id: str, role: str) -> None:
        """Take a role from a group."""
        found = self._role(role)
        if found:
            self._rest.call("DELETE", "identity", _grant(group_id, project_id, found), ok=(404,))

    # -- the way in ----------------------------------------------------------------------------------------------------

    def put_provider(self, provider: Provider, domain_id: str) -> None:
        """Make or change an identity provider; our mark stands in its description."""
        body: dict[str, Any] = {"remote_ids": list(provider.remote_ids), "enabled": provider.enabled}
        if provider.mark:
            body["description"] = f"{_NOTE} [hanse:{provider.mark}]"
        path = f"{_FEDERATION}/identity_providers/{_part(provider.id)}"
        self._put(path, "identity_provider", {**body, "domain_id": domain_id}, body)

    def put_mapping(self, mapping: str, rules: Sequence[Rule]) -> None:
        """Make a mapping or replace its rules."""
        body = {"rules": [dict(rule) for rule in rules]}
        self._put(f"{_FEDERATION}/mappings/{_part(mapping)}", "mapping", body, body)

    def put_protocol(self, provider: str, protocol: str, mapping: str) -> None:
        """Make a protocol or point it to another mapping."""
        path = f"{_FEDERATION}/identity_providers/{_part(provider)}/protocols/{_part(protocol)}"
        body = {"mapping_id": mapping}
        self._put(path, "protocol", body, body)

    def _put(self, path: str, kind: str, made: Mapping[str, Any], changed: Mapping[str, Any]) -> None:
        """Keystone makes with PUT, which it refuses for what is there: that is changed with PATCH."""
        try:
            self._rest.call("PUT", "identity", path, {kind: made})
        except Conflict:
            self._rest.call("PATCH", "identity", path, {kind: changed})

    def remove_way(self, provider: str, protocol: str, mapping: str) -> None:
        """Take protocol, mapping and provider away, in the order in which they refer to each other."""
        path = f"{_FEDERATION}/identity_providers/{_part(provider)}"
        for each in (f"{path}/protocols/{_part(protocol)}", f"{_FEDERATION}/mappings/{_part(mapping)}", path):
            self._rest.call("DELETE", "identity", each, ok=(404,))

    # -- quotas --------------------------------------------------------------------------------------------------------

    def quotas(self, project_ids: Collection[str], names: Collection[str]) -> Mapping[str, Mapping[str, int]]:
        """Limits of projects, of the services that there are."""
        return quotas.read(self._rest, project_ids, names)

    def set_quota(self, project_id: str, limits: Mapping[str, int]) -> None:
        """Set limits of a project, one call for each service."""
        quotas.write(self._rest, project_id, limits)


def _part(name: str) -> str:
    """A name as one step of a path."""
    return quote(name, safe="")


def _grant(group_id: str, project_id: str, role_id: str) -> str:
    return f"/projects/{_part(project_id)}/groups/{_part(group_id)}/roles/{role_id}"


def _project(data: Mapping[str, Any]) -> Project:
    return Project(data["id"], data["name"], data["domain_id"] or "", bool(data["enabled"]), _properties(data))


def _group(data: Mapping[str, Any]) -> Group:
    return Group(data["id"], data["name"], data["domain_id"], _properties(data))


def _properties(data: Mapping[str, Any]) -> dict[str, str]:
    """What is set beside keystone's own fields."""
    return {name: value for name, value in data.items() if name not in _PROJECT and isinstance(value, str) and value}


def _provider(data: Mapping[str, Any]) -> Provider:
    mark = _MARK.search(data.get("description") or "")
    remote = tuple(sorted(data.get("remote_ids") or ()))
    return Provider(data["id"], remote, bool(data["enabled"]), mark.group(1) if mark else "")


def _assigned(assignments: Sequence[Mapping[str, Any]], role: str) -> Iterator[tuple[str, str, str]]:
    """Grants to groups on projects; others are none of our business."""
    for each in assignments:
        project = each["scope"].get("project")
        if "group" in each and project is not None:
            yield each["group"]["id"], project["id"], role
