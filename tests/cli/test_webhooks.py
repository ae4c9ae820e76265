"""From a push to the world: a git server over HTTP, whose post-receive hook sends a signed web hook to the loop."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket

import pytest
import requests

from tests.cli.conftest import record
from tests.cli.test_run import soon
from tests.real.forges import TOKEN, forge_server
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
    assert soon(lambda: ("done", 1) in [(state, counts.get("create")) for state, counts in pushed.runs()])
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


def test_a_pull_request_is_planned_at_once_and_a_merge_is_told(pushed, server, monkeypatch):
    """The whole way: opened, planned, merged, applied, told."""
    with forge_server("gitea") as forge:
        monkeypatch.setenv("FORGE_TOKEN", TOKEN)
        told = "".join(f'{name} = "{value}"\n' for name, value in forge.settings().items() if name != "token")
        settings = (pushed.root / "hanse.toml").read_text()
        pushed.write("hanse.toml", f'{settings}\n[forge]\n{told}token = {{ env = "FORGE_TOKEN" }}\n')
        port = free_port()
        pushed.start("run", "--interval", "3600", "--listen", f"127.0.0.1:{port}")
        assert soon(lambda: [state for state, _ in pushed.runs()] == ["done"])
        pushed.git("checkout", "-q", "-b", "topic")
        pushed.write("manifests/new.yaml", record("new", last=20))
        pushed.git("add", "manifests")
        pushed.git("commit", "-qm", "new")
        pushed.git("push", "-q", "origin", "topic:refs/pull/7/head")
        head = pushed.git("rev-parse", "HEAD")
        forge.pulls.append((7, head, "main"))
        send(port, {"action": "opened", "number": 7})
        assert soon(lambda: forge.told(7), 30)
        assert "create DNSRecord/vo.example.org/new" in forge.told(7)[0]
        assert soon(lambda: (head, "success") in [one[:2] for one in forge.statuses], 30)
        forge.pulls.clear()
        pushed.git("push", "-q", "origin", "topic:main")
        send(port, {"ref": "refs/heads/main", "after": head})
        assert soon(lambda: forge.statuses[-1] == (head, "success", f"deployed {head[:12]}: 1 done"), 30)


def send(port: int, payload: dict) -> None:
    """A web hook, as the forge signs it."""
    body = json.dumps(payload).encode()
    mark = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Forgejo-Signature": mark, "X-Gitea-Signature": mark}
    answer = requests.post(f"http://127.0.0.1:{port}/hooks/forge", data=body, headers=headers, timeout=10)
    assert answer.status_code == 202
