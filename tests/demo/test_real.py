"""The demonstration on real servers is a test too, where this machine can play it."""

from __future__ import annotations

import pytest

from tests.demo.real import main
from tests.real.bind import need
from tests.real.namespaces import need_namespaces
from tests.real.openstack import openstack

__all__ = ["openstack"]

pytestmark = [pytest.mark.root, pytest.mark.timeout(1800)]


def test_the_demonstration_on_real_servers_ends_well_and_leaves_nothing(openstack, tmp_path, capsys, monkeypatch):
    need_namespaces()
    need("named", "rndc", "tsig-keygen", "rndc-confgen", "nsupdate", package="bind9 bind9-utils bind9-dnsutils")
    monkeypatch.setenv("ACCESS_TOKEN", "")
    place = tmp_path / "demo"
    code = main(place)
    said = capsys.readouterr()
    assert code == 0, said.out[-3000:] + said.err
