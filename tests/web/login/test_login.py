"""People log in through a real provider, by forms alone, and out again."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from reconciler.web.login import own_path
from tests.real.oidc import NORTH, STRANGER, TIDES, WAVES
from tests.web.login.conftest import TOKEN


def csrf(page: requests.Response) -> str:
    return re.search(r'name="csrf" value="([0-9a-f]{64})"', page.text)[1]


def test_somebody_logs_in_and_comes_back_to_what_he_asked_for(entered):
    browser = entered.browser()
    refused = browser.get(f"{entered.url}/plan?x=1", timeout=120)
    assert refused.status_code == 401
    way = re.search(r'class="button" href="(/login[^"]*)"', refused.text)[1]
    assert way == "/login?next=%2Fplan%3Fx%3D1"
    page = entered.provider.log_in(f"{entered.url}/login?next=/plan", TIDES, browser)
    assert (page.status_code, page.url) == (200, f"{entered.url}/plan")
    assert '<a href="/me">Tim Tides</a>' in page.text
    me = browser.get(f"{entered.url}/me", timeout=120).text.replace("<wbr>", "")
    assert TIDES in me
    assert "urn:mace:egi.eu:group:tides:role=manager" in me
    assert browser.get(f"{entered.url}/api/v1/status", timeout=120).status_code == 200


def test_the_cookie_is_of_no_use_to_scripts_and_is_another_after_each_login(entered):
    browser = entered.browser()
    entered.provider.log_in(f"{entered.url}/login?next=/me", TIDES, browser)
    first = browser.cookies.get("hanse")
    made = next(one for one in browser.cookies if one.name == "hanse")
    assert made.has_nonstandard_attr("HttpOnly")
    assert made.get_nonstandard_attr("SameSite") == "lax"
    entered.provider.log_in(f"{entered.url}/login?next=/me", TIDES, browser)
    assert browser.cookies.get("hanse") != first
    assert entered.get("/plan", Cookie=f"hanse={first}").status_code == 401


def test_behind_a_proxy_with_https_nobody_else_can_set_the_cookie(entered):
    answer = entered.get("/login", **{"X-Forwarded-Proto": "https", "Host": "hanse.example.org"})
    said = answer.headers["set-cookie"]
    assert said.startswith("__Host-hanse-login=")
    assert "Secure" in said
    assert "HttpOnly" in said
    assert "Domain" not in said
    back = parse_qs(urlsplit(answer.headers["location"]).query)["redirect_uri"]
    assert back == ["https://hanse.example.org/callback"]


def test_somebody_without_rights_logs_in_and_sees_nothing(entered):
    browser = entered.logged_in(STRANGER)
    for path in ("/", "/plan", "/resources/VO/tides", "/api/v1/resources", "/api/v1/plan"):
        answer = browser.get(f"{entered.url}{path}", timeout=120)
        assert answer.status_code == 403, path
        assert "nobody else may know" not in answer.text
    assert "Sam Stranger" in browser.get(f"{entered.url}/me", timeout=120).text


def test_logging_out_ends_the_session_here_or_everywhere(entered):
    here, there = entered.logged_in(WAVES), entered.logged_in(WAVES)
    word = csrf(here.get(f"{entered.url}/me", timeout=120))
    assert here.post(f"{entered.url}/logout", data={"csrf": "0" * 64}, timeout=120).status_code == 403
    assert here.post(f"{entered.url}/logout", data={}, timeout=120).status_code == 403
    kept = here.cookies.get("hanse")
    assert here.post(f"{entered.url}/logout", data={"csrf": word}, timeout=120).url == f"{entered.url}/login?issuer="
    assert entered.get("/plan", Cookie=f"hanse={kept}").status_code == 401
    assert there.get(f"{entered.url}/plan", timeout=120).status_code == 200
    third = entered.logged_in(WAVES)
    word = csrf(third.get(f"{entered.url}/me", timeout=120))
    third.post(f"{entered.url}/logout", data={"csrf": word, "everywhere": "1"}, timeout=120)
    assert there.get(f"{entered.url}/plan", timeout=120).status_code == 401


def stopped(entered, identity):
    """A login that was done at the provider, with the answer not yet brought to Hanse."""
    browser = entered.browser()
    seen = []

    class Stop(Exception):
        pass

    def look(answer, **_):
        if answer.headers.get("location", "").startswith(f"{entered.url}/callback"):
            seen.append(answer.headers["location"])
            raise Stop

    browser.hooks["response"].append(look)
    with pytest.raises(Stop):
        entered.provider.log_in(f"{entered.url}/login?next=/plan", identity, browser)
    browser.hooks["response"].clear()
    return browser, seen[0]


def test_what_comes_back_must_be_what_was_begun_in_this_browser_and_comes_once(entered):
    browser, back = stopped(entered, NORTH)
    wrong = {
        "another state": re.sub(r"state=[^&]+", "state=" + "0" * 64, back),
        "another issuer": re.sub(r"iss=[^&]+", "iss=https%3A%2F%2Fevil.example", back),
        "no issuer": re.sub(r"&iss=[^&]+", "", back),
        "another code": re.sub(r"code=[^&]+", "code=guessed", back),
        "an error": re.sub(r"code=[^&]+", "error=access_denied", back),
    }
    for said, way in wrong.items():
        other, _ = stopped(entered, NORTH)
        state = re.search(r"state=([^&]+)", _)[1]
        way = way if said == "another state" else re.sub(r"state=[^&]+", f"state={state}", way)
        answer = other.get(way, timeout=120, allow_redirects=False)
        assert (answer.status_code, "hanse" in other.cookies) == (403, False), said
    assert entered.browser().get(back, timeout=120).status_code == 403  # login CSRF: begun elsewhere
    assert browser.get(back, timeout=120).url == f"{entered.url}/plan"
    assert browser.get(back, timeout=120, allow_redirects=False).status_code == 403


@pytest.mark.parametrize(
    "asked",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/\n//evil.example",
        "",
        "plan",
    ],
)
def test_after_a_login_one_comes_to_a_page_of_ours(asked):
    assert own_path(asked) == "/"
    assert own_path("/plan?part=site%3AX") == "/plan?part=site%3AX"


def test_the_api_tells_who_one_is(entered):
    told = entered.get("/api/v1/whoami", entered.provider.token(TIDES)).json()
    assert (told["identity"], told["proof"], told["reads"]) == (TIDES, "oidc", True)
    assert entered.get("/api/v1/whoami", TOKEN).json()["proof"] == "token"
    assert entered.get("/api/v1/whoami").status_code == 401
    issuers = entered.get("/api/v1/login").json()["issuers"]
    assert [(one["issuer"], one["client_id"]) for one in issuers] == [(entered.provider.url, "hanse-cli")]
    assert "secret" not in str(issuers)


def test_no_token_of_the_provider_is_kept(entered):
    entered.logged_in(TIDES)
    with entered.store.database.reading() as connection:
        rows = [
            str(tuple(row))
            for name in ("sessions", "logins")
            for row in connection.exec_driver_sql(f"select * from {name}")
        ]
    assert rows
    assert not [row for row in rows if "eyJ" in row]
