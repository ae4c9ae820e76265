"""The forge of the scripted evening: real git repositories over HTTP, pull requests by a stand-in, signed web hooks.

Git is git's own server and pushes go through git's own hooks. What the forge itself does (opening a pull request,
telling of it) is done here, as Forgejo does it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import shlex
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from tests.real.forges import ForgeServer, forge_server
from tests.real.githttp import GitServer, git_server

REPOSITORY = "ocean/federation"
_HOOK = """\
#!/bin/sh
# As the forge does: every push is told to whoever asked for it, signed with the hook's secret.
while read -r before after ref; do
    body="{{\\"ref\\": \\"$ref\\", \\"before\\": \\"$before\\", \\"after\\": \\"$after\\"}}"
    mark=$(printf '%s' "$body" | openssl dgst -sha256 -hmac {secret} | sed 's/^.* //')
    for url in {urls}; do
        code=$(curl -s -o /dev/stderr -w '%{{http_code}}' -X POST -H "X-Forgejo-Signature: $mark" \\
            -H "X-Forgejo-Delivery: $after" --data-binary "$body" "$url" 2>/dev/null)
        echo "$REMOTE_USER $ref $code" >>"$GIT_DIR/deliveries"
    done
done
"""
_GUARD = """\
#!/bin/sh
# As a protected branch does: main is moved by those who may merge.
[ "$1" != refs/heads/main ] && exit 0
case " {mergers} " in *" $REMOTE_USER "*) exit 0 ;; esac
echo "main is protected: open a pull request" >&2
exit 1
"""


@dataclass
class Hub:
    """A running forge with one repository."""

    server: GitServer
    forge: ForgeServer
    secret: str
    hooks: list[str] = field(default_factory=list)
    """Where web hooks are posted to."""

    @property
    def url(self) -> str:
        """Of the repository."""
        return f"{self.server.url}/{REPOSITORY}.git"

    @property
    def bare(self) -> Path:
        """The repository itself."""
        return self.server.folder / f"{REPOSITORY}.git"

    def telling(self, urls: Sequence[str]) -> None:
        """From now on pushes and pull requests are told there."""
        self.hooks[:] = urls
        text = _HOOK.format(secret=shlex.quote(self.secret), urls=shlex.join(urls))
        self._hook("post-receive", text)

    def guarded(self, mergers: Sequence[str]) -> None:
        """Only these move main."""
        self._hook("update", _GUARD.format(mergers=" ".join(mergers)))

    def open(self, number: int, branch: str) -> str:
        """Open a pull request from a branch that was pushed; the head's commit."""
        head = self._git("rev-parse", f"refs/heads/{branch}")
        self._git("update-ref", f"refs/pull/{number}/head", head)
        self.forge.pulls[:] = [one for one in self.forge.pulls if one[0] != number] + [(number, head, "main")]
        self._tell({"action": "opened", "number": number, "pull_request": {"head": {"sha": head}}})
        return head

    def close(self, number: int) -> None:
        """A pull request was merged, or given up."""
        self.forge.pulls[:] = [one for one in self.forge.pulls if one[0] != number]

    def states(self, commit: str) -> list[tuple[str, str]]:
        """Statuses of a commit, the first first: state and what was said."""
        return [(state, said) for known, state, said in list(self.forge.statuses) if known == commit]

    def _tell(self, payload: dict[str, object]) -> None:
        body = json.dumps(payload).encode()
        mark = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        for url in self.hooks:
            headers = {"X-Forgejo-Signature": mark, "X-Forgejo-Delivery": str(uuid.uuid4())}
            requests.post(url, data=body, headers=headers, timeout=120)

    def _hook(self, name: str, text: str) -> None:
        path = self.bare / "hooks" / name
        path.write_text(text)
        path.chmod(0o755)

    def _git(self, *words: str) -> str:
        done = subprocess.run(["git", "-C", self.bare, *words], check=True, capture_output=True, text=True)
        return done.stdout.strip()


@contextmanager
def hub(folder: Path, login: str, people: dict[str, str], secret: str) -> Iterator[Hub]:
    """A forge with an empty repository while the block runs; ``login`` (user:password) is the reconciler's."""
    folder.mkdir(parents=True)
    with git_server(folder) as server, forge_server("gitea") as forge:
        (folder / REPOSITORY).parent.mkdir()
        server.made(f"{REPOSITORY}.git")
        server.login, server.people = login, people
        yield Hub(server, forge, secret)
