"""From files to resources: every fault, with its place and cure; each content parsed once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from reconciler.errors import ManifestError
from reconciler.kinds import registry
from reconciler.manifest import Memory, RuleSettings, load
from reconciler.manifest.render import github
from reconciler.model import Ref, Revision

VO = "apiVersion: hanse/v1\nkind: VO\nmetadata: {{name: {0}}}\nspec: {{description: {1}}}\n"


class Contents:
    """Files in memory that count how often they are read."""

    def __init__(self, files: dict[str, str]) -> None:
        self.contents = {blob(text): text.encode() for text in files.values()}
        self.read_count = 0

    def read(self, blobs):
        for name in blobs:
            self.read_count += 1
            yield name, self.contents[name]


def blob(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


def revision(files: dict[str, str], commit: str = "c" * 40) -> Revision:
    return Revision(commit, {path: blob(text) for path, text in files.items()}, Contents(files))


def said(files: dict[str, str], **more) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        load(revision(files), registry(), **more)
    return [str(d) for d in caught.value.diagnostics]


def one(text: str) -> list[str]:
    return said({"m.yaml": text})


def test_a_manifest_becomes_a_resource():
    made = load(revision({"vo.yaml": VO.format("vo.example.org", "x")}), registry())
    resource = made.items[Ref("VO/vo.example.org")]
    assert (resource.spec.description, resource.location, resource.target) == ("x", ("vo.yaml", 1), "registry:vos")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "apiVersion: hanse/v1\nkind: VO\nmetadata: {name: a}\nspec:\n  descriptoin: x\n",
            "m.yaml:5:3: spec.descriptoin: there is no field descriptoin; did you mean description?",
        ),
        (
            "apiVersion: hanse/v1\nkind: VOO\nmetadata: {name: a}\nspec: {}\n",
            "m.yaml:2:1: kind: there is no kind VOO; did you mean VO?",
        ),
        (
            "apiVersion: hanse/v1\nkind: VO\nmetadata:\n  name: a\nspec:\n  description: no\n  managers: 5\n",
            "m.yaml:7:3: spec.managers: 5 is not a list; give a list",
        ),
        (
            "apiVersion: hanse/v2\nkind: VO\nmetadata: {name: a}\nspec: {}\n",
            "m.yaml:1:1: apiVersion: 'hanse/v2' is not possible here; did you mean hanse/v1?",
        ),
        (
            "apiVersion: hanse/v1\nkind: VO\nmetadata: {}\nspec: {}\n",
            "m.yaml:3:1: metadata.name: the field name is missing; add name:",
        ),
        (
            "apiVersion: hanse/v1\nkind: VO\nmetadata: {name: a}\n",
            "m.yaml:1:1: spec: the field spec is missing; add spec:",
        ),
        (
            "apiVersion: hanse/v1\nkind: VO\nmetadata: {name: a, namespace: b}\nspec: {}\n",
            "m.yaml:3:21: metadata.namespace: a VO belongs to the whole federation; take namespace out",
        ),
        (
            "apiVersion: hanse/v1\nkind: VO\nmetadata: {name: -a}\nspec: {}\n",
            "m.yaml:3:12: metadata.name: '-a' has not the form of a name; "
            "letters, digits, . _ -, beginning and ending with a letter or digit",
        ),
        ("- a\n", "m.yaml:1:1: is not a mapping; begin with apiVersion:, kind:, metadata:"),
        (
            "apiVersion: hanse/v1\nkind: VO\nmetadata: {name: a}\nlifecycle: {mode: enforced}\nspec: {}\n",
            "m.yaml:4:13: lifecycle.mode: 'enforced' is not possible here; did you mean enforce?",
        ),
        (
            "apiVersion: hanse/v1\nkind: VO\nmetadata: {name: no}\nspec: {}\nspec: {}\n",
            "m.yaml:5:1: spec: the key stands here twice; keep one of them",
        ),
    ],
)
def test_a_fault_says_where_what_and_the_cure(text, expected):
    assert one(text) == [expected]


def test_every_fault_of_every_file_is_reported_in_one_run():
    faults = said(
        {
            "b.yaml": "kind: VO\nx: [",
            "a.yaml": VO.format("a", "x").replace("spec", "spce"),
            "c.yaml": VO.format("c", "{a: b}"),
        }
    )
    assert {fault.split(":")[0] for fault in faults} == {"a.yaml", "b.yaml", "c.yaml"}


def test_a_name_that_is_taken_names_both_places():
    (fault,) = said({"a.yaml": VO.format("a", "x"), "b.yaml": "---\n---\n" + VO.format("a", "y")})
    assert fault == "b.yaml:5:12: metadata.name: VO/a is declared in a.yaml:1 already; rename or remove one"


def test_faults_as_annotations_of_a_pull_request():
    with pytest.raises(ManifestError) as caught:
        load(revision({"a,b.yaml": "kind: VO\n"}), registry())
    assert github(caught.value.diagnostics)[0].startswith("::error file=a%2Cb.yaml,line=1,col=1,title=schema::")


def test_only_what_changed_is_read_again():
    files = {f"{n}.yaml": VO.format(f"vo{n}", "x") for n in range(5)}
    memory = Memory()
    load(revision(files), registry(), memory=memory)
    files |= {"3.yaml": VO.format("vo3", "y"), "5.yaml": VO.format("vo5", "z")}
    del files["0.yaml"]
    again = revision(files, "d" * 40)
    made = load(again, registry(), memory=memory)
    assert again.blobs.read_count == 2
    assert made.changed == {Ref("VO/vo0"), Ref("VO/vo3"), Ref("VO/vo5")}
    assert made.items == load(revision(files), registry()).items


def test_a_file_that_is_only_renamed_changes_its_place_and_nothing_else():
    memory = Memory()
    load(revision({"a.yaml": VO.format("a", "x")}), registry(), memory=memory)
    again = revision({"b.yaml": VO.format("a", "x")})
    made = load(again, registry(), memory=memory)
    assert (made.items[Ref("VO/a")].location.file, again.blobs.read_count) == ("b.yaml", 0)


def test_a_broken_commit_leaves_the_memory_as_it_was():
    memory = Memory()
    good = {"a.yaml": VO.format("a", "x")}
    load(revision(good), registry(), memory=memory)
    with pytest.raises(ManifestError):
        load(revision({"a.yaml": "kind: ["}), registry(), memory=memory)
    assert load(revision(good), registry(), memory=memory).changed == frozenset()


def test_the_memory_on_disk_serves_the_next_command(tmp_path: Path):
    files = {f"{n}.yaml": VO.format(f"vo{n}", "x") for n in range(3)}
    memory = Memory.open(tmp_path, registry())
    first = load(revision(files), registry(), memory=memory)
    memory.save()
    again = revision(files)
    made = load(again, registry(), memory=Memory.open(tmp_path, registry()))
    assert again.blobs.read_count == 0
    assert made.items == first.items
    assert made.items[Ref("VO/vo1")].spec == first.items[Ref("VO/vo1")].spec


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:60] + bytes([b[60] ^ 1]) + b[61:], lambda b: b"", lambda b: b + b"x"]
)
def test_a_damaged_cache_is_rebuilt_and_never_trusted(tmp_path: Path, damage):
    memory = Memory.open(tmp_path, registry())
    load(revision({"a.yaml": VO.format("a", "x")}), registry(), memory=memory)
    memory.save()
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    again = revision({"a.yaml": VO.format("a", "x")})
    load(again, registry(), memory=Memory.open(tmp_path, registry()))
    assert again.blobs.read_count == 1


def test_a_rule_becomes_a_warning_where_the_operator_says_so():
    entitlement = "urn:mace:egi.eu: group:vo.example.org:role=member#aai.egi.eu"
    text = VO.format("a", "x").replace("{description: x}", f"{{entitlements: {{member: '{entitlement}'}}}}")
    faults = one(text)
    rule = next(r.id for r in registry()["VO"].rules if "entitlement" in r.id)
    lenient = RuleSettings({rule: {"m.*": "warning"}})
    assert faults
    assert not [f for f in said_or_none(text, lenient) if rule in f and "warning" not in f]


def said_or_none(text: str, rules: RuleSettings) -> list[str]:
    try:
        return [str(w) for w in load(revision({"m.yaml": text}), registry(), rules).warnings]
    except ManifestError as error:
        return [str(d) for d in error.diagnostics]
