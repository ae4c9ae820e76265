"""The embedded keystone: projects, groups and mappings of one cloud in an SQLite file, for rehearsals.

It refuses what keystone refuses (names taken, roles and domains that there are not, a mapping without rules), so that a
rehearsal finds what the real one would. Each call is one transaction.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import orjson
from pydantic import ConfigDict, Field

from reconciler.drivers.options import checked
from reconciler.errors import Conflict, Terminal, Transient
from reconciler.model import Strict, Target
from reconciler.ports import Drivers, Identity
from reconciler.ports.identity import QUOTAS, Census, Group, Project, Provider, Rule, Way

_BUSY_SECONDS = 30.0
_DEFAULT_QUOTA = {"instances": 10, "vcpus": 20, "ramMiB": 51200, "storageGiB": 1000, "floatingIps": 50}
_EMPTY: Mapping[str, Any] = {
    "projects": {},
    "groups": {},
    "grants": [],
    "providers": {},
    "protocols": {},
    "mappings": {},
    "quotas": {},
    "contents": {},
}


class Options(Strict):
    """Options of an embedded keystone; those of a real one are passed over."""

    model_config = ConfigDict(extra="ignore")

    state: str
    """Folder of the file."""
    domains: tuple[str, ...] = ("Default",)
    """Domains that there are."""
    roles: tuple[str, ...] = ("admin", "member", "reader")
    """Roles that there are."""
    quotas: Annotated[tuple[str, ...], Field(strict=False)] = QUOTAS
    """What it keeps limits of; the others are as if their service was missing."""


def open(target: Target, drivers: Drivers | None = None) -> Identity:  # noqa: A001, ARG001
    """The keystone of ``target`` in a file under the state folder, made with the first call."""
    options = checked(target, Options)
    return Embedded(Path(options.state) / f"{target.name.replace('/', '+')}.sqlite", options)


class Embedded:
    """One keystone in one file."""

    def __init__(self, file: Path, options: Options) -> None:
        self._file, self._options = file, options

    def census(self, domain: str, roles: Collection[str]) -> Census:
        """Everything in a domain."""
        if domain not in self._options.domains:
            raise Terminal(f"keystone has no domain called {domain}: make it, or name another one")
        with self._world() as world:
            return Census(
                domain,
                {i: Project(**p) for i, p in world["projects"].items() if p["domain_id"] == domain},
                {i: Group(**g) for i, g in world["groups"].items() if g["domain_id"] == domain},
                frozenset((g, p, r) for g, p, r in world["grants"] if r in roles),
            )

    def project(self, project_id: str) -> Project | None:
        """One project."""
        with self._world() as world:
            found = world["projects"].get(project_id)
            return Project(**found) if found else None

    def group(self, group_id: str) -> Group | None:
        """One group."""
        with self._world() as world:
            found = world["groups"].get(group_id)
            return Group(**found) if found else None

    def way(self, provider: str, protocol: str) -> Way:
        """A provider, its protocol and the mappings."""
        with self._world() as world:
            found = world["providers"].get(provider)
            named = world["protocols"].get(f"{provider} {protocol}", "") if found else ""
            made = Provider(**{**found, "remote_ids": tuple(found["remote_ids"])}) if found else None
            return Way(made, named, {name: tuple(rules) for name, rules in world["mappings"].items()})

    def create_project(self, name: str, domain_id: str, properties: Mapping[str, str]) -> Project:
        """Make a project."""
        with self._changing() as world:
            made = Project(uuid4().hex, _free(world, "projects", name, domain_id), domain_id, True, dict(properties))
            world["projects"][made.id] = _data(made) | {"enabled": True}
            return made

    def update_project(self, project_id: str, properties: Mapping[str, str | None], *, enabled: bool | None) -> None:
        """Set properties of a project."""
        with self._changing() as world:
            project = _held(world, "projects", project_id)
            _set(project, properties)
            project["enabled"] = project["enabled"] if enabled is None else enabled

    def rename_project(self, project_id: str, name: str) -> None:
        """Give a project another name."""
        with self._changing() as world:
            project = _held(world, "projects", project_id)
            project["name"] = _free(world, "projects", name, project["domain_id"])

    def delete_project(self, project_id: str) -> None:
        """Take a project away, with what it was granted."""
        with self._changing() as world:
            world["projects"].pop(project_id, None)
            world["quotas"].pop(project_id, None)
            world["grants"] = [grant for grant in world["grants"] if grant[1] != project_id]

    def contents(self, project_id: str) -> Sequence[str]:
        """What `occupy` has put there."""
        with self._world() as world:
            return list(world["contents"].get(project_id, ()))

    def occupy(self, project_id: str, *contents: str) -> None:
        """Put something into a project; nothing takes it out again."""
        with self._changing() as world:
            world["contents"][project_id] = list(contents)

    def create_group(self, name: str, domain_id: str, properties: Mapping[str, str]) -> Group:
        """Make a group."""
        with self._changing() as world:
            made = Group(uuid4().hex, _free(world, "groups", name, domain_id), domain_id, dict(properties))
            world["groups"][made.id] = _data(made)
            return made

    def update_group(self, group_id: str, properties: Mapping[str, str | None], name: str | None = None) -> None:
        """Set properties and name of a group."""
        with self._changing() as world:
            group = _held(world, "groups", group_id)
            _set(group, properties)
            if name is not None and name != group["name"]:
                group["name"] = _free(world, "groups", name, group["domain_id"])

    def delete_group(self, group_id: str) -> None:
        """Take a group away, with its grants."""
        with self._changing() as world:
            world["groups"].pop(group_id, None)
            world["grants"] = [grant for grant in world["grants"] if grant[0] != group_id]

    def grant(self, group_id: str, project_id: str, role: str) -> None:
        """Give a group a role."""
        if role not in self._options.roles:
            raise Terminal(f"keystone has no role called {role}: make it, or name another one")
        with self._changing() as world:
            _held(world, "groups", group_id)
            _held(world, "projects", project_id)
            if [group_id, project_id, role] not in world["grants"]:
                world["grants"].append([group_id, project_id, role])

    def revoke(self, group_id: str, project_id: str, role: str) -> None:
        """Take a role from a group."""
        with self._changing() as world:
            world["grants"] = [grant for grant in world["grants"] if grant != [group_id, project_id, role]]

    def put_provider(self, provider: Provider, domain_id: str) -> None:  # noqa: ARG002
        """Make or change a provider. An issuer is of one provider alone."""
        with self._changing() as world:
            for other in world["providers"].values():
                if other["id"] != provider.id and set(other["remote_ids"]) & set(provider.remote_ids):
                    raise Conflict(f"the identity provider {other['id']} has one of these issuers already")
            mark = provider.mark or world["providers"].get(provider.id, {}).get("mark", "")
            made = {"id": provider.id, "remote_ids": sorted(provider.remote_ids), "enabled": provider.enabled}
            world["providers"][provider.id] = {**made, "mark": mark}

    def put_mapping(self, mapping: str, rules: Sequence[Rule]) -> None:
        """Make or change a mapping."""
        if not rules:
            raise Terminal(f"the mapping {mapping} has no rules, and a mapping must have one")
        with self._changing() as world:
            world["mappings"][mapping] = [dict(rule) for rule in rules]

    def put_protocol(self, provider: str, protocol: str, mapping: str) -> None:
        """Make or change a protocol."""
        with self._changing() as world:
            _held(world, "providers", provider)
            world["protocols"][f"{provider} {protocol}"] = mapping

    def remove_way(self, provider: str, protocol: str, mapping: str) -> None:
        """Take protocol, mapping and provider away."""
        with self._changing() as world:
            world["protocols"].pop(f"{provider} {protocol}", None)
            world["mappings"].pop(mapping, None)
            world["providers"].pop(provider, None)

    def quotas(self, project_ids: Collection[str], names: Collection[str]) -> Mapping[str, Mapping[str, int]]:
        """Limits of projects."""
        known = [name for name in names if name in self._options.quotas]
        with self._world() as world:
            held = {project: world["quotas"].get(project, {}) for project in project_ids}
        return {p: {n: own.get(n, _DEFAULT_QUOTA.get(n, 10)) for n in known} for p, own in held.items()}

    def set_quota(self, project_id: str, limits: Mapping[str, int]) -> None:
        """Set limits of a project."""
        with self._changing() as world:
            own = world["quotas"].setdefault(_held(world, "projects", project_id)["id"], {})
            own.update({name: limit for name, limit in limits.items() if name in self._options.quotas})

    @contextmanager
    def _world(self) -> Iterator[dict[str, Any]]:
        with self._transaction("BEGIN") as (_, world):
            yield world

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        with self._transaction("BEGIN IMMEDIATE") as (db, world):
            yield world
            db.execute("INSERT OR REPLACE INTO world (id, body) VALUES (1, ?)", (orjson.dumps(world),))

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[tuple[sqlite3.Connection, dict[str, Any]]]:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._file, timeout=_BUSY_SECONDS, isolation_level=None)) as db:
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("CREATE TABLE IF NOT EXISTS world (id INTEGER PRIMARY KEY, body BLOB NOT NULL)")
                db.execute(begin)
                row = db.execute("SELECT body FROM world").fetchone()
                yield db, orjson.loads(row[0] if row else orjson.dumps(dict(_EMPTY)))
                db.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise Transient(f"the keystone {self._file.name}: {error}", retry_after=1.0) from error


def _data(made: Project | Group) -> dict[str, Any]:
    return {"id": made.id, "name": made.name, "domain_id": made.domain_id, "properties": dict(made.properties)}


def _held(world: Mapping[str, Any], plural: str, identity: str) -> dict[str, Any]:
    found: dict[str, Any] | None = world[plural].get(identity)
    if found is None:
        raise Terminal(f"keystone has no {identity} among its {plural}")
    return found


def _free(world: Mapping[str, Any], plural: str, name: str, domain_id: str) -> str:
    taken = any(o["name"] == name and o["domain_id"] == domain_id for o in world[plural].values())
    if taken:
        raise Conflict(f"the name {name} is taken among the {plural}")
    return name


def _set(held: dict[str, Any], properties: Mapping[str, str | None]) -> None:
    merged = {**held["properties"], **properties}
    held["properties"] = {name: value for name, value in merged.items() if value}
