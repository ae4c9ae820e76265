"""What a tenancy says."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reconciler.kinds.approval.spec import Pattern, Patterns
from reconciler.kinds.gocdb import ShortName
from reconciler.model import Spec, Strict

Word = Annotated[str, Field(min_length=1, max_length=1000)]
Urn = Annotated[str, Field(pattern=r"^[Uu][Rr][Nn]:[A-Za-z0-9][A-Za-z0-9-]*:\S+$", max_length=1000)]
Issuer = Annotated[str, Field(pattern=r"^https?://\S+$", max_length=1000)]
User = Annotated[str, Field(pattern=r"^@[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=255)]
Team = Annotated[str, Field(pattern=r"^@[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)+$", max_length=255)]
Deeds = Annotated[
    tuple[Literal["view", "create", "update", "delete", "approve", "pause", "acknowledge"], ...], Field(min_length=1)
]
_SORTS = ("entitlement", "person", "signer", "user", "team", "role")
_BY_TOKEN = ("entitlement", "person")


class SomeBody(Strict):
    """Somebody, by what is proved of him: exactly one of entitlement, person, signer, user, team and role."""

    entitlement: Urn | None = None
    """Entitlement of a token (AARC-G069): ``urn:mace:egi.eu:group:vo.tides:role=manager#aai.egi.eu``. Group, subgroups
    and role are compared in full; without a role, any role in the group counts."""
    person: Word | None = None
    """``voperson_id`` of a token."""
    issuer: Issuer | None = None
    """Issuer of the tokens that count, for ``entitlement`` and ``person``."""
    signer: Word | None = None
    """Principal of a signature: the address in the list of allowed signers, or that of a GPG key."""
    user: User | None = None
    """User of the forge: ``@ana``."""
    team: Team | None = None
    """Team of the forge: ``@bay/operators``."""
    role: Word | None = None
    """Role that a RoleAssignment gives: ``Site Operations Manager``."""
    over: Literal["site", "ngi", "vo", "serviceGroup", "project"] | None = None
    """What the role is held over; that of the thing in question, unless ``name`` says which."""
    name: ShortName | None = None
    """Over which site, NGI, VO, service group or project the role is held."""

    @property
    def sort(self) -> str:
        """Which of them it is."""
        return next(one for one in _SORTS if getattr(self, one) is not None)

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [one for one in _SORTS if getattr(self, one) is not None]
        if len(given) != 1:
            message = f"give exactly one of {', '.join(_SORTS)}"
            raise ValueError(message)
        if self.issuer is None and given[0] in _BY_TOKEN:
            message = f"whose {given[0]} counts is not said; add issuer: whose tokens count"
            raise ValueError(message)
        if self.issuer is not None and given[0] not in _BY_TOKEN:
            message = "an issuer belongs to an entitlement and to a person, and to nothing else"
            raise ValueError(message)
        if (self.over is None) == (given[0] == "role") or (self.name and given[0] != "role"):
            message = "over belongs to a role, and to nothing else: what is it held over?"
            raise ValueError(message)
        return self


class TenancyScope(Strict):
    """Which things. Patterns of one list are alternatives; every list that is given must match; without any: all."""

    kinds: Patterns | None = None
    namespaces: Patterns | None = None
    paths: Patterns | None = None
    """Files of manifests: folders or patterns."""
    targets: Patterns | None = None
    """Target ids: ``compute:TIDE-CLOUD/*``, ``storage:TIDE-CLOUD/*``. A cluster whose site is still to be chosen is on
    each that it could come to; what rules, images and sites bring along is on its own."""
    resources: Patterns | None = None
    """References: ``VO/tides``, ``Share/tides-*``."""


class Authority(Strict):
    """Whose word it is: exactly one."""

    vo: ShortName | None = None
    site: ShortName | None = None
    ngi: ShortName | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_dump(exclude_none=True)) != 1:
            message = "give exactly one of vo, site, ngi"
            raise ValueError(message)
        return self

    @property
    def part(self) -> str:
        """The part of a plan that is theirs: ``site:TIDE-CLOUD``."""
        ((level, name),) = self.model_dump(exclude_none=True).items()
        return f"{level}:{name}"


class Allow(TenancyScope):
    """What somebody may do, within what the Tenancy speaks of."""

    who: Annotated[tuple[SomeBody, ...], Field(min_length=1)]
    actions: Deeds
    """``approve``: his word is enough for what somebody else changes."""
    fields: Patterns | None = None
    """Fields (``spec.files``, ``lifecycle.*``) that he may change; then he may neither create nor delete."""


class Needed(TenancyScope):
    """A change that needs somebody's word besides the right to make it: his own change has it."""

    what: Annotated[str, Field(min_length=1, max_length=60)]
    """How plans call it: ``quota``."""
    fields: Annotated[tuple[Pattern, ...], Field(min_length=1)]
    """Fields whose change needs it (``spec.quotas``); making and taking away what has them, too."""
    by: Annotated[tuple[SomeBody, ...], Field(min_length=1)]
    """The word of one of them is enough."""


class Refers(Strict):
    """Whose resources may refer to what the Tenancy speaks of."""

    namespaces: Patterns
    """Namespaces that may."""
    kinds: Patterns | None = None
    """To which kinds; all when not given."""


class TenancySpec(Spec):
    """Rights over a part of the federation."""

    authority: Authority | None = None
    """Whose part of a plan it is what needs a word by this Tenancy; its own name when not given."""
    scope: TenancyScope = TenancyScope()
    """What it speaks of. Of what several Tenancies speak, each must allow what is done."""
    rest: bool = False
    """It speaks only of things of which no other Tenancy speaks."""
    roles: bool = False
    """Whoever may change a thing by the roles that RoleAssignments state, may; as ``hanse approvers`` tells."""
    allow: tuple[Allow, ...] = ()
    approvals: tuple[Needed, ...] = ()
    refers: tuple[Refers, ...] = ()
    """Who from other namespaces may refer to what it speaks of; nobody when not given."""
