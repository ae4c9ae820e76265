"""The operator's configuration: a secret that stands in it itself."""

from __future__ import annotations

import pytest

from reconciler import settings
from reconciler.errors import SettingsError


def test_a_secret_that_stands_there_itself_is_refused_with_the_cure_and_not_shown(tmp_path):
    (tmp_path / "hanse.toml").write_text('[web]\ntoken = "adm-7f3a"\n')
    with pytest.raises(SettingsError, match=r"hanse.toml:2: web.token: ") as refused:
        settings.load(tmp_path, {})
    assert 'give { env = "NAME" } or { file = "PATH" }' in str(refused.value)
    assert "adm-7f3a" not in str(refused.value)


def test_a_secret_in_the_environment_is_refused_in_the_same_way(tmp_path):
    with pytest.raises(SettingsError, match=r"HANSE_WEB__TOKEN: web.token: a secret does not stand here itself"):
        settings.load(tmp_path, {"HANSE_WEB__TOKEN": "adm-7f3a"})
