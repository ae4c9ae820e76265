"""Pages in a real browser: light and dark, wide and narrow, readable, quiet, and deaf to what names try to say."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from reconciler.model import Ref, UsageRecord
from reconciler.model.machine import Machine
from reconciler.model.uptime import UptimeDay, UptimeRecord
from reconciler.web.api.asked import Query
from reconciler.web.door import VISIT, Visit
from reconciler.web.pages import views
from reconciler.web.sight import Sight
from tests.real.chromium import Chromium, chromium  # noqa: F401
from tests.real.waiting import until
from tests.web.shown.conftest import EVIL, LOST, TOKEN, WWW, Showing, days

PAGES = (
    "/",
    "/resources",
    "/resources?condition=Ready:Unknown",
    f"/resources/{LOST}",
    f"/resources/{WWW}",
    "/resources/VO/tides",
    "/resources/Site/NORTH",
    "/plan",
    "/graph",
    "/graph?vo=tides",
    f"/graph?around={WWW}",
    "/runs",
    "/availability",
    "/availability?last=2020-01-01",
    f"/sites/NORTH/days/{days()[0]}",
    "/usage",
    "/usage?month=2020-01",
    "/map",
)
MORE_RUNS = """new Promise((done, fail) => {
  const look = () => document.querySelectorAll('#runs tbody tr').length > %d ? done(true) : setTimeout(look, 100);
  look(); setTimeout(() => fail(new Error('nothing came')), 120000);
})"""
READING = """(() => {
  const numbers = said => said.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map(c => (c /= 255) <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
    return .2126 * x + .7152 * y + .0722 * z;
  };
  const ground = element => {
    const box = element.closest("a.node, a.block");
    if (box) return numbers(getComputedStyle(box.querySelector("rect")).fill);
    for (let one = element; one; one = one.parentElement) {
      const found = numbers(getComputedStyle(one).backgroundColor);
      if (found.length < 4 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const faults = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode, element = text.parentElement;
    if (!text.data.trim() || !element.getClientRects().length || element.closest("title, script, option")) continue;
    const style = getComputedStyle(element);
    const ink = numbers(element instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(ink), light(ground(element))].sort((p, q) => q - p);
    if ((a + .05) / (b + .05) < 4.5) faults.push(`contrast ${((a + .05) / (b + .05)).toFixed(2)}: ${text.data.trim()}`);
  }
  for (const field of document.querySelectorAll("input, select, textarea, button"))
    if (!field.labels?.length && !field.getAttribute("aria-label") && !field.textContent.trim())
      faults.push("no label: " + field.outerHTML);
  for (const link of document.querySelectorAll("a[href]"))
    if (!(link.textContent.trim() || link.getAttribute("aria-label"))) faults.push("no words: " + link.outerHTML);
  for (const table of document.querySelectorAll("table"))
    if (!table.caption?.textContent.trim() || !table.querySelector("th[scope]")) faults.push("no caption or head");
  for (const drawing of document.querySelectorAll("svg"))
    if (!drawing.closest("[aria-label], [aria-hidden=true]")) faults.push("no name: svg");
  const ids = [...document.querySelectorAll("[id]")].map(one => one.id);
  faults.push(...ids.filter((id, n) => ids.indexOf(id) !== n).map(id => "twice: " + id));
  if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
  if (!document.documentElement.lang || !document.title || !document.querySelector("main")) faults.push("no frame");
  if (document.documentElement.scrollWidth > innerWidth) faults.push("wider than the window");
  const first = document.querySelector("a, button, input, select");
  if (first.getAttribute("href") !== "#main") faults.push("the first stop is not the skip link");
  return faults;
})()"""


@pytest.fixture
def browser(chromium):  # noqa: F811
    yield chromium
    chromium.headers()


def opened(browser: Chromium, url: str) -> Chromium:
    browser.open(url)
    return browser


@pytest.mark.parametrize("page", PAGES)
def test_a_page_reads_well_on_every_window_and_in_every_light(looked, browser, page):
    browser.headers(Authorization=f"Bearer {TOKEN}")
    for width in (1280, 390):
        for dark in (False, True):
            browser.look(width, 800, dark=dark)
            browser.open(f"{looked.url}{page}")
            assert browser.run(READING) == [], (width, dark)
            assert browser.complaints == []
            assert {url for url in browser.asked if not url.startswith((f"{looked.url}/", "data:"))} == set()


@pytest.mark.parametrize("page", ["/", "/plan", "/resources/DNSRecord/waves/a", "/graph"])
def test_what_waits_for_a_person_reads_well_too(blocked, browser, page):
    for dark in (False, True):
        browser.look(1280, 800, dark=dark)
        browser.open(f"{blocked.url}{page}")
        assert browser.run(READING) == []
        assert browser.complaints == []


def test_everything_can_be_read_without_scripts(blocked):
    text = blocked.get("/", None).text
    assert "hanse approve --action delete --kind DNSRecord" in text
    assert f'href="/resources/{LOST}"' in text
    assert "dns:dark.example.org." in text
    plan = blocked.get("/plan", None).text
    assert plan.index("Blocked: a person must allow it") < plan.index("Waiting")
    assert "ThresholdExceeded" in plan
    assert "What was granted at sites" in plan
    assert "1 too many" in plan
    assert "+4 (4 blocked)" in plan


@pytest.mark.parametrize(
    "page", [*PAGES, "/runs/x", "/sites/NORTH", "/static/hanse.css", "/static/hanse.js", "/static/hanse.svg"]
)
def test_no_token_and_a_wrong_one_see_nothing(looked, page):
    for token in (None, "wrong"):
        answer = looked.get(page, token, Accept="text/html")
        assert (answer.status_code, answer.headers["content-type"]) == (401, "text/html; charset=utf-8")
        assert answer.headers["www-authenticate"].startswith("Basic")
        assert not re.search("tides|NORTH|example.org", answer.text.replace(page, ""))


def test_pages_allow_nothing_from_elsewhere(looked):
    for page in (*PAGES, "/resources/Site/NOWHERE"):
        answer = looked.get(page)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none';")
        assert "unsafe" not in policy
        assert not re.search(
            r"<script(?! src=\"/static/hanse.js\" defer>)| style=| on\w+=\"|https?://(?!www.w3.org/2000/svg)",
            answer.text,
        )


@pytest.mark.parametrize(
    ("page", "status"),
    [
        ("/resources/Site/NOWHERE", 404),
        ("/runs/x", 404),
        ("/sites/NORTH/days/yesterday", 404),
        ("/resources?limit=0", 400),
        ("/resources?kind=%3Cscript%3E", 400),
        ("/graph?nonsense=1", 400),
    ],
)
def test_what_is_not_there_or_not_understood_is_told_as_a_page(looked, page, status):
    answer = looked.get(page)
    assert answer.status_code == status
    assert 'class="note bad"' in answer.text


def test_links_of_before_lead_to_the_site(looked):
    answer = looked.get("/sites/NORTH")
    assert answer.history[0].status_code == 307
    assert answer.url.endswith("/resources/Site/NORTH")


def test_what_machines_carried_is_shown_where_it_was_counted(tmp_path):
    vm = Machine("compute:BAY/bay/tides", "n", Ref("VirtualCluster/tides/c"), "BAY", "bay", "tides", "c", "started")
    with Showing(tmp_path, None) as made:
        now = datetime.now(UTC)
        made.store.machines.saw(vm.target, [vm], now)
        for seconds in (0, 1):
            counters = {"n": (2_500_000_000 * seconds, 0)}
            made.store.machines.traffic.saw(vm.target, counters, now + timedelta(seconds=seconds))
        page = made.get("/usage").text
    assert all(f">{word}<" in page for word in ("In GB", "Out GB", "2.500", "0.000"))


def test_names_and_words_from_elsewhere_stay_words(tmp_path, browser):
    with Showing(tmp_path, None) as made:
        store, today = made.store, datetime.now(UTC)
        store.pauses.pause(f"target:{EVIL}", EVIL, EVIL)
        run = store.runs.begin(EVIL, EVIL, EVIL, "apply")
        row = UptimeRecord(
            "Default", days()[0], "group", EVIL, "", "", "", EVIL, 1.0, 12.0, 12.0, 0.1, 0, 0.9, ((0, "OK"),), ()
        )
        store.uptime.rebuild(UptimeDay("Default", days()[0], "b", "c", complete=True, computed_at=today), [row])
        used = UsageRecord(
            f"{today:%Y-%m}", EVIL, Ref(f"Site/{EVIL}"), EVIL, EVIL, "job", today, today, wall_seconds=3600, cpu_count=1
        )
        store.usage.rebuild(f"{today:%Y-%m}", [used])
        from urllib.parse import quote

        evil = quote(EVIL, safe="")
        pages = ("/", "/resources/VO/tides", "/runs", f"/runs/{run}", "/availability", "/usage", "/plan", "/graph")
        asked = (
            f"/resources?contains={evil}",
            f"/graph?around={evil}",
            f"/sites/{evil}/days/{days()[0]}",
            f"/resources/Site/{evil}",
        )
        seen = 0
        for page in (*pages, *asked):
            browser.look()
            browser.open(f"{made.url}{page}")
            assert browser.run("document.querySelectorAll('img, [onerror], body script').length") == 0, page
            assert [said for said in browser.complaints if "404" not in said] == []
            seen += EVIL in browser.run("document.body.textContent") or EVIL in str(
                browser.run("[...document.querySelectorAll('input, a')].map(a => (a.value || '') + a.title).join()")
            )
        assert seen >= 10


def test_a_page_follows_what_is_done(looked, browser):
    browser.headers(Authorization=f"Bearer {TOKEN}")
    browser.look()
    browser.open(f"{looked.url}/runs")
    before = browser.run("document.querySelectorAll('#runs tbody tr').length")
    run = looked.store.runs.begin("c" * 40, "d" * 32, "somebody", "apply")
    assert browser.run(MORE_RUNS % before) is True
    looked.store.runs.finish(run, "done", {})


def test_what_is_done_before_the_stream_begins_comes_too(looked, browser):
    browser.headers(Authorization=f"Bearer {TOKEN}")
    browser.look()
    browser.call("Fetch.enable", patterns=[{"urlPattern": "*/api/v1/stream"}])
    browser.open(f"{looked.url}/runs")
    before = browser.run("document.querySelectorAll('#runs tbody tr').length")
    run = looked.store.runs.begin("e" * 40, "f" * 32, "somebody", "apply")
    (held,) = (event["params"] for event in browser.events if event.get("method") == "Fetch.requestPaused")
    browser.call("Fetch.continueRequest", requestId=held["requestId"])
    browser.call("Fetch.disable")
    assert browser.run(MORE_RUNS % before) is True
    looked.store.runs.finish(run, "done", {})


def test_the_drawing_moves_by_keys_and_finds_a_name(looked, browser):
    browser.headers(Authorization=f"Bearer {TOKEN}")
    browser.look()
    browser.open(f"{looked.url}/graph")
    box = "document.querySelector('.canvas svg').getAttribute('viewBox')"
    whole = browser.run(box)
    press = "document.querySelector('.canvas').dispatchEvent(new KeyboardEvent('keydown', {key: '%s', bubbles: true}))"
    seen = [whole]
    for key in ("+", "ArrowRight"):
        browser.run(press % key)
        seen.append(until(f"{key} moves it", lambda: browser.run(box), lambda now: now not in seen))
    browser.run(press % "0")
    numbers = [float(n) for n in whole.split()]
    until("0 shows the whole", lambda: browser.run(box), lambda now: [float(n) for n in now.split()] == numbers)
    found = """(() => { const field = document.querySelector('.tools input'); field.value = 'TIDES/WWW';
      field.dispatchEvent(new Event('input')); return [...document.querySelectorAll('.found')].map(n => n.dataset.ref); })()"""
    assert browser.run(found) == [WWW]


def test_who_is_logged_in_sees_what_cannot_be_read_too(looked):
    mark = VISIT.set(Visit(session=cast("Any", SimpleNamespace())))
    try:
        page = views.overview(Sight(looked.store, lambda: datetime.now(UTC)), Query(), {}).decode()
    finally:
        VISIT.reset(mark)
    assert "<code>dns:dark.example.org.</code> cannot be read" in page
