"""The JSON Schemas that editors and check-jsonschema use say what Hanse itself says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import check_jsonschema
import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from reconciler.kinds import registry, schema

EXAMPLES = sorted(Path(schema.__file__).parent.glob("*/example.yaml"))


@pytest.fixture(scope="module")
def schemas(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("schemas")
    schema.write(directory)
    return directory


def documents(path: Path) -> list[str]:
    """The texts of a file's documents: check-jsonschema takes one document per file."""
    return [text for text in path.read_text().split("\n---\n") if "apiVersion" in text]


def faults(made: dict, text: str) -> list[str]:
    from reconciler.manifest.reader import documents as read

    (document,) = read(text.encode())
    return [e.json_path for e in jsonschema.Draft202012Validator(made).iter_errors(document.data)]


@pytest.mark.parametrize("name", ["hanse.json", *(schema.file_name(kind) for kind in registry().values())])
def test_each_schema_is_a_valid_schema(schemas, name):
    jsonschema.Draft202012Validator.check_schema(
        json.loads((schemas / name).read_text()), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )


@pytest.fixture(scope="module")
def examples(tmp_path_factory) -> dict[str, list[Path]]:
    """The documents of each kind's example, each in a file of its own."""
    directory, found = tmp_path_factory.mktemp("examples"), {}
    for example in EXAMPLES:
        for number, text in enumerate(documents(example)):
            (directory / f"{example.parent.name}-{number}.yaml").write_text(text)
        found[example.parent.name] = sorted(directory.glob(f"{example.parent.name}-*.yaml"))
    return found


def test_check_jsonschema_accepts_every_kinds_example(schemas, examples):
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", schemas / "hanse.json"]
    files = [file for files in examples.values() for file in files]
    ran = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("example", [path.parent.name for path in EXAMPLES])
def test_the_schema_of_each_kind_accepts_its_example(schemas, examples, example):
    kind = yaml.load(examples[example][0].read_text(), Loader=yaml.BaseLoader)["kind"]
    given = ["--schemafile", str(schemas / schema.file_name(registry()[kind])), *map(str, examples[example])]
    ran = CliRunner().invoke(check_jsonschema.main, given)
    assert ran.exit_code == 0, ran.output


VO = "apiVersion: hanse/v1\nkind: VO\nmetadata: {name: a}\nspec: {}\n"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (("spec: {}", "spec: {descriptoin: x}"), "$.spec"),
        (("kind: VO", "kind: VOO"), "$.kind"),
        (("hanse/v1", "hanse/v2"), "$.apiVersion"),
        (("{name: a}", "{name: -a}"), "$.metadata.name"),
        (("{name: a}", "{name: a, namespace: b}"), "$.metadata"),
        (("spec: {}", "lifecycle: {mode: enforced}\nspec: {}"), "$.lifecycle.mode"),
        (("spec: {}\n", ""), "$"),
    ],
)
def test_the_schema_of_all_kinds_finds_what_hanse_finds(change, where):
    assert faults(schema.of_all(registry()), VO) == []
    assert where in faults(schema.of_all(registry()), VO.replace(*change))


def test_every_field_that_a_docstring_describes_is_described_in_the_editor():
    made = schema.of(registry()["VO"])
    assert made["properties"]["metadata"]["description"]
    assert made["$defs"]["Lifecycle"]["properties"]["adopt"]["description"].startswith("Take over")


def test_a_schema_that_the_code_no_longer_says_is_stale(tmp_path):
    assert set(schema.stale(tmp_path)) == {"hanse.json", *(schema.file_name(k) for k in registry().values())}
    schema.write(tmp_path)
    assert schema.stale(tmp_path) == []
    (tmp_path / "vo.json").write_text("{}")
    assert schema.stale(tmp_path) == ["vo.json"]
    assert [path.name for path in schema.write(tmp_path)] == ["vo.json"]
