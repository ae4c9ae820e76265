"""GitHub's REST API; what other forges took over from it stands here too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from reconciler.drivers.forge.rest import PER_PAGE, Rest
from reconciler.errors import Terminal
from reconciler.ports.forge import PullRequest, State

_DECIDING = ("APPROVED", "CHANGES_REQUESTED", "REQUEST_CHANGES", "DISMISSED")
"""States of reviews that take the place of earlier ones; Gitea has its own word for one of them."""


@dataclass(frozen=True)
class GitHub:
    """One repository, ``owner/name``."""

    rest: Rest
    repository: str
    context: str = "hanse"
    """Name of our status."""
    user: str = ""
    """Who writes our comments; "" asks."""
    paging: ClassVar[str] = "per_page"

    def pulls(self) -> tuple[PullRequest, ...]:
        """Every open pull request, by number."""
        found = self.rest.pages(f"repos/{self.repository}/pulls", state="open", **{self.paging: str(PER_PAGE)})
        return tuple(sorted((_pull(one) for one in found), key=lambda one: one.number))

    def tell(self, number: int, marker: str, body: str) -> None:
        """Write our comment, or change it. Comments of others are never touched, whatever they begin with."""
        path = f"repos/{self.repository}/issues/{number}/comments"
        me = self.user or self._me()
        for one in self.rest.pages(path, **{self.paging: str(PER_PAGE)}):
            if str(one.get("body", "")).startswith(marker) and self._mine(one.get("user"), me):
                if one.get("body") != body:
                    self.rest.send("PATCH", f"repos/{self.repository}/issues/comments/{one['id']}", {"body": body})
                return
        self.rest.send("POST", path, {"body": body})

    def mark(self, commit: str, state: State, said: str, url: str = "") -> None:
        """Give a commit our status; 140 characters are taken."""
        told = {"state": state, "context": self.context, "description": shortened(said, 140)}
        self.rest.send(
            "POST", f"repos/{self.repository}/statuses/{commit}", told | ({"target_url": url} if url else {})
        )

    def agreed(self, commit: str, branch: str) -> tuple[str, ...]:
        """Users who approved the last state of a pull request into ``branch`` that brings a commit, or merged it."""
        found: set[str] = set()
        for one in self._bringing(commit):
            pull = self.rest.get(f"repos/{self.repository}/pulls/{int(one.get('number', 0))}")
            if isinstance(pull, Mapping) and (pull.get("base") or {}).get("ref") == branch:
                found |= self._approving(pull)
                found |= {_login(pull.get("merged_by"))} if pull.get("merged") else set()
        return tuple(sorted(found - {""}))

    def _bringing(self, commit: str) -> Iterable[Mapping[str, Any]]:
        """The pull requests that a commit is part of."""
        return self.rest.pages(f"repos/{self.repository}/commits/{commit}/pulls", **{self.paging: str(PER_PAGE)})

    def _approving(self, pull: Mapping[str, Any]) -> set[str]:
        """Those whose last word is an approval of what the pull request holds now."""
        head = (pull.get("head") or {}).get("sha")
        path = f"repos/{self.repository}/pulls/{int(pull.get('number', 0))}/reviews"
        last: dict[str, bool] = {}
        for one in self.rest.pages(path, **{self.paging: str(PER_PAGE)}):
            if (state := str(one.get("state", ""))) in _DECIDING:
                fresh = head is not None and one.get("commit_id") == head and not one.get("dismissed")
                last[_login(one.get("user"))] = state == "APPROVED" and fresh
        return {user for user, approves in last.items() if approves}

    def _me(self) -> str:
        try:
            return str(self.rest.get("user")["login"])
        except (Terminal, KeyError, TypeError):  # the token of a workflow may not ask
            return ""

    def _mine(self, author: Any, me: str) -> bool:
        if not isinstance(author, Mapping):
            return False
        return author.get("login") == me if me else author.get("type") == "Bot"


def _pull(told: Mapping[str, Any]) -> PullRequest:
    try:
        number, author = int(told["number"]), str((told.get("user") or {}).get("login", ""))
        head, base = str(told["head"]["sha"]), str(told["base"]["ref"])
        return PullRequest(number, head, base, f"refs/pull/{number}/head", str(told.get("title", "")), author)
    except (KeyError, TypeError, ValueError) as error:
        raise Terminal("the forge tells a pull request without number, head or base") from error


def _login(user: Any) -> str:
    return str(user.get("login") or "") if isinstance(user, Mapping) else ""


def shortened(said: str, most: int) -> str:
    """One line of at most so many characters."""
    line = " ".join(said.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
