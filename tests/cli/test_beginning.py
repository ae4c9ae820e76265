"""init, config, schema, rules, version."""

import json
import re
import tomllib

import pytest
from jsonschema import Draft202012Validator

from reconciler import __version__
from reconciler.cli import main
from reconciler.cli.effective import effective
from reconciler.cli.start import SETTINGS
from reconciler.kinds import registry
from reconciler.settings import Settings, load


def test_a_beginner_gets_from_init_to_an_applied_federation(tmp_path, capsys):
    place = str(tmp_path / "fed")
    assert main(["init", place]) == 0
    assert main(["-C", place, "validate", "--worktree"]) == 0
    assert main(["-C", place, "plan", "--worktree"]) == 2
    assert main(["-C", place, "apply", "--worktree"]) == 0
    assert main(["-C", place, "plan", "--worktree"]) == 0
    said = capsys.readouterr()
    assert "wrote hanse.toml\nwrote manifests/vo.yaml\nwrote manifests/www.yaml\nwrote .gitignore" in said.out
    assert "git init" in said.out
    assert f"next: hanse -C {place} plan --worktree" in said.err


def test_init_overwrites_nothing(tmp_path, capsys):
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "vo.yaml").write_text("mine\n")
    assert main(["init", str(tmp_path)]) == 1
    assert "has manifests/vo.yaml already" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == ["vo.yaml"]


def test_init_keeps_what_gitignore_has_and_the_repository_there_is(federation):
    (federation.root / "manifests" / "vo.yaml").unlink()
    (federation.root / "manifests" / "www.yaml").unlink()
    said = federation.hanse("init")
    assert (said.code, "git init" in said.out, ".gitignore" in said.out) == (0, False, False)


def test_the_settings_that_init_writes_are_the_defaults(tmp_path):
    (tmp_path / "hanse.toml").write_text(SETTINGS)
    assert load(tmp_path, {}) == Settings().pathed(tmp_path)
    uncommented = re.sub(r"^# (?=[a-z\[])", "", SETTINGS, flags=re.MULTILINE)
    (tmp_path / "hanse.toml").write_text(uncommented)
    assert tomllib.loads(uncommented)["targets"]
    assert load(tmp_path, {}).limits == Settings().limits


def test_config_says_where_each_value_came_from(federation, monkeypatch):
    federation.write(
        "hanse.toml", '[run]\ninterval_seconds = 5\n[targets."dns:fed.example.org."]\nserver = "192.0.2.1"\n'
    )
    monkeypatch.setenv("HANSE_APPLY__WORKERS", "3")
    found = json.loads(federation.hanse("config", "-o", "json").out)
    assert found["run.interval_seconds"] == {"from": "hanse.toml", "value": 5.0}
    assert found["apply.workers"] == {"from": "HANSE_APPLY__WORKERS", "value": 3}
    assert found["run.jitter"] == {"from": "default", "value": 0.1}
    assert found["targets.dns:fed.example.org."] == {"from": "hanse.toml", "value": {"server": "192.0.2.1"}}
    assert "HANSE_APPLY__WORKERS" in federation.hanse("config").out


def test_config_masks_secrets_and_shows_references_to_them(tmp_path):
    settings = Settings.model_validate(
        {
            "records": {"url": "postgresql+psycopg://hanse:hunter2@db.example.org/hanse"},
            "targets": {
                "compute:*": {"password": "hunter2", "user": "hanse", "options": {"api_key": "hunter2"}},
                "dns:*": {"key": {"file": "/etc/key"}, "secrets": ["hunter2"]},
            },
        },
        strict=False,
    )
    rows = {name: value for name, value, _ in effective(settings, tmp_path, {}, None)}
    assert "hunter2" not in repr(rows)
    assert rows["records.url"] == "postgresql+psycopg://hanse:********@db.example.org/hanse"
    assert rows["targets.dns:*"]["key"] == {"file": "/etc/key"}
    assert rows["targets.compute:*"]["user"] == "hanse"


def test_another_configuration_file(federation, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text(f'[source]\nrepository = "{federation.root}"\n')
    assert federation.hanse("--config", str(other), "validate").code == 0
    said = federation.hanse("--config", str(tmp_path / "none.toml"), "validate")
    assert (said.code, "no such file" in said.err) == (1, True)


def test_the_nearest_folder_with_settings_is_the_root(federation, monkeypatch, capsys):
    federation.write("hanse.toml", "")
    monkeypatch.chdir(federation.root / "manifests")
    assert main(["validate"]) == 0
    assert capsys.readouterr().err == "2 resources valid\n"


@pytest.mark.parametrize("kind", sorted(registry()))
def test_the_schema_of_each_kind_is_a_schema(kind, capsys):
    assert main(["schema", kind]) == 0
    Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))


def test_all_schemas_are_written(tmp_path, capsys):
    assert main(["schema", "--write", str(tmp_path)]) == 0
    assert {f"{kind.lower()}.json" for kind in registry()} < {path.name for path in tmp_path.iterdir()}
    assert main(["schema"]) == 0
    assert main(["schema", "DNSRecrod"]) == 1
    assert "did you mean DNSRecord?" in capsys.readouterr().err


def test_every_rule_is_listed(capsys):
    assert main(["rules"]) == 0
    said = capsys.readouterr().out
    for kind in registry().values():
        for rule in kind.rules:
            assert rule.id in said
    assert main(["rules", "-o", "json"]) == 0
    assert {"id", "severity", "text"} == set(json.loads(capsys.readouterr().out)[0])


def test_the_version(capsys):
    assert main(["version"]) == 0
    assert main(["version", "-o", "json"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"hanse {__version__}\n")


def test_a_hanse_toml_above_the_repository_is_passed_over_and_told(federation, monkeypatch, capsys):
    above = federation.root.parent / "hanse.toml"
    above.write_text('log = "debug"\n')
    (inner := federation.root / "manifests/sites").mkdir()
    monkeypatch.chdir(inner)
    assert main(["config"]) == 0
    said = capsys.readouterr()
    assert f"{above} lies above this git repository and is not read" in said.err
    assert re.search(r"^log +warning ", said.out, re.MULTILINE) is not None
    assert main(["--config", str(above), "config"]) == 0
    said = capsys.readouterr()
    assert (said.err.count("lies above"), re.search(r"^log +debug ", said.out, re.MULTILINE) is not None) == (0, True)
    federation.write("hanse.toml", 'log = "info"\n')
    assert main(["config"]) == 0
    said = capsys.readouterr()
    assert (said.err.count("lies above"), re.search(r"^log +info ", said.out, re.MULTILINE) is not None) == (0, True)


def test_a_line_end_in_the_name_of_a_file_forges_no_line(federation):
    federation.write("manifests/a\nmanifests/vo.yaml:1:1: all is well.yaml", "kind: VO\n")
    said = federation.hanse("validate", "--worktree")
    assert said.code == 1
    assert not [one for one in (said.out + said.err).splitlines() if one.startswith("manifests/vo.yaml:1:1")]
