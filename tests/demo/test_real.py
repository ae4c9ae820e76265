"""The demonstration on real servers is a test too, where this machine can play it."""

from __future__ import annotations

import pytest

from tests.demo.real import main
from tests.real.bind import need
from tests.real.namespaces import kernel_objects, need_namespaces

pytestmark = [pytest.mark.root, pytest.mark.timeout(900)]


def test_the_demonstration_on_real_servers_ends_well_and_leaves_nothing(tmp_path, capsys):
    need_namespaces()
    need("named", "rndc", "tsig-keygen", "rndc-confgen", "nsupdate", package="bind9 bind9-utils bind9-dnsutils")
    place = tmp_path / "demo"
    code = main(place)
    said = capsys.readouterr()
    assert code == 0, said.out[-3000:] + said.err
    assert not {name for name in kernel_objects() if str(place) in name}
