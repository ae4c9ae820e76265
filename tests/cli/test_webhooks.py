"""From a push to the world: a git server over HTTP, whose post-receive hook sends a signed web hook to the loop."""

from __future__ import annotations

import socket

import pytest
import requests

from tests.cli.conftest import record
from tests.cli.test_run import soon
from tests.real.githttp import git_server

SECRET, PASSWORD = "hook-s3cret", "source-s3cret"
HOOK = """\
#!/bin/sh
while read -r before after ref; do
    body="{{\\"ref\\": \\"$ref\\", \\"before\\": \\"$before\\", \\"after\\": \\"$after\\"}}"
    mark=$(printf '%s' "$body" | openssl dgst -sha256 -hmac '{secret}' | sed 's/^.* //')
    curl -s -o answer -w '%{{http_code}}' -X POST -H "X-Gitea-Signature: $mark" -H "X-Gitea-Delivery: $after" \\
        --data-binary "$body" {url}/hooks/forge >>"$GIT_DIR/answers"
done
"""
SETTINGS = """\
[source]
remote = "{remote}"
revision = "main"
username = "robot"
password = {{ env = "GIT_PASSWORD" }}

[[webhooks]]
name = "forge"
forge = "gitea"
secret = {{ env = "HOOK_SECRET" }}
branches = ["main"]
"""


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    with git_server(folder) as made:
        made.made("fed.git")
        made.login = f"robot:{PASSWORD}"
        yield made


@pytest.fixture
def pushed(federation, server, monkeypatch):
    """The federation, pushed to a server; what Hanse works on is a copy that it fetches."""
    remote = server.url.replace("//", f"//robot:{PASSWORD}@")
    federation.git("branch", "-M", "main")
    federation.git("remote", "add", "origin", f"{remote}/fed.git")
    federation.git("push", "-q", "origin", "main")
    federation.write("hanse.toml", SETTINGS.format(remote=f"{server.url}/fed.git"))
    monkeypatch.setenv("GIT_PASSWORD", PASSWORD)
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    return federation


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def create(federation, name: str) -> None:
    federation.write(f"manifests/{name}.yaml", record(name, last=20))
    federation.git("add", "manifests")
    federation.git("commit", "-qm", name)
    federation.git("push", "-q", "origin", "main")


def test_a_push_is_reconciled_at_once(pushed, server):
    port = free_port()
    hook = server.folder / "fed.git" / "hooks" / "post-receive"
    hook.write_text(HOOK.format(secret=SECRET, url=f"http://127.0.0.1:{port}"))
    hook.chmod(0o755)
    process = pushed.start("run", "--interval", "3600", "--listen", f"127.0.0.1:{port}")
    assert soon(lambda: [state for state, _ in pushed.runs()] == ["done"])
    create(pushed, "new")
    assert soon(lambda: [state for state, _ in pushed.runs()] == ["done", "done"], 30)
    assert pushed.runs()[0][1]["create"] == 1
    assert (server.folder / "fed.git" / "answers").read_text() == "202"
    forged = requests.post(f"http://127.0.0.1:{port}/hooks/forge", data=b"{}", timeout=10)
    assert (forged.status_code, forged.content) == (401, b"")
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert SECRET not in err
    assert PASSWORD not in err


def test_what_cannot_be_fetched_leaves_the_last_commit_in_force(pushed, server):
    assert pushed.hanse("run", "--once").code == 0
    create(pushed, "new")
    server.down = True
    assert pushed.hanse("run", "--once").code == 0
    assert pushed.runs()[0][1] == {"unchanged": 2}
    server.down = False
    assert pushed.hanse("run", "--once").code == 0
    assert pushed.runs()[0][1]["create"] == 1
