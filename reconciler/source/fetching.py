"""A remote repository, fetched into a bare one that Hanse keeps: data only, nothing of it is checked out or run.

A fetch moves every branch or none. What vanishes there stays here: of a branch that is gone nothing can be concluded.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import git

from reconciler.errors import SourceError
from reconciler.source.repository import opened

BRANCHES = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_PATIENCE = 300
"""Seconds after which a fetch is given up."""
_ASKING = 20
"""Seconds after which a question is given up."""
_ASKED = """\
#!/bin/sh
case "$1" in
Username*) printf '%s\\n' "$HANSE_GIT_USERNAME" ;;
*) printf '%s\\n' "$HANSE_GIT_PASSWORD" ;;
esac
"""


@dataclass(frozen=True)
class Remote:
    """Where branches come from, and as whom they are fetched."""

    url: str
    username: str = ""
    password: str = ""
    """A token mostly; it goes to git through an askpass, never on a command line or to disk."""
    ca: str = ""
    """File of the authorities that are trusted; "" for the machine's own."""

    def __repr__(self) -> str:
        return f"Remote({self.url!r})"


def fetch(repository: Path, remote: Remote, refs: Sequence[str] = BRANCHES) -> bool:
    """Bring ``refs`` of a remote into a bare repository, made where there is none; says whether any has moved.

    Raises SourceError, without what was secret, when it cannot be fetched whole: then nothing has moved.
    """
    fresh = not (repository / "HEAD").is_file()
    if fresh:
        git.Repo.init(repository, mkdir=True, bare=True)
    repo = opened(repository)
    if fresh:
        repo.git.config("gc.pruneExpire", "never")  # a commit in force is needed after its branch was rewritten
    try:
        before = _refs(repo)
        with _asking(repository, remote) as asked:
            _fetched(repo, remote, asked, refs)
            if fresh:
                _follow_head(repo, remote, asked)
        return _refs(repo) != before
    except git.GitCommandError as error:
        raise SourceError(f"{remote.url} cannot be fetched: {_said(error, remote)}") from None
    finally:
        repo.close()


def heads(remote: Remote) -> int:
    """How many branches a remote shows. Nothing is fetched. Raises SourceError when it cannot be asked."""
    with tempfile.TemporaryDirectory(prefix="hanse-asking-") as place, _asking(Path(place) / "none", remote) as asked:
        words = ["git", *_safely(remote), "ls-remote", "--heads", "--", remote.url]
        given = {**asked, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
        try:
            told = git.Git(place).execute(words, env=given, kill_after_timeout=_ASKING)
        except git.GitCommandError as error:
            raise SourceError(f"{remote.url} cannot be asked: {_said(error, remote)}") from None
    return len(str(told).splitlines())


def _fetched(repo: git.Repo, remote: Remote, asked: Mapping[str, str], refs: Sequence[str]) -> None:
    words = ["fetch", "--quiet", "--atomic", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"]
    command = ["git", *_safely(remote), *words, "--", remote.url, *refs]
    repo.git.execute(command, env=asked, kill_after_timeout=_PATIENCE)


def _follow_head(repo: git.Repo, remote: Remote, asked: Mapping[str, str]) -> None:
    """HEAD means the remote's default branch."""
    told = repo.git.execute(["git", *_safely(remote), "ls-remote", "--symref", "--", remote.url, "HEAD"], env=asked)
    found = re.match(r"ref: (refs/heads/\S+)\tHEAD", str(told))
    if found:
        repo.git.symbolic_ref("HEAD", found[1])


def _safely(remote: Remote) -> list[str]:
    given = [
        "protocol.allow=never",
        *(f"protocol.{name}.allow=always" for name in ("https", "http", "ssh", "git", "file")),
        "credential.helper=",
        "core.hooksPath=/",
        "http.lowSpeedLimit=1000",
        "http.lowSpeedTime=60",
    ]
    if remote.password:
        given.append("http.followRedirects=false")  # or the password would be asked for elsewhere
    if remote.ca:
        given.append(f"http.sslCAInfo={remote.ca}")
    return [word for setting in given for word in ("-c", setting)]


@contextmanager
def _asking(repository: Path, remote: Remote) -> Iterator[dict[str, str]]:
    """The environment in which git finds its password."""
    batch = {"GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
    if not remote.password:
        yield batch
        return
    with tempfile.TemporaryDirectory(dir=repository.parent, prefix=".askpass-") as folder:
        program = Path(folder) / "askpass"
        program.write_text(_ASKED, encoding="utf-8")
        program.chmod(0o700)
        told = {"HANSE_GIT_USERNAME": remote.username, "HANSE_GIT_PASSWORD": remote.password}
        yield {**batch, "GIT_ASKPASS": str(program), **told}


def _refs(repo: git.Repo) -> str:
    return str(repo.git.for_each_ref("--format=%(objectname) %(refname)"))


def _said(error: git.GitCommandError, remote: Remote) -> str:
    said = str(error.stderr).strip().removeprefix("stderr: ").strip("'\n ")
    line = next((line for line in said.splitlines() if line.startswith(("fatal:", "error:"))), said)[:300]
    line = line.replace(remote.password, "***") if remote.password else line
    return line.removeprefix("fatal: ").removeprefix("error: ") or f"git ends with {error.status}"
