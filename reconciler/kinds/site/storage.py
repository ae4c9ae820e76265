"""Storages of a site: what a replica may lie on."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, StrictBool, StrictFloat, StrictInt, StrictStr, model_validator

from reconciler.kinds.gocdb import Description, ShortName, Url
from reconciler.kinds.when import Instant
from reconciler.model import Strict

Word = Annotated[str, Field(min_length=1)]
Bytes = Annotated[int, Field(ge=0)]
Attribute = StrictBool | StrictInt | StrictFloat | StrictStr


Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Limits(Strict):
    """How much may be put on it."""

    minFreeBytes: Bytes | None = None
    """Bytes that must stay free."""
    maxBytes: Bytes | None = None
    """Bytes that the federation may use in all."""
    highPercent: Percent | None = None
    """Of the storage's capacity, as it says itself: once more is used, copies that no rule holds are taken away, those
    read longest ago first."""
    lowPercent: Percent | None = None
    """They are taken away until no more than this is used."""

    @model_validator(mode="after")
    def _marks(self) -> Self:
        if (self.highPercent is None) != (self.lowPercent is None):
            message = "one mark alone says nothing; give both highPercent and lowPercent"
            raise ValueError(message)
        if self.highPercent is not None and self.lowPercent is not None and self.lowPercent > self.highPercent:
            message = f"lowPercent {self.lowPercent:g} is above highPercent {self.highPercent:g}; swap them"
            raise ValueError(message)
        return self


class Quota(Strict):
    """How much the rules of one VO may hold of it."""

    vo: Word
    """Name of the VO. Of a storage that names any VO, those that it does not name may hold nothing."""
    maxBytes: Bytes | None = None
    """Bytes, this number included; no limit when not given."""


class Link(Strict):
    """The way to another storage, for copies in either direction unless the other end says otherwise."""

    to: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)?$")]
    """``SITE/storage``, or a site with all its storages."""
    distance: Amount | None = None
    """Copies are read from the nearest source. Without it 0 within a site, 10 a country, 20 a continent, else 30."""
    bytesPerSecond: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """What it carries, for estimates of time."""
    atOnce: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Transfers at one time."""


class Price(Strict):
    """What it costs, in the federation's own unit."""

    storedPerTBMonth: Amount | None = None
    """For 1e12 bytes kept for a month."""
    readPerTB: Amount | None = None
    """For 1e12 bytes read from elsewhere (egress)."""


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
    quotas: tuple[Quota, ...] = ()
    """How much each VO may hold; none given: no limits by VO."""
    links: tuple[Link, ...] = ()
    """Ways to other storages."""
    price: Price | None = None
    endpoints: dict[Word, Url] = Field(default={})
    """Where its files are found by other protocols: ``davs: https://dav.example.org:2880/fed``."""
    availability: Availability = Availability()
    vos: tuple[Word, ...] = ()
    """VOs that may use it; empty: all."""
    options: dict[str, JsonValue] = Field(default={})
    """Connection data for the driver; secrets are references (``{env: NAME}`` or ``{file: PATH}``)."""
