"""Texts that people keep are edited where the data changed, and nowhere else."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from reconciler.errors import ManifestError
from reconciler.manifest.reader import documents
from reconciler.manifest.roundtrip import dump, load_documents, update

SITE = """\
# kept by the operators
---
kind: Site
metadata: {name: A}   # flow
spec:
    # four spaces here
    shares:
    -   vo: ops     # the first
        projectId: 'one'
    # about biomed
    -   vo: biomed
        projectId: "two"   # why two

    # and after a blank line
    text: |
        a
        b

    formats: [qcow2, raw]
# the end
"""


def data(text):
    (document,) = load_documents(text)
    return document.data


def edited(text, change):
    wanted = data(text)
    change(wanted)
    new = update(text, wanted)
    assert data(new) == wanted
    return new


def lines_changed(old, new):
    a, b = old.splitlines(), new.splitlines()
    return [x for x in a if x not in b], [x for x in b if x not in a]


def test_the_same_data_changes_no_byte():
    assert update(SITE, data(SITE)) == SITE


def test_a_scalar_is_replaced_in_its_line_and_keeps_quotes_and_comment():
    new = edited(SITE, lambda d: d["spec"]["shares"][1].update(projectId="three"))
    assert lines_changed(SITE, new) == (
        ['        projectId: "two"   # why two'],
        ['        projectId: "three"   # why two'],
    )


def test_an_item_is_added_behind_its_predecessor_in_the_lists_own_indentation():
    new = edited(SITE, lambda d: d["spec"]["shares"].insert(1, {"vo": "cms", "projectId": "x"}))
    assert new == SITE.replace("    # about biomed\n", "    - vo: cms\n      projectId: x\n    # about biomed\n")


def test_an_item_is_added_at_the_end_before_the_comments_that_follow():
    new = edited(SITE, lambda d: d["spec"]["shares"].append({"vo": "cms"}))
    assert new == SITE.replace("# why two\n", "# why two\n    - vo: cms\n")


def test_an_item_is_added_in_front():
    new = edited(SITE, lambda d: d["spec"]["shares"].insert(0, {"vo": "cms"}))
    assert new == SITE.replace("    -   vo: ops", "    - vo: cms\n    -   vo: ops")


def test_two_items_keep_their_order():
    new = edited(SITE, lambda d: d["spec"]["shares"].extend([{"vo": "p"}, {"vo": "q"}]))
    assert "    - vo: p\n    - vo: q\n" in new


def test_an_item_goes_with_its_lines_and_leaves_the_comments_of_others():
    new = edited(SITE, lambda d: d["spec"]["shares"].pop(0))
    assert new == SITE.replace("    -   vo: ops     # the first\n        projectId: 'one'\n", "")


def test_a_key_is_added_and_removed():
    new = edited(SITE, lambda d: d["spec"]["shares"][0].update(region="north"))
    assert new == SITE.replace("'one'\n", "'one'\n        region: north\n")
    assert edited(new, lambda d: d["spec"]["shares"][0].pop("region")) == SITE


def test_a_key_behind_a_block_text_is_added_behind_it():
    text = "a: |\n  one\n  two\n\n# end\n"
    assert edited(text, lambda d: d.update(b="x")) == "a: |\n  one\n  two\nb: x\n\n# end\n"


def test_flow_style_stays_flow_style():
    new = edited(SITE, lambda d: d["spec"].update(formats=["raw", "iso"]))
    assert lines_changed(SITE, new) == (["    formats: [qcow2, raw]"], ["    formats: [raw, iso]"])


def test_a_value_changes_its_shape():
    assert edited("spec: {}  # nothing yet\nz: 1\n", lambda d: d.update(spec={"a": [{"b": 1}]})) == (
        "spec:\n  a:\n    - b: 1  # nothing yet\nz: 1\n"
    )
    assert edited("a:\n  - 1\n  # c\n  - 2\nb: 1\n", lambda d: d.update(a=[])) == "a: []\nb: 1\n"
    assert edited("a:\nb: 1\n", lambda d: d.update(a="x")) == "a: x\nb: 1\n"
    assert edited("a: # c\nb: 1\n", lambda d: d.update(a="x")) == "a: x # c\nb: 1\n"


def test_a_list_without_indentation_keeps_none():
    assert edited("a:\n- x\n- y\nb: 1\n", lambda d: d["a"].append("z")) == "a:\n- x\n- y\n- z\nb: 1\n"


def test_the_first_key_of_an_item_may_go():
    assert edited("a:\n  - b: 1\n    c: 2\n    d: 3\n", lambda d: d["a"].__setitem__(0, {"d": 3})) == "a:\n  - d: 3\n"


def test_a_missing_last_newline_is_no_trouble():
    assert edited("a: 1", lambda d: d.update(b=2)) == "a: 1\nb: 2\n"


def test_a_text_with_anchors_is_left_to_people():
    text = "a: &x {k: 1}\nb: *x\n"
    assert update(text, data(text)) == text
    with pytest.raises(ManifestError, match="anchors"):
        update(text, {"a": {"k": 2}, "b": {"k": 1}})


def test_documents_of_a_file_are_read_apart_and_their_texts_make_up_the_file():
    text = "# head\n---\na: 1\n---\n# only a comment\n---\nb:\n  - c: 1\n"
    documents = load_documents(text, "x.yaml")
    assert [d.data for d in documents] == [{"a": 1}, None, {"b": [{"c": 1}]}]
    assert "".join(d.text for d in documents) == text
    assert documents[2].marks["b", 0, "c"] == (8, 8)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a: 1\na: 2\n", "x.yaml:2:1: the key a stands twice"),
        ("---\na: 1\n---\nb: [1\n", "x.yaml:5:1: no YAML"),
        ("a: \x01", "x.yaml:1:1: no YAML"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_place(text, where):
    with pytest.raises(ManifestError) as caught:
        load_documents(text, "x.yaml")
    assert str(caught.value).startswith(where)


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "1e3",
        "0o7",
        "12:30",
        "",
        "~",
        "null",
        "1_000",
        "2026-01-01",
        ".5",
        "7884889e12",
        "0x1f",
        "y",
        "=",
        "true",
        "+1",
        "a\nb",
        "?;",
        "-x",
        ":x",
        "#a",
        "- b",
        "a: b",
        " a ",
        "é",
        "[x",
        "a\x85b",
        "a\u2028b",
        "a\u2029",
        "\ufeffa",
        "'",
        '"',
    ],
)
def test_text_stays_text_in_yaml_1_1_and_1_2(text):
    import yaml as one_one

    written = dump({"a": [text], "b": text})
    assert data(written) == one_one.safe_load(written) == {"a": [text], "b": text}


def test_the_project_id_of_only_digits_keeps_its_writing():
    (document,) = load_documents("id: 00123\n")
    assert document.scalars["id",] == "00123"


TEXT = st.text(
    st.characters(
        codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"], exclude_characters="\ufeff\u2028\u2029\x85"
    ),
    max_size=8,
)
KEY = st.text("abcdxyz_", min_size=1, max_size=3)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3),
    max_leaves=12,
)
ITEM = st.fixed_dictionaries({"vo": KEY}, optional={"id": TEXT, "more": VALUE})
TREE = st.dictionaries(KEY, VALUE | st.lists(ITEM, max_size=4), min_size=1, max_size=4)


@settings(max_examples=150, deadline=None)
@given(TREE, TREE)
def test_any_text_can_be_made_to_say_anything(before, after):
    text = dump(before)
    assert data(text) == before
    new = update(text, after)
    assert data(new) == after
    assert [d.data for d in documents(text.encode())] == [before]
    assert [d.data for d in documents(new.encode())] == [after]


@settings(max_examples=80, deadline=None)
@given(TREE, TREE)
def test_comments_around_the_data_survive_any_change(before, after):
    text = "# top\n" + dump(before) + "# bottom\n"
    new = update(text, after)
    assert data(new) == after
    assert new.startswith("# top\n")
    assert new.endswith("# bottom\n")


@settings(max_examples=50, deadline=None)
@given(TREE, TREE)
def test_a_text_in_another_indentation_is_edited_as_well(before, after):
    from io import StringIO

    yaml = YAML(typ="rt", pure=True)
    yaml.indent(mapping=4, sequence=2, offset=0)
    out = StringIO()
    yaml.dump(before, out)
    text = textwrap.dedent(out.getvalue())
    if data(text) == before:
        assert data(update(text, after)) == after
