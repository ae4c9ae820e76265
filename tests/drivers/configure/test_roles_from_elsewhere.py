"""Roles that do not come with Hanse: from archives, collections and the federation's own repository, as pinned."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from reconciler.drivers.ansible.roles import supplied
from reconciler.errors import Terminal
from reconciler.kinds.virtualcluster import KIND
from reconciler.model import Ref
from reconciler.ports import RoleSource, RunRequest
from tests.drivers.configure.conftest import finished
from tests.drivers.configure.test_ansible import on
from tests.kinds.virtualcluster.conftest import spec

TASKS = "- name: Say so\n  ansible.builtin.copy: {content: '{{ WORD }}', dest: /root/said-WORD, mode: '0644'}\n"


def role_folder(folder: Path, word: str) -> Path:
    (folder / "tasks").mkdir(parents=True)
    (folder / "tasks" / "main.yml").write_text(TASKS.replace("{{ WORD }}", word).replace("WORD", word))
    return folder


def packed(folder: Path, file: Path, inside: str = "role") -> RoleSource:
    with tarfile.open(file, "w:gz") as archive:
        archive.add(folder, inside)
    return RoleSource("tides", f"file://{file}", hashlib.sha256(file.read_bytes()).hexdigest())


def git(repository: Path, *words: str) -> str:
    own = ("-c", "user.name=Anna", "-c", "user.email=anna@tides.example.org")
    return subprocess.run(
        ["git", "-C", str(repository), *own, *words], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "federation"
    role_folder(folder / "roles" / "ebb", "ebb")
    git(tmp_path, "init", "-q", str(folder))
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "A role of our own")
    return folder


@pytest.fixture
def collection(tmp_path: Path) -> RoleSource:
    """Built by ansible-galaxy itself."""
    root = tmp_path / "source"
    galaxy = [str(Path(sys.executable).with_name("ansible-galaxy")), "collection"]
    subprocess.run([*galaxy, "init", "sea.coast", "--init-path", str(root)], check=True, capture_output=True)
    role_folder(root / "sea/coast/roles/flood", "flood")
    build = [*galaxy, "build", str(root / "sea/coast"), "--output-path", str(tmp_path)]
    subprocess.run(build, check=True, capture_output=True)
    (file,) = tmp_path.glob("sea-coast-*.tar.gz")
    return RoleSource("sea.coast.flood", f"file://{file}", hashlib.sha256(file.read_bytes()).hexdigest())


@pytest.mark.root
def test_roles_of_every_origin_run(runs, hosts, world, tmp_path, repository, collection) -> None:
    tree = git(repository, "rev-parse", "HEAD:roles/ebb")
    sources = [
        packed(role_folder(tmp_path / "tides", "tides"), tmp_path / "tides.tar.gz"),
        RoleSource("ebb", tree=tree),
        collection,
    ]
    given = {
        "hanse_cluster": {"name": "sediment", "namespace": "tides", "uid": "a" * 32, "vo": "vo.tides.example.org"},
        "hanse_members": [{"name": h.name, "address": h.address, "groups": list(h.groups)} for h in hosts[:1]],
        "hanse_ssh_keys": [],
        "hanse_worker_groups": [],
        "hanse_software": [{"role": source.name, "variables": {}} for source in sources],
    }
    own = {**hosts[0].variables, "hanse_cpus": 1, "hanse_ram_mib": 1024}
    host = type(hosts[0])(hosts[0].name, hosts[0].address, hosts[0].groups, variables=own)
    client = runs(playbooks="", repository=str(repository))
    ended = finished(client, client.start(RunRequest("virtualcluster/present.yml", [host], given, roles=sources)))
    assert ended.state == "successful", ended
    said = on(host, world, "cat /root/said-tides /root/said-ebb /root/said-flood; rm /root/said-*")
    assert said == "tidesebbflood"


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    source = packed(role_folder(tmp_path / "tides", "tides"), tmp_path / "tides.tar.gz")
    (first,) = supplied([source], tmp_path / "kept", "", tmp_path / "own")
    (tmp_path / "tides.tar.gz").unlink()
    assert supplied([source], tmp_path / "kept", "", tmp_path / "own") == [first]


def refused(source: RoleSource, tmp_path: Path, repository: str = "") -> str:
    with pytest.raises(Terminal) as error:
        supplied([source], tmp_path / "kept", repository, tmp_path / "own")
    kept = tmp_path / "kept"
    assert not kept.exists() or list(kept.iterdir()) == [], "nothing is left"
    return str(error.value)


def test_an_archive_that_is_not_as_pinned_is_refused_with_both_digests(tmp_path: Path) -> None:
    source = packed(role_folder(tmp_path / "tides", "tides"), tmp_path / "tides.tar.gz")
    said = refused(RoleSource("tides", source.archive, "0" * 64), tmp_path)
    assert source.sha256 in said
    assert f"pins {'0' * 64}: nothing of it was run" in said


def test_a_tree_that_the_repository_has_not_is_named(tmp_path: Path, repository: Path) -> None:
    said = refused(RoleSource("ebb", tree="1" * 40), tmp_path, str(repository))
    assert "has no tree " + "1" * 40 in said
    assert "git rev-parse HEAD:roles/ebb" in said


def test_a_role_cannot_take_the_name_of_one_of_ours(tmp_path: Path) -> None:
    (tmp_path / "own" / "tides").mkdir(parents=True)
    source = packed(role_folder(tmp_path / "tides", "tides"), tmp_path / "tides.tar.gz")
    assert "comes with Hanse" in refused(source, tmp_path)


def test_an_archive_without_a_role_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty" / "docs").mkdir(parents=True)
    assert "no tasks/main.yml" in refused(packed(tmp_path / "empty", tmp_path / "e.tar.gz", "."), tmp_path)


def test_an_archive_that_would_write_elsewhere_is_refused(tmp_path: Path) -> None:
    source = packed(role_folder(tmp_path / "tides", "tides"), tmp_path / "tides.tar.gz", "../../tides")
    assert "cannot be unpacked" in refused(source, tmp_path)
    assert not (tmp_path.parent / "tides").exists()


def test_a_collection_is_the_one_that_the_role_names(tmp_path: Path, collection: RoleSource) -> None:
    other = RoleSource("sea.deep.flood", collection.archive, collection.sha256)
    assert "the archive is the collection sea.coast" in refused(other, tmp_path)


@pytest.mark.parametrize(
    "source", [{"archive": "https://a.example.org/r.tar.gz"}, {}, {"tree": "1" * 40, "sha256": "0" * 64}]
)
def test_a_source_that_pins_nothing_is_a_fault_of_the_manifest(source: dict[str, str]) -> None:
    wanted = spec(software=[{"role": "tides", "source": source}])
    faults = [f.path for rule in KIND.rules for f in rule.check(Ref("VirtualCluster/tides/sediment"), wanted)]
    assert "spec.software[0].source" in faults
