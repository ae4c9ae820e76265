"""What a Tenancy names is there: what is misspelt would guard nothing."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
import yaml

import reconciler.kinds
from reconciler.cli import main
from reconciler.kinds import registry
from reconciler.kinds.tenancy.paths import missing

HEAD = "apiVersion: hanse/v1\nkind: Tenancy\nmetadata: {name: t}\nspec:\n"
WHO = "who: [{signer: ana@example.org}], actions: [update]"
BY = "what: ttl, by: [{signer: ana@example.org}]"


@pytest.fixture
def told(tmp_path, capsys):
    assert main(["init", str(tmp_path / "fed")]) == 0

    def validated(spec: str) -> tuple[int, list[str]]:
        (tmp_path / "fed" / "manifests" / "t.yaml").write_text(HEAD + spec.replace("WHO", WHO).replace("BY", BY))
        capsys.readouterr()
        code = main(["-C", str(tmp_path / "fed"), "validate", "--worktree"])
        said = capsys.readouterr()
        return code, [line for line in (said.out + said.err).splitlines() if "t.yaml:" in line]

    return validated


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("scope: {kinds: [DNSRecrod]}", "t.yaml:5:19: spec.scope.kinds[0]: there is no kind DNSRecrod; did you mean DNSRecord?"),
        ("refers: [{namespaces: ['*'], kinds: [Datset]}]", "there is no kind Datset; did you mean Dataset?"),
        ("allow: [{WHO, kinds: [Nope]}]", "spec.allow[0].kinds[0]: there is no kind Nope; there are: "),
        ("scope: {kinds: ['DNSX*']}", "no kind is called like DNSX*"),
        ("scope: {resources: [Foo/bar]}", "spec.scope.resources[0]: there is no kind Foo"),
        ("scope: {resources: [tides]}", "tides is the name of no resource; write Kind/name"),
        ("scope: {resources: ['Foo*/tides']}", "no kind is called like Foo*/tides"),
        (
            "approvals: [{BY, kinds: [DNSRecord], fields: [spec.tll]}]",
            "spec.approvals[0].fields[0]: there is no field spec.tll in DNSRecord; did you mean spec.ttl?",
        ),
        ("allow: [{WHO, fields: [spec.nosuch]}]", "there is no field spec.nosuch in any of the "),
        ("allow: [{WHO, fields: [lifecycle.adop]}]", "did you mean lifecycle.adopt?"),
        ("allow: [{WHO, fields: [ttl]}]", "there is no field ttl in any of the "),
        ("scope: {kinds: [DNSRecord]}\n  allow: [{WHO, fields: [spec.ttl.x]}]", "spec.ttl has no fields"),
    ],
)  # fmt: skip
def test_what_is_misspelt_is_refused_with_its_line_and_what_was_meant(told, spec, words):
    code, lines = told(f"  {spec}\n")
    assert code != 0
    (line,) = lines
    assert words in line
    assert "[warning" not in line


@pytest.mark.parametrize(
    "spec",
    [
        "scope: {kinds: ['*', 'DNS*', '[DV]*']}",
        "scope: {resources: ['*', 'DNSRecord/*/www', 'D*/www', '?NSRecord/x', 'VO/tides']}",
        "allow: [{WHO, fields: ['*', spec, 'spec.*', 'spec.v*[*]', 'spec.values[0]', lifecycle.adopt]}]",
        "allow: [{WHO, fields: ['metadata.labels.example.org/x', 'metadata.annotations.*', '*.ttl']}]",
        "scope: {kinds: [Site]}\n  allow: [{WHO, kinds: [Share], fields: [spec.what]}]",
    ],
)
def test_patterns_and_what_can_be_there_are_left_alone(told, spec):
    assert told(f"  {spec}\n") == (0, [])


def test_names_that_nothing_declares_are_warned_of(told):
    spec = "authority: {ngi: NGI_NO}\n  scope: {namespaces: [void]}\n"
    spec += "  allow: [{who: [{role: VO Manager, over: vo, name: nobody}], actions: [update]}]\n"
    code, lines = told(f"  {spec}")
    assert code == 0
    shown = (line.partition(": ")[2].partition(";")[0].partition(" [")[0] for line in lines)
    assert sorted(shown) == [
        "spec.allow[0].who[0].name: no VO nobody is declared",
        "spec.authority.ngi: no NGI NGI_NO is declared",
        "spec.scope.namespaces[0]: nothing is declared in a namespace void",
    ]


def test_an_entitlement_without_its_issuer_is_one_fault_that_says_what_to_add(told):
    code, lines = told("  allow: [{who: [{entitlement: 'urn:mace:egi.eu:group:x'}], actions: [update]}]\n")
    assert code != 0
    (line,) = lines
    assert "spec.allow[0].who[0]: whose entitlement counts is not said; add issuer: whose tokens count" in line


def test_a_list_with_nobody_in_it_is_still_too_short(told):
    code, lines = told("  allow: [{who: [], actions: [update]}]\n")
    assert code != 0
    assert "has too few entries" in lines[0]


def test_every_field_of_every_example_may_be_guarded():
    looked = 0
    for kind in registry().values():
        for file in sorted((Path(reconciler.kinds.__file__).parent / kind.name.lower()).glob("example*.yaml")):
            for document in yaml.safe_load_all(file.read_text()):
                if document["kind"] == kind.name:
                    spec = kind.Spec.model_validate_json(orjson.dumps(document["spec"]))
                    content = orjson.loads(kind.canonical(spec).canonical())
                    paths = list(_paths("spec", content))
                    looked += len(paths)
                    assert [path for path in paths if missing(path, [kind.Spec])] == []
    assert looked > 500


def _paths(path, value):
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(f"{path}.{key}", inner)
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _paths(f"{path}[{n}]", inner)
