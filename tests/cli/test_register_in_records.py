"""The register moves from the state folder into PostgreSQL without a word in any plan."""

from __future__ import annotations

import shutil

import pytest
from sqlalchemy import select

from reconciler.records.database import connect
from reconciler.records.tables import DocumentRow, table
from tests.cli.test_keepsafe import NOW
from tests.real.postgresql import postgresql  # noqa: F401 (a fixture)

EMBEDDED = '[targets."registry:*"]\ndriver = "embedded"\n'


@pytest.fixture
def kept_in_a_file(federation, postgresql):  # noqa: F811
    """A federation that was applied while its register was a file, as it was before."""
    federation.url = postgresql.fresh()
    federation.settings = f'[records]\nurl = "{federation.url}"\n'
    federation.write("hanse.toml", federation.settings + EMBEDDED)
    federation.commit("on PostgreSQL")
    assert federation.hanse("apply", "--yes").code == 0
    assert documents(federation) == []
    return federation


def documents(federation) -> list[str]:
    database = connect(federation.url, lambda: NOW)
    try:
        with database.reading() as connection:
            return sorted(connection.execute(select(table(DocumentRow).c.name)).scalars())
    finally:
        database.close()


def test_an_upgrade_to_it_plans_nothing_and_other_folders_plan_nothing_either(kept_in_a_file, monkeypatch, tmp_path):
    federation = kept_in_a_file
    federation.write("hanse.toml", federation.settings)
    elsewhere = str(tmp_path / "elsewhere")
    shutil.copytree(federation.root / ".hanse/state/dns", f"{elsewhere}/dns")  # a zone file is the world itself
    with monkeypatch.context() as other:
        other.setenv("HANSE_STATE", elsewhere)
        said = federation.hanse("plan")
        assert "start Hanse where it worked before" in said.out + said.err
        assert "Plan: nothing to do; 1 unchanged, 1 unknown" in said.out
        assert federation.hanse("doctor").out.count(f"there is no {elsewhere}/registry/registry.sqlite") == 1
    assert documents(federation) == []
    said = federation.hanse("plan")
    assert said.code == 0, said.out
    assert "the register was taken over" in said.err
    assert documents(federation) == ["vo.example.org"]
    said = federation.hanse("plan")
    assert (said.code, "taken over" in said.err) == (0, False)
    federation.write("hanse.toml", federation.settings + EMBEDDED)
    said = federation.hanse("plan")
    assert "kept in the records by now" in said.out + said.err
    assert "Plan: nothing to do; 1 unchanged, 1 unknown" in said.out
    federation.write("hanse.toml", federation.settings)
    monkeypatch.setenv("HANSE_STATE", elsewhere)
    assert federation.hanse("plan").code == 0


def test_what_was_made_before_is_taken_away_where_the_register_is_now(kept_in_a_file):
    federation = kept_in_a_file
    federation.write("hanse.toml", federation.settings)
    for name in ("vo", "www"):
        (federation.root / f"manifests/{name}.yaml").unlink()
    federation.write("manifests/other.yaml", OTHER)
    federation.commit("another VO")
    said = federation.hanse("apply", "--yes")
    assert said.code == 0, said.out + said.err
    assert documents(federation) == ["other.example.org"]
    (federation.root / "manifests/other.yaml").unlink()
    federation.write("manifests/name.yaml", NAME)
    federation.commit("no VO at all")
    assert federation.hanse("apply", "--yes").code == 0
    assert documents(federation) == []


OTHER = "apiVersion: hanse/v1\nkind: VO\nmetadata: {name: other.example.org}\nspec: {}\n"
NAME = """\
apiVersion: hanse/v1
kind: DNSRecord
metadata: {name: www}
spec: {zone: fed.example.org, name: www, values: [192.0.2.1]}
"""
