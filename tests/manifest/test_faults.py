"""Every fault is told once, where it stands, in words that say what would be right."""

from __future__ import annotations

import re
from typing import Annotated

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

from reconciler.errors import ManifestError, SettingsError
from reconciler.kinds import Fault, Rule, registry
from reconciler.kinds.registered import Registered
from reconciler.kinds.site import SiteSpec
from reconciler.manifest import RuleSettings, load, rules
from reconciler.manifest.render import data, github
from reconciler.manifest.rest import rest
from reconciler.model import Ref, Spec, Strict
from tests.manifest.revisions import VO, outcome, revision


class Inner(Strict):
    path: str
    size: int | None = None


class ToySpec(Spec):
    """A toy."""

    word: str = "x"
    number: int = 0
    share: float = 0.5
    flag: bool = False
    many: tuple[str, ...] = ()
    inner: Inner | None = None
    either: bool | int | str | None = None
    several: str | Inner | tuple[Inner, ...] | None = None
    named: dict[Annotated[str, Field(pattern=r"^[a-z]+$")], Inner] = Field(default={})
    small: Annotated[int, Field(ge=1, le=9)] = 1


def _checked(ref: Ref, spec: ToySpec):
    if spec.word == "odd":
        yield Fault("spec.word", f"{ref.name} is odd", "be even")


class ToyKind(Registered[ToySpec]):
    """A kind for these tests."""

    name = "Toy"
    plural = "toys"
    Spec = ToySpec
    rules = (Rule("toy-even", "Words are even.", _checked),)

    def canonical(self, spec: ToySpec) -> ToySpec:
        if spec.word in ("odd", "broken"):
            raise ValueError("no canonical form")
        return spec


TOY = {"Toy": ToyKind()}
HEAD = "apiVersion: hanse/v1\nkind: Toy\nmetadata: {name: a}\nspec:\n"


def faults(body: str, head: str = HEAD) -> list[str]:
    return [fault.removeprefix("m.yaml:") for fault in outcome({"m.yaml": head + body}, kinds=TOY)[1]]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("  word: 010\n", '5:3: spec.word: 010 is read as a number, not as text; put quotes round it: "010"'),
        ("  word: 1e3\n", '5:3: spec.word: 1e3 is read as a number, not as text; put quotes round it: "1e3"'),
        ("  word: True\n", '5:3: spec.word: True is read as true or false, not as text; put quotes round it: "True"'),
        ("  word:\n", "5:3: spec.word: an empty value is not text; give text"),
        ("  number: '5'\n", "5:3: spec.number: '5' is not a whole number; take the quotes off: 5"),
        ("  number: 1e3\n", "5:3: spec.number: 1e3 is not a whole number; write 1000"),
        ("  number: 12:30\n", "5:3: spec.number: '12:30' is not a whole number; give a whole number"),
        ("  number: 1_000\n", "5:3: spec.number: '1_000' is not a whole number; give a whole number"),
        ("  share: '0.5'\n", "5:3: spec.share: '0.5' is not a number; take the quotes off: 0.5"),
        ("  flag: no\n", "5:3: spec.flag: 'no' is not true or false; write false: in YAML 1.2, no is text"),
        ("  flag: 'on'\n", "5:3: spec.flag: 'on' is not true or false; write true: in YAML 1.2, on is text"),
        ("  many: a\n", "5:3: spec.many: 'a' is not a list; write it as a list: [a]"),
        ("  many: [a, 1.0]\n", '5:13: spec.many[1]: 1.0 is read as a number, not as text; put quotes round it: "1.0"'),
        ("  small: 10\n", "5:3: spec.small: 10 is too large; at most 9"),
        ("  Word: a\n", "5:3: spec.Word: there is no field Word; did you mean word?"),
        ("  inner: {path: a, siz: 1}\n", "5:20: spec.inner.siz: there is no field siz; did you mean size?"),
        ("  inner: {pth: a}\n", "5:11: spec.inner.pth: there is no field pth; did you mean path?"),
        ("  inner: {size: 1}\n", "5:3: spec.inner.path: the field path is missing; add path:"),
        (
            "  named:\n    abc: {path: 5}\n",
            '6:11: spec.named.abc.path: 5 is read as a number, not as text; put quotes round it: "5"',
        ),
        ("  named: {A1: {path: a}}\n", "5:11: spec.named.A1: 'A1' has not the right form; text that matches ^[a-z]+$"),
        (
            "  either: [1]\n",
            "5:3: spec.either: a list is not true or false, a whole number or text; give true or false, a whole number or text",
        ),
        ("  several: {path: a, sze: 1}\n", "5:22: spec.several.sze: there is no field sze; did you mean size?"),
        ("  several: [{path: a}, {pth: b}]\n", "5:25: spec.several[1].pth: there is no field pth; did you mean path?"),
        ("  several: 5\n", "5:3: spec.several: 5 is not text, a mapping or a list; give text, a mapping or a list"),
        ("  word: odd\n", "5:3: spec.word: a is odd; be even"),
        ("  word: broken\n", "4:1: spec: no canonical form"),
    ],
)
def test_each_mistake_is_told_once(body, expected):
    assert faults(body) == [expected]


