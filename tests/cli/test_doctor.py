"""hanse doctor finds what an operator would look for, all of it, and shows no secret."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.records.schema import VERSION_TABLE
from reconciler.records.store import open_store
from tests.real.postgresql import postgresql  # noqa: F401 (a fixture)
from tests.real.secrets import sops  # noqa: F401 (a fixture)

VALUE = "a-value-that-doctor-read"


def findings(federation) -> tuple[int, list[dict]]:
    said = federation.hanse("doctor", "-o", "json")
    assert VALUE not in said.out + said.err
    return said.code, json.loads(said.out)


def of(found: list[dict], check: str, state: str = "") -> str:
    return "\n".join(
        f"{one['said']} -> {one['cure']}" for one in found if one["check"] == check and state in one["state"]
    )


def test_a_fresh_federation_is_well_and_what_is_open_is_told(federation) -> None:
    code, found = findings(federation)
    assert code == 0, [one for one in found if one["state"] == "fault"]
    assert "resources are declared, without fault" in of(found, "repository", "ok")
    assert "every manifest may name every secret" in of(found, "scopes", "warning")
    assert "nothing is recorded yet" in of(found, "database", "warning")
    assert not (federation.root / ".hanse/hanse.db").exists(), "looking made a database"
    assert "nobody says where backups are" in of(found, "backups", "warning")
    said = federation.hanse("doctor")
    assert "ok       settings" in said.out
    assert "0 fault(s)" in said.err


def test_every_fault_is_found_in_one_go_with_its_cure(federation, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("SHORT", VALUE[:10])
    (tmp_path / "open-secret").write_text(VALUE)
    (tmp_path / "open-secret").chmod(0o644)
    federation.write(
        "hanse.toml",
        f"""
