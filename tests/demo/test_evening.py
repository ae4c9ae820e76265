"""The scripted evening is a test: every step must end as it is told, on real servers."""

from __future__ import annotations

import pytest

from tests.demo.evening import NEEDED, play
from tests.real.bind import bind, need
from tests.real.chromium import chromium
from tests.real.postgresql import postgresql

__all__ = ["bind", "chromium", "postgresql"]


@pytest.mark.timeout(1800)
def test_the_evening_ends_well(tmp_path, capsys, request):
    for program, package in NEEDED.items():
        need(program, package=package)
    servers = (request.getfixturevalue(name) for name in ("postgresql", "bind", "chromium"))
    records, names, browser = servers
    code = play(tmp_path / "evening", records.fresh(), names, browser)
    said = capsys.readouterr()
    assert code == 0, said.out[-3000:] + said.err
    assert all(path.stat().st_size > 10_000 for path in (tmp_path / "evening/screens").iterdir())
