"""A machine that stands by, or has not read git yet, does not know who may look: it says so and lets nobody in."""

from __future__ import annotations

import pytest

from tests.real.oidc import STRANGER, TIDES, oidc  # noqa: F401
from tests.web.login.conftest import TOKEN, Entering


@pytest.fixture(scope="module")
def idle(tmp_path_factory, oidc):  # noqa: F811
    with Entering(tmp_path_factory.mktemp("idle"), oidc) as made:
        made.service.planned = None
        yield made


@pytest.mark.parametrize("path", ["/", "/plan", "/api/v1/status", "/api/v1/plans/latest/consents"])
def test_before_anything_was_planned_people_are_told_to_come_back(idle, path):
    answer = idle.get(path, idle.provider.token(STRANGER))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert "this machine stands by, or has not read git yet" in answer.text
    assert "tides" not in answer.text


def test_whom_the_configuration_lets_in_looks_all_the_same(idle):
    assert idle.get("/api/v1/status", TOKEN).status_code == 200
    assert idle.get("/api/v1/status", idle.provider.token(TIDES)).status_code == 200


def test_tokens_that_do_not_hold_or_lack_a_right_are_refused_as_ever(idle):
    assert idle.get("/api/v1/status", idle.provider.token(STRANGER, exp=1)).status_code == 401
    word = idle.store.tokens.create("metrics", ["metrics"], "me", lambda n: "ab" * n)
    assert idle.get("/api/v1/status", word).status_code == 403