@pytest.mark.parametrize(
    ("lifecycle", "expected"),
    [
        ("{moved: a}", "5:13: lifecycle.moved: 'a' is its name now; give the former one"),
        ("{moved: x/y/z}", "5:13: lifecycle.moved: 'x/y/z' is not the form of a former name; name or namespace/name"),
        ("{moved: -x}", "5:13: lifecycle.moved: '-x' is not the form of a former name; name or namespace/name"),
        ("{ignore: [spec.wrd]}", "5:22: lifecycle.ignore[0]: 'spec.wrd' is no field of a Toy; did you mean spec.word?"),
        ("{ignore: [word]}", "5:22: lifecycle.ignore[0]: 'word' is no field of a Toy; did you mean spec.word?"),
        ("{mode: Observe}", "5:13: lifecycle.mode: 'Observe' is not possible here; did you mean observe?"),
    ],
)
def test_a_lifecycle_that_means_nothing_is_refused(lifecycle, expected):
    assert faults(f"lifecycle: {lifecycle}\n", HEAD.replace("spec:\n", "spec: {}\n")) == [expected]


def test_a_former_name_is_free_and_claimed_once():
    toy = "apiVersion: hanse/v1\nkind: VO\nmetadata: {{name: {0}}}\nspec: {{}}\nlifecycle: {{moved: {1}}}\n"
    files = {"a.yaml": toy.format("a", "old"), "b.yaml": toy.format("b", "old")}
    assert outcome(files)[1] == [
        "b.yaml:5:13: lifecycle.moved: VO/old has moved to VO/a (a.yaml:1); take one of the two out"
    ]
    still = {"a.yaml": toy.format("a", "old"), "c.yaml": VO.format("old", "x")}
    assert outcome(still)[1] == [
        "a.yaml:5:13: lifecycle.moved: VO/old is still declared in c.yaml:1; take that document out"
    ]
    assert len(outcome({"a.yaml": toy.format("a", "old")})[0]) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: [Toy]\n", "1:1: kind: a list is not text; give text"),
        ("kind: toy\n", "1:1: kind: there is no kind toy; did you mean Toy?"),
        ("kind: Deployment\n", "1:1: kind: there is no kind Deployment; there are Toy"),
        ("apiVersion: v1\n", "1:1: apiVersion: 'v1' is not possible here; write hanse/v1"),
        (
            "metadata: {name: a, labels: {a: 1}}\n",
            '1:30: metadata.labels.a: 1 is read as a number, not as text; put quotes round it: "1"',
        ),
        ("metadata: a\n", "1:1: metadata: 'a' is not a mapping; give a mapping"),
        ("spec: a\n", "1:1: spec: 'a' is not a mapping; give a mapping"),
        ("5\n", "1:1: is not a mapping; begin with apiVersion:, kind:, metadata:"),
    ],
)
def test_a_document_of_any_shape_is_answered(text, expected):
    assert expected in faults("", text)


def test_a_rule_is_a_warning_where_the_configuration_says_so_and_general_rules_stay():
    text = HEAD + "  word: odd\n"
    lenient = RuleSettings({"toy-even": {"old/*": "warning", "old/new/*": "error"}})
    for path, severity in (("old/m.yaml", "warning"), ("m.yaml", "error"), ("old/new/m.yaml", "error")):
        said = outcome({path: text}, lenient, kinds={"Toy": Evener()})[1]
        assert [line.endswith("[warning: toy-even]") for line in said] == [severity == "warning"]
    with pytest.raises(ManifestError):
        load(revision({"m.yaml": HEAD + "  wrd: a\n"}), TOY, lenient)


class Evener(ToyKind):
    """One whose odd words have a canonical form too."""

    def canonical(self, spec: ToySpec) -> ToySpec:
        return spec


@pytest.mark.parametrize(
    ("rule", "said"),
    [("toy-evn", "there is no such rule; did you mean toy-even?"), ("schema", "the line cannot do without this rule")],
)
def test_a_rule_that_cannot_be_switched_is_an_error_of_the_configuration(rule, said):
    with pytest.raises(SettingsError, match=re.escape(f"[rules] {rule}: {said}")):
        load(revision({}), TOY, RuleSettings({rule: {"*": "warning"}}))


