"""Approvals: scoped, counted, with an end."""

from __future__ import annotations

import datetime as dt

import pytest
from pydantic import ValidationError

from reconciler.kinds.approval import KIND, ApprovalSpec
from reconciler.model import Ref

GOOD = {
    "scope": {"actions": ["delete"], "kinds": ["DNSRecord"]},
    "atMost": 3,
    "expires": "2026-12-31T23:59:59Z",
    "reason": "moved away",
    "by": "maria",
}


def approval(**change):
    return ApprovalSpec.model_validate({**GOOD, **change}, strict=False)


def test_an_approval_expires_in_utc():
    assert approval().expires == dt.datetime(2026, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
    assert ApprovalSpec.model_validate_json(approval().canonical()) == approval()


@pytest.mark.parametrize("missing", sorted(GOOD))
def test_every_field_must_be_given(missing):
    with pytest.raises(ValidationError):
        ApprovalSpec.model_validate({k: v for k, v in GOOD.items() if k != missing}, strict=False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"atMost": 0},
        {"expires": "2026-12-31T23:59:59+02:00"},
        {"expires": "2026-12-31T23:59:59"},
        {"expires": "soon"},
        {"reason": ""},
        {"by": ""},
        {"scope": {"actions": ["destroy"]}},
        {"scope": {"actions": []}},
        {"scope": {"kinds": []}},
        {"scope": {"kindz": ["Site"]}},
    ],
)
def test_a_wrong_approval_is_refused(wrong):
    with pytest.raises(ValidationError):
        approval(**wrong)


@pytest.mark.parametrize("scope", [{}, {"kinds": ["*"]}, {"kinds": ["*"], "targets": ["*"]}])
def test_no_approval_is_for_everything(scope):
    (rule,) = KIND.rules
    assert [f.path for f in rule.check(Ref("Approval/x"), approval(scope=scope))] == ["spec.scope"]
    assert list(rule.check(Ref("Approval/x"), approval())) == []
