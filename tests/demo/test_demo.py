"""The demonstration is a test: every command must end as it says."""

from __future__ import annotations

from tests.demo.demo import main
from tests.demo.stage import folded


def test_the_demonstration_ends_well_and_without_colours(tmp_path, capsys):
    code = main(tmp_path / "demo")
    said = capsys.readouterr()
    assert code == 0, said.out[-3000:] + said.err
    assert "\x1b" not in said.out
    assert "What to try next" in said.out


def test_a_long_run_of_like_lines_is_cut_and_counted():
    lines = ["head", *(f"x{n}" for n in range(6)), "between", "x1", "x2"]
    shown = list(folded(lines, "^x"))
    assert shown == ["head", "x0", "x1", "x2", "    [3 more lines like these]", "between", "x1", "x2"]
