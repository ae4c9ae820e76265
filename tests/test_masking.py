"""The second net under secrets."""

from __future__ import annotations

import base64
import io
import json
import sys
from urllib.parse import quote

import pytest
import structlog

from reconciler import logs
from reconciler.errors import Terminal
from reconciler.masking import HIDDEN, MASK, Mask

VALUE = 'pass "word" & more/è'


def test_a_value_is_hidden_in_every_form_in_which_programs_show_it() -> None:
    mask = Mask()
    mask.learn(VALUE)
    forms = [
        VALUE,
        json.dumps(VALUE),
        repr(VALUE),
        quote(VALUE),
        quote(VALUE, safe=""),
        json.dumps(VALUE, ensure_ascii=False),
    ]
    for form in (*forms, base64.b64encode(VALUE.encode()).decode()):
        shown = mask(f"before {form} after")
        assert HIDDEN in shown
        assert "word" not in shown
        assert shown.startswith("before ")


def test_lines_of_a_key_are_hidden_one_by_one_and_short_words_stay() -> None:
    mask = Mask()
    mask.learn("-----BEGIN-----\nfirst-half-of-it\nok\n")
    assert mask("it said first-half-of-it, ok") == f"it said {HIDDEN}, ok"


def test_the_beginning_of_a_long_value_is_hidden_where_a_text_was_cut_in_it() -> None:
    mask = Mask()
    mask.learn("abcdefghijklmnopqrstuvwxyz")
    mask.learn("https://example.org/hook/of/somebody")
    assert mask("token abcdefghijklmno") == f"token {HIDDEN}mno"
    assert mask("https://example.org/") == "https://example.org/"


def test_only_the_values_that_were_read_last_are_remembered() -> None:
    mask = Mask(most=2)
    for value in ("first-value", "second-value", "third-value"):
        mask.learn(value)
    assert mask("first-value second-value third-value") == f"first-value {HIDDEN} {HIDDEN}"


@pytest.mark.parametrize("terminal", [True, False])
def test_no_line_of_the_log_has_a_secret_that_was_read(monkeypatch, terminal) -> None:
    out = io.StringIO()
    out.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", out)
    MASK.learn("a-value-of-test-masking")
    logs.configure("info", {"NO_COLOR": "1"})
    try:
        try:
            raise ValueError("it was a-value-of-test-masking")  # noqa: TRY301
        except ValueError:
            structlog.get_logger().exception("oops", header="Bearer a-value-of-test-masking")
    finally:
        structlog.reset_defaults()
    assert HIDDEN in out.getvalue()
    assert "a-value-of-test-masking" not in out.getvalue()


def test_no_error_of_a_driver_repeats_a_secret_that_was_read() -> None:
    MASK.learn("a-value-of-test-masking")
    assert (
        str(Terminal("the server said: a-value-of-test-masking is no token"))
        == f"the server said: {HIDDEN} is no token"
    )
