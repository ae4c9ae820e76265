"""The demonstration of data on real storages is a test too, where this machine can play it."""

from __future__ import annotations

import os

import pytest

from tests.demo.data import main
from tests.real.xrootd import missing

pytestmark = [pytest.mark.root, pytest.mark.timeout(1800)]


def test_the_demonstration_of_data_on_real_storages_ends_well(tmp_path, capsys):
    lacking = missing()
    if lacking:
        pytest.fail(lacking) if os.environ.get("CI") == "true" else pytest.skip(lacking)
    code = main(tmp_path / "demo")
    said = capsys.readouterr()
    assert code == 0, said.out[-3000:] + said.err
