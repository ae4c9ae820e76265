"""Pull requests from the command line: the plan as one comment, statuses, and plans of what anybody may have written."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.cli.conftest import record
from tests.real.answering import answering
from tests.real.forges import LIMIT, TOKEN, forge_server

SITE = """\
apiVersion: hanse/v1
kind: Site
metadata:
  name: ALPHA
spec:
  officialName: Alpha
  country: ES
  storage:
    - name: disk
      driver: webdav
      url: {endpoint}
---
apiVersion: hanse/v1
kind: Dataset
metadata:
  name: waves
  namespace: vo.example.org
spec:
  scope: ocean
  name: waves
  listing: {{ site: ALPHA, storage: disk, path: incoming }}
---
apiVersion: hanse/v1
kind: DatasetRule
metadata:
  name: waves
  namespace: vo.example.org
spec:
  scope: ocean
  name: waves
  copies: 1
  locations: country=ES
"""


@pytest.fixture(params=["github", "gitea", "gitlab"])
def forge(request, federation, monkeypatch):
    with forge_server(request.param) as made:
        for name, value in made.settings(token={"env": "FORGE_TOKEN"}).items():
            if name != "token":
                monkeypatch.setenv(f"HANSE_FORGE__{name.upper()}", value)
        monkeypatch.setenv("HANSE_FORGE__TOKEN__ENV", "FORGE_TOKEN")
        monkeypatch.setenv("FORGE_TOKEN", TOKEN)
        made.pulls.append((7, "a" * 40, "main"))
        yield made


def test_a_plan_is_one_comment_that_is_kept_up_to_date(federation, forge, tmp_path):
    for last in (20, 21):
        federation.write("manifests/new.yaml", record("new", last=last))
        federation.commit()
        (tmp_path / "plan.md").write_text(federation.hanse("plan", "--base", "HEAD~1", "-o", "markdown").out)
        assert federation.hanse("pr", "comment", "7", "--body", str(tmp_path / "plan.md")).code == 0
    (told,) = forge.told(7)
    assert "192.0.2.21" in told
    assert "<details>" in told


def test_what_is_too_long_for_a_comment_is_cut(federation, forge, tmp_path):
    (tmp_path / "plan.md").write_text("<details>\n\n```diff\n" + "+ a line\n" * 20_000)
    assert federation.hanse("pr", "comment", "7", "--body", str(tmp_path / "plan.md")).code == 0
    (told,) = forge.told(7)
    assert len(told) < LIMIT
    assert told.count("<details>") == told.count("</details>")
    assert told.count("```") == 2
    assert "hanse plan shows all of it" in told


def test_a_commit_is_given_a_status(federation, forge):
    assert federation.hanse("pr", "status", "a" * 40, "success", "--said", "deployed").code == 0
    assert forge.statuses == [("a" * 40, "success", "deployed")]


def test_a_token_that_is_wrong_is_not_shown(federation, forge, monkeypatch):
    monkeypatch.setenv("FORGE_TOKEN", "another-s3cret")
    said = federation.hanse("pr", "status", "a" * 40, "success")
    assert said.code == 1
    assert "401" in said.err
    assert "s3cret" not in said.err


def test_without_a_forge_it_is_told_what_to_write(federation):
    said = federation.hanse("pr", "status", "a" * 40, "success")
    assert (said.code, "[forge]" in said.err) == (1, True)


class Heard(BaseHTTPRequestHandler):
    """Somebody who hopes for credentials."""

    def do_PROPFIND(self) -> None:
        self.server.heard.append(self.path)
        self.send_error(403)

    do_GET = do_HEAD = do_OPTIONS = do_PROPFIND

    def log_message(self, *_arguments: object) -> None:
        return


@pytest.fixture
def eve():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Heard)
    server.heard = []
    with answering(server):
        yield server


def test_a_back_end_that_only_the_change_describes_is_not_contacted(federation, eve):
    federation.write("manifests/site.yaml", SITE.format(endpoint="http://127.0.0.1:1/dav"))
    federation.commit()
    federation.write("manifests/site.yaml", SITE.format(endpoint=f"http://127.0.0.1:{eve.server_port}/dav"))
    federation.commit()
    told = federation.hanse("plan", "HEAD", "--base", "HEAD~1", "--trust", "HEAD~1", "-o", "markdown")
    assert told.code in (0, 2), told.err
    assert eve.heard == []
    assert "is looked at once this is merged" in told.out
    federation.hanse("plan", "HEAD")
    assert eve.heard, "what is merged is looked at"
