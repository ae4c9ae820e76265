"""Small repositories to read from."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

FILES = {
    "manifests/a.yaml": "a: 1\n",
    "manifests/sub/b.yml": "b: 1\n",
    "manifests/readme.md": "",
    "other/c.yaml": "c: 1\n",
}
_CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}


def git(where: Path, *words: str) -> str:
    identity = ["-c", "user.name=A Tester", "-c", "user.email=tester@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *identity, "-c", f"safe.directory={where}", *words]
    return subprocess.run(command, cwd=where, check=True, capture_output=True, text=True, env=_CLEAN).stdout.strip()


def commit(where: Path, files: Mapping[str, str | None], subject: str = "change") -> str:
    for name, text in files.items():
        path = where / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
    git(where, "add", "-A")
    git(where, "commit", "-qm", subject)
    return git(where, "rev-parse", "HEAD")


def repository(where: Path, files: Mapping[str, str | None] = FILES) -> Path:
    where.mkdir(parents=True)
    git(where, "init", "-q", "-b", "main")
    commit(where, files, "first")
    return where


def contents(revision) -> dict[str, bytes]:
    by_blob = dict(revision.blobs.read(revision.files.values()))
    return {path: by_blob[blob] for path, blob in revision.files.items()}
