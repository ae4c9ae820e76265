"""The graph of very many: those alike are one block, what does not stand well is seen in its place, and blocks open."""

from __future__ import annotations

import re

import pytest
import requests

from reconciler.model import Ref
from reconciler.plan.render.drawing import Arrow, Box, Drawing
from reconciler.web.pages.blocks import ENOUGH
from reconciler.web.pages.blocks import blocks as laid_out
from tests.real.chromium import chromium  # noqa: F401
from tests.real.waiting import until
from tests.web.shown.large import chains, large, unlinked
from tests.web.shown.test_pages import READING

SMALLEST = """(() => Math.min(...[...document.querySelectorAll("a.block .label")].map(one => {
  const box = one.getBoundingClientRect(); return box.height;
})))()"""
OVER = """(() => {
  const boxes = [...document.querySelectorAll("a.block")].map(one => one.querySelector("rect").getBBox());
  return boxes.filter((a, n) => boxes.some((b, m) => n < m && a.x < b.x + b.width && b.x < a.x + a.width &&
    a.y < b.y + b.height && b.y < a.y + a.height)).length;
})()"""


@pytest.fixture(scope="module")
def specks(tmp_path_factory):
    with large(tmp_path_factory.mktemp("unlinked"), unlinked(2000)) as (url, _):
        yield url


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    with large(tmp_path_factory.mktemp("chains"), chains(2000)) as (url, _):
        yield url


def blocks(page: str) -> dict[str, int]:
    found = re.findall(r'class="block [^>]*><title>([^:]*): ([0-9,]+)', page)
    return {label: int(number.replace(",", "")) for label, number in found}


def test_two_thousand_without_references_are_a_block_for_each_namespace(specks):
    page = requests.get(f"{specks}/graph", timeout=120).text
    found = blocks(page)
    assert list(found)[:2] == ["DNSRecord · vo-00", "DNSRecord · vo-01"]
    assert (len(found), sum(found.values())) == (12, 2000)
    assert "167, 13 not ready, 13 not known" in page
    assert page.count('class="node False"') >= 12 * 3
    assert len(page) < 100_000


def test_a_block_opens_and_closes_by_its_link_and_keeps_what_was_asked(specks):
    page = requests.get(f"{specks}/graph?kind=DNSRecord", timeout=120).text
    link = re.search(r'class="block [^"]*" href="([^"#]*)#open"', page)
    opened = requests.get(specks + link[1].replace("&amp;", "&"), timeout=120).text
    assert opened.count('data-ref="DNSRecord/vo-00/') == 167
    assert "<option selected>DNSRecord</option>" in opened
    close = re.search(r'href="([^"#]*)#graph" id="open"', opened)
    assert 'id="open"' not in requests.get(specks + close[1].replace("&amp;", "&"), timeout=120).text
    every = requests.get(f"{specks}/graph?open=*", timeout=120).text
    assert every.count('<a class="node ') == 2000


def test_chains_are_blocks_by_wave_one_after_the_other(rows):
    page = requests.get(f"{rows}/graph", timeout=120).text
    assert blocks(page) == {f"DNSRecord · tides · wave {n}": 200 for n in range(1, 11)}
    assert page.count("<title>200 references</title>") == 9


def test_what_can_be_read_as_it_is_is_drawn_as_it_is(rows):
    some = requests.get(f"{rows}/graph?around=DNSRecord/tides/name-0100", timeout=120).text
    assert some.count('<a class="node ') == 10 < ENOUGH
    assert 'class="block' not in some


def test_an_unknown_block_opens_nothing(specks):
    page = requests.get(f"{specks}/graph?open=%3Cscript%3E", timeout=120)
    assert page.status_code == 200
    assert len(blocks(page.text)) == 12


@pytest.mark.parametrize("asked", ["", "?open=DNSRecord/vo-03", "?open=nothing"])
def test_blocks_are_readable_at_first_sight_on_every_window(specks, rows, chromium, asked):  # noqa: F811
    for url in (specks, rows):
        for width, dark in ((1280, False), (400, True)):
            chromium.look(width, 900, dark=dark)
            chromium.open(f"{url}/graph{asked}")
            assert chromium.run(READING) == []
            assert chromium.run(OVER) == 0
            assert chromium.run(SMALLEST) >= (8 if "vo-03" not in asked else 2)
            assert chromium.complaints == []


def test_keys_open_a_block_and_a_search_finds_it(specks, chromium):  # noqa: F811
    chromium.look()
    chromium.open(f"{specks}/graph")
    find = """(() => { const field = document.querySelector('.tools input'); field.value = 'name-0014';
      field.dispatchEvent(new Event('input')); return [...document.querySelectorAll('.found')].map(n => n.dataset.ref); })()"""
    assert chromium.run(find) == ["DNSRecord · vo-02"]
    chromium.run("document.querySelector('a.block.found').focus()")
    for kind in ("rawKeyDown", "char", "keyUp"):
        chromium.call(
            "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r"
        )
    opened = "document.readyState === 'complete' && document.querySelector('#open') ? location.search : ''"
    assert until("the block opens", lambda: chromium.run(opened), every=0.2) == "?open=DNSRecord/vo-02"


def test_a_single_resource_and_a_block_with_the_same_words_are_both_drawn():
    refs = [Ref("DNSRecord/waves"), *(Ref(f"DNSRecord/waves/{n}") for n in range(5))]
    drawing = Drawing(tuple(Box(ref, "unchanged", " ", 1) for ref in refs), (Arrow(refs[1], refs[0]),))
    drawn = laid_out(drawing, frozenset(refs), {}, "")
    assert ([one.key for one in drawn.blocks], [one.ref for one in drawn.nodes]) == (["DNSRecord/waves"], refs[:1])
