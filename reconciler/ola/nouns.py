"""What agreements are about: who promised what, what was measured, and what was found. All numbers are percent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AgreementKind = Literal["site", "core", "vo"]
"""site: its operational level agreement; core: a core service; vo: what a site promised to a VO (SLA)."""
FindingRule = Literal["availability", "reliability", "unknown", "three-misses", "use"]


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """Of whom something is expected."""

    agreement: AgreementKind
    site: str
    service: str = ""
    """Type of a core service."""
    hostname: str = ""
    vo: str = ""

    @property
    def name(self) -> str:
        """As people call it: ``NORTH``, ``NORTH Top-BDII bdii.north.org``, ``tides at NORTH``."""
        if self.agreement == "vo":
            return f"{self.vo} at {self.site}"
        return " ".join(part for part in (self.site, self.service, self.hostname) if part)

    @property
    def measured_as(self) -> tuple[str, str, str]:
        """Site, service type and host under which it is measured; a VO gets what the site gives."""
        return self.site, self.service, self.hostname


@dataclass(frozen=True, slots=True)
class Use:
    """What a VO used of what it was granted at a site, on the average over the time of the grant in the month."""

    what: Literal["cores", "memory", "machines"]
    granted: float
    """Cores, GiB, machines."""
    used: float

    @property
    def percent(self) -> float | None:
        """Of what was granted; None where nothing was."""
        return self.used / self.granted * 100 if self.granted else None


@dataclass(frozen=True, slots=True)
class Promise:
    """What is expected of a subject in a month; None where nothing is."""

    subject: Subject
    availability: float | None
    reliability: float | None
    unknown: float | None
    uses: tuple[Use, ...] = ()
    ngi: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """A month as it was. None: undefined, for nothing was known, or nothing but downtime."""

    availability: float | None
    reliability: float | None
    unknown: float
    days: int
    """Days that have a row."""
    ngi: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    rule: FindingRule
    text: str
    value: float
    target: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One agreement in one month."""

    month: str
    subject: Subject
    ngi: str
    promise: Promise
    measured: Measured | None
    """None: nothing was measured."""
    misses: tuple[tuple[str, Measured], ...]
    """Months in a row, the last one first, that missed a target, as they were."""
    findings: tuple[Finding, ...]
    partial: bool
    """The month is not over: nothing follows from it yet."""

    @property
    def is_kept(self) -> bool:
        """Whether nothing was found."""
        return not self.findings
