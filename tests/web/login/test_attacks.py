"""What somebody tries at the door who knows browsers and tokens well."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests
from sqlalchemy import update

from reconciler.records.tables import SessionRow, table
from tests.real.oidc import OPERATOR
from tests.web.login.conftest import SETTINGS, Entered, Entering
from tests.web.login.test_deeds import OWNERS


@pytest.fixture(scope="module")
def entered(tmp_path_factory, oidc) -> Iterator[Entered]:
    with Entering(tmp_path_factory.mktemp("attacked"), oidc, SETTINGS + OWNERS) as made:
        yield made


def part(said: object) -> str:
    return base64.urlsafe_b64encode(said if isinstance(said, bytes) else json.dumps(said).encode()).decode().rstrip("=")


def test_what_is_no_token_is_refused_whatever_it_is_made_of(entered):
    deep = b"[" * 6_000 + b"]" * 6_000
    issuer = {"iss": entered.provider.url}
    for header, body in (({}, []), ({}, deep), (deep, issuer), ({}, 1), ({"kid": []}, issuer), ([], issuer)):
        word = f"{part(header)}.{part(body)}.c2ln"
        assert entered.get("/api/v1/whoami", word).status_code == 401, (header, body)


def test_a_password_that_a_browser_remembers_changes_nothing(entered):
    token = entered.store.tokens.create("a person's", ["read", "pause"], "me", lambda n: "5a" * n)
    forged = {"Content-Type": "text/plain", "Origin": "https://evil.example.org"}
    body = '{"scope":"all","reason":"="}'
    answer = requests.post(
        f"{entered.url}/api/v1/pauses", data=body, headers=forged, auth=("x", token), timeout=120, allow_redirects=False
    )
    assert answer.status_code == 401
    assert entered.store.pauses.list() == ()
    looked = requests.get(f"{entered.url}/api/v1/pauses", auth=("x", token), timeout=120)
    assert looked.status_code == 200


def test_rights_that_were_told_long_ago_let_nobody_do_anything(entered):
    browser = entered.logged_in(OPERATOR, "/hold")
    held = table(SessionRow)
    with entered.store.database.writing() as connection:
        ago = entered.store.database.now() - timedelta(minutes=11)
        connection.execute(update(held).values(since=ago))
    page = browser.get(f"{entered.url}/hold?scope=all", timeout=120)
    assert page.status_code == 200
    form = dict(re.findall(r'name="(csrf|scope)" value="([^"]*)"', page.text))
    said = browser.post(f"{entered.url}/hold", data={**form, "reason": "x"}, timeout=120)
    assert said.status_code == 401
    assert "log in again" in said.text
    assert [*entered.store.pauses.list()] == []
