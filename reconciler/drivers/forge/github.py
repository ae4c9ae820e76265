"""GitHub's REST API; what other forges took over from it stands here too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from reconciler.drivers.forge.rest import PER_PAGE, Rest, absent, named
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
        for one in self._bringing(commit, branch):
            pull = self._one(int(one.get("number", 0)))
            if (pull.get("base") or {}).get("ref") == branch:
                found |= self._approving(pull)
                found |= {_login(pull.get("merged_by"))} if pull.get("merged") else set()
        return tuple(sorted(found - {""}))

    def approving(self, number: int) -> tuple[str, ...]:
        """Users whose last word on a pull request is an approval of what it holds now."""
        return tuple(sorted(self._approving(self._one(number))))

    def belongs(self, user: str, team: str) -> bool:
        """Whether a user is an active member of a team, or of one below it. The token must be let read that."""
        match named(team):
            case [org, slug]:
                found = self._there(f"orgs/{org}/teams/{slug}/memberships/{quote(user, safe='')}")
                return isinstance(found, Mapping) and found.get("state") == "active"
            case _:
                return False

    def _one(self, number: int) -> Mapping[str, Any]:
        pull: Any = self.rest.get(f"repos/{self.repository}/pulls/{number}")
        return pull if isinstance(pull, Mapping) else {}

    def _there(self, path: str, **params: str) -> Any:
        """What stands there; None where there is nothing."""
        try:
            return self.rest.get(path, **params)
        except Terminal as error:
            if absent(error):
                return None
            raise

    def _bringing(self, commit: str, branch: str) -> Iterable[Mapping[str, Any]]:  # noqa: ARG002 (others need it)
        """The pull requests that a commit is part of."""
        return self.rest.pages(f"repos/{self.repository}/commits/{commit}/pulls", **{self.paging: str(PER_PAGE)})

    def _approving(self, pull: Mapping[str, Any]) -> set[str]:
        """Those but its author whose last word is an approval of what the pull request holds now.

        One that was closed without being merged was given up, whatever was said of it.
        """
        if pull.get("state") == "closed" and not pull.get("merged"):
            return set()
        head = (pull.get("head") or {}).get("sha")
        path = f"repos/{self.repository}/pulls/{int(pull.get('number', 0))}/reviews"
        last: dict[str, bool] = {}
        for one in self.rest.pages(path, **{self.paging: str(PER_PAGE)}):
            if (state := str(one.get("state", ""))) in _DECIDING:
                kept = not (one.get("dismissed") or one.get("stale"))
                fresh = head is not None and one.get("commit_id") == head and kept
                last[_login(one.get("user"))] = state == "APPROVED" and fresh
        return {user for user, approves in last.items() if approves} - {"", _login(pull.get("user"))}

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
