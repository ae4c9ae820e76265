"""The identity port: projects, groups and the federated mapping of one keystone, as an administrator sees them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol, Self

from pydantic import Field, model_validator

from reconciler.model import SecretRef, Strict

MARK = "hanse.uid"
"""Property of a project or group that carries the uid of what it belongs to."""

QUOTAS = (
    "instances",
    "vcpus",
    "ramMiB",
    "storageGiB",
    "floatingIps",
    "networks",
    "ports",
    "securityGroups",
)
"""What a project may be limited in."""

Rule = Mapping[str, Any]
"""One rule of a mapping, as keystone writes it: ``{"local": [...], "remote": [...]}``."""

Word = Annotated[str, Field(min_length=1)]


class ApplicationCredential(Strict):
    """An application credential. The secret is a reference, read at the moment of use."""

    id: Word
    secret: SecretRef


class Administrator(Strict):
    """Who may change projects, groups and mappings: a user with a password, or an application credential."""

    username: Word | None = None
    password: SecretRef | None = None
    project: Word = "admin"
    userDomain: Word = "Default"
    projectDomain: Word = "Default"
    applicationCredential: ApplicationCredential | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        password = self.username is not None and self.password is not None
        if password == (self.applicationCredential is not None):
            message = "give either username and password, or applicationCredential"
            raise ValueError(message)
        return self


@dataclass(frozen=True, slots=True)
class Project:
    """A project. ``properties`` are what it carries beside keystone's own fields: ``egi.VO``, our mark."""

    id: str
    name: str
    domain_id: str
    enabled: bool = True
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def uid(self) -> str:
        """Our mark; "" when it has none."""
        return self.properties.get(MARK, "")


@dataclass(frozen=True, slots=True)
class Group:
    """A group of users."""

    id: str
    name: str
    domain_id: str
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def uid(self) -> str:
        """Our mark; "" when it has none."""
        return self.properties.get(MARK, "")


@dataclass(frozen=True, slots=True)
class Census:
    """Everything in one domain that onboarding is about."""

    domain_id: str
    projects: Mapping[str, Project]
    """By id."""
    groups: Mapping[str, Group]
    """By id."""
    grants: frozenset[tuple[str, str, str]] = frozenset()
    """(group id, project id, name of the role), of the roles that were asked about."""
    complete: bool = True
    """False when the cloud gave only a part."""


@dataclass(frozen=True, slots=True)
class Provider:
    """An identity provider. ``mark`` is ours; "" when somebody else made it."""

    id: str
    remote_ids: tuple[str, ...] = ()
    """Issuers of the tokens that it stands for."""
    enabled: bool = True
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """The way in from outside: a provider, its protocol, and all mappings with their rules."""

    provider: Provider | None = None
    mapping: str = ""
    """Id of the protocol's mapping; "" when there is no such protocol."""
    mappings: Mapping[str, tuple[Rule, ...]] = field(default_factory=dict)
    """Of the whole keystone: what lets somebody in may stand in another mapping than one thinks."""


class Identity(Protocol):
    """One keystone, with an administrator's credential.

    Every method raises Transient or Terminal; Terminal with ``reason=OBSERVE_ONLY`` says that nobody gave a credential.
    What makes something is refused with Conflict when its name is taken. What takes something away, or gives a right,
    is safe to repeat.
    """

    def census(self, domain: str, roles: Collection[str]) -> Census:
        """Read all projects and groups of a domain (by name), and who has one of ``roles`` there."""
        ...

    def project(self, project_id: str) -> Project | None:
        """One project, in whatever domain it is; None when there is none."""
        ...

    def group(self, group_id: str) -> Group | None:
        """One group, in whatever domain it is; None when there is none."""
        ...

    def way(self, provider: str, protocol: str) -> Way:
        """Read an identity provider, its protocol and the mappings."""
        ...

    def create_project(self, name: str, domain_id: str, properties: Mapping[str, str]) -> Project:
        """Make a project."""
        ...

    def update_project(self, project_id: str, properties: Mapping[str, str | None], *, enabled: bool | None) -> None:
        """Set properties (None takes one away), and whether the project may be used (None leaves that alone)."""
        ...

    def rename_project(self, project_id: str, name: str) -> None:
        """Give a project another name."""
        ...

    def delete_project(self, project_id: str) -> None:
        """Take a project away. Ask `contents` first: the cloud does not."""
        ...

    def contents(self, project_id: str) -> Sequence[str]:
        """What stands in a project, in words: ``3 servers``. Raises when any service could not be asked."""
        ...

    def create_group(self, name: str, domain_id: str, properties: Mapping[str, str]) -> Group:
        """Make a group."""
        ...

    def update_group(self, group_id: str, properties: Mapping[str, str | None], name: str | None = None) -> None:
        """Set properties of a group (None takes one away), and its name where one is given."""
        ...

    def delete_group(self, group_id: str) -> None:
        """Take a group away."""
        ...

    def grant(self, group_id: str, project_id: str, role: str) -> None:
        """Give a group a role, by its name, on a project. Raises Terminal when there is no such role."""
        ...

    def revoke(self, group_id: str, project_id: str, role: str) -> None:
        """Take a role on a project from a group."""
        ...

    def put_provider(self, provider: Provider, domain_id: str) -> None:
        """Make an identity provider, or bring the one that is there to this."""
        ...

    def put_mapping(self, mapping: str, rules: Sequence[Rule]) -> None:
        """Make a mapping, or replace the rules of the one that is there; at least one rule."""
        ...

    def put_protocol(self, provider: str, protocol: str, mapping: str) -> None:
        """Make a protocol of a provider, or point the one that is there to another mapping."""
        ...

    def remove_way(self, provider: str, protocol: str, mapping: str) -> None:
        """Take a protocol, its mapping and its provider away; what is gone already is fine."""
        ...

    def quotas(self, project_ids: Collection[str], names: Collection[str]) -> Mapping[str, Mapping[str, int]]:
        """Project id -> limit by name, -1 for unlimited; names of services that the cloud has not are left out.

        ``names`` are of `QUOTAS`.
        """
        ...

    def set_quota(self, project_id: str, limits: Mapping[str, int]) -> None:
        """Set limits of a project by the names of `quotas`; those of services that the cloud has not are left out."""
        ...
