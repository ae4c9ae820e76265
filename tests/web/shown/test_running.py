"""``hanse run --listen`` serves pages and API beside the loop, and ends with it while somebody still listens."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import requests

from tests.cli.conftest import environment
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
        assert requests.get(url, timeout=10).status_code == 401
        deadline = time.monotonic() + 60
        while "tides" not in requests.get(f"{url}/graph", headers=shown, timeout=10).text:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        with requests.get(f"{url}/api/v1/stream", headers=shown, timeout=30, stream=True) as stream:
            assert next(stream.iter_lines()) == b"event: changed"
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0, log.read_text()
        assert "secret" not in log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _url(log) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for line in log.read_text().splitlines():
            if '"listening"' in line and line.startswith("{"):
                return json.loads(line)["url"]
        time.sleep(0.1)
    raise AssertionError(log.read_text())
