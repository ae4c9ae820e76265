"""Every route of the whole application says the right that it needs, and keeps out whoever has not got it."""

from __future__ import annotations

import base64
import json
import re

import pytest
import requests
from starlette.routing import Route

from reconciler.web.datasets import application
from reconciler.web.door import right_of
from tests.real.oidc import STRANGER, TIDES, oidc  # noqa: F401
from tests.web.login.conftest import SETTINGS, TOKEN, Entering

HOOK = """\
[[webhooks]]
name = "forge"
forge = "github"
secret = { file = "ROOT/secret" }
"""
SECRETS = ("nobody else may know", "192.0.2.", "waves", "fed.example.org")
VALUES = {
    "kind": "VO",
    "namespace": "tides",
    "name": "tides",
    "run": "x",
    "day": "2026-11-01",
    "digest": "latest",
    "id": "1",
    "scope": "all",
    "rest": "nowhere",
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, oidc):  # noqa: F811
    root = tmp_path_factory.mktemp("whole")
    settings = SETTINGS + HOOK.replace("ROOT", "{root}").replace("{ file", "{{ file").replace('secret" }', 'secret" }}')
    with Entering(root, oidc, settings) as made:
        yield made


def routes(entered):
    found = [*application(entered.service.board, lambda: "", lambda: True, entered.shown.sight.door).routes]
    return [*found, *entered.shown.everything()]


def path_of(route):
    return re.sub(r"{(\w+)(:\w+)?}", lambda found: VALUES.get(found[1], "x"), route.path)


def b64(data):
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


def strangers(entered):
    """Whom nobody may let in: how each shows himself."""
    give = entered.provider.token
    none = f"{b64({'alg': 'none'})}.{give(TIDES).split('.')[1]}."
    kept = entered.store.tokens
    revoked = kept.create("revoked", ["read", "results", "metrics", "pause"], "me", lambda n: "ab" * n)
    kept.revoke("revoked")
    shown = {
        "nobody": "",
        "a guess": TOKEN[:-1],
        "an old token of a person": give(TIDES, exp=1_700_000_000),
        "a token of another issuer": give(TIDES, iss="https://evil.example"),
        "a token that nobody signed": none,
        "a token for somebody else": give(TIDES, aud="another"),
        "a token of another client": give(TIDES, azp="another"),
        "a revoked token of a machine": revoked,
    }
    return {who: {"Authorization": f"Bearer {word}"} if word else {} for who, word in shown.items()} | {
        "a session that never was": {"Cookie": "hanse=" + "0" * 64},
    }


def test_every_route_says_the_right_that_it_needs(whole):
    found = routes(whole)
    assert len(found) > 50
    assert [one.path for one in found if not isinstance(one, Route) or right_of(one) is None] == []
    needs = {(method, one.path): right_of(one) for one in found for method in one.methods - {"HEAD"}}
    changing = {where: right for where, right in needs.items() if where[0] != "GET"}
    assert set(changing.values()) == {"results", "signature", "approve", "pause", "open"}
    assert [where for where, right in changing.items() if right == "open"] == [("POST", "/logout")]
    opened = {path for (method, path), right in needs.items() if right == "open" and not path.startswith("/static/")}
    assert opened == {"/login", "/callback", "/logout", "/api/v1/login", "/healthz", "/healthz/ready"}


def test_a_route_without_a_right_is_noticed():
    async def forgotten(request):
        return None

    assert right_of(Route("/x", forgotten)) is None


def test_whoever_is_not_known_is_kept_out_of_every_route(whole):
    faults = []
    with requests.Session() as session:
        for who, headers in strangers(whole).items():
            for route in routes(whole):
                if right_of(route) == "open":
                    continue
                for method in sorted(route.methods - {"HEAD"}):
                    answer = session.request(method, f"{whole.url}{path_of(route)}", headers=headers, timeout=120)
                    told = [secret for secret in SECRETS if secret in answer.text]
                    if answer.status_code not in (401, 403) or told:
                        faults.append((who, method, route.path, answer.status_code, told))
    assert faults == []


def test_whoever_is_known_and_has_not_the_right_is_kept_out(whole):
    """Somebody whom nobody gave rights, and tokens of machines that were made for another thing."""
    give = whole.store.tokens.create
    words = {
        right: give(right, [right], "me", lambda n, r=right: r[2].encode().hex() * n)
        for right in ("results", "metrics", "read", "pause")
    }
    shown = {"": whole.provider.token(STRANGER), **words}
    faults = []
    with requests.Session() as session:
        for has, word in shown.items():
            for route in routes(whole):
                right = right_of(route)
                if right in ("open", "known", has):
                    continue
                for method in sorted(route.methods - {"HEAD"}):
                    headers = {"Authorization": f"Bearer {word}"}
                    answer = session.request(method, f"{whole.url}{path_of(route)}", headers=headers, timeout=120)
                    told = [secret for secret in SECRETS if secret in answer.text]
                    if answer.status_code not in (401, 403) or told:
                        faults.append((has, method, route.path, answer.status_code, told))
    assert faults == []


def test_whoever_may_look_does(whole):
    for word in (TOKEN, whole.provider.token(TIDES)):
        for path in (
            "/",
            "/plan",
            "/api/v1/status",
            "/api/v1/plans/latest/consents",
            "/v1/datasets/copies?dataset=a:b",
        ):
            assert whole.get(path, word).status_code == 200, path
        assert whole.get("/gocdbpi/private/?method=get_site", word).status_code == 200


def test_no_answer_tells_a_token(whole):
    for word in (whole.provider.token(TIDES, exp=1), TOKEN[:-1], whole.provider.token(STRANGER)):
        for path in ("/", "/api/v1/status", "/me", "/metrics"):
            assert word not in whole.get(path, word).text
