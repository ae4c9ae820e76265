"""Pages of the login in a real browser: readable in light and dark, quiet, and with what somebody may do."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.real.chromium import Chromium, chromium  # noqa: F401
from tests.real.oidc import STRANGER, TIDES, WAVES
from tests.web.login.test_deeds import federation, waiting  # noqa: F401
from tests.web.shown.test_pages import READING

KEPT = os.environ.get("SCREENSHOTS", "")
"""A folder for what was seen, for people to look at."""


def shown(browser: Chromium, url: str, cookie: str) -> list[str]:
    browser.call("Network.clearBrowserCookies")
    if cookie:
        browser.call("Network.setCookie", name="hanse", value=cookie, url=url, httpOnly=True)
    browser.open(url)
    of_ours = [said for said in browser.complaints if "status of 40" not in said]
    return [
        *browser.run(READING.replace('("input,', '("input:not([type=hidden]),')),
        *of_ours,
        *(one for one in browser.asked if "127.0.0.1" not in one),
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_of_the_login_are_readable(waiting, chromium, dark):  # noqa: F811
    entered = waiting.entered
    of = {who: entered.logged_in(who).cookies.get("hanse") for who in (TIDES, WAVES, STRANGER)}
    part = "/plan/part?name=vo:tides"
    pages = (
        ("stranger", "/plan", STRANGER),
        ("nobody", "/plan", ""),
        ("login", "/login?issuer=", ""),
        ("me", "/me", TIDES),
        ("plan", "/plan", TIDES),
        ("part", part, TIDES),
        ("refused", part, WAVES),
        ("hold", "/hold?scope=namespace:tides", TIDES),
        ("overview", "/", TIDES),
    )
    chromium.headers()
    chromium.look(dark=dark)
    faults = {}
    for name, path, who in pages:
        faults[name] = shown(chromium, f"{entered.url}{path}", of.get(who, ""))
        if KEPT:
            (Path(KEPT) / f"{name}-{'dark' if dark else 'light'}.png").write_bytes(chromium.png())
    chromium.call("Network.clearBrowserCookies")
    assert {name: found for name, found in faults.items() if found} == {}
