"""From a push to the world: a git server over HTTP, whose post-receive hook sends a signed web hook to the loop."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
import requests

from tests.cli.conftest import record
from tests.cli.test_run import first_round, made_one
from tests.real.forges import TOKEN, forge_server
from tests.real.githttp import git_server
from tests.real.waiting import PATIENCE, until

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


def create(federation, name: str) -> None:
    federation.write(f"manifests/{name}.yaml", record(name, last=20))
    federation.git("add", "manifests")
    federation.git("commit", "-qm", name)
    federation.git("push", "-q", "origin", "main")


def test_a_push_is_reconciled_at_once(pushed, server):
    url, log = pushed.listening()
    hook = server.folder / "fed.git" / "hooks" / "post-receive"
    hook.write_text(HOOK.format(secret=SECRET, url=url))
    hook.chmod(0o755)
    first_round(pushed)
    create(pushed, "new")
    made_one(pushed)
    assert (server.folder / "fed.git" / "answers").read_text() == "202"
    forged = requests.post(f"{url}/hooks/forge", data=b"{}", timeout=PATIENCE)
    assert (forged.status_code, forged.content) == (401, b"")
    said = log.end()
    assert log.process.returncode == 0, said
    assert SECRET not in said
    assert PASSWORD not in said


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
        url, log = pushed.listening()
        first_round(pushed)
        pushed.git("checkout", "-q", "-b", "topic")
        pushed.write("manifests/new.yaml", record("new", last=20))
        pushed.git("add", "manifests")
        pushed.git("commit", "-qm", "new")
        pushed.git("push", "-q", "origin", "topic:refs/pull/7/head")
        head = pushed.git("rev-parse", "HEAD")
        forge.pulls.append((7, head, "main"))
        send(url, {"action": "opened", "number": 7})
        said = until("a comment", lambda: forge.told(7), why=log)
        assert "create DNSRecord/vo.example.org/new" in said[0]
        planned = lambda: [one[:2] for one in forge.statuses]  # noqa: E731
        until("a status", planned, lambda told: (head, "success") in told, why=log)
        forge.pulls.clear()
        pushed.git("push", "-q", "origin", "topic:main")
        send(url, {"ref": "refs/heads/main", "after": head})
        deployed = (head, "success", f"deployed {head[:12]}: 1 done")
        until("it is told that it is deployed", lambda: forge.statuses[-1], lambda told: told == deployed, why=log)


def send(url: str, payload: dict) -> None:
    """A web hook, as the forge signs it."""
    body = json.dumps(payload).encode()
    mark = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Forgejo-Signature": mark, "X-Gitea-Signature": mark}
    answer = requests.post(f"{url}/hooks/forge", data=body, headers=headers, timeout=PATIENCE)
    assert answer.status_code == 202
