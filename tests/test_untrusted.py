"""Plans of what anybody may have written: which back ends they contact, and that they read no secret."""

from __future__ import annotations

import json

import pytest

from reconciler import untrusted
from reconciler.errors import Terminal
from reconciler.model import SecretRef
from reconciler.reconcile import propose
from tests.e2e.test_line import VO
from tests.e2e.test_placing import cluster, site
from tests.house import commit, opened


class Recording:
    """The drivers, and every back end that was asked for."""

    def __init__(self, drivers) -> None:
        self.drivers, self.opened = drivers, set()

    def __getattr__(self, name: str):
        found = getattr(self.drivers, name)
        if name in ("options", "catalogue", "secret"):
            return found

        def opened(target):
            self.opened.add(target.id)
            return found(target)

        return opened


def contacted(root, head: str, trust: str):
    with opened(root) as house:
        house.drivers = recording = Recording(house.drivers)
        plan = propose(house, head, trust=trust).plan
    return recording.opened, plan


BASE = {"vo.yaml": VO, **site("A"), **cluster("one", "A")}


@pytest.fixture
def root(tmp_path):
    commit(tmp_path / "fed", BASE)
    return tmp_path / "fed"


def test_what_is_described_where_it_counts_is_contacted(root):
    head = commit(root, cluster("two", "A"))
    found, plan = contacted(root, head, "HEAD~1")
    assert "compute:A/one/vo.example.org" in found
    assert not plan.unreachable


def test_a_site_that_only_the_change_describes_is_not_contacted(root):
    head = commit(root, {**site("EVIL"), **cluster("two", "EVIL")})
    found, plan = contacted(root, head, "HEAD~1")
    assert not any("EVIL" in one for one in found)
    assert any("EVIL" in one for one in plan.unreachable), plan.unreachable


def test_a_site_that_the_change_describes_otherwise_is_not_contacted(root):
    evil = {name: text.replace("https://A.example.org", "https://evil.example.org") for name, text in site("A").items()}
    head = commit(root, {**evil, **cluster("two", "A")})
    found, plan = contacted(root, head, "HEAD~1")
    assert not any(one.startswith(("compute:A", "images:A")) for one in found)
    assert plan.unreachable


def test_a_secret_that_a_manifest_names_is_not_read(root, tmp_path):
    (tmp_path / "secret").write_text("s3cret")
    with opened(root) as house:
        trusted = untrusted.described(house, "HEAD")
        wary = untrusted.drivers(house.drivers, trusted, trusted)
        with pytest.raises(Terminal, match="no secret is read for what is not merged"):
            wary.secret(SecretRef(file=str(tmp_path / "secret")))


def test_the_plan_of_a_trusted_change_is_the_same(root):
    head = commit(root, cluster("two", "A"))
    _, wary = contacted(root, head, "HEAD~1")
    with opened(root) as house:
        plain = propose(house, head).plan
    assert json.dumps([str(one.ref) for one in wary.actions]) == json.dumps([str(one.ref) for one in plain.actions])
