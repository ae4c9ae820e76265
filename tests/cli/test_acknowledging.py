"""A rewritten history from the command line: told by plan and status, taken by name, and not otherwise."""

from __future__ import annotations

import json

from tests.cli.conftest import record


def rewritten(federation) -> str:
    federation.write("manifests/new.yaml", record("new", last=20))
    federation.commit()
    assert federation.hanse("apply").code == 0
    federation.git("reset", "-q", "--hard", "HEAD~1")
    federation.write("manifests/other.yaml", record("other", last=21))
    return federation.commit()


def test_a_rewritten_history_is_told_and_taken(federation):
    head = rewritten(federation)
    assert "history was rewritten" in federation.hanse("plan").out
    assert federation.hanse("apply").code == 0
    (branch,) = json.loads(federation.hanse("status", "-o", "json").out)["branches"]
    assert (branch["withheld"], branch["why"].startswith("history was rewritten")) == (head, True)
    told = federation.hanse("status").out
    assert f"{head[:12]} is not in force" in told
    assert f"hanse acknowledge {head[:12]}" in told
    said = federation.hanse("acknowledge", head[:12], "--reason", "a secret was removed")
    assert (said.code, said.out.startswith(f"{head[:12]} of ma")) == (0, True)
    assert federation.hanse("plan").code == 2
    assert federation.hanse("apply").code == 0
    assert "not in force" not in federation.hanse("status").out


def test_only_the_head_can_be_taken(federation):
    rewritten(federation)
    said = federation.hanse("acknowledge", "HEAD~1")
    assert said.code == 1
    assert "is not the head of ma" in said.err
    assert federation.hanse("acknowledge", "nonsense").code == 1