[source]
signers = "nobody"
[records]
backups = "{tmp_path}"
[web]
listen = "0.0.0.0:80"
[[webhooks]]
name = "one"
forge = "github"
secret = {{ env = "SHORT" }}
[[webhooks]]
name = "one"
forge = "gitea"
secret = {{ env = "NOT_SET" }}
[[notify]]
url = "htps://nowhere"
[[notify]]
url = {{ file = "{tmp_path}/open-secret" }}
[targets."dns:x.example.org."]
driver = "nosuch"
key = {{ file = "/nowhere/key" }}
[targets."fts:a"]
token = {{ sops = {{ file = "secrets/none.yaml", key = "a" }} }}
""",
    )
    federation.write("manifests/broken.yaml", "kind: VO\n")
    federation.commit("ill")
    code, found = findings(federation)
    assert code == 1
    for check, said in {
        "repository": "what is declared has faults",
        "signatures": "nobody's signature counts",
        "secrets": "the environment variable NOT_SET is not set",
        "drivers": "there is no dns driver called nosuch",
        "backups": "there is no backup in",
        "listening": "0.0.0.0:80 can be reached from elsewhere",
        "webhooks": "2 web hooks are called one",
        "notifications": "its URL is none that can be posted to",
    }.items():
        assert said in of(found, check, "fault"), check
    assert "[targets]" in of(found, "secrets", "fault")
    assert "/nowhere/key cannot be read" in of(found, "secrets", "fault")
    assert "none.yaml" in of(found, "secrets", "fault")
    assert "everybody on this machine may read" in of(found, "secrets", "warning")
    assert "its secret is short" in of(found, "webhooks", "warning")
    assert all(one["cure"] for one in found if one["state"] != "ok" and one["check"] != "settings")


def test_a_new_installation_is_told_to_start_the_loop_once(federation, tmp_path) -> None:
    remote = f'[source]\nrepository = "copy.git"\nremote = "file://{federation.root}"\n'
    federation.write("hanse.toml", f'{remote}[records]\nbackups = "{tmp_path}"\n')
    code, found = findings(federation)
    assert (code, [one for one in found if one["state"] == "fault"]) == (0, [])
    assert [one["cure"] for one in found if one["check"] == "repository" and one["state"] == "warning"] == [
        "start the loop once: hanse run --once"
    ]
    assert not of(found, "leader") + of(found, "backups") + of(found, "shared")


def test_settings_that_cannot_be_read_are_the_finding(federation) -> None:
    federation.write("hanse.toml", "[records]\nurk = 1\n")
    code, found = findings(federation)
    assert (code, found[0]["check"], found[0]["state"]) == (1, "settings", "fault")
    assert "records.urk" in found[0]["said"]


def test_a_leader_and_the_age_of_backups_are_told(federation) -> None:
    federation.hanse("apply", "--yes")
    kept = federation.root.parent / "kept"
    kept.mkdir()
    federation.hanse("backup", str(kept / "a.tar.gz"))
    federation.write("hanse.toml", f'[records]\nbackups = "{kept}"\n')
    with open_store(f"sqlite:///{federation.root}/.hanse/hanse.db", lambda: datetime.now(UTC)) as store:
        store.lease.acquire("reconcile", "ana@north, process 7", 60)
    _, found = findings(federation)
    assert "ana@north, process 7 leads since" in of(found, "leader", "ok")
    assert "the last recorded run was" in of(found, "leader", "ok")
    assert "the newest backup" in of(found, "backups", "ok")
    from reconciler.cli import house

    later = datetime.now(UTC) + timedelta(days=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(house, "now", lambda: later)
        _, found = findings(federation)
    assert "the newest backup" in of(found, "backups", "warning")
    assert "nobody leads" in of(found, "leader", "warning")


def test_a_database_of_another_version_is_told(federation) -> None:
    federation.hanse("apply", "--yes")
    for version, state in (("0003", "warning"), ("9999", "fault")):
        with closing(sqlite3.connect(federation.root / ".hanse/hanse.db")) as database, database:
            database.execute(f"UPDATE {VERSION_TABLE} SET version_num = '{version}'")
        _, found = findings(federation)
        assert f"at schema {version}" in of(found, "database", state)


def test_a_clock_that_is_off_the_servers_is_a_fault(federation, postgresql, monkeypatch) -> None:  # noqa: F811
    federation.write("hanse.toml", f'[records]\nurl = "{postgresql.fresh()}"\n')
    federation.hanse("upgrade")
    _, found = findings(federation)
    assert "off the database's" in of(found, "database", "ok")
    assert of(found, "shared") == ""
    from reconciler.cli import house

    off = timedelta(minutes=2)
    monkeypatch.setattr(house, "now", lambda: datetime.now(UTC) + off)
    code, found = findings(federation)
    assert code == 1
    assert "clock is +120." in of(found, "database", "fault")


def test_what_reconcilers_on_several_machines_do_not_share_is_told(federation, postgresql) -> None:  # noqa: F811
    settings = f'[records]\nurl = "{postgresql.fresh()}"\n'
    federation.write("hanse.toml", f'{settings}[targets."registry:*"]\ndriver = "embedded"\n')
    federation.write("manifests/site.yaml", SITE)
    federation.commit()
    federation.hanse("upgrade")
    _, found = findings(federation)
    state = f"{federation.root}/.hanse/state"
    assert f"the register is a file in {state}" in of(found, "shared", "warning")
    one = "compute:BAY/one/vo.example.org"
    assert f"{one} is reached with the SSH key that Hanse makes in {state}" in of(found, "shared", "warning")
    given = '[targets."compute:BAY/*"]\nprivate_key = "/etc/hanse/id"\n[targets."batch:BAY/main"]\naddress = "b"\n'
    federation.write("hanse.toml", settings + given)
    _, found = findings(federation)
    assert of(found, "shared").startswith("batch:BAY/main is reached with")
    assert of(found, "shared").count("\n") == 0


SITE = f"""\
apiVersion: hanse/v1
kind: Site
metadata: {{name: BAY}}
spec:
  clouds:
    - name: one
      driver: ec2
      endpoint: https://bay.example.org/
      shares: [{{vo: vo.example.org, projectId: "{"0" * 32}"}}]
---
apiVersion: hanse/v1
kind: VirtualCluster
metadata: {{name: one, namespace: vo.example.org}}
spec:
  vo: vo.example.org
  site: BAY
  frontend: {{image: debian-12, cpus: 1}}
"""


def test_an_unreachable_remote_and_an_encrypted_secret_are_looked_at(federation, sops, tmp_path) -> None:  # noqa: F811
    sops.encrypt(federation.root / "secrets/hooks.yaml", {"one": f"{VALUE}-of-some-length"})
    federation.write(
        "hanse.toml",
        f"""
[source]
repository = "{federation.root}"
remote = "file://{tmp_path}/nowhere"
[sops]
age_key_file = "{sops.key_file}"
[web]
listen = "127.0.0.1:8080"
[[webhooks]]
name = "one"
forge = "github"
secret = {{ sops = {{ file = "secrets/hooks.yaml", key = "one" }} }}
""",
    )
    federation.commit("encrypted")
    code, found = findings(federation)
    assert code == 1
    assert "nowhere cannot be asked" in of(found, "repository", "fault")
    assert "the value one of secrets/hooks.yaml can be read" in of(found, "secrets", "ok")
    assert "sops: " in of(found, "programs", "ok")
