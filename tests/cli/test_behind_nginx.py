"""The docs' systemd units and nginx configuration: checked by their own programs, and tried before a real loop."""

from __future__ import annotations

import hashlib
import hmac
import shutil
import subprocess
import threading
from pathlib import Path

import pytest
import requests

from tests.cli.conftest import record
from tests.real.nginx import checked, configured, nginx
from tests.real.waiting import PATIENCE

UNITS = Path(__file__).parents[2] / "docs/examples/systemd"
TOKEN, SECRET = "web-token-of-the-page", "a-secret-of-the-forge"
SETTINGS = """\
[web]
token = { env = "WEB_TOKEN" }
[[webhooks]]
name = "forge"
forge = "github"
secret = { env = "HOOK_SECRET" }
body_megabytes = 1
"""


@pytest.fixture
def units(tmp_path) -> Path:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is missing (Debian: systemd)")
    there = tmp_path / "units"
    there.mkdir()
    for unit in UNITS.iterdir():
        text = unit.read_text()
        assert unit.suffix == ".timer" or "/opt/hanse/bin/hanse" in text
        (there / unit.name).write_text(text.replace("/opt/hanse/bin/hanse", "/bin/true"))
    return there


def test_systemd_takes_the_units_as_they_are(units) -> None:
    said = subprocess.run(["systemd-analyze", "verify", *map(str, units.iterdir())], capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "")


def test_the_service_is_shut_in(units) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=25", str(units / "hanse.service")]
    said = subprocess.run(command, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout[-400:] + said.stderr


def test_the_timer_starts_the_backup_that_there_is(units) -> None:
    assert (units / "hanse-backup.timer").exists()
    assert "hanse-backup-" not in (units / "hanse-backup.service").read_text()
    assert "/var/lib/hanse-backups" in (units / "hanse-backup.service").read_text()


def test_nginx_takes_the_configuration(tmp_path) -> None:
    configured(tmp_path, 8080)
    assert "syntax is ok" in checked(tmp_path)


@pytest.fixture
def served(federation, monkeypatch, tmp_path):
    """A loop that listens, with nginx before it."""
    monkeypatch.setenv("WEB_TOKEN", TOKEN)
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    federation.write("hanse.toml", SETTINGS)
    federation.commit("served")
    url, log = federation.listening()
    own = tmp_path / "nginx"
    own.mkdir()
    with nginx(own, int(url.rpartition(":")[2])) as found:
        assert asked(found, "/healthz").status_code == 200, str(log)
        yield found
    log.end()


def asked(found, path: str, **more) -> requests.Response:
    return requests.get(f"{found.url}{path}", verify=str(found.certificate), timeout=PATIENCE, **more)


BEARER = {"Authorization": f"Bearer {TOKEN}"}


def test_people_machines_and_forges_come_through_nginx_and_streams_are_not_held_back(served, federation) -> None:
    plain = requests.get(f"http://localhost:{served.plain}/x", allow_redirects=False, timeout=PATIENCE)
    assert (plain.status_code, plain.headers["Location"]) == (301, "https://localhost/x")
    assert asked(served, "/api/v1/resources").status_code == 401
    page = asked(served, "/api/v1/resources", headers=BEARER)
    assert (page.status_code, page.headers["Strict-Transport-Security"]) == (200, "max-age=31536000")

    body = b'{"ref": "refs/heads/main", "repository": {"full_name": "a/b"}, "zen": "x"}'
    mark = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    head = {"X-Hub-Signature-256": f"sha256={mark}", "X-GitHub-Event": "push", "X-GitHub-Delivery": "1"}
    told = {"verify": str(served.certificate), "timeout": PATIENCE}
    hook = f"{served.url}/hooks/forge"
    assert requests.post(hook, body, headers=head, **told).status_code == 202
    forged = requests.post(hook, body + b" ", headers={**head, "X-GitHub-Delivery": "2"}, **told)
    assert forged.status_code == 401
    assert requests.post(hook, b"x" * (2 << 20), headers=head, **told).status_code == 413
    assert requests.post(f"{served.url}/v1/results", b"x" * (33 << 20), **told).status_code == 413

    lines: list[bytes] = []
    told_of = threading.Event()
    answer = asked(served, "/api/v1/stream", headers=BEARER, stream=True)
    assert answer.headers["Content-Type"].startswith("text/event-stream")

    def listen() -> None:
        try:
            for line in answer.iter_lines(chunk_size=1):
                lines.append(line)
                if line.startswith(b"event: changed"):
                    told_of.set()
                    return
        except requests.RequestException:
            return

    listener = threading.Thread(target=listen)
    listener.start()
    federation.write("manifests/api.yaml", record("api"))
    federation.commit("one more")
    assert told_of.wait(PATIENCE), lines
    answer.close()
    listener.join(PATIENCE)
