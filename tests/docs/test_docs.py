"""The pages say what is so: their examples validate, their commands exist, and what they show is what is printed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.exceptions import TyperException

from reconciler import manifest, source
from reconciler.cli import app
from reconciler.errors import ManifestError
from reconciler.kinds import registry
from tests.docs.forked import served
from tests.docs.replay import ROOT, blocks, comparable, pages, replayed, surroundings

PAGES = sorted([ROOT / "README.md", ROOT / "manifests/README.md", *(ROOT / "docs").rglob("*.md")])
BETWEEN = {"vo-allocation-site", "probe-service", "replica-storage", "datasetrule-storage", "reference-dangling"}
"""Rules between resources: an example on a page need not bring all that it refers to."""


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def examples():
    for page in PAGES:
        for number, block in enumerate(blocks(page.read_text())):
            if block.form == "yaml" and "apiVersion: hanse/v1" in block.body and "kind: Notice" not in block.body:
                yield pytest.param(block.body, id=f"{name(page)}-{number}")


@pytest.mark.parametrize("text", list(examples()))
def test_every_manifest_on_a_page_is_valid(tmp_path, text):
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests/example.yaml").write_text(text)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    read = source.read(tmp_path, "", worktree=True, paths=("manifests",))
    try:
        resources = manifest.load(read, registry(), manifest.RuleSettings({}), manifest.Memory())
    except ManifestError as error:
        assert {fault.rule for fault in error.diagnostics} <= BETWEEN, "\n".join(map(str, error.diagnostics))
    else:
        assert resources.items


def commands():
    """Every command line of a block, whole; of running text the command's name."""
    for page in PAGES:
        text = page.read_text()
        if page.parent.name == "reference" and page.name == "cli.md":
            continue
        found = [
            line for block in blocks(text) for line in block.body.splitlines() if re.search(r"\bhanse [a-z-]", line)
        ]
        lines = {
            part.strip()
            for line in found
            for part in re.findall(r"(?:^|\s)(hanse (?:-|[a-z])(?:'[^']*'|[^|;&>'])*)", line)
            if re.match(r"^(\$ |hanse |- run: hanse|.*&& hanse |.*; hanse |\s+hanse |\s+- (run: )?hanse )", line)
        }
        lines |= set(re.findall(r"`(hanse [a-z][^`]*)`", text))
        yield from (pytest.param(line, id=f"{name(page)}: {line}") for line in sorted(lines))


@pytest.mark.parametrize("line", list(commands()))
def test_every_command_on_a_page_exists_with_its_options(line):
    words = shlex.split(re.sub(r"\$\{\{.*?\}\}", "X", line), comments=True)[1:]
    command = typer.main.get_command(app)
    context = command.context_class(command, info_name="hanse")
    while hasattr(command, "commands"):
        while words and words[0] in ("-C", "--config"):
            words = words[2:]
        if not words or words[0].startswith("-"):
            return
        assert words[0] in command.commands, f"there is no command {words[0]}"
        command = command.commands[words.pop(0)]
        context = command.context_class(command, info_name=command.name, parent=context)
    options = [word for word in words if word.startswith("-") and len(word) > 1 and not word[1].isdigit()]
    known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {option.partition("=")[0] for option in options} <= known | {"--help", "-h"}
    try:
        command.make_parser(context).parse_args(args=list(words))
    except TyperException as error:
        said = error.format_message()
        assert "Missing" in said or "requires an argument" in said, said  # in running text names stand without values


@pytest.fixture(scope="module")
def hanse():
    with served(surroundings()) as program:
        yield program


@pytest.mark.parametrize("page", pages(), ids=name)
def test_what_a_page_shows_is_what_its_commands_print(page, hanse):
    text = page.read_text()
    assert comparable(replayed(text, hanse)) == comparable(text), f"python -m tests.docs.replay {name(page)}"


def test_the_kind_that_a_page_makes_passes_the_conformance_suite(tmp_path):
    for folder in ("reconciler", "tests", "playbooks"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    page = (ROOT / "docs/how-to/write-a-kind.md").read_text()
    files = re.findall(r"`(reconciler/kinds/notice/\w+\.(?:py|yaml))`.*?```(?:python|yaml)\n(.*?)```", page, re.DOTALL)
    assert len(files) == 4
    (tmp_path / "reconciler/kinds/notice").mkdir()
    for path, text in files:
        (tmp_path / path).write_text(text)
    suite = [sys.executable, "-m", "pytest", "-q", "tests/kinds/test_conformance.py", "-k", "Notice", "-p", "no:xdist"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    environment.pop("PYTEST_XDIST_WORKER", None)
    ran = subprocess.run(suite, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-2000:]
    assert re.search(r"[1-9]\d* passed", ran.stdout)


def test_no_page_names_a_folder_of_the_machine_it_was_written_on():
    for page in PAGES:
        assert not re.search(r"(?<![\w.-])/(tmp|work|root)/", page.read_text()), name(page)
