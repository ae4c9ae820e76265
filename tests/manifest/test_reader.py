"""YAML 1.2, read strictly; and read as ruamel.yaml reads it."""

import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from reconciler.manifest.reader import documents, plain


def read(text: str):
    (document,) = documents(text.encode())
    return document


def faults(text: str) -> list[tuple[int, int, str]]:
    return [(f.line, f.column, f.message) for d in documents(text.encode()) for f in d.faults]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("1e3", 1000.0),
        ("0o7", 7),
        ("010", 10),
        ("0x1F", 31),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"),
        ("~", None),
        ("", None),
        ("null", None),
        ("true", True),
        ("True", True),
        ("-1", -1),
        ("+1", 1),
        (".5", 0.5),
        ("1.", 1.0),
        ("0b1", "0b1"),
        ("=", "="),
        ("1.2.3.4", "1.2.3.4"),
        ("-", "-"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_a_plain_scalar_means_what_yaml_1_2_says(text, value):
    assert (plain(text), type(plain(text))) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "the key stands here twice"),
        ("a: !!python/object:os.system x\n", 1, 4, "the tag tag:yaml.org,2002:python/object:os.system is not allowed"),
        ("1: x\n", 1, 1, "the key 1 is not text"),
        ("true: x\n", 1, 1, "the key true is not text"),
        ("? [a]\n: b\n", 1, 3, "the key here is not text"),
        ("a: .nan\n", 1, 4, ".nan is not a number that may stand in a manifest"),
        ("a: 99999999999999999999\n", 1, 4, "99999999999999999999 does not fit in 64 bits"),
        ("a: 1e999\n", 1, 4, "1e999 is too large a number"),
    ],
)
def test_what_could_surprise_is_a_fault_with_its_place(text, line, column, message):
    assert faults(text) == [(line, column, message)]


def test_an_anchor_bomb_is_a_fault_and_costs_little():
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    said = faults("\n".join(rows))
    assert said[0][2].startswith("expands to more than")


def test_an_anchor_inside_itself_is_a_fault():
    assert faults("a: &a [*a]")[0][2].startswith("expands to more than")


def test_a_tab_is_a_fault_that_says_so():
    ((line, _, message),) = faults("a:\n\tb: 1\n")
    assert line == 2
    assert "cannot start any token" in message


def test_bytes_that_are_not_utf8_are_a_fault_with_their_line():
    (document,) = documents(b"a: 1\nb: \xff\n")
    assert document.faults[0].line == 2


def test_several_documents_are_read_and_empty_ones_left_out():
    assert [d.data for d in documents(b"---\na: 1\n---\n---\n# nothing\n---\nb: 2\n...\n")] == [{"a": 1}, {"b": 2}]


def test_what_follows_a_syntax_fault_does_not_hide_what_came_before():
    found = list(documents(b"a: 1\n---\nb: [\n"))
    assert found[0].data == {"a": 1}
    assert "not valid YAML" in found[1].faults[0].message


NASTY = st.sampled_from(
    [
        "no",
        "yes",
        "on",
        "1e3",
        "0o7",
        "010",
        "0x1f",
        "12:30",
        "1_000",
        "~",
        "null",
        "true",
        "-0",
        "+.5",
        "1.",
        "2026-01-01",
        "a b",
        "x#y",
        "é",
        "- ",
        "&a",
        "!x",
        "%",
        "@",
        "`",
        "{",
        "[",
        "|",
    ]
)
SCALARS = (
    NASTY
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)
    | st.integers(-(1 << 62), 1 << 62)
    | st.booleans()
    | st.none()
)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef_-.", min_size=1), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abcdef", min_size=1), DATA, max_size=4))
def test_what_ruamel_writes_is_read_back_the_same_by_both_readers(data):
    written = io.StringIO()
    YAML(typ="safe", pure=True).dump(data, written)
    text = written.getvalue()
    found = list(documents(text.encode()))
    if any(d.faults for d in found):  # libyaml refuses some flow text that 1.2 allows: refused is not misread
        return
    assert (found[0].data if data else {}) == YAML(typ="safe", pure=True).load(text) == data


@given(NASTY | st.text("0123456789+-.eExXoO_:abnNy~ltruf", max_size=8))
@example("0o8")
@example("+")
@example("1e")
def test_both_readers_agree_on_what_a_plain_scalar_is(text):
    if "_" in text:  # ruamel.yaml reads 1_000 as a number; the core schema says text
        return
    source = f"a: {text}\n"
    try:
        expected = YAML(typ="safe", pure=True).load(source)
    except (YAMLError, ValueError):
        return
    found = list(documents(source.encode()))
    if any(d.faults for d in found) or not isinstance(expected, dict) or type(expected.get("a")).__name__ in _THEIRS:
        return
    assert found[0].data == expected
    assert type(found[0].data["a"]) is type(expected["a"])


_THEIRS = ("date", "datetime", "TimeStamp", "list", "dict")
"""ruamel.yaml makes dates of what the core schema calls text, as an extension."""


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_raise(content):
    list(documents(content))


@given(st.text("ab:-[]{}&*!|>'\"#%@`,?\n \t01~", max_size=60))
def test_no_text_makes_the_reader_raise(text):
    list(documents(text.encode()))
