"""Values of files that the real SOPS has encrypted."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from reconciler.errors import Terminal
from reconciler.model import SecretRef
from reconciler.settings import Settings
from reconciler.wiring import Wired

DATA = {"tsig": {"key": "a-tsig-key-of-the-zone"}, "zones": {"fed.example.org": {"key": "dotted"}}, "list": ["x", 7]}


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *words], cwd=folder, check=True)


@pytest.fixture
def federation(tmp_path: Path, sops) -> Path:
    root = tmp_path / "federation"
    sops.encrypt(root / "secrets/dns.yaml", DATA)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "secrets")
    return root


def reader(root: Path, sops, program: str = "") -> Wired:
    told = {"source": {"repository": str(root)}, "sops": {"age_key_file": str(sops.key_file), "program": program}}
    return Wired(Settings.model_validate(told, strict=False), {})


def named(file: str, key: str) -> SecretRef:
    return SecretRef.model_validate({"sops": {"file": file, "key": key}})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("tsig.key", "a-tsig-key-of-the-zone"),
        ('zones."fed.example.org".key', "dotted"),
        ("list.0", "x"),
        ("list.1", "7"),
    ],
)
def test_a_value_of_the_repository_is_read_as_committed(federation, sops, key, value) -> None:
    (federation / "secrets/dns.yaml").write_text("not what was committed")
    assert reader(federation, sops).secret(named("secrets/dns.yaml", key)) == value


@pytest.mark.parametrize("ending", ["json", "env", "yml"])
def test_files_of_every_form_are_read_from_the_machine_too(tmp_path, sops, ending) -> None:
    file = sops.encrypt(tmp_path / f"own.{ending}", {"TOKEN": "of-the-machine"})
    assert reader(tmp_path, sops).secret(named(str(file), "TOKEN")) == "of-the-machine"


def test_what_was_changed_after_it_was_encrypted_is_refused(federation, sops) -> None:
    file = federation / "secrets/dns.yaml"
    for before, after in (("list:", "lost:"), ('lastmodified: "20', 'lastmodified: "19')):
        whole = file.read_text()
        file.write_text(whole.replace(before, after, 1))
        git(federation, "commit", "-q", "-am", "tampered")
        with pytest.raises(Terminal, match=r"secrets/dns.yaml: it was changed since .* \(MAC mismatch\)"):
            reader(federation, sops).secret(named("secrets/dns.yaml", "tsig.key"))
        file.write_text(whole)


def test_a_copy_of_a_file_that_says_where_it_stands_is_refused(federation, sops) -> None:
    file = sops.encrypt(
        federation / "secrets/tides/dns.yaml", {"hanse_file": "secrets/tides/dns.yaml", "key": "theirs"}
    )
    copied = federation / "secrets/waves/mine.yaml"
    copied.parent.mkdir()
    copied.write_bytes(Path(file).read_bytes())
    git(federation, "add", ".")
    git(federation, "commit", "-q", "-m", "copied")
    assert reader(federation, sops).secret(named("secrets/tides/dns.yaml", "key")) == "theirs"
    with pytest.raises(Terminal, match="it is the copy of another file"):
        reader(federation, sops).secret(named("secrets/waves/mine.yaml", "key"))
    copied.write_text(copied.read_text().replace("hanse_file:", "other_name:"))
    git(federation, "commit", "-q", "-am", "tampered")
    with pytest.raises(Terminal, match="MAC mismatch"):
        reader(federation, sops).secret(named("secrets/waves/mine.yaml", "key"))


def test_a_line_that_was_taken_out_is_noticed(federation, sops) -> None:
    file = federation / "secrets/dns.yaml"
    file.write_text(re.sub(r"list:\n(    - .*\n)+", "", file.read_text()))
    git(federation, "commit", "-q", "-am", "shortened")
    with pytest.raises(Terminal, match="MAC mismatch"):
        reader(federation, sops).secret(named("secrets/dns.yaml", "tsig.key"))


def test_without_the_key_it_is_said_which_file_and_what_to_do(federation, sops, tmp_path) -> None:
    wired = Wired(Settings.model_validate({"source": {"repository": str(federation)}}, strict=False), {})
    with pytest.raises(
        Terminal, match="no age key of the reconciler can decrypt it: name the key in .sops. age_key_file"
    ):
        wired.secret(named("secrets/dns.yaml", "tsig.key"))


def test_a_value_that_is_not_there_is_named_and_no_other_is_shown(federation, sops) -> None:
    for key in ("tsig.other", "tsig", "list.2", "tsig.key.more"):
        with pytest.raises(Terminal) as caught:
            reader(federation, sops).secret(named("secrets/dns.yaml", key))
        assert "secrets/dns.yaml" in str(caught.value)
        assert "a-tsig-key" not in str(caught.value)


def test_a_file_that_is_not_encrypted_is_not_taken(federation, sops) -> None:
    (federation / "secrets/plain.yaml").write_text("token: plain-text-token\n")
    git(federation, "add", ".")
    git(federation, "commit", "-q", "-m", "careless")
    with pytest.raises(Terminal, match="not encrypted by SOPS") as caught:
        reader(federation, sops).secret(named("secrets/plain.yaml", "token"))
    assert "plain-text" not in str(caught.value)


def test_a_symlink_in_the_repository_leads_nowhere(federation, sops, tmp_path) -> None:
    outside = sops.encrypt(tmp_path / "outside.yaml", {"token": "outside"})
    (federation / "secrets/link.yaml").symlink_to(outside)
    (federation / "away").symlink_to(tmp_path)
    git(federation, "add", ".")
    git(federation, "commit", "-q", "-m", "links")
    for path in ("secrets/link.yaml", "away/outside.yaml"):
        with pytest.raises(Terminal, match="not a regular file|no such file"):
            reader(federation, sops).secret(named(path, "token"))


@pytest.mark.parametrize("path", ["../x.yaml", "secrets/../../x.yaml", "secrets//x.yaml", "./x.yaml", "x.txt"])
def test_a_path_that_goes_another_way_is_no_reference(path) -> None:
    with pytest.raises(ValueError, match="path without|ends in one of"):
        named(path, "token")


def test_a_file_that_names_a_server_for_its_key_is_refused_before_anybody_is_called(federation, sops) -> None:
    file = federation / "secrets/dns.yaml"
    vault = "    hc_vault:\n        - vault_address: http://127.0.0.1:1\n          engine_path: transit\n          key_name: x\n"
    for before in (
        "sops:\n",
        'sops:\n    key_groups:\n      - "hc\\x5fvault": [{vault_address: "http://127.0.0.1:1"}]\n',
    ):
        whole = file.read_text()
        file.write_text(whole.replace("sops:\n", before + (vault if before == "sops:\n" else ""), 1))
        git(federation, "commit", "-q", "-am", "hostile")
        with pytest.raises(Terminal, match="encrypted for hc_vault: only age keys are taken"):
            reader(federation, sops).secret(named("secrets/dns.yaml", "tsig.key"))
        file.write_text(whole)


def test_one_program_run_serves_many_values(federation, sops, tmp_path) -> None:
    count = tmp_path / "count"
    counting = tmp_path / "sops"
    from reconciler.drivers.secrets.sops import program
    from reconciler.ports.secrets import SopsOptions

    counting.write_text(f'#!/bin/sh\necho x >> {count}\nexec {program(SopsOptions())} "$@"\n')
    counting.chmod(0o755)
    wired = reader(federation, sops, str(counting))
    for key in ("tsig.key", "list.0", "tsig.key"):
        wired.secret(named("secrets/dns.yaml", key))
    assert count.read_text().split() == ["x"]
