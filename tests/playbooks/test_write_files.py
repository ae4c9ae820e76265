"""The module that writes many files: run as Ansible runs it, on this machine's temporary folder."""

from __future__ import annotations

import importlib.util
import json
import stat
from pathlib import Path

import pytest
from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args

FILE = Path(__file__).parents[2] / "playbooks" / "library" / "write_files.py"


@pytest.fixture
def write(capsys):
    place = importlib.util.spec_from_file_location("write_files", FILE)
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)

    def call(*files: dict, check: bool = False) -> dict:
        with patch_module_args({"files": list(files), "_ansible_check_mode": check}), pytest.raises(SystemExit):
            module.main()
        basic._PARSED_MODULE_ARGS = None
        return json.loads(capsys.readouterr().out)

    return call


def test_files_are_written_once_with_the_folders_above_them(write, tmp_path) -> None:
    wanted = [{"path": f"{tmp_path}/a/b/{name}", "content": f"{name} æ\n", "mode": "0640"} for name in ("one", "two")]
    assert write(*wanted)["paths"] == [f["path"] for f in wanted]
    assert Path(wanted[0]["path"]).read_text() == "one æ\n"
    assert stat.S_IMODE(Path(wanted[0]["path"]).stat().st_mode) == 0o640
    again = write(*wanted)
    assert (again["changed"], again["paths"]) == (False, [])


def test_only_what_differs_is_said_to_change(write, tmp_path) -> None:
    for name in ("same", "content", "mode"):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o644)
    files = [{"path": f"{tmp_path}/same", "content": "x"}, {"path": f"{tmp_path}/content", "content": "y"}]
    said = write(*files, {"path": f"{tmp_path}/mode", "content": "x", "mode": "0600"})
    assert said["paths"] == [f"{tmp_path}/content", f"{tmp_path}/mode"]
    assert stat.S_IMODE((tmp_path / "mode").stat().st_mode) == 0o600


def test_files_and_folders_are_taken_away_once_and_links_not_followed(write, tmp_path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    files = [{"path": f"{tmp_path}/{name}", "state": "absent"} for name in ("folder", "link", "dangling")]
    assert len(write(*files)["paths"]) == 3
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]
    assert not write(*files)["changed"]


def test_check_mode_says_what_would_change_and_changes_nothing(write, tmp_path) -> None:
    (tmp_path / "old").touch()
    files = [{"path": f"{tmp_path}/new"}, {"path": f"{tmp_path}/old", "state": "absent"}]
    assert len(write(*files, check=True)["paths"]) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["old"]


def test_what_cannot_be_written_is_named(write, tmp_path) -> None:
    (tmp_path / "file").touch()
    assert "file" in write({"path": f"{tmp_path}/file/below"})["msg"]
    assert "not an absolute path" in write({"path": "relative"})["msg"]
