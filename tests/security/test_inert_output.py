"""Whatever servers, people and manifests say is text, wherever it is shown: terminal, comment, page, table, export."""

from __future__ import annotations

import csv
import io
import re
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reconciler.cli import console
from reconciler.inert import cell, coloured, inert
from reconciler.model import Unknown
from reconciler.plan import render
from tests.federation import graph, held, planned, present, resource

ESCAPES = "a\x1b]0;title\x07\x1b[2J\x1b[8mhidden\x9b31m\rover\x00\x08"
TURNED = "admin\u202emoc.elpmaxe\u2066"
MARKDOWN = "x`` ```\n</details><script>alert(1)</script> @everyone [a](javascript:alert(1)) ![i](http://evil.example/p)"
HOSTILE = (ESCAPES, TURNED, MARKDOWN, "<!-- hanse-plan -->", "| a | b |\n|---|---|", "';DROP TABLE inventory;--")
_ACTS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plans(said: str) -> list[Any]:
    """Plans that say it as a value, as a change and as what a server answered."""
    new, old = resource("VO/tides", {"description": said, "disciplines": [said]}), resource("VO/tides", {})
    return [
        planned(graph(new), held(), {}),
        planned(graph(new), held(old), {old.ref: present(old)}),
        planned(graph(new), held(old), {old.ref: Unknown(said)}),
        planned(graph(old), held(new), {new.ref: present(new, healthy=False, note=said)}),
    ]


@pytest.mark.parametrize("said", HOSTILE)
def test_no_escape_of_a_plan_reaches_the_terminal(said, capsys):
    for plan in plans(said):
        console.say(render.text(plan))
        console.note(said)
    told = capsys.readouterr()
    assert not _ACTS.search(told.out + told.err)


@pytest.mark.parametrize("said", HOSTILE)
def test_a_comment_on_a_pull_request_holds_nothing_but_its_own_markup(said):
    quiet = {tag for plan in plans("quiet") for tag in _tags(render.markdown(plan))}
    for plan in plans(said):
        comment = render.markdown(plan)
        assert not _ACTS.search(comment)
        assert _tags(comment) <= quiet | {("code_inline", "code"), ("text", "")}
        assert comment.count("<details>") == comment.count("</details>") - _quoted(comment)
        assert "<script" not in MarkdownIt("commonmark", {"html": True}).render(comment)


def _tags(comment: str) -> set[tuple[str, str]]:
    """Every sort of piece that a reader of Markdown finds."""
    read = MarkdownIt("commonmark", {"html": True}).enable("table").parse(comment)
    inside = (inner for token in read for inner in token.children or ())
    return {(token.type, token.tag) for token in (*read, *inside)}


def _quoted(comment: str) -> int:
    """Folds that are closed in what is quoted."""
    fenced = [t.content for t in MarkdownIt("commonmark").parse(comment) if t.type == "fence"]
    inline = [
        i.content for t in MarkdownIt("commonmark").parse(comment) for i in t.children or () if i.type == "code_inline"
    ]
    return sum(one.count("</details>") for one in (*fenced, *inline))


@given(st.text())
def test_inert_text_moves_no_cursor_and_keeps_the_rest(text):
    assert not _ACTS.search(inert(text).replace("\r", "\x1b"))
    assert inert(inert(text)) == inert(text)


def test_our_own_colours_stay_and_others_do_not(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    mine = console.style("delete", "gone")
    assert coloured(mine) == mine
    assert coloured(f"{mine}\x1b[8mhidden\x1b]0;t\x07") == f"{mine}\\x1b[8mhidden\\x1b]0;t\\x07"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("+49 30 x", "'+49 30 x"),
        ("-2+3|cmd", "'-2+3|cmd"),
        ("-1.5", "-1.5"),
        ("tides", "tides"),
        (-1.5, -1.5),
        (None, None),
        ("\t=1", "'\t=1"),
    ],
)
def test_no_cell_of_a_table_is_a_formula(value, written):
    assert cell(value) == written


def test_tables_of_reports_write_names_as_text():
    from reconciler.cli.accounting import _csv
    from reconciler.exchange.usage import Total

    made = _csv([Total(vo='=HYPERLINK("http://evil.example")', site="A")])
    assert [row["vo"][:2] for row in csv.DictReader(io.StringIO(made))] == ["'="]
