"""A large federation: one page of it reads no more than that page needs, and its graph moves."""

from __future__ import annotations

import pytest
import requests
from sqlalchemy import event, text

from tests.real.chromium import chromium  # noqa: F401
from tests.web.shown.large import large

ONE = "DNSRecord/vo-001/name-21"


@pytest.fixture(scope="module")
def two_thousand(tmp_path_factory):
    with large(tmp_path_factory.mktemp("large"), 2000) as made:
        yield made


@pytest.mark.parametrize("path", [f"/resources/{ONE}", f"/api/v1/resources/{ONE}", "/runs", "/api/v1/events"])
def test_a_page_of_one_thing_searches_and_never_scans(two_thousand, path):
    url, sight = two_thousand
    engine, said = sight.store.database._engine, []

    def heard(_connection, _cursor, statement, parameters, _context, _many):
        said.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", heard)
    try:
        assert requests.get(f"{url}{path}", timeout=120).status_code == 200
    finally:
        event.remove(engine, "before_cursor_execute", heard)
    assert said
    with engine.connect() as connection:
        for statement, parameters in said:
            for row in connection.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters):
                assert not row[3].startswith("SCAN") or "USING" in row[3] or row[3].startswith("SCAN events"), (
                    row[3],
                    statement,
                )
        assert connection.execute(text("SELECT count(*) FROM conditions")).scalar() == 12_000


def test_lists_and_the_overview_stay_small(two_thousand):
    url, _ = two_thousand
    for path in ("/", "/resources", "/plan"):
        assert len(requests.get(f"{url}{path}", timeout=120).content) < 120_000
    page = requests.get(f"{url}/", timeout=120).text
    assert page.count("<tr>") < 60
    assert "<strong>154</strong>" in page


def test_a_graph_of_two_thousand_moves(two_thousand, chromium):  # noqa: F811
    url, _ = two_thousand
    chromium.look()
    chromium.open(f"{url}/graph?open=*")
    assert chromium.run("document.querySelectorAll('a.node').length") == 2000
    script = """(async () => {
      const canvas = document.querySelector('.canvas'), svg = canvas.querySelector('svg'), seen = [svg.getAttribute('viewBox')];
      for (let n = 0; n < 20; n++) {
        canvas.dispatchEvent(new KeyboardEvent('keydown', {key: n % 2 ? 'ArrowRight' : '+', bubbles: true}));
        await new Promise(done => requestAnimationFrame(done));
        if (svg.getAttribute('viewBox') !== seen[0]) return 'drawn anew while it moves';
      }
      for (let n = 0; n < 1200; n++) {
        if (svg.getAttribute('viewBox') !== seen[0] && svg.style.transform === '') return 'moved';
        await new Promise(done => setTimeout(done, 100));
      }
      return 'stayed';
    })()"""
    assert chromium.run(script) in ("moved", "drawn anew while it moves")
    assert chromium.complaints == []
    chromium.open(f"{url}/graph?site=SITE-0003&kind=DNSRecord")
    assert 0 < chromium.run("document.querySelectorAll('a.node').length") < 100
