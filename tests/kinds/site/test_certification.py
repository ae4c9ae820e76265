"""Certification as a state machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.kinds import registry
from reconciler.kinds.base import Stated
from reconciler.kinds.site.certification import STEPS
from tests.kinds.downtime.downtimes import resources

KIND = registry()["Site"]
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def site(status: str | None, reason: str = "", force: bool = False):
    said = {"certification": status} if status else {}
    if reason:
        said["certificationChange"] = {"reason": reason, "force": force}
    return KIND.Spec.model_validate(said, strict=False)


def found(before, wanted) -> list[str]:
    return [rule for rule, _ in KIND.turned(before, wanted, NOW)]


DOCUMENTED = [(old, new) for old, some in STEPS.items() for new in sorted(some)]
UNDOCUMENTED = [(old, new) for old, some in STEPS.items() for new in STEPS if new != old and new not in some]


def test_there_are_eight_documented_steps_and_the_end_is_closed():
    assert len(DOCUMENTED) == 8
    assert len(UNDOCUMENTED) == 12
    assert not STEPS["Closed"]


@pytest.mark.parametrize(("old", "new"), DOCUMENTED)
def test_documented_steps_pass_and_want_a_reason(old, new):
    assert found(site(old), site(new, "as the procedure says")) == []
    assert found(site(old), site(new)) == ["site-certification-reason"]


@pytest.mark.parametrize(("old", "new"), UNDOCUMENTED)
def test_other_steps_need_force_and_a_reason(old, new):
    assert found(site(old), site(new, "because")) == ["site-certification-step"]
    assert found(site(old), site(new, "because", force=True)) == []


def test_force_counts_once():
    """What was forced earlier does not force the next step too."""
    before = site("Certified", "because", force=True)
    assert found(before, site("Candidate", "because", force=True)) == ["site-certification-step"]
    assert found(before, site("Candidate", "again", force=True)) == []


def test_the_first_status_may_be_any_and_none_is_no_step():
    assert [found(site(None), site(status)) for status in STEPS] == [[]] * 5
    assert found(site("Certified"), site("Certified")) == []
    assert found(site("Certified"), site(None)) == ["site-certification-step"]


def test_the_fault_names_the_steps_there_are():
    ((_, fault),) = KIND.turned(site("Suspended"), site("Certified"), NOW)
    assert fault.message == "Suspended to Certified is no documented step: Suspended leads to Closed or Uncertified"
    ((_, fault),) = KIND.turned(site("Closed"), site("Candidate"), NOW)
    assert fault.message.endswith("Closed is the end")


def test_a_plan_says_the_step_with_its_reason():
    assert (
        KIND.step(site("Certified"), site("Suspended", "no answer"))
        == "certification Certified to Suspended: no answer"
    )
    assert KIND.step(site("Closed"), site("Certified", "a mistake", force=True)) == (
        "certification Closed to Certified, forced: a mistake"
    )
    assert KIND.step(site("Certified"), site("Certified", "x")) == ""


@pytest.mark.parametrize(("days", "told"), [(100, False), (122, False), (123, True)])
def test_a_long_suspension_is_told(days, told):
    here = resources({"Site/A": site("Suspended")})
    (ref,) = here
    said = [
        Stated(NOW - timedelta(days=400), site("Suspended")),
        Stated(NOW - timedelta(days=300), site("Certified")),
        Stated(NOW - timedelta(days=days), site("Suspended")),
        Stated(NOW - timedelta(days=3), site("Suspended", "a word changed")),
    ]
    assert bool([*KIND.hindsight(here, {ref: said}, NOW)]) == told
