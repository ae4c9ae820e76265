"""Many resources that stand still for one reason are told once, with how many they are; each can be reached."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import requests

from reconciler.model import FieldChange
from reconciler.model.part import Wanted
from reconciler.web.causing import asked
from reconciler.web.pages.look import alike, environment
from reconciler.web.shapes import FindingShape
from tests.real.chromium import chromium  # noqa: F401
from tests.web.shown.large import failing, large, waiting, waiting_plan
from tests.web.shown.test_pages import READING


@pytest.fixture(scope="module")
def two_hundred(tmp_path_factory):
    made = waiting(200)
    with large(tmp_path_factory.mktemp("waiting"), made, failing, dark="dns:dark.example.org.") as (url, _):
        yield url


def test_the_overview_tells_a_cause_once_and_the_root_before_what_waits(two_hundred):
    page = requests.get(f"{two_hundred}/", timeout=120).text
    assert "Not ready, stalled or not healthy: 263" in page
    standing = page[page.index('id="troubled"') : page.index('id="kinds"')]
    assert standing.count("connection refused") == 1
    assert standing.count("<tr>") == 5
    assert standing.index("<strong>200</strong>") < standing.index("<strong>40</strong> wait for them")
    for said in ("it was refused: the zone is frozen", "held by anna: the move", "no answer on port 53"):
        assert page.count(said) == 1, said
    links = re.findall(r'href="/resources/(DNSRecord/[^"]+)"', standing)
    assert len(links) == len(set(links)) == 263


def test_the_plan_tells_once_what_waits_and_for_whom(two_hundred):
    page = requests.get(f"{two_hundred}/plan", timeout=120).text
    assert page.count("cannot be observed: connection refused") == 1
    assert "defer: 40" in page
    assert page.count('href="/resources/DNSRecord/waves/after-') == 40
    assert page.count('href="/resources/DNSRecord/tides/dark-') == 40


def test_a_list_tells_once_what_is_said_of_many(two_hundred):
    page = requests.get(f"{two_hundred}/resources?condition=Ready:False", timeout=120).text
    assert page.count("cannot be observed: connection refused") == 1
    assert page.count('href="/resources/DNSRecord/') == 63
    narrow = requests.get(f"{two_hundred}/resources?condition=Ready:False&reason=Paused", timeout=120).text
    assert "8 resources, by name" in narrow
    told = requests.get(f"{two_hundred}/api/v1/resources?condition=Ready:False&reason=Paused", timeout=120).json()
    assert len(told["items"]) == 8


@pytest.mark.parametrize("page", ["/", "/plan", "/resources?condition=Ready:False"])
def test_causes_read_well_folded_and_opened(two_hundred, chromium, page):  # noqa: F811
    for width, dark in ((1280, False), (400, True)):
        chromium.look(width, 900, dark=dark)
        chromium.open(f"{two_hundred}{page}")
        assert chromium.run(READING) == []
        chromium.run("document.querySelectorAll('main details').forEach(one => { one.open = true; })")
        assert chromium.run(READING) == []
        assert chromium.complaints == []


def test_an_explanation_tells_once_what_is_said_of_many_below():
    below = [FindingShape(name=f"DNSRecord/t/n{n}", well=False, needed="x", said=["off"], below=[]) for n in range(9)]
    other = FindingShape(name="Site/NORTH", well=False, needed="x", said=["off"], below=below)
    assert [len(those) for those in alike([other, *below])] == [1, 9]
    assert [len(those) for those in alike(below[:5])] == [1] * 5
    told = environment().globals["parts"].finding(other)
    assert told.count("<p>off</p>") == 2
    assert told.count('href="/resources/DNSRecord/t/n') == 9


def test_changes_for_which_the_same_word_is_asked_stand_together_unless_they_differ():
    plan = waiting_plan(40)
    wanted = [Wanted(one.ref, "create", "d", "a quota", (), "") for one in plan.actions]
    actions = {one.ref: replace(one, changes=(FieldChange("ttl", 1, "x" * 100),)) for one in plan.actions}
    assert [len(those) for those in asked(wanted, actions)] == [8]
    last = wanted[-1].ref
    actions[last] = replace(actions[last], changes=(FieldChange("ttl", 1, "x" * 100 + "y"),))
    assert [len(those) for those in asked(wanted, actions)] == [7, 1]
