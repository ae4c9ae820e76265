"""Which steps a site may take in its certification: EGI's procedure PROC09 as a state machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from reconciler.kinds.base import Fault, Rule, Stated, between
from reconciler.kinds.site.spec import CertificationChange, SiteSpec
from reconciler.model import Ref, Resource

STEPS: Mapping[str, frozenset[str]] = {
    "Candidate": frozenset({"Uncertified", "Closed"}),
    "Uncertified": frozenset({"Certified", "Closed"}),
    "Certified": frozenset({"Suspended", "Closed"}),
    "Suspended": frozenset({"Uncertified", "Closed"}),
    "Closed": frozenset(),
}
"""The documented steps. What is declared for the first time may stand anywhere."""
LONGEST_SUSPENSION = timedelta(days=122)
"""Four months: then a site is certified anew, or closed."""
_FIELD = "spec.certification"
_CURE = "take the documented step, or give certificationChange with force: true and a reason of its own"


def steps(before: SiteSpec, wanted: SiteSpec | None, _now: datetime) -> Iterator[tuple[str, Fault]]:
    """What is wrong with the step from one status to another."""
    old, new = before.certification, wanted.certification if wanted else None
    if wanted is None or old is None or old == new:
        return
    change = _change(before, wanted)
    if new not in STEPS[old] and not (change and change.force):
        yield "site-certification-step", Fault(_FIELD, _undocumented(old, new), _CURE)
    elif not change:
        yield (
            "site-certification-reason",
            Fault(_FIELD, f"{old} to {new}, and no reason is given", "give certificationChange.reason"),
        )


def _undocumented(old: str, new: str | None) -> str:
    known = STEPS[old]
    onward = f"{old} leads to {' or '.join(sorted(known))}" if known else f"{old} is the end"
    return f"{old} to {new or 'no status'} is no documented step: {onward}"


def _change(before: SiteSpec, wanted: SiteSpec) -> CertificationChange | None:
    """What is said of this step; what was said of an earlier one says nothing."""
    return wanted.certificationChange if wanted.certificationChange != before.certificationChange else None


def meaning(before: SiteSpec, wanted: SiteSpec) -> str:
    """A change of status in words, with its reason."""
    old, new = before.certification, wanted.certification
    if old == new:
        return ""
    change = _change(before, wanted)
    forced = ", forced" if change and change.force and old and new not in STEPS[old] else ""
    why = f": {change.reason}" if change else ""
    return f"certification {old or 'unknown'} to {new or 'unknown'}{forced}{why}"


def suspended_long(
    resources: Mapping[Ref, Resource], stated: Mapping[Ref, Sequence[Stated[SiteSpec]]], now: datetime
) -> Iterator[tuple[Ref, str, Fault]]:
    """Sites that have been suspended for over four months, as far as git tells since when."""
    for ref, said in sorted(stated.items()):
        if ref not in resources or resources[ref].spec.certification != "Suspended":
            continue
        since = _since(said)
        if since is not None and now - since > LONGEST_SUSPENSION:
            message = f"suspended since {since:%Y-%m-%d}, {(now - since).days} days: at most four months"
            yield ref, "site-suspended-long", Fault(_FIELD, message, "certify it anew (Uncertified first), or close it")


def _since(said: Sequence[Stated[SiteSpec]]) -> datetime | None:
    """From which commit on it was suspended without a break."""
    since = None
    for one in reversed(said):
        if one.spec is None or one.spec.certification != "Suspended":
            break
        since = one.at
    return since


def _forced(_ref: Ref, spec: SiteSpec) -> Iterator[Fault]:
    if spec.certificationChange is not None and spec.certification is None:
        yield Fault("spec.certificationChange", "it tells of a change, and there is no status", "give certification")


RULES = (
    Rule("site-certification-change", "A change of certification belongs to a status.", _forced),
    Rule(
        "site-certification-step",
        "A site's certification takes the documented steps of PROC09, or others by force and with a reason.",
        between,
    ),
    Rule("site-certification-reason", "A change of certification says why.", between, "warning"),
    Rule("site-suspended-long", "A site is suspended for four months at most.", between, "warning"),
)
