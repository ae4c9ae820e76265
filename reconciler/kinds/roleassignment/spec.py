"""RoleAssignment: the roles over one thing, and their holders."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from reconciler.kinds.gocdb import ShortName
from reconciler.kinds.roleassignment.roles import Level
from reconciler.model import Spec, Strict

Word = Annotated[str, Field(min_length=1)]
Holder = Annotated[
    str,
    Field(
        pattern=r"^(@[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*|[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+)$"
    ),
]
"""A user (``@ana``) or a team (``@bay/operators``) of the forge, or an e-mail address that it knows somebody by."""


class Over(Strict):
    """What the roles are held over: exactly one."""

    site: ShortName | None = None
    """Name of a Site."""
    ngi: ShortName | None = None
    """NGI, as its sites name it."""
    serviceGroup: ShortName | None = None
    """Name of a service group."""
    vo: ShortName | None = None
    """Name of a VO."""
    project: ShortName | None = None
    """The project that the whole federation is: ``EGI``."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if len(self.model_fields_set) != 1 or None in self.model_dump(exclude_unset=True).values():
            message = "give exactly one of site, ngi, serviceGroup, vo, project"
            raise ValueError(message)
        return self

    @property
    def level(self) -> Level:
        """Which of them it is."""
        levels: tuple[Level, ...] = ("site", "ngi", "serviceGroup", "vo", "project")
        return next(level for level in levels if getattr(self, level) is not None)

    @property
    def name(self) -> str:
        """Its name."""
        return str(getattr(self, self.level))


class RoleAssignmentSpec(Spec):
    """Who holds which role over something."""

    over: Over
    roles: dict[Word, tuple[Holder, ...]] = Field(min_length=1)
    """Role -> its holders: users or teams of the forge (``@bay/operators``), or e-mail addresses."""
