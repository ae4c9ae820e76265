"""Pictures and pages of reports: titles, units, what is partial, and nothing that is fetched from elsewhere."""

from __future__ import annotations

import re
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest

from reconciler.drawing import Part, Table, agreements, availability, page, png, svg, usage
from reconciler.exchange.usage import Total
from reconciler.model.uptime import UptimeRecord
from reconciler.ola import Measured, Promise, Subject, evaluated

SVG = "http://www.w3.org/2000/svg"
FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)


def words(figure) -> list[str]:
    """Every text of a picture."""
    return ["".join(one.itertext()).strip() for one in ET.fromstring(svg(figure)).iter(f"{{{SVG}}}text")]


def total(month: str, vo: str, hours: float, **more) -> Total:
    return Total(month=month, vo=vo, core_hours=hours, **({"kind": "vm"} | more))


def row(site: str, day: int, value: float) -> UptimeRecord:
    when = FIRST + timedelta(days=day - 1)
    return UptimeRecord("Critical", when, "group", site, "", "", "", "X", 0, value, value, 0, 0, 0, (), ())


def test_usage_is_stacked_by_vo_with_its_unit_and_partial_months_are_named():
    found = words(
        usage(
            [total("2026-10", "tides", 1200), total("2026-11", "tides", 300, partial=True), total("2026-11", "x", 50)]
        )
    )
    assert {"core hours", "month", "tides", "x", "1,200", "350", "2026-10", "(partial)"} <= set(found)
    assert "CPU efficiency of jobs" not in found


def test_jobs_have_their_efficiency_drawn():
    found = words(usage([total("2026-10", "tides", 100, kind="job", cpu_hours=80)]))
    assert {"CPU efficiency of jobs", "all jobs", "100%"} <= set(found)


def test_the_smallest_vos_are_one_and_no_use_is_said():
    found = words(usage([total("2026-10", f"vo{n:02}", 100 - n) for n in range(12)]))
    assert {"vo00", "vo07", "others"} <= set(found)
    assert "vo08" not in found
    assert words(usage([])) == ["nothing was used"]


def test_a_map_of_availability_tells_bad_days_in_figures_and_that_the_month_is_partial():
    figure = availability([row("NORTH", 1, 100), row("NORTH", 2, 41.6), row("SOUTH", 1, -1)], FIRST, LAST, FIRST)
    found = words(figure)
    assert {"NORTH", "SOUTH", "42", "undefined", "below 50 %", "day of 2026-11"} <= set(found)
    assert any("(partial: 2026-11-01 is not over)" in text for text in found)
    assert "nothing is known of 2026-11-01 to 2026-11-30" in words(availability([], FIRST, LAST, LAST))


def test_a_long_time_has_a_field_for_each_day_and_stays_small():
    rows = [row(f"SITE-{n}", 1 + day, 30.0 + day % 70) for n in range(40) for day in range(90)]
    assert len(svg(availability(rows, FIRST, FIRST + timedelta(days=89), LAST))) < 500_000


def agreed(value: float | None):
    subject = Subject("site", "NORTH")
    one = Measured(value, value, 0.0, 31)
    promise = Promise(subject, 80, 85, 10)
    return evaluated([promise], "2026-10", lambda _: {subject.measured_as: one})


def test_agreements_say_in_words_what_was_missed():
    assert {"NORTH", "70.0 missed", "availability, % (line: target)"} <= set(words(agreements(agreed(70.0), "2026-10")))
    assert "undefined" in words(agreements(agreed(None), "2026-10"))
    assert words(agreements([], "2026-10")) == ["no agreement is known in 2026-10"]


def test_the_same_picture_has_the_same_bytes():
    first, second = (availability([row("NORTH", 1, 50)], FIRST, LAST, LAST) for _ in range(2))
    assert svg(first) == svg(second)
    assert png(first) == png(second)
    assert png(first).startswith(b"\x89PNG")


def test_a_page_has_everything_in_it_for_light_and_dark():
    table = Table(("SITE", "FINDING"), [("<NORTH>", "80.1 %")], [("", "bad")])
    text = page(
        "A & B", "said", [Part("Usage", "why", usage([total("2026-10", "tides", 5)])), Part("Table", table=table)]
    )
    assert "<title>A &amp; B</title>" in text
    assert '<td>&lt;NORTH&gt;</td><td class="bad number">80.1 %</td>' in text
    assert "prefers-color-scheme: dark" in text
    assert "var(--ink)" in text
    fetched = re.findall(r"""(?:src|href)=["'](?!#)[^"']*|url\((?!#)[^)]*|@import|<script""", text)
    assert fetched == []


@pytest.mark.parametrize("value", [0.0, 49.99, 50.0, 79.9, 80.0, 95.0, 99.0, 100.0, -1.0])
def test_every_number_has_a_colour(value):
    assert svg(availability([row("NORTH", 1, value)], FIRST, FIRST, LAST))
