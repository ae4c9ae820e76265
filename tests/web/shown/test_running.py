"""``hanse run --listen`` serves pages and API beside the loop, and ends with it while somebody still listens."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import requests

from tests.cli.conftest import environment
from tests.real.waiting import PATIENCE, until
from tests.web.shown.conftest import SETTINGS, commit, git, manifests


def test_pages_are_served_beside_the_loop_and_end_with_it(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "hanse.toml").write_text(f'{SETTINGS}\n[web]\ntoken = {{ env = "PAGE" }}\n', encoding="utf-8")
    commit(tmp_path, manifests())
    command = [sys.executable, "-m", "reconciler.cli", "-C", str(tmp_path), "run", "--listen", "127.0.0.1:0"]
    log = tmp_path / "log"
    with log.open("wb") as told:
        process = subprocess.Popen(command, env=environment(PAGE="secret"), stderr=told, start_new_session=True)
    try:
        url, shown = _url(log), {"Authorization": "Bearer secret"}
        assert requests.get(url, timeout=PATIENCE).status_code == 401
        graph = lambda: requests.get(f"{url}/graph", headers=shown, timeout=PATIENCE).text  # noqa: E731
        until("the graph is drawn", graph, lambda text: "tides" in text, why=log.read_text)
        with requests.get(f"{url}/api/v1/stream", headers=shown, timeout=PATIENCE, stream=True) as stream:
            assert next(stream.iter_lines()) == b"event: changed"
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0, log.read_text()
        assert "secret" not in log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _url(log) -> str:
    told = lambda: re.findall(r'"(http://127.0.0.1:[0-9]+)"', log.read_text())  # noqa: E731
    return until("it listens", told, why=log.read_text)[0]
