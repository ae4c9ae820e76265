"""VO: a virtual organisation, who it is, whom its members are known by, and what it was promised where."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reconciler.kinds.expression import Locations
from reconciler.kinds.gocdb import Email, Hostname, PlainText, Telephone, Url
from reconciler.kinds.vo.allocation import Allocation
from reconciler.kinds.vo.card import Card, Dn, Fqan, MemberList, Resources, VomsServer
from reconciler.model import Spec, Strict

Word = Annotated[str, Field(min_length=1)]

CLOUD_ROLE = "vm_operator"
"""The role whose entitlement clouds map to the VO's project."""


class Entitlement(Strict):
    """What a token must say for its bearer to have a role in the VO."""

    role: Word
    """Role in the VO; that of ``vm_operator`` is what clouds map to the VO's project."""
    value: Word
    """AARC entitlement: ``urn:mace:egi.eu:group:vo.example.org:role=vm_operator#aai.egi.eu``."""


class Person(Strict):
    """Somebody with a task in the VO."""

    name: Word
    email: Email | None = None
    identifier: Word | None = None
    """Persistent identifier at the identity provider (``voperson_id``)."""
    dn: Dn | None = None
    """Distinguished name of the person's certificate."""
    role: Word | None = None
    telephone: Telephone | None = None


class MailingLists(Strict):
    """Addresses of the VO's groups."""

    admins: Email | None = None
    operations: Email | None = None
    userSupport: Email | None = None
    users: Email | None = None
    security: Email | None = None


class AcceptableUse(Strict):
    """The acceptable use policy: where it is, its text, or the file that has it."""

    url: Url | None = None
    text: Word | None = None
    file: Word | None = None
    """Name of a file at the portal that the VO's card is of."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if [self.url, self.text, self.file].count(None) != 2:  # noqa: PLR2004 (all but one)
            message = "give exactly one of url, text, file"
            raise ValueError(message)
        return self


class VoImage(Strict):
    """A machine image that the VO wants at its sites."""

    name: Word
    source: Url | None = None
    """Where it is registered; the federation's image registry when not given."""
    tag: Word | None = None


class ZoneShare(Strict):
    """A part of the name space that is the VO's alone."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?$", max_length=254)]
    """A name with everything below it: ``tides.fed.example.org``. The closest share above a name counts."""
    namespaces: tuple[Word, ...] = ()
    """Namespaces whose records may stand there; when not given, the one that is called as the VO."""
    wildcards: bool = False
    """Whether ``*`` may stand there."""


class StorageQuota(Strict):
    """How much the VO's rules may hold at all storages together that an expression describes."""

    locations: Locations
    """``country=ES``; ``*`` for the whole federation."""
    maxBytes: Annotated[int, Field(ge=0)]
    """Bytes, this number included."""


class VOSpec(Spec):
    """A virtual organisation."""

    group: Annotated[str, Field(pattern=r"^/?[^/\s]+(/[^/\s]+)*$")] | None = None
    """The group, with its path if it has one (``/biomed/vip``); the manifest's name when not given."""
    description: Word | None = None
    disciplines: tuple[Word, ...] = ()
    scope: PlainText | None = None
    """How far it reaches: ``Global``, ``Regional``, ``National``, ``Local``."""
    status: Literal["Production", "Pending", "Suspended", "Leaving", "Deleted"] | None = None
    serial: Annotated[int, Field(ge=0)] | None = None
    """Serial number of the VO's identity card."""
    homepage: Url | None = None
    enrolmentUrl: Url | None = None
    aup: AcceptableUse | None = None
    supportProcedure: Word | None = None
    """How its users are helped: an address, or words."""
    entitlements: tuple[Entitlement, ...] = ()
    managers: tuple[Person, ...] = ()
    contacts: tuple[Person, ...] = ()
    mailingLists: MailingLists = MailingLists()
    fqans: tuple[Fqan, ...] = ()
    """Groups and roles, as VOMS names them."""
    voms: tuple[VomsServer, ...] = ()
    """Servers that assert who is a member; ``vomses`` and ``.lsc`` files are made of them."""
    memberLists: tuple[MemberList, ...] = ()
    """Other systems that know its members."""
    resources: Resources | None = None
    """What its jobs and machines need."""
    card: Card | None = None
    """What else its identity card says."""
    allocations: tuple[Allocation, ...] = ()
    images: tuple[VoImage, ...] = ()
    cvmfsRepositories: tuple[Hostname, ...] = ()
    """CernVM-FS repositories that its software comes from: ``software.example.org``."""
    zones: tuple[ZoneShare, ...] = ()
    """Parts of the name space that are the VO's: nobody else may declare names there."""
    storageQuotas: tuple[StorageQuota, ...] = ()
    """What it may hold across storages; what it may hold of one stands with the site's storage."""

    def entitlement(self, role: str = CLOUD_ROLE) -> str | None:
        """The entitlement of a role; None when it has none."""
        return next((e.value for e in self.entitlements if e.role == role), None)
