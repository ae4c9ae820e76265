"""A small federation's month, by the commands of the demonstration: every one must end and say as it is written."""

from __future__ import annotations

from tests.demo.made import SMALL, made, results
from tests.demo.month import main


def test_a_month_is_computed_held_against_agreements_and_drawn(tmp_path, capsys):
    code = main(tmp_path / "month", "2026-10", SMALL)
    said = capsys.readouterr()
    assert code == 0, said.out[-3000:] + said.err
    pages = sorted(path.name for path in (tmp_path / "month/pages").iterdir())
    assert pages == ["availability.html", "missed.html", "usage.html"]
    assert all("<svg" in (tmp_path / "month/pages" / name).read_text() for name in pages)


def test_the_same_seed_makes_the_same_federation():
    first, second, other = made("2026-10", SMALL), made("2026-10", SMALL), made("2026-10", SMALL, seed=8)
    assert list(results(first)) == list(results(second))
    assert list(results(first)) != list(results(other))
