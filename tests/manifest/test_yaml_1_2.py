"""What libyaml takes for YAML 1.1 is read as YAML 1.2 says, or refused; and no file can hurt the reader."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest import reader
from reconciler.manifest.nodes import trees
from reconciler.manifest.reader import documents


def faults(content: str | bytes) -> list[tuple[int, int, str]]:
    raw = content.encode() if isinstance(content, str) else content
    return [(f.line, f.column, f.message) for d in documents(raw) for f in d.faults]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("<<: {a: 1}\n", (1, 1, "merge keys (<<) are not YAML 1.2")),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", (3, 3, "merge keys (<<) are not YAML 1.2")),
        ("%YAML 1.1\n---\na: no\n", (1, 1, "%YAML 1.1: manifests are YAML 1.2")),
        ("%TAG ! tag:x,2000:\n---\na: b\n", (1, 1, "%TAG: tags are not allowed")),
        ("a: ! 1\n", (1, 4, "the tag ! is not allowed")),
        ("a: !<text> 1\n", (1, 4, "the tag text is not allowed")),
        ("a: !<plain> x\n", (1, 4, "the tag plain is not allowed")),
        ("a: [?b]\n", (1, 5, "?b can be read in two ways")),
        ("a: {?b: 1}\n", (1, 5, "?b can be read in two ways")),
        ("a: x\u2028b: 1\n", (1, 5, "the character U+2028 ends a line in YAML 1.1 and does not in 1.2")),
        ("# a\u0085b: 1\n", (1, 4, "the character U+0085 ends a line in YAML 1.1 and does not in 1.2")),
        ("a: 1\nb: x\x07y\n", (2, 5, "the control character U+0007 is not allowed")),
        ("a: {?'b': 1}\n", (1, 5, "?b can be read in two ways")),
        ("a: &x:y 1\n", (1, 4, "anchors are named with letters, digits, - and _")),
        ("a: &x 1\n*x: 2\n", (2, 1, "anchors are named with letters, digits, - and _")),
        ("a: *nowhere\n", (1, 4, "there is no anchor &nowhere before this alias")),
        ("a: &x 1\n---\nb: *x\n", (3, 4, "there is no anchor &x before this alias")),
    ],
)
def test_what_only_yaml_1_1_knows_is_refused_with_its_place(text, fault):
    assert faults(text) == [fault]


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-be", "utf-32"])
def test_other_encodings_than_utf8_are_refused(codec):
    assert faults("a: b\n".encode(codec))


def test_a_byte_order_mark_and_windows_line_ends_change_nothing():
    (document,) = documents(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert document.data == {"a": 1, "b": 2}


def test_an_anchor_may_be_used_again_and_means_the_nearest_one_above():
    (document,) = documents(b"a: &x 1\nb: *x\nc: &x [2]\nd: *x\n")
    assert (document.data, document.faults) == ({"a": 1, "b": 1, "c": [2], "d": [2]}, [])


def test_documents_after_a_broken_one_are_read_too():
    found = list(documents(b"a: [\n---\nb: 1\n---\n- ]\n---\nc: 2\nc: 3\n"))
    assert [d.data for d in found] == [None, {"b": 1}, None, {"c": 3}]
    assert [f.line for d in found for f in d.faults] == [2, 5, 8]


def test_a_value_is_found_again_under_its_line_in_any_document_of_a_file():
    second = list(documents(b"a: 1\n---\nb:\n- x\n- y: {z: 1}\n"))[1]
    assert second.node.pairs[0][1].items[1].pairs[0][0].line == 5
    assert (second.line, second.data) == (3, {"b": ["x", {"y": {"z": 1}}]})


@pytest.mark.parametrize("piece", [b"[", b"{a: ", b"- ", b"? ", b"[\n", b"&a [", b"{? ", b"[[],"])
def test_a_file_of_nothing_but_openings_is_refused(piece):
    assert "is deeper than 50 levels" in str(faults(piece * ((1 << 20) // len(piece))))


@pytest.mark.parametrize(
    "content",
    [b"\x01" * 100_000, b"---\n[\n" * 50_000, b"*a\n---\n" * 20_000, b"a: 1\n" * 50_000, b"[?a,?b]\n", b"'" * 99_999],
)
def test_a_large_faulty_file_is_answered(content):
    assert faults(content)


def test_a_quadratic_bomb_is_refused():
    text = "a: &a [" + "x, " * 3000 + "]\nb: [" + "*a, " * 3000 + "]\n"
    ((line, _, message),) = faults(text)
    assert (line, message) == (2, "expands to more than 100000 values") or message.startswith("expands to more")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=6), inner, max_size=4)
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=6), JSON, max_size=5))
def test_json_is_yaml(data):
    text = orjson.dumps(data)
    found = list(documents(text))
    if any(d.faults for d in found):  # line separators and the C1 controls, which libyaml cannot be trusted with
        assert {f.message[:21] for d in found for f in d.faults} <= {
            "the character U+2028 ",
            "the character U+2029 ",
        } or any(ord(c) in (0x85, 0x7F, 0xFFFE, 0xFFFF, 0x2028, 0x2029) or 0x80 <= ord(c) < 0xA0 for c in text.decode())
        return
    assert found[0].data == data


ODD = "ab:-,?[]{}&*!|>'\"%@`#~ \n01._xe\u00e9"
TEXTS = st.lists(
    st.sampled_from([*ODD, "\n  ", "\n- ", "\n---\n", ": ", "a: ", "no", "1e3", "0o7", "<<", "&a ", "*a", "null"]),
    max_size=25,
).map("".join)


@given(TEXTS)
def test_the_quick_and_the_careful_reading_read_the_same(text):
    quick = reader._quick(text.encode())
    careful = [reader._constructed(tree) for tree in trees(text)]
    if quick is None:
        return
    assert not any(d.faults for d in careful)
    assert [repr(data) for _, data in quick] == [repr(d.data) for d in careful]


@given(TEXTS)
def test_a_reader_written_for_yaml_1_2_alone_agrees(text):
    yaml12 = pytest.importorskip("yaml12", reason="py-yaml12 is not installed")
    found = list(documents(text.encode()))
    if (
        any(d.faults for d in found) or "|" in text or ">" in text or "?#" in text
    ):  # an empty block scalar is "\n" to it
        return
    try:
        theirs = [d for d in yaml12.parse_yaml(text, multi=True) if d is not None]
    except ValueError:
        return
    assert repr([d.data for d in found]) == repr(theirs)
