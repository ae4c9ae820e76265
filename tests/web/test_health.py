"""``/healthz``: nothing is asked for, and nothing is told but whether the loop lives, leads and is ready."""

from __future__ import annotations

import pytest
import requests

from reconciler.copies import Board
from reconciler.web.health import Health, routes
from reconciler.web.serving import serving


@pytest.fixture
def asked():
    """How the loop is, to be set, and what a path answers; a token is asked for everywhere else."""
    now = [Health(live=True, leading=True, ready=True)]
    with serving("127.0.0.1:0", Board(), lambda: "a-secret", routes(lambda: now[0])) as url:

        def ask(path: str, health: Health):
            now[0] = health
            answer = requests.get(url + path, timeout=120)
            return answer.status_code, answer.json()

        yield ask


def test_a_leader_that_does_its_rounds_is_live_and_ready(asked):
    said = {"live": True, "leading": True, "ready": True}
    assert asked("/healthz", Health(**said)) == (200, said)
    assert asked("/healthz/ready", Health(**said)) == (200, said)


def test_who_stands_by_lives_and_is_not_ready(asked):
    said = {"live": True, "leading": False, "ready": False}
    assert asked("/healthz", Health(**said)) == (200, said)
    assert asked("/healthz/ready", Health(**said)) == (503, said)


def test_a_round_that_stands_still_is_not_live(asked):
    said = {"live": False, "leading": True, "ready": True}
    assert asked("/healthz", Health(**said)) == (503, said)
    assert asked("/healthz/ready", Health(**said)) == (503, said)
