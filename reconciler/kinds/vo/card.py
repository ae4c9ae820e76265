"""What a VO's identity card says beyond names and contacts: its groups, the servers that know its members, its jobs.

The fields are those of the card of EGI's Operations Portal; ``reconciler/exchange/vocard`` reads and writes it. All of
it is optional.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field

from reconciler.kinds.gocdb import Hostname, Url
from reconciler.kinds.when import Instant
from reconciler.model import Strict

Word = Annotated[str, Field(min_length=1)]
Port = Annotated[int, Field(ge=1, le=65535)]
Amount = Annotated[int, Field(ge=0)]
Measure = Amount | Word
"""A number; where a card says something else, its words."""
Dn = Annotated[str, Field(pattern=r'^/[A-Za-z0-9.]+=[^"\x00-\x1f]+$', max_length=1000)]
"""Distinguished name as OpenSSL's old form has it: ``/DC=org/CN=host.example.org``."""
Middleware = Literal["ARC", "gLite", "UNICORE", "GLOBUS", "CLOUD_STORAGE", "CLOUD_COMPUTING"]

WELL_FORMED = re.compile(r"((?:/[^/\s=]+)+)(?:/Role=([^/\s=]+))?(?:/Capability=[^/\s=]+)?")
"""A name as VOMS knows it: its group with its path, and its role."""


class Fqan(Strict):
    """A group of the VO, or a role in one, as VOMS asserts it."""

    fqan: Annotated[str, Field(pattern=r"^/\S+$", max_length=1000)]
    """``/vo.example.org/production/Role=manager``."""
    description: Word | None = None
    type: Word | None = None
    """What it is for: ``Software Manager``, ``Production Manager``, ``Pilot``, ``Normal Users``."""
    used: bool = True
    """Whether sites are to know it."""
    share: Word | None = None
    """Its part of the VO's share at a site, usually percent."""


class VomsServer(Strict):
    """A server that asserts who is a member."""

    hostname: Hostname
    vomsesPort: Port | None = None
    """Port that proxies are asked for at: that of ``vomses``."""
    httpsPort: Port | None = None
    """Port of its administration."""
    admin: bool = False
    """Whether its administration is reached there too."""
    membersUrl: Url | None = None
    """Where its list of members is."""
    dn: Dn | None = None
    """Distinguished name of its certificate: the first line of its ``.lsc``."""
    caDn: Dn | None = None
    """That of the authority that issued it: the second line."""
    certificate: Word | None = None
    """The certificate itself, PEM."""
    serialNumber: Word | None = None


class MemberList(Strict):
    """Another system that knows who is a member."""

    system: Literal["Perun", "Comanage"]
    url: Url | None = None


class Range(Strict):
    """The least, what is best, and the most."""

    min: Amount | None = None
    preferred: Amount | None = None
    max: Amount | None = None


class Resources(Strict):
    """What the VO's jobs and machines need."""

    maxCpuMinutes: Amount | None = None
    """CPU time of a job, at most."""
    maxWallMinutes: Amount | None = None
    """Wall clock time of a job, at most."""
    ramI386MB: Amount | None = None
    """Memory for each core of a machine with 32 bits."""
    ramX8664MB: Amount | None = None
    """Memory for each core of a machine with 64 bits."""
    scratchMB: Amount | None = None
    """Disk for a job."""
    multicoreRamMB: Range | None = None
    """Memory for a job on several cores."""
    multicoreScratchMB: Range | None = None
    multicoreCores: Range | None = None
    cloudCores: Measure | None = None
    """Cores of a machine in a cloud. Cards give no unit for the three of the cloud, and some give words."""
    cloudStorage: Measure | None = None
    cloudRam: Measure | None = None
    other: Word | None = None
    """Whatever else is needed."""


class Card(Strict):
    """What stands on the card and nowhere else."""

    id: Amount | None = None
    """Number at the portal; the serial number + 10000 when not given."""
    alias: Word | None = None
    gridId: Word | None = None
    validated: Instant | None = None
    """When somebody last said that it is right."""
    changed: Instant | None = None
    """When it was last changed at the portal."""
    discipline: Word | None = None
    """The one discipline of old cards, where it is not the first of ``disciplines``."""
    disciplineIds: dict[Word, Word] = Field(default={})
    """Discipline -> its number in the portal's list."""
    middlewares: tuple[Middleware, ...] = ()
    """Software that the VO uses, of cards of the first form."""
    cvmfsEndpoints: Word | None = None
    """Endpoints of CernVM-FS, where they are not names of repositories."""