def test_every_rule_has_an_id_of_its_own_and_a_sentence():
    known = rules(registry())
    assert len({rule.id for rule in known}) == len(known)
    assert all(rule.text.endswith(".") for rule in known)


def test_faults_as_json_and_as_annotations_hold_what_the_text_holds():
    with pytest.raises(ManifestError) as caught:
        load(revision({"a:b,c.yaml": HEAD + "  word: '50%\n\n    x'\n  nmber: 1\n"}), TOY)
    (fault,) = caught.value.diagnostics
    assert data([fault]) == [
        {
            "file": "a:b,c.yaml",
            "line": 8,
            "column": 3,
            "path": "spec.nmber",
            "message": "there is no field nmber",
            "cure": "did you mean number?",
            "rule": "schema",
            "severity": "error",
        }
    ]
    assert github([fault]) == [
        "::error file=a%3Ab%2Cc.yaml,line=8,col=3,title=schema::spec.nmber: there is no field nmber; did you mean number?"
    ]


WORDS = st.sampled_from(
    ["apiVersion", "kind", "metadata", "spec", "name", "lifecycle", "moved", "ignore", "word", "inner"]
)
VALUES = st.sampled_from(["hanse/v1", "Toy", "a", "-", "", None, True, 1, 1.5, "a/b", "spec.word", "2026-01-01", "no"])
SHAPES = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5), max_leaves=12
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(WORDS, SHAPES, max_size=6))
def test_no_document_makes_anything_but_faults_and_resources(shape):
    import orjson

    text = orjson.dumps({"apiVersion": "hanse/v1", "kind": "Toy", **shape}).decode()
    items, said, _ = outcome({"m.yaml": text}, kinds=TOY)
    assert items or said


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(registry())), st.data())
def test_no_damaged_example_makes_anything_but_faults_and_resources(kind, data):
    import inspect
    from pathlib import Path

    text = (Path(inspect.getfile(type(registry()[kind]))).parent / "example.yaml").read_text()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 12))
        text = (
            text[:at]
            + data.draw(st.sampled_from(["", "-", ":", " ", "\n", "x", "5", "{", "[a]", "null", "&a "]))
            + text[at + cut :]
        )
    outcome({"m.yaml": text})


def test_a_file_with_many_faults_is_read_carefully_once(monkeypatch):
    from reconciler.manifest import reader

    parsed = []
    trees = reader.trees
    monkeypatch.setattr(reader, "trees", lambda text: parsed.append(text) or trees(text))
    said = faults("---\n".join(f"{HEAD}  wrd: {n}\n".replace("name: a", f"name: a{n}") for n in range(50)), head="")
    lines = [int(fault.partition(":")[0]) for fault in said]
    assert (len(lines), lines[0], lines) == (50, 5, sorted(lines))
    assert len(parsed) == 1


def test_faults_between_resources_of_one_file_are_placed_in_one_reading(monkeypatch):
    from reconciler.manifest import reader
    from reconciler.manifest.located import placed
    from reconciler.model import Diagnostic

    parsed = []
    trees = reader.trees
    monkeypatch.setattr(reader, "trees", lambda text: parsed.append(text) or trees(text))
    text = "---\n".join(VO.format(f"vo{n}", "x") for n in range(50))
    found = [Diagnostic("m.yaml", 5 * n + 1, 1, "spec.description", "odd") for n in range(50)]
    assert [d.line for d in placed(found, revision({"m.yaml": text}))] == [5 * n + 4 for n in range(50)]
    assert len(parsed) == 1


def test_what_is_cut_out_of_one_manifest_stays_a_default_of_all_others():
    storage = {"name": "disk", "type": "disk", "driver": "directory"}
    before = SiteSpec.model_validate_json(orjson.dumps({"storage": [storage]}))
    marks = [{"highPercent": 90, "lowPercent": -5}, {"highPercent": -5, "lowPercent": 80}]
    sizes = [{"highPercent": 90, **one} for one in ({"minFreeBytes": "x"}, {"maxBytes": "x"}, {"maxBytes": -1})]
    for limits in (*marks, *sizes):  # which of two cuts comes first is a matter of hashes: one of many will do
        assert rest(SiteSpec, {"storage": [{**storage, "limits": limits}]}) is not None
    after = SiteSpec.model_validate_json(orjson.dumps({"storage": [storage]}))
    assert after == before
    assert after.storage[0].limits == type(before.storage[0].limits)()
