"""Ticket drafts: who is to be asked what. The same finding always makes the same key, so that it is asked once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from reconciler.metering import bounds
from reconciler.model import Ref
from reconciler.ola.escalation import DraftRule
from reconciler.ola.nouns import Evaluation, Finding, Measured

_PRIORITIES: dict[DraftRule, str] = {
    "three-misses": "urgent",
    "unknown": "less urgent",
    "core": "urgent",
    "sla": "less urgent",
    "alarm": "urgent",
}


@dataclass(frozen=True)
class Draft:
    """One ticket that is not written yet."""

    key: str
    """``SITE/rule/2026-10``, in between who else it is about."""
    rule: DraftRule
    site: str
    ngi: str
    title: str
    body: str
    priority: str
    """less urgent, urgent, very urgent, top priority."""
    since: datetime
    """When what it is about could first be known."""
    continues: tuple[str, ...] = ()
    """Keys of earlier months of the same: while one of these tickets is open, no other is needed."""

    @property
    def mark(self) -> str:
        """One word that stands in the title, by which the ticket is found."""
        return mark_of(self.key)

    @property
    def full_title(self) -> str:
        """The title with the mark."""
        return f"{self.title} [{self.mark}]"


@dataclass(frozen=True)
class Alarm:
    """A check of a service of a site that fails for good."""

    site: str
    ngi: str
    service: str
    hostname: str
    probe: Ref
    since: datetime
    summary: str


def mark_of(key: str) -> str:
    """``hanse`` and 16 hex digits: a search takes it for one word."""
    return f"hanse{sha256(key.encode()).hexdigest()[:16]}"


def drafts(evaluations: Iterable[Evaluation]) -> list[Draft]:
    """What asks for a ticket, of months that are over."""
    return [draft for one in evaluations if not one.partial for draft in _of(one)]


def _of(one: Evaluation) -> Iterator[Draft]:
    rules = {finding.rule: finding for finding in one.findings}
    missed = [rules[rule] for rule in ("availability", "reliability", "unknown") if rule in rules]
    match one.subject.agreement:
        case "site":
            if "three-misses" in rules:
                yield _draft(one, "three-misses", "below its targets three months in a row", _explain(one))
            elif "unknown" in rules:
                yield _draft(one, "unknown", "too much of the month is unknown", _unknown(one, rules["unknown"]))
        case "core" if missed:
            yield _draft(one, "core", "core service below its targets", _missed(one, missed))
        case "vo" if missed:
            yield _draft(one, "sla", "below what the VO was promised", _missed(one, missed))
        case _:
            return


def _draft(one: Evaluation, rule: DraftRule, about: str, body: str) -> Draft:
    subject = one.subject
    about_whom = [subject.site, rule, *(part for part in (subject.service, subject.hostname, subject.vo) if part)]
    return Draft(
        key="/".join([*about_whom, one.month]),
        rule=rule,
        site=subject.site,
        ngi=one.ngi,
        title=f"{subject.name}: {about} ({one.month})",
        body=body,
        priority=_PRIORITIES[rule],
        since=bounds(one.month)[1],
        continues=tuple("/".join([*about_whom, month]) for month, _ in one.misses[1:]),
    )


def _explain(one: Evaluation) -> str:
    return "\n".join(
        [
            f"{one.subject.name} has missed its targets in {len(one.misses)} months in a row.",
            "",
            *_months(one),
            "",
            "Please explain within 10 working days what happened, and what is planned so that it does not go on.",
            "Without a satisfactory answer the site may be suspended.",
        ]
    )


def _unknown(one: Evaluation, finding: Finding) -> str:
    said = f"Of {finding.value:.3f} % of {one.month} nothing is known of {one.subject.name}"
    return "\n".join(
        [
            f"{said}; no more than {finding.target:g} % may be.",
            "",
            *_months(one),
            "",
            "Please see whether its services are registered as they are, and whether monitoring reaches them.",
        ]
    )


def _missed(one: Evaluation, findings: Iterable[Finding]) -> str:
    said = [f"- {finding.text}" for finding in findings]
    return "\n".join([f"{one.subject.name} in {one.month}:", "", *said, "", *_months(one), "", "Please look into it."])


def _months(one: Evaluation) -> list[str]:
    wanted = one.promise
    head = f"month    availability (target {_said(wanted.availability)})  reliability ({_said(wanted.reliability)})"
    return [f"{head}  unknown ({_said(wanted.unknown)})", *(_month(*told) for told in one.misses)]


def _month(month: str, one: Measured) -> str:
    return f"{month}  {_said(one.availability)}  {_said(one.reliability)}  {_said(one.unknown)}"


def _said(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f} %"


def alarm_drafts(alarms: Iterable[Alarm]) -> list[Draft]:
    """A draft for each alarm; it is due when the site has had its day."""
    return [
        Draft(
            key=f"{one.site}/alarm/{one.probe.partition('/')[2]}/{one.since:%Y%m%dT%H%M%S}",
            rule="alarm",
            site=one.site,
            ngi=one.ngi,
            title=f"{one.site}: {one.service} at {one.hostname} fails since {one.since:%Y-%m-%d %H:%M} UTC",
            body=f"{one.probe} says since {one.since:%Y-%m-%d %H:%M} UTC:\n\n    {one.summary}\n\nPlease mend it,"
            " declare a downtime, or say why it is not to be mended.",
            priority=_PRIORITIES["alarm"],
            since=one.since,
        )
        for one in alarms
    ]
