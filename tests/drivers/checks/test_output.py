"""What plugins print: the verdict, and performance data after the guidelines' grammar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.drivers.plugin_output import performance, split, verdict


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("time=0.5s;1;2;0;10", [("time", 0.5, "s", "1", "2", "0", "10")]),
        ("a=1 b=2", [("a", 1.0, "", "", "", "", ""), ("b", 2.0, "", "", "", "", "")]),
        ("a=1;;;0", [("a", 1.0, "", "", "", "0", "")]),
        ("a=1;;2", [("a", 1.0, "", "", "2", "", "")]),
        ("a=1;", [("a", 1.0, "", "", "", "", "")]),
        ("'free space'=12%;@10:20;~:5", [("free space", 12.0, "%", "@10:20", "~:5", "", "")]),
        ("'it''s'=3c", [("it's", 3.0, "c", "", "", "", "")]),
        ("'a=b'=3", [("a=b", 3.0, "", "", "", "", "")]),
        ("/var=2643MB;5948;5958;0;5968", [("/var", 2643.0, "MB", "5948", "5958", "0", "5968")]),
        ("x=-1.5e-3ms", [("x", -0.0015, "ms", "", "", "", "")]),
        ("x=.5", [("x", 0.5, "", "", "", "", "")]),
        ("x=5.", [("x", 5.0, "", "", "", "", "")]),
        ("x=0,5s", [("x", 0.5, "s", "", "", "", "")]),
        ("x=U;1;2", []),
        ("x= y=2", [("y", 2.0, "", "", "", "", "")]),
        ("x=fast y=2", [("y", 2.0, "", "", "", "", "")]),
        ("rubbish y=2 more", [("y", 2.0, "", "", "", "", "")]),
        ("''=1", []),
        ("'open=1", [("open", 1.0, "", "", "", "", "")]),
        ("a=1;2;3;4;5;6;7", [("a", 1.0, "", "2", "3", "4", "5")]),
        ("", []),
    ],
)
def test_performance_data(text, rows):
    assert list(performance(text)) == rows


def test_the_first_line_and_the_long_text_may_both_carry_data():
    output = "DISK OK - free 3 GB | /=1MB\nlong one\nlong two | /boot=2MB\n/home=3MB\n"
    lines, data = split(output)
    assert lines == ["DISK OK - free 3 GB", "long one", "long two"]
    assert [row[0] for row in performance(data)] == ["/", "/boot", "/home"]


def test_the_verdict_is_the_line_that_names_the_status():
    lines, _ = split("connect to address 127.0.0.1: Connection refused\nHTTP CRITICAL - Unable to open TCP socket\n")
    assert verdict(lines, "CRITICAL").startswith("HTTP CRITICAL")
    assert verdict(["first", "second"], "OK") == "first"
    assert verdict([], "OK") == ""


@given(st.text(max_size=300))
def test_no_output_does_any_harm(text):
    lines, data = split(text)
    performance(data)
    verdict(lines, "OK")


LABEL = st.text("abcXYZ 019_/.:=-'", min_size=1, max_size=12).filter(lambda one: one.strip("'"))


@given(
    st.lists(st.tuples(LABEL, st.floats(-1e9, 1e9).map(lambda x: round(x, 3)), st.sampled_from(["", "s", "%", "B"])))
)
def test_what_follows_the_grammar_is_read_as_it_was_meant(rows):
    text = " ".join(f"'{label.replace(chr(39), chr(39) * 2)}'={value:f}{unit};1;2;0;9" for label, value, unit in rows)
    read = performance(text)
    assert [(r[0], round(r[1], 3), r[2]) for r in read] == rows
    assert all(r[3:] == ("1", "2", "0", "9") for r in read)
