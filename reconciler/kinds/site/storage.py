"""Storages of a site: what a replica may lie on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue, StrictBool, StrictFloat, StrictInt, StrictStr

from reconciler.kinds.gocdb import Description, ShortName, Url
from reconciler.kinds.when import Instant
from reconciler.model import Strict

Word = Annotated[str, Field(min_length=1)]
Bytes = Annotated[int, Field(ge=0)]
Attribute = StrictBool | StrictInt | StrictFloat | StrictStr


class Limits(Strict):
    """How much may be put on it."""

    minFreeBytes: Bytes | None = None
    """Bytes that must stay free."""
    maxBytes: Bytes | None = None
    """Bytes that the federation may use in all."""


class Access(Strict):
    """One way of access. It is closed until ``until``, or until somebody opens it again."""

    allowed: bool = True
    reason: Description | None = None
    """Why it is closed."""
    until: Instant | None = None
    """When it opens again, UTC."""


class Availability(Strict):
    """What may be done with the storage now."""

    read: Access = Access()
    write: Access = Access()
    delete: Access = Access()


class Storage(Strict):
    """One storage of the site."""

    name: ShortName
    """Name within the site; with the site's it names the target ``storage:<site>/<storage>``."""
    type: Literal["disk", "tape"] = "disk"
    protocol: Word | None = None
    """``file``, ``s3``, ``https``, ``davs``, ``root``, ..."""
    url: Url | None = None
    """Where its files are found."""
    driver: Word
    """Driver that speaks to it: ``directory``, ``libcloud``, ..."""
    qos: Word | None = None
    """Class of service, as dataset rules ask for it: ``archive``, ``replicated``, ..."""
    attributes: dict[str, Attribute] = Field(default={})
    """What location expressions select by: ``tier: 1``, ``country: ES``."""
    limits: Limits = Limits()
    availability: Availability = Availability()
    vos: tuple[Word, ...] = ()
    """VOs that may use it; empty: all."""
    options: dict[str, JsonValue] = Field(default={})
    """Connection data for the driver; secrets are references (``{env: NAME}`` or ``{file: PATH}``)."""
